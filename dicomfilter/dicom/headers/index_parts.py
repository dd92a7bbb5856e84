"""What an index has read so far, so that a run that was killed can go on.

Its parts lie beside the output. A part is some hundred files: their rows, the notes on their
values, and last the list of what was looked at. A part without that list does not count.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.dicom.headers.arrow import batch_of
from dicomfilter.dicom.headers.element_columns import Column
from dicomfilter.dicom.headers.elements import Memory
from dicomfilter.dicom.headers.header import NoInstanceError, read_header
from dicomfilter.dicom.headers.reading import identity_row, identity_schema
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.table_rows import Flattener, Row
from dicomfilter.dicom.headers.walk import OWN_PREFIX
from dicomfilter.errors import DestinationError
from dicomfilter.locks import take
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_ROWS, _NOTES, _SEEN = ".rows.arrow", ".notes.arrow", ".seen.arrow"
_OF = "of"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Parts:
    """The folder of an index's parts.

    Args:
        path: Where it is.
        resumed: The numbers of the parts that an earlier run left.
    """

    path: Path
    resumed: tuple[int, ...]

    @classmethod
    @contextmanager
    def beside(cls, output: Path, folder: Path) -> Iterator[Parts]:
        """Take up the parts of an output, or begin anew; at the end they are removed.

        An exception leaves them, for the next run to go on.

        Args:
            output: The table.
            folder: Of which files.

        Raises:
            DestinationError: Another process writes this table.
        """
        path = parts_beside(output)
        path.mkdir(mode=0o700, exist_ok=True)
        with (path / _LOCK).open("ab") as lock:
            if take(lock.fileno()) is False:
                raise DestinationError(
                    f"{output} is being written by another process", hint="wait until it is done"
                )
            of = f"{__version__}\n{folder.resolve()}\n".encode("utf-8", "surrogateescape")
            if not _is_of(path, of):
                for left in path.iterdir():
                    if left.name != _LOCK:
                        left.unlink()
                (path / _OF).write_bytes(of)
            numbers = (int(name.name.partition(".")[0]) for name in path.glob(f"*{_SEEN}"))
            yield cls(path, tuple(sorted(numbers)))
            shutil.rmtree(path, ignore_errors=True)

    @property
    def next(self) -> int:
        """The number of the next part."""
        return self.resumed[-1] + 1 if self.resumed else 0

    def rows(self, number: int) -> pa.Table:
        """Give the rows of a part."""
        return _read(self.path / f"{number:08}{_ROWS}")

    def schema(self, number: int) -> pa.Schema:
        """Give the columns of a part."""
        import pyarrow as pa

        with pa.OSFile(str(self.path / f"{number:08}{_ROWS}"), "rb") as file:
            return pa.ipc.open_file(file).schema

    def notes(self, number: int) -> pa.Table:
        """Give the notes on the values of a part."""
        return _read(self.path / f"{number:08}{_NOTES}")

    def seen(self, number: int) -> pa.Table:
        """Give the files of a part."""
        return _read(self.path / f"{number:08}{_SEEN}")


def parts_beside(output: Path) -> Path:
    """Name the folder of the parts of a table.

    >>> str(parts_beside(Path("out/metadata.parquet")))
    'out/.dicomfilter-metadata.parquet.parts'
    """
    return output.with_name(f"{OWN_PREFIX}-{output.name}.parts")


def make_part(folder: str, path: str, given: tuple[int, pa.RecordBatch]) -> tuple[int, int]:
    """Read files and write what they are.

    Args:
        folder: Where they lie.
        path: The folder of parts.
        given: The number of the part; path, size_bytes and modified_ns of its files.

    Returns:
        The number, and how many files were read.
    """
    import pyarrow as pa

    number, files = given
    flattener, memory = Flattener(), Memory()
    rows: list[Row] = []
    identities: list[dict[str, str | int | None]] = []
    notes: list[dict[str, str]] = []
    positions: list[int | None] = []
    for name in files["path"].to_pylist():
        try:
            header = read_header(f"{folder}/{name}", memory)
            row = flattener.row(header.elements, little=header.little)
        except NoInstanceError as error:
            identities.append({"Reason": error.reason.value, "Detail": error.detail})
            positions.append(None)
            continue
        except Exception as error:  # noqa: BLE001 - whatever is in a file costs no other its place
            identities.append({"Reason": Reason.DAMAGED.value, "Detail": type(error).__name__})
            positions.append(None)
            continue
        positions.append(len(rows))
        rows.append(row)
        identities.append(identity_row(header))
        notes += [
            {
                "path": name,
                "Element": note.element,
                "Reason": note.reason.value,
                "Detail": note.detail,
            }
            for note in flattener.notes
        ]
    read = pa.RecordBatch.from_pylist(identities, identity_schema())
    seen = pa.RecordBatch.from_arrays(
        [
            *files.columns,
            *read.columns,
            pa.array([number] * len(files), pa.int64()),
            pa.array(positions, pa.int64()),
        ],
        [*files.schema.names, *read.schema.names, "part", "position"],
    )
    base = Path(path)
    _write(
        base / f"{number:08}{_ROWS}",
        batch_of(rows, Column("RECORD", fields=flattener.columns).ordered().fields),
    )
    _write(base / f"{number:08}{_NOTES}", pa.RecordBatch.from_pylist(notes, note_schema()))
    _write(base / f"{number:08}{_SEEN}", seen)
    return number, len(files)


def note_schema() -> pa.Schema:
    """Give the columns of notes on values."""
    import pyarrow as pa

    return pa.schema(dict.fromkeys(("path", "Element", "Reason", "Detail"), pa.string()))


def _write(path: Path, batch: pa.RecordBatch) -> None:
    import pyarrow as pa

    unfinished = path.with_suffix(".part")
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with (
        pa.OSFile(os.fspath(unfinished), "wb") as file,
        pa.ipc.new_file(file, batch.schema, options=options) as writer,
    ):
        writer.write_batch(batch)
    unfinished.replace(path)


def _read(path: Path) -> pa.Table:
    import pyarrow as pa

    with pa.OSFile(os.fspath(path), "rb") as file:
        return pa.ipc.open_file(file).read_all()


def _is_of(path: Path, of: bytes) -> bool:
    try:
        return (path / _OF).read_bytes() == of
    except OSError:
        return False
