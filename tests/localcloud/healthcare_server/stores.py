"""DICOM stores, and the files that their instances come from."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import pydicom
from pydicom.errors import InvalidDicomError

from tests.localcloud.healthcare_server.refusals import EXISTS, NOT_FOUND, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Uids = tuple[str, str, str]
"""Study, series and instance."""
STRUCTURED_SIZE_BYTES = 1000
"""What the service would keep of an instance apart from its file; any number does."""


class NotDicomError(ValueError):
    """A file is no DICOM, or says not which instance it is."""


@dataclass(frozen=True)
class Instance:
    """An instance of a store."""

    uids: Uids
    dataset: pydicom.Dataset
    """Without its pixels."""
    content: Path | bytes
    storage_class: str = "STANDARD"
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, content: Path | bytes, storage_class: str = "STANDARD") -> Instance:
        """Read a file.

        Raises:
            NotDicomError: It is none.
        """
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        try:
            dataset = pydicom.dcmread(source, stop_before_pixels=True)
            names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
            study, series, instance = (str(dataset[name].value or "") for name in names)
        except (InvalidDicomError, KeyError, NotImplementedError, EOFError, OSError) as error:
            raise NotDicomError(str(error)) from error
        if not (study and series and instance):
            raise NotDicomError("a UID is empty")
        return cls((study, series, instance), dataset, content, storage_class)

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give it as a file."""
        if isinstance(self.content, Path):
            yield self.content
            return
        with NamedTemporaryFile(suffix=".dcm") as copy:
            copy.write(self.content)
            copy.flush()
            yield Path(copy.name)

    @property
    def size_bytes(self) -> int:
        """How large the file is."""
        content = self.content
        return len(content) if isinstance(content, bytes) else content.stat().st_size


def instances_of(folder: Path) -> list[Instance]:
    """Read all DICOM files below a folder; of two of one instance the first."""
    found: dict[Uids, Instance] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        instance = _read(path, path.stat().st_mtime_ns)
        if instance is not None:
            found.setdefault(instance.uids, instance)
    return list(found.values())


@lru_cache(maxsize=10_000)
def _read(path: Path, _changed_ns: int) -> Instance | None:
    try:
        return Instance.of(path)
    except NotDicomError:
        return None


@dataclass
class Store:
    """A DICOM store."""

    name: str
    instances: dict[Uids, Instance] = field(default_factory=dict)
    removed: list[tuple[Instance, datetime]] = field(default_factory=list)
    """What is no more, and since when: metrics may not have heard of it."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dataset(self) -> str:
        """The name of the dataset that it belongs to."""
        return self.name.partition("/dicomStores/")[0]

    def add(self, instance: Instance) -> bool:
        """Add an instance; one that is there stays, and the answer is False."""
        with self._lock:
            if instance.uids in self.instances:
                return False
            self.instances[instance.uids] = replace(instance, updated=datetime.now(UTC))
            return True

    def remove(self, instance_uid: str) -> None:
        """Remove an instance."""
        with self._lock:
            uids = next(uids for uids in self.instances if uids[2] == instance_uid)
            self.removed.append((self.instances.pop(uids), datetime.now(UTC)))

    def as_of(self, moment: datetime) -> list[Instance]:
        """List what was there at a moment; what came before the store was told of is always."""
        there = [each for each in self.instances.values() if each.updated <= moment]
        return there + [each for each, when in self.removed if each.updated <= moment < when]

    def set_class(self, uids: Uids, storage_class: str) -> None:
        """Set an instance's storage class."""
        with self._lock:
            now = datetime.now(UTC)
            changed = replace(self.instances[uids], storage_class=storage_class, updated=now)
            self.instances[uids] = changed


@dataclass
class Stores:
    """All stores, and the datasets that they imply."""

    by_name: dict[str, Store] = field(default_factory=dict)

    def get(self, name: str) -> Store:
        """Find a store."""
        if name not in self.by_name:
            raise RefusedError(NOT_FOUND, f"DICOM store not found: {name}.")
        return self.by_name[name]

    def create(self, name: str, instances: Iterable[Instance] = ()) -> Store:
        """Make a store."""
        if name in self.by_name:
            raise RefusedError(EXISTS, f"already exists: {name}.")
        store = self.by_name[name] = Store(name)
        for instance in instances:
            store.add(instance)
        return store

    def datasets(self) -> list[str]:
        """Name the datasets."""
        return sorted({store.dataset for store in self.by_name.values()})
