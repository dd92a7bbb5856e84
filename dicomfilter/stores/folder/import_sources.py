"""Where imported images come from: files of this machine, or Cloud Storage."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Protocol

from dicomfilter.dicom.headers.walk import OWN_PREFIX
from dicomfilter.errors import DicomFilterError, SourceError, SourceNotFoundError
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.folder.patterns import pattern, plain_start
from dicomfilter.stores.folder.places import is_same
from dicomfilter.stores.folder.work import ItemFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from dicomfilter.storage.gcs.objects import GcsStorage

_PIECE = 1 << 20


class Source(Protocol):
    """Many files, chosen by a pattern."""

    def check(self, store: Path) -> None:
        """Find out what is wrong with it before anything is read.

        Raises:
            SourceError: It is in the store itself.
        """

    def names(self) -> Iterator[str]:
        """List the files that fit, as they are named in a list of failures."""

    def local(self, name: str, scratch: Path) -> AbstractContextManager[Path]:
        """Give one as a file of this machine.

        Args:
            name: As ``names`` gives it.
            scratch: A folder for a copy, which is removed again.

        Raises:
            ItemFailedError: It cannot be had.
        """


def open_source(uri: str) -> Source:
    """Choose the kind of source."""
    return CloudSource(uri) if is_cloud(uri) else FolderSource(uri)


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Files of this machine.

    Args:
        uri: A path or a pattern, absolute.
    """

    uri: str

    @property
    def start(self) -> Path:
        """The folder in which all of them are."""
        return Path(plain_start(self.uri)[: plain_start(self.uri).rfind("/") + 1])

    def check(self, store: Path) -> None:
        """Find out what is wrong with it before anything is read."""
        real = Path(os.path.realpath(self.start))
        if not real.is_dir():
            raise SourceNotFoundError(f"there is no folder {self.start}", hint="check the path")
        if any(is_same(folder, store) for folder in (real, *real.parents)):
            raise SourceError(
                f"{self.uri} is in {store} itself", hint="what lies there is in the store already"
            )

    def names(self) -> Iterator[str]:
        """List the files that fit."""
        fits, start = pattern(self.uri), os.fspath(self.start)
        is_flat = "**" not in self.uri and "*" not in self.uri.rpartition("/")[0]
        for folder, folders, files in os.walk(start):
            folders[:] = sorted(f for f in folders if not f.startswith(OWN_PREFIX))
            if is_flat:
                folders.clear()
            for name in sorted(files):
                path = os.path.join(folder, name)  # noqa: PTH118 - a million times
                if fits.fullmatch(path):
                    yield path

    @contextmanager
    def local(self, name: str, scratch: Path) -> Iterator[Path]:  # noqa: ARG002 - needs no copy
        """Give one as it is."""
        yield Path(name)


@dataclass(frozen=True, slots=True)
class CloudSource:
    """Objects in Cloud Storage.

    Args:
        uri: An object or a pattern.
    """

    uri: str
    storage: GcsStorage = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from dicomfilter.storage.gcs.objects import GcsStorage

        object.__setattr__(self, "storage", GcsStorage())

    def check(self, store: Path) -> None:  # noqa: ARG002 - no folder is in the cloud
        """Find out what is wrong with it before anything is read."""
        self.storage.check_bucket(self.uri, missing=SourceNotFoundError)

    def names(self) -> Iterator[str]:
        """List the objects that fit."""
        from dicomfilter.storage.gcs.listing import listed

        fits = pattern(self.uri)
        for uri in listed(self.storage, plain_start(self.uri)):
            if fits.fullmatch(uri):
                yield uri

    @contextmanager
    def local(self, name: str, scratch: Path) -> Iterator[Path]:
        """Give one as a copy."""
        with tempfile.NamedTemporaryFile(dir=scratch) as copy:
            try:
                with self.storage.reader(name) as file:
                    copyfileobj(file, copy, _PIECE)
            except DicomFilterError as error:
                raise ItemFailedError(error.message) from error
            copy.flush()
            yield Path(copy.name)
