"""What a DICOM store can be asked to do: values that become bodies of calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from dicomfilter.errors import UsageError
from dicomfilter.named import Choice
from dicomfilter.stores.healthcare.grants import Grant, bucket_grant, project_grant
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.media import DICOM, mime_type
from dicomfilter.stores.uris import (
    check_object,
    check_pattern,
    check_prefix,
    table_project,
    table_uri,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dicomfilter.stores.folder.names import FolderName


class WriteDisposition(Choice):
    """What becomes of a table that is there, spelled as gcloud spells it.

    Source:
        Cloud Healthcare API documentation, "Exporting DICOM metadata to BigQuery".
    """

    WRITE_EMPTY = "write-empty"
    """Only a table that does not exist or is empty is written."""
    WRITE_TRUNCATE = "write-truncate"
    """What it holds is removed first."""
    WRITE_APPEND = "write-append"
    """Rows are added."""


class TableForm(Choice):
    """The columns of an exported table."""

    FLATTENED = "flattened"
    """A column for each tag that occurs."""
    JSON = "json"
    """All tags in one JSON column."""


class StorageClass(Choice):
    """What storing costs against what reading costs."""

    STANDARD = "STANDARD"
    NEARLINE = "NEARLINE"
    COLDLINE = "COLDLINE"
    ARCHIVE = "ARCHIVE"


class Request(Protocol):
    """Something that a store is asked to do, checked when it is made."""

    @property
    def verb(self) -> str:
        """The method of ``dicomStores`` that does it."""

    @property
    def api_method(self) -> str:
        """The last word of ``apiMethodName`` in its operation, or the start of that."""

    @property
    def filter_uri(self) -> str | None:
        """The filter file; None for the whole store."""

    @property
    def place(self) -> str:
        """What is written, or read by an import, as the user names it."""

    def body(self) -> dict[str, Any]:
        """The body of the call."""

    def grants(self, store: StoreName) -> tuple[Grant, ...]:
        """The roles that the store's service agent needs for it."""


@dataclass(frozen=True, slots=True)
class ExportToGcs:
    """Copy images to Cloud Storage.

    Args:
        uri_prefix: Where, ``gs://bucket/folder/``.
        mime_type: In which format; None as they are stored.
        filter_uri: Which, a filter file in Cloud Storage; None for all.

    Raises:
        UsageError: One of them cannot be.
    """

    verb: ClassVar[str] = "export"
    api_method: ClassVar[str] = "ExportDicomData"

    uri_prefix: str
    mime_type: str | None = None
    filter_uri: str | None = None

    def __post_init__(self) -> None:
        check_prefix(self.uri_prefix)
        if self.mime_type is not None:
            object.__setattr__(self, "mime_type", mime_type(self.mime_type))
        _check_filter(self.filter_uri)

    @property
    def place(self) -> str:
        """Where images go."""
        return self.uri_prefix

    @property
    def is_in_frames(self) -> bool:
        """Whether each frame of an image is exported by itself."""
        return not (self.mime_type or DICOM).startswith(DICOM)

    def body(self) -> dict[str, Any]:
        """The body of the call."""
        destination = {"uriPrefix": self.uri_prefix}
        if self.mime_type is not None:
            destination["mimeType"] = self.mime_type
        return {"gcsDestination": destination, **_filter(self.filter_uri)}

    def grants(self, store: StoreName) -> tuple[Grant, ...]:
        """The roles that the service agent needs."""
        written = bucket_grant(self.uri_prefix, "roles/storage.objectAdmin", store)
        return (written, *_filter_grant(self.filter_uri, store))


