"""The catalog of a folder: its instances, and where their files are.

For a folder as a DICOM store this is the store's list of instances. Open it, and it is as the
folder is now::

    catalog = Catalog.open(folder)
    catalog.parquet      # one row an instance: query it with DuckDB
    catalog.batches()    # the same rows as Arrow batches
    catalog.errors       # files that are no instances, counted by reason
    catalog.others       # those files: Parquet of path, size_bytes, modified_ns, Reason

The columns are those of ``survey.instance_schema``. ``path`` is relative to the folder, with ``/``;
a file is at ``catalog.folder / path``. Instances are told apart by the UIDs of study, series and
instance: the first file stays, another one is a duplicate, or a conflict where it holds something
else. ``StorageClass`` is what ``set_storage_class`` set, STANDARD before.

It lies in ``FOLDER/.dicomfilter`` or, where that cannot be written, in the user's cache. Opening
looks at names, sizes and times of change, and reads only files that are new or changed. Each of the
two files is replaced at once and is right by itself, so that a process that is killed, or another
that opens the same folder, never leaves a catalog that is wrong; a lock keeps two from writing at
once.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dicomfilter.dicom.headers.reading import identities
from dicomfilter.dicom.headers.survey import Changes, Survey, instance_schema, other_schema, silent
from dicomfilter.errors import SourceError, SourceNotFoundError
from dicomfilter.locks import hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from dicomfilter.dicom.headers.survey import Progress

OWN_FOLDER = ".dicomfilter"
"""The name of our folder in a folder of DICOM files."""
STORAGE_CLASSES = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE")
_INSTANCES = "catalog.parquet"
_OTHERS = "others.parquet"
_LOCK = "lock"
_KEPT = "SELECT * FROM kept ORDER BY path"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The instances of a folder, as of when it was opened.

    Args:
        folder: The folder.
        place: Where the catalog's files are.
        changes: What the opening found new, changed and gone.
        errors: How many files are no instances, by reason (``Reason``).
        instances: How many instances there are.
    """

    folder: Path
    place: Path
    changes: Changes = field(default_factory=Changes)
    errors: dict[str, int] = field(default_factory=dict)
    instances: int = 0

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        workers: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Bring the catalog of a folder up to date, and open it.

        Args:
            folder: A folder of DICOM files.
            progress: Is told the step, files done and files to do.
            workers: Processes that read; by default as many as there are cores, and none for a
                few files.
            now: The clock.

        Returns:
            The catalog.

        Raises:
            SourceNotFoundError: There is no such folder.
            SourceError: It cannot be read, or the catalog can be kept nowhere.
        """
        root = Path(folder)
        if not root.is_dir():
            raise SourceNotFoundError(f"{folder} is no folder", hint="check the path")
        place = place_of(root)
        with _locked(place), Survey(root, moment=now()) as survey:
            changes = _bring_up_to_date(survey, root, place, progress or silent, workers)
            return cls(root, place, changes, survey.errors(), survey.instances())

    @property
    def parquet(self) -> Path:
        """The rows, one an instance, ordered by path; columns as in ``instance_schema``."""
        return self.place / _INSTANCES

    @property
    def others(self) -> Path:
        """The files that are no instances: path, size_bytes, modified_ns, Reason, Detail."""
        return self.place / _OTHERS

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Give the rows in batches.

        Args:
            columns: Which columns; by default all.

        Yields:
            Arrow batches, of some ten thousand rows.
        """
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.parquet) as file:
            yield from file.iter_batches(columns=None if columns is None else list(columns))

    def set_storage_class(
        self,
        storage_class: str,
        chosen: pa.Table | pa.RecordBatchReader,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> int:
        """Record the storage class of instances, and that they were updated.

        Args:
            storage_class: One of ``STORAGE_CLASSES``.
            chosen: The instances, by the columns of their three UIDs; what the catalog does not
                have is passed over.
            now: The clock.

        Returns:
            How many instances were chosen.
        """
        with _locked(self.place), Survey(self.folder, moment=now()) as survey:
            survey.know("known", self.parquet, instance_schema())
            changed = survey.reclassify(storage_class, chosen)
            if changed:
                survey.replace(self.parquet, _KEPT, instance_schema())
            return changed


def _bring_up_to_date(
    survey: Survey, folder: Path, place: Path, progress: Progress, workers: int | None
) -> Changes:
    """Compare a folder with its catalog, read what is new, and replace the catalog."""
    instances, others = place / _INSTANCES, place / _OTHERS
    survey.know("known", instances, instance_schema())
    survey.know("known_others", others, other_schema())
    survey.list_files(progress)
    survey.compare()
    total = survey.left_to_read()
    done = 0
    for batch in identities(folder, survey.to_read(), total=total, workers=workers):
        survey.add("fresh", batch)
        done += batch.num_rows
        progress("read", done, total)
    changes = survey.admit()
    if total or changes.gone or not instances.exists() or survey.others_differ():
        # A file in neither is read again, a stale line in either is found out by size and time:
        # whatever happens between the two, the catalog is right.
        survey.replace(others, "SELECT * FROM others ORDER BY path", other_schema())
        survey.replace(instances, _KEPT, instance_schema())
    return changes


def place_of(folder: Path) -> Path:
    """Find where the catalog of a folder is kept, and make that place.

    Raises:
        SourceError: There is none.
    """
    own, kept = _places(folder)
    for place in (own, kept):
        if _usable(place):
            return place
    raise SourceError(
        f"neither {own} nor {kept} can be written, and the catalog of the folder has to be kept",
        hint="name a folder that you can write to in XDG_CACHE_HOME",
    )


def _places(folder: Path) -> tuple[Path, Path]:
    """Name the places of a catalog: in the folder, and in the user's cache."""
    real = os.fsencode(folder.resolve())
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    kept = cache / "dicomfilter" / "catalogs" / hashlib.sha256(real).hexdigest()[:32]
    return folder / OWN_FOLDER, kept


def catalog_of(folder: Path) -> Path | None:
    """Find the rows of the catalog of a folder, as they are; None where it has none."""
    for place in _places(folder):
        if (place / _INSTANCES).is_file():
            return place / _INSTANCES
    return None


def _usable(place: Path) -> bool:
    """Make a folder, and tell whether files can be made in it."""
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Asking for permission is not enough: root has it where nothing can be made.
        with (place / _LOCK).open("ab"):
            return True
    except OSError:
        return False


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Wait until no other process writes here, where the system can tell."""
    with (place / _LOCK).open("ab") as file:
        hold(file.fileno())
        # What a process that was killed left unfinished is nobody's now.
        for left in place.glob("*.part"):
            left.unlink(missing_ok=True)
        yield
