"""Names of folders that are DICOM stores, and of the operations that ran on them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from dicomfilter.errors import SourceNotFoundError, UsageError
from dicomfilter.stores.healthcare.names import STORE_FORM

_OPERATION = re.compile(r"[0-9A-Za-z.-]+")
_OPERATIONS = "/operations/"
_CLOUD = re.compile(r"projects/|[^/]*/locations/|.*/dicomStores/|.*://")


@dataclass(frozen=True, slots=True)
class FolderName:
    """A folder of DICOM files; ``str()`` and ``parse()`` are inverses.

    Args:
        path: Absolute, and without symbolic links.

    Raises:
        UsageError: It cannot be a folder's.
    """

    path: str

    def __post_init__(self) -> None:
        if "\0" in self.path or not os.path.isabs(self.path):  # noqa: PTH117 - names no file yet
            raise UsageError(f"{self.path!r} is not the name of a folder", hint="name a folder")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name as a person gives it, relative or with a tilde.

        >>> FolderName.parse("/").path
        '/'
        """
        return cls(os.path.realpath(Path(text).expanduser())) if "\0" not in text else cls(text)

    @property
    def parent(self) -> FolderName:
        """What its operations belong to: itself."""
        return self

    def check(self) -> None:
        """Make sure that the folder is there.

        Raises:
            SourceNotFoundError: It is not.
            UsageError: It is a file.
        """
        if Path(self.path).is_dir():
            return
        if not os.path.lexists(self.path):
            raise SourceNotFoundError(
                f"there is no folder {self.path}",
                hint=f"make it first, or write {STORE_FORM}",
            )
        raise UsageError(f"{self.path} is a file, not a folder", hint="name the folder it is in")

    def operation(self, name: str) -> str:
        """Name one of its operations in full.

        Args:
            name: Its own name, or the same in full.

        Raises:
            UsageError: It is another store's, or no name.

        >>> FolderName("/images").operation("20261121-7f")
        '/images/operations/20261121-7f'
        """
        parent, separator, number = name.rpartition(_OPERATIONS)
        if (separator and FolderName.parse(parent) != self) or not _OPERATION.fullmatch(number):
            raise UsageError(
                f"{name!r} is not the name of an operation on {self}",
                hint=f"see `dicomfilter operations list --store {self}`",
            )
        return f"{self}{_OPERATIONS}{number}"

    def new_operation(self) -> str:
        """Make the name of an operation that nobody else has; later ones sort behind."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
        return f"{self}{_OPERATIONS}{moment}-{uuid4().hex[:8]}"

    def __str__(self) -> str:
        return self.path


def is_folder(name: str) -> bool:
    """Tell whether a name of a store is that of a folder.

    Args:
        name: As a person gives it.

    Returns:
        True for a path with a separator and for a folder that exists, unless it has the form of
        a store of the Healthcare API.

    >>> is_folder("./scans"), is_folder("projects/p/locations/l/datasets/d/dicomStores/s")
    (True, False)
    """
    if _CLOUD.match(name):
        return False
    return "/" in name or os.sep in name or Path(name).is_dir()


def folder_of_operation(name: str) -> FolderName | None:
    """Tell the folder that an operation ran on; None for one of the Healthcare API.

    >>> folder_of_operation("/images/operations/7")
    FolderName(path='/images')
    """
    parent, separator, _ = name.rpartition(_OPERATIONS)
    return FolderName.parse(parent) if separator and is_folder(parent) else None
