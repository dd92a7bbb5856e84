"""Names of DICOM stores and operations, in the spellings people use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from dicomfilter.errors import UsageError

_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?")
_LOCATION = re.compile(r"[a-z0-9-]+")
_ID = re.compile(r"[\w.-]{1,256}")
_OPERATION = re.compile(r"[\w.~-]+")
_DATASET = re.compile(r"projects/([^/]+)/locations/([^/]+)/datasets/([^/]+)")
STORE_FORM = "projects/PROJECT/locations/LOCATION/datasets/DATASET/dicomStores/STORE"
"""How a store is named in full."""
_OPERATION_FORM = "projects/PROJECT/locations/LOCATION/datasets/DATASET/operations/ID"


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A dataset of the Healthcare API; ``str()`` and ``parse()`` are inverses.

    Args:
        project: Its project, by ID or number.
        location: Where it is, such as ``europe-west4``.
        dataset: Its own name.

    Raises:
        UsageError: A part is missing or cannot be one.
    """

    project: str
    location: str
    dataset: str

    def __post_init__(self) -> None:
        _check("a project", _PROJECT, self.project)
        _check("a location", _LOCATION, self.location)
        _check("a dataset", _ID, self.dataset)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a full name.

        >>> str(DatasetName.parse("projects/p/locations/l/datasets/d"))
        'projects/p/locations/l/datasets/d'
        """
        found = _DATASET.fullmatch(text)
        if found is None:
            raise UsageError(
                f"{text!r} is not the name of a Healthcare dataset",
                hint="write projects/PROJECT/locations/LOCATION/datasets/DATASET",
            )
        return cls(*found.groups())

    @classmethod
    def of(cls, dataset: str | None, *, location: str | None, project: str | None) -> Self:
        """Put a name together from gcloud's flags.

        Args:
            dataset: The dataset, by its own name or in full.
            location: Its location; needed where the name is not in full.
            project: Its project; likewise.

        Raises:
            UsageError: A part is missing, or contradicts the name.
        """
        if dataset is not None and "/" in dataset:
            name = cls.parse(dataset)
            _agree(dataset, location=(location, name.location), project=(project, name.project))
            return name
        parts = {"--dataset": dataset, "--location": location, "--project": project}
        missing = [flag for flag, part in parts.items() if not part]
        if missing:
            raise UsageError(
                f"the store's name is not in full, and {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing",
                hint=f"add {' and '.join(missing)}, or write {STORE_FORM}",
            )
        return cls(project or "", location or "", dataset or "")

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.location}/datasets/{self.dataset}"


@dataclass(frozen=True, slots=True)
class StoreName:
    """A DICOM store of the Healthcare API; ``str()`` and ``parse()`` are inverses.

    Args:
        parent: The dataset it is in.
        store: Its own name.

    Raises:
        UsageError: A part is missing or cannot be one.
    """

    parent: DatasetName
    store: str

    def __post_init__(self) -> None:
        _check("a DICOM store", _ID, self.store)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a full name.

        Raises:
            UsageError: The text is no such name.

        >>> StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s").store
        's'
        """
        parent, separator, store = text.partition("/dicomStores/")
        if not separator or not _DATASET.fullmatch(parent) or "/" in store:
            raise UsageError(
                f"{text!r} is not the name of a DICOM store", hint=f"write {STORE_FORM}"
            )
        return cls(DatasetName.parse(parent), store)

    @classmethod
    def of(
        cls,
        name: str,
        *,
        dataset: str | None = None,
        location: str | None = None,
        project: str | None = None,
    ) -> Self:
        """Read a name in full, or a store's own name beside gcloud's flags.

        Args:
            name: The store, in full or by its own name.
            dataset: Its dataset, by its own name or in full.
            location: Its location.
            project: Its project.

        Raises:
            UsageError: A part is missing or malformed, or contradicts the name.

        >>> str(StoreName.of("s", dataset="d", location="l", project="p"))
        'projects/p/locations/l/datasets/d/dicomStores/s'
        """
        if "/" not in name:
            return cls(DatasetName.of(dataset, location=location, project=project), name)
        full = cls.parse(name)
        own = full.parent
        _agree(
            name,
            dataset=(dataset, str(own) if dataset and "/" in dataset else own.dataset),
            location=(location, own.location),
            project=(project, own.project),
        )
        return full

    @property
    def project(self) -> str:
        """The project it is in."""
        return self.parent.project

    def operation(self, name: str) -> str:
        """Name an operation of its dataset in full.

        Raises:
            UsageError: It is none.
        """
        return str(OperationName.of(name, parent=self.parent))

    def __str__(self) -> str:
        return f"{self.parent}/dicomStores/{self.store}"


@dataclass(frozen=True, slots=True)
class OperationName:
    """A long-running operation; ``str()`` and ``parse()`` are inverses.

    Args:
        parent: The dataset it works in; operations belong to no store.
        operation: Its number.

    Raises:
        UsageError: A part is missing or cannot be one.
    """

    parent: DatasetName
    operation: str

    def __post_init__(self) -> None:
        _check("an operation", _OPERATION, self.operation)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a full name.

        Raises:
            UsageError: The text is no such name.

        >>> OperationName.parse("projects/p/locations/l/datasets/d/operations/7").operation
        '7'
        """
        parent, separator, number = text.partition("/operations/")
        if not separator or not _DATASET.fullmatch(parent) or "/" in number:
            raise UsageError(
                f"{text!r} is not the name of an operation",
                hint=f"write {_OPERATION_FORM}, or its last part and --store",
            )
        return cls(DatasetName.parse(parent), number)

    @classmethod
    def of(cls, name: str, *, parent: DatasetName | None = None) -> Self:
        """Read a name in full, or an operation's number in a dataset that is known."""
        if "/" in name or parent is None:
            return cls.parse(name)
        return cls(parent, name)

    def __str__(self) -> str:
        return f"{self.parent}/operations/{self.operation}"


def _check(kind: str, pattern: re.Pattern[str], text: str) -> None:
    if not pattern.fullmatch(text):
        raise UsageError(f"{text!r} is not the name of {kind}", hint=f"write {STORE_FORM}")


def _agree(name: str, **pairs: tuple[str | None, str]) -> None:
    """Make sure that flags say what the name says.

    Raises:
        UsageError: One says something else.
    """
    for flag, (given, own) in pairs.items():
        if given is not None and given != own:
            raise UsageError(
                f"--{flag} {given} contradicts {name}", hint=f"drop --{flag}: the name is in full"
            )