@dataclass(frozen=True, slots=True)
class ExportToBigQuery:
    """Write metadata to a BigQuery table.

    Args:
        table: The table, ``bq://project.dataset.table``; its project may be another.
        write_disposition: What becomes of rows that are there.
        form: The columns; None for what the service does by itself (flattened).
        include_source_store: Whether a column names the store.
        filter_uri: Which, a filter file in Cloud Storage; None for all.

    Raises:
        UsageError: One of them cannot be.
    """

    verb: ClassVar[str] = "export"
    api_method: ClassVar[str] = "ExportDicomData"

    table: str
    write_disposition: WriteDisposition = WriteDisposition.WRITE_EMPTY
    form: TableForm | None = None
    include_source_store: bool = False
    filter_uri: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", table_uri(self.table))
        _check_filter(self.filter_uri)

    @property
    def place(self) -> str:
        """Where rows go."""
        return self.table

    def body(self) -> dict[str, Any]:
        """The body of the call; ``force`` is never in it, since it says less."""
        destination: dict[str, Any] = {
            "tableUri": self.table,
            "writeDisposition": self.write_disposition.name,
        }
        if self.form is not None:
            destination["schemaJson" if self.form is TableForm.JSON else "schemaFlattened"] = {}
        if self.include_source_store:
            destination["includeSourceStore"] = True
        return {"bigqueryDestination": destination, **_filter(self.filter_uri)}

    def grants(self, store: StoreName) -> tuple[Grant, ...]:
        """The roles that the service agent needs, in the table's project."""
        project = table_project(self.table)
        roles = ("roles/bigquery.dataEditor", "roles/bigquery.jobUser")
        return (
            *(project_grant(project, role, store) for role in roles),
            *_filter_grant(self.filter_uri, store),
        )


@dataclass(frozen=True, slots=True)
class ImportFromGcs:
    """Take images from Cloud Storage; instances that are there stay as they are.

    Args:
        uri: Which, an object or a pattern: ``gs://bucket/folder/**.dcm``.
        storage_class: What they are stored as; None for the store's own.

    Raises:
        UsageError: One of them cannot be.
    """

    verb: ClassVar[str] = "import"
    api_method: ClassVar[str] = "ImportDicomData"
    filter_uri: ClassVar[None] = None

    uri: str
    storage_class: StorageClass | None = None

    def __post_init__(self) -> None:
        check_pattern(self.uri)

    @property
    def place(self) -> str:
        """Where images come from."""
        return self.uri

    def body(self) -> dict[str, Any]:
        """The body of the call."""
        return {"gcsSource": {"uri": self.uri}, **_class(self.storage_class)}

    def grants(self, store: StoreName) -> tuple[Grant, ...]:
        """The roles that the service agent needs."""
        return (bucket_grant(self.uri, "roles/storage.objectViewer", store),)


@dataclass(frozen=True, slots=True)
class SetStorageClass:
    """Change what images are stored as.

    Args:
        storage_class: To what.
        filter_uri: Which, a filter file in Cloud Storage; None for all.

    Raises:
        UsageError: One of them cannot be.
    """

    verb: ClassVar[str] = "setBlobStorageSettings"
    api_method: ClassVar[str] = "SetBlobStorageSettings"

    storage_class: StorageClass
    filter_uri: str | None = None

    def __post_init__(self) -> None:
        _check_filter(self.filter_uri)

    @property
    def place(self) -> str:
        """The new storage class."""
        return str(self.storage_class)

    def body(self) -> dict[str, Any]:
        """The body of the call."""
        return {**_class(self.storage_class), **_filter(self.filter_uri)}

    def grants(self, store: StoreName) -> tuple[Grant, ...]:
        """The roles that the service agent needs."""
        return _filter_grant(self.filter_uri, store)


_RETAINING_UIDS: Final = {
    "dicom": {
        "filterProfile": "ATTRIBUTE_CONFIDENTIALITY_BASIC_PROFILE",
        "skipIdRedaction": True,
    }
}
"""The basic profile but for UIDs, as both versions of the API spell it."""


