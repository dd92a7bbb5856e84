"""What a folder can be asked to do, like a store of the cloud, with local places."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import UsageError
from dicomfilter.named import named
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.folder.names import FolderName, is_folder
from dicomfilter.stores.media import mime_type
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToBigQuery,
    ExportToGcs,
    ImportFromGcs,
    Kinds,
    SetStorageClass,
    StorageClass,
    TableForm,
)
from dicomfilter.stores.uris import check_pattern, check_prefix, check_wildcards

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from dicomfilter.stores.requests import Request

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_DATABASE = re.compile(r"(?P<path>.+\.(?:duckdb|db|ddb))(?:(?:::|#)(?P<table>\w+))?", re.IGNORECASE)
_TABLE = "metadata"
_DATES = ("remove", "keep", "shift")


@dataclass(frozen=True, slots=True)
class ExportToFolder(ExportToGcs):
    """Copy images to another folder, or to Cloud Storage; see ``ExportToGcs``."""

    def __post_init__(self) -> None:
        if is_cloud(self.uri_prefix):
            check_prefix(self.uri_prefix)
        else:
            object.__setattr__(self, "uri_prefix", _path(self.uri_prefix, "a folder or gs://"))
        if self.mime_type is not None:
            object.__setattr__(self, "mime_type", mime_type(self.mime_type))


@dataclass(frozen=True, slots=True)
class ExportToTable(ExportToBigQuery):
    """Write metadata to a Parquet file or a DuckDB table; see ``ExportToBigQuery``."""

    def __post_init__(self) -> None:
        table = _path(self.table, "FILE.parquet or FILE.duckdb::TABLE")
        if not table.lower().endswith(".parquet") and not _DATABASE.fullmatch(table):
            raise UsageError(
                f"{self.table} is no table that a folder's metadata can be written to",
                hint="write FILE.parquet or FILE.duckdb::TABLE",
            )
        if self.form is TableForm.JSON:
            raise UsageError(
                "a folder's metadata have a column for each tag, and no JSON",
                hint="drop --schema, or write --schema flattened",
            )
        object.__setattr__(self, "table", table)

    @property
    def is_parquet(self) -> bool:
        """Whether the table is a Parquet file, not a table of a DuckDB file."""
        return self.table.lower().endswith(".parquet")

    @property
    def file(self) -> str:
        """The file that the table is in."""
        found = _DATABASE.fullmatch(self.table)
        return found["path"] if found and not self.is_parquet else self.table

    @property
    def name_in_file(self) -> str:
        """The table's name in a DuckDB file.

        >>> ExportToTable("/x/store.duckdb").name_in_file
        'metadata'
        """
        found = _DATABASE.fullmatch(self.table)
        return (found["table"] if found else None) or _TABLE


@dataclass(frozen=True, slots=True)
class ImportFromFolder(ImportFromGcs):
    """Take images from other folders or Cloud Storage; see ``ImportFromGcs``."""

    def __post_init__(self) -> None:
        if is_cloud(self.uri):
            check_pattern(self.uri)
            return
        uri = _path(self.uri, "a path, a pattern or gs://")
        check_wildcards(self.uri, uri)
        if Path(uri).is_dir():
            raise UsageError(
                f"{self.uri} is a folder, and files are needed",
                hint=f"write {self.uri.rstrip('/')}/** for all below it",
            )
        object.__setattr__(self, "uri", uri)


@dataclass(frozen=True, slots=True)
class RecordStorageClass(SetStorageClass):
    """Note in the catalog what images are stored as; see ``SetStorageClass``."""

    def __post_init__(self) -> None:
        """A folder's filter may lie anywhere."""


@dataclass(frozen=True, slots=True)
class DeidentifyToFolder(Deidentify):
    """Write de-identified copies into another folder; see ``Deidentify``."""

    def __post_init__(self) -> None:
        if self.gcs_config_uri is not None:
            raise UsageError(
                "a folder's configuration is not read from Cloud Storage",
                hint="name a file with --config",
            )
        if self.dates not in _DATES:
            raise UsageError(
                f"{self.dates!r} is nothing that is done with dates",
                hint=f"write one of {', '.join(_DATES)}",
            )

    def body(self) -> dict[str, Any]:
        """The body of the call, with the options that the service does not have."""
        body = super(DeidentifyToFolder, self).body()
        if self.dates != "remove":
            body["dates"] = self.dates
        if self.retain_uids:
            body["retainUids"] = True
        return body


KINDS = Kinds(
    ExportToFolder, ExportToTable, ImportFromFolder, RecordStorageClass, DeidentifyToFolder
)
"""The requests that a folder takes."""


def _path(place: str | PathLike[str], wanted: str) -> str:
    """Give a path in full, so that it means the same wherever it is read again.

    Raises:
        UsageError: The text is none.
    """
    text = named(place)
    if not text or "\0" in text or _SCHEME.match(text) or text.startswith("projects/"):
        raise UsageError(f"{text!r} is not on this machine", hint=f"name {wanted}")
    return os.path.abspath(Path(text).expanduser())  # noqa: PTH100 - a link is looked at later


def recalled(verb: str, place: str, filter_uri: str | None) -> Request | None:
    """Make a request again from what is remembered; see ``stores.requests.recalled``."""
    makers: dict[str, Callable[[], Request]] = {
        "export": lambda: (
            ExportToTable(place, filter_uri=filter_uri)
            if not is_cloud(place) and _is_table(place)
            else ExportToFolder(place, filter_uri=filter_uri)
        ),
        "import": lambda: ImportFromFolder(place),
        "setBlobStorageSettings": lambda: RecordStorageClass(StorageClass(place), filter_uri),
        "deidentify": lambda: DeidentifyToFolder(FolderName.parse(place), filter_uri=filter_uri),
    }
    try:
        return makers[verb]()
    except (KeyError, ValueError):
        return None


def _is_table(place: str) -> bool:
    return place.lower().endswith(".parquet") or _DATABASE.fullmatch(place) is not None


def beside_folder(store: FolderName, other: str | FolderName) -> FolderName:
    """Name a folder that works together with another.

    Args:
        store: The one.
        other: The other.

    Raises:
        UsageError: They are the same, or overlap, or the other is no folder.
    """
    if isinstance(other, str):
        if not is_folder(other) and ("://" in other or other.startswith("projects/")):
            raise UsageError(
                f"{other} is not on this machine, where {store} is", hint="name a folder"
            )
        other = FolderName.parse(other)
    if other == store:
        raise UsageError(f"{store} is the source itself", hint="name another destination store")
    both = (Path(store.path), Path(other.path))
    if both[0].is_relative_to(both[1]) or both[1].is_relative_to(both[0]):
        raise UsageError(
            f"one of {other} and {store} is in the other",
            hint="name another destination store",
        )
    return other
