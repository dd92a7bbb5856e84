"""Where exported images go: another folder, or Cloud Storage."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dicomfilter.errors import (
    DestinationError,
    DicomFilterError,
    RemotePermissionError,
    SourceNotFoundError,
)
from dicomfilter.storage.digest import Digest
from dicomfilter.storage.local.draft import Draft
from dicomfilter.storage.local.refusals import writing
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.folder.copying import refused, write
from dicomfilter.stores.folder.layout import unusable
from dicomfilter.stores.folder.work import ItemFailedError, StoppedError

if TYPE_CHECKING:
    from dicomfilter.storage.gcs.objects import GcsStorage
    from dicomfilter.stores.folder.copying import Content
    from dicomfilter.stores.folder.work import Halt

_DENIED = 7


class Place(Protocol):
    """A destination of many files."""

    def check(self, store: Path) -> None:
        """Find out what is wrong with it before anything is written.

        Args:
            store: The folder that is exported.

        Raises:
            DestinationError: Nothing can be written there, or it would be part of the store.
        """

    def put(self, name: str, content: Content, halt: Halt) -> None:
        """Write a file over another, unless that is equal to it.

        Args:
            name: Relative, with ``/``.
            content: What is written.
            halt: Ends it in the middle.

        Raises:
            ItemFailedError: It could not be written.
            StoppedError: No other could either.
        """


def open_place(uri: str) -> Place:
    """Choose the kind of destination."""
    return CloudPlace(uri) if is_cloud(uri) else FolderPlace(Path(uri))


@dataclass(slots=True)
class FolderPlace:
    """A folder of this machine.

    Args:
        root: It; made where it is not there.
    """

    root: Path
    _known: set[str] = field(default_factory=set, repr=False)
    _real: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._real = os.path.realpath(self.root)

    def check(self, store: Path) -> None:
        """Find out what is wrong with it before anything is written."""
        real = Path(self._real)
        if any(is_same(folder, store) for folder in (real, *real.parents)):
            raise DestinationError(
                f"{self.root} is in {store}, which is exported",
                hint="choose a destination outside of the store",
            )
        if _leads_to(real, store):
            raise DestinationError(
                f"{store}, which is exported, lies below {self.root} as a study does",
                hint="choose another destination",
            )
        if real.exists() and not real.is_dir():
            raise DestinationError(f"{self.root} is a file", hint="name a folder")
        with writing(str(self.root)):
            real.mkdir(parents=True, exist_ok=True)
        self.probe()

    def probe(self) -> None:
        """Find out whether files can be made there.

        Raises:
            DestinationError: They cannot.
        """
        with writing(str(self.root)):
            # Asking for permission is not enough: root has it where nothing can be made.
            Draft(self.root / "x").discard()

    def put(self, name: str, content: Content, halt: Halt) -> None:
        """Write a file over another, unless that is equal to it."""
        folder, _, base = name.rpartition("/")
        write(content, self._folder(folder) / base, overwrite=True, halt=halt)

    def add(self, name: str, content: Content, halt: Halt) -> bool:
        """Write a file unless there is one of that name; see ``put``.

        Returns:
            Whether it was written.
        """
        folder, _, base = name.rpartition("/")
        try:
            return write(content, self._folder(folder) / base, overwrite=False, halt=halt)
        except FileExistsError:
            return False

    def _folder(self, name: str) -> Path:
        """Make a folder below, which no symbolic link leads elsewhere."""
        path = f"{self._real}/{name}"
        if path in self._known:
            return Path(path)
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(error, path) from error
        if os.path.realpath(path) != path:
            raise ItemFailedError(f"{path} was not written: a symbolic link leads it elsewhere")
        self._known.add(path)
        return Path(path)


@dataclass(slots=True)
class CloudPlace:
    """A bucket, or a folder in one.

    Args:
        uri: With or without its last slash.
    """

    uri: str
    _storage: GcsStorage = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from dicomfilter.storage.gcs.objects import GcsStorage

        self._storage = GcsStorage()

    def check(self, store: Path) -> None:  # noqa: ARG002 - no folder is in the cloud
        """Find out what is wrong with it before anything is written."""
        self._storage.check_bucket(self.uri, missing=DestinationError)

    def put(self, name: str, content: Content, halt: Halt) -> None:
        """Write an object over another, unless that is equal to it."""
        uri = f"{self.uri.rstrip('/')}/{name}"
        try:
            if self._is_equal(uri, content):
                return
            with self._storage.writer(uri, overwrite=True) as writer:
                for piece in content.pieces():
                    halt.check()
                    writer.write(piece)
        except RemotePermissionError as error:  # it will be so for the rest
            raise StoppedError(error.message, _DENIED) from error
        except DicomFilterError as error:
            raise ItemFailedError(error.message) from error

    def _is_equal(self, uri: str, content: Content) -> bool:
        try:
            found = self._storage.stat(uri)
        except SourceNotFoundError:
            return False
        if found.size_bytes != content.size_bytes or found.crc32c is None:
            return False
        digest = Digest()
        for piece in content.pieces():
            digest.add(piece)
        return digest.crc32c == found.crc32c


def _leads_to(root: Path, store: Path) -> bool:
    """Tell whether a folder that an export makes may be in the store."""
    inner = store
    for outer in store.parents:
        if is_same(outer, root):
            return unusable((inner.name,)) is None
        inner = outer
    return False


def is_same(folder: Path, other: Path) -> bool:
    """Tell whether two paths are one folder, in whatever case they are written."""
    try:
        return folder.samefile(other)
    except OSError:
        return False