@dataclass(frozen=True, slots=True)
class Deidentify:
    """Write de-identified copies into another DICOM store of the same location.

    Args:
        destination: That store.
        config: How, a ``DeidentifyConfig`` as JSON; None for the service's default profile.
        gcs_config_uri: The same in Cloud Storage; at most one of the two.
        filter_uri: Which, a filter file in Cloud Storage; None for all.
        dates: What becomes of dates, ``remove`` by the profile; the service keeps none.
        retain_uids: Whether the UIDs of studies, series and instances stay.

    Raises:
        UsageError: One of them cannot be.

    Source:
        DICOM PS3.15, E.3.6 (dates) and E.3.9 (UIDs), for the last two.
    """

    verb: ClassVar[str] = "deidentify"
    api_method: ClassVar[str] = "Deidentify"

    destination: StoreName | FolderName
    config: Mapping[str, Any] | None = None
    gcs_config_uri: str | None = None
    filter_uri: str | None = None
    dates: str = "remove"
    retain_uids: bool = False

    def __post_init__(self) -> None:
        if self.config is not None and self.gcs_config_uri is not None:
            raise UsageError("a configuration is given twice", hint="drop one of the two")
        if self.dates != "remove":
            raise UsageError(
                "the Healthcare API has no option that keeps or shifts the dates of tags",
                hint="write a DeidentifyConfig, and name it with --config",
            )
        if self.retain_uids:
            if self.config not in (None, _RETAINING_UIDS) or self.gcs_config_uri is not None:
                raise UsageError(
                    "--retain-uids and a configuration exclude each other",
                    hint="drop --retain-uids, and write what stays into the configuration",
                )
            object.__setattr__(self, "config", _RETAINING_UIDS)
        if self.gcs_config_uri is not None:
            check_object(self.gcs_config_uri)
        _check_filter(self.filter_uri)

    @property
    def place(self) -> str:
        """Where copies go."""
        return str(self.destination)

    def body(self) -> dict[str, Any]:
        """The body of the call."""
        body: dict[str, Any] = {"destinationStore": str(self.destination)}
        if self.config is not None:
            body["config"] = dict(self.config)
        if self.gcs_config_uri is not None:
            body["gcsConfigUri"] = self.gcs_config_uri
        return {**body, **_filter(self.filter_uri)}

    def grants(self, store: StoreName) -> tuple[Grant, ...]:
        """The roles that the service agent needs."""
        config = self.gcs_config_uri
        read = (bucket_grant(config, "roles/storage.objectViewer", store),) if config else ()
        return (*read, *_filter_grant(self.filter_uri, store))


@dataclass(frozen=True, slots=True)
class Kinds:
    """The requests that one kind of store takes."""

    export_to_gcs: type[ExportToGcs]
    export_to_bigquery: type[ExportToBigQuery]
    import_from_gcs: type[ImportFromGcs]
    set_storage_class: type[SetStorageClass]
    deidentify: type[Deidentify]


KINDS = Kinds(ExportToGcs, ExportToBigQuery, ImportFromGcs, SetStorageClass, Deidentify)
"""The requests that a store of the Healthcare API takes."""


_NARROWED = (ExportToGcs, ExportToBigQuery, SetStorageClass, Deidentify)


def takes_filter(request: Request) -> bool:
    """Tell whether a filter can narrow what is asked; an import takes none."""
    return isinstance(request, _NARROWED)


def narrowed(request: Request, uri: str | None) -> Request:
    """Put a filter into a request; an import takes none."""
    return replace(request, filter_uri=uri) if isinstance(request, _NARROWED) else request


def _check_filter(uri: str | None) -> None:
    if uri is not None:
        check_object(uri)


def _filter(uri: str | None) -> dict[str, Any]:
    return {"filterConfig": {"resourcePathsGcsUri": uri}} if uri is not None else {}


def _class(storage_class: StorageClass | None) -> dict[str, Any]:
    if storage_class is None:
        return {}
    return {"blobStorageSettings": {"blobStorageClass": storage_class.value}}


def _filter_grant(uri: str | None, store: StoreName) -> tuple[Grant, ...]:
    return (bucket_grant(uri, "roles/storage.objectViewer", store),) if uri is not None else ()


def recalled(
    verb: str, place: str, filter_uri: str | None, mime_type: str | None = None
) -> Request | None:
    """Make a request again from what is remembered, to say what it needs.

    Args:
        verb: Its method.
        place: What it writes, or reads.
        filter_uri: Its filter.
        mime_type: The format of exported images.

    Returns:
        None where the words make no request.
    """
    makers: dict[str, Callable[[], Request]] = {
        "export": lambda: (
            ExportToBigQuery(place, filter_uri=filter_uri)
            if place.startswith("bq://")
            else ExportToGcs(place, mime_type, filter_uri)
        ),
        "import": lambda: ImportFromGcs(place),
        "setBlobStorageSettings": lambda: SetStorageClass(StorageClass(place), filter_uri),
        "deidentify": lambda: Deidentify(StoreName.parse(place), filter_uri=filter_uri),
    }
    try:
        return makers[verb]()
    except (KeyError, ValueError):
        return None
