"""What moves instances: export, import, de-identification, storage classes."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dicomfilter.dicom.deid.deidentification import Deidentifier, Rules, deidentify_file
from dicomfilter.dicom.deid.pseudonyms import Pseudonyms
from dicomfilter.errors import SourceError, UsageError
from dicomfilter.stores import media
from dicomfilter.stores.folder import export_formats, patterns, work
from dicomfilter.stores.folder.layout import Format
from dicomfilter.stores.uris import check_wildcards
from tests.localcloud.healthcare_server.filters import choose
from tests.localcloud.healthcare_server.objects import Objects, Place
from tests.localcloud.healthcare_server.operations import (
    ItemFailedError,
    ItemUncountedError,
    Work,
)
from tests.localcloud.healthcare_server.refusals import INVALID, NOT_FOUND, RefusedError
from tests.localcloud.healthcare_server.stores import Instance, NotDicomError
from tests.localcloud.healthcare_server.tables import Form, Table

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from pathlib import Path

    from tests.localcloud.healthcare_server.discovery import Document
    from tests.localcloud.healthcare_server.operations import Item
    from tests.localcloud.healthcare_server.stores import Store, Uids
    from tests.localcloud.healthcare_server.switches import Settings

    Body = dict[str, Any]

_DICOM = "dicom.DicomService"
_KEY = bytes(32)
"""What de-identified UIDs are made under: the same in all runs."""


@dataclass(frozen=True)
class Mover:
    """Plans operations; the plans run later."""

    settings: Settings
    objects: Objects
    bigquery_url: str

    def chosen(self, store: Store, body: Body, one: Callable[[Uids], int | None]) -> list[Item]:
        """List what a filter chooses, as items; without one the whole store."""
        config, assumed = body.get("filterConfig"), self.settings.assumptions
        everything = sorted(store.instances)
        if config is None or self.settings.switches.ignores_filter:
            return [partial(self._tried, one, uids) for uids in everything]
        data = self.objects.read(config.get("resourcePathsGcsUri", ""))
        chosen = choose(data.decode("utf-8", errors="replace"), everything, assumed)
        failed = [partial(_fail, line) for line in chosen.failed]
        return [*failed, *(partial(self._tried, one, uids) for uids in chosen.instances)]

    def _tried(self, one: Callable[[Uids], int | None], uids: Uids) -> int | None:
        """Do an item, unless its instance is to fail."""
        if uids[2] in self.settings.switches.fail_instances:
            _fail(uids[2])
        return one(uids)

    def look(self, body: Body) -> None:
        """Look at the filter before the operation, where that is assumed."""
        assumed, config = self.settings.assumptions, body.get("filterConfig")
        if config is None:
            return
        uri = config.get("resourcePathsGcsUri", "")
        if not Place.parse(uri).name:
            raise RefusedError(INVALID, f"invalid Cloud Storage URI: {uri!r}")
        try:
            self.objects.read(uri)
        except RefusedError as refused:
            at_start = (
                assumed.missing_filter if refused.code == NOT_FOUND else assumed.agent_refused
            )
            if at_start == "start":
                raise

    def export(self, store: Store, body: Body) -> Work:
        """Export to Cloud Storage or BigQuery."""
        kinds = [kind for kind in ("gcsDestination", "bigqueryDestination") if kind in body]
        if len(kinds) != 1:
            raise RefusedError(INVALID, "exactly one destination must be specified")
        self.look(body)
        if kinds == ["gcsDestination"]:
            return self._export_objects(store, body)
        return self._export_rows(store, body)

    def _export_objects(self, store: Store, body: Body) -> Work:
        destination = body["gcsDestination"]
        form = _format(destination.get("mimeType"))
        prefix = Place.parse(destination.get("uriPrefix", ""))
        slash = "/" if self.settings.assumptions.appends_slash else ""
        folder = (
            prefix.name if prefix.name.endswith("/") or not prefix.name else prefix.name + slash
        )
        if self.settings.assumptions.missing_bucket == "start":
            self.objects.demand_bucket(prefix)

        def one(uids: Uids) -> int:
            number = 0
            with store.instances[uids].file() as path:
                try:
                    for made in export_formats.files(path, uids, form):
                        data = b"".join(made.content.pieces())
                        self.objects.write(Place(prefix.bucket, folder + made.name), data)
                        number += 1
                except work.ItemFailedError as error:
                    raise ItemFailedError(str(error)) from error
            return number

        def items() -> list[Item]:
            self.objects.demand_bucket(prefix)
            return self.chosen(store, body, one)

        return Work(f"{_DICOM}.ExportDicomData", "dicom.ExportDicomDataResponse", items)

    def _export_rows(self, store: Store, body: Body) -> Work:
        destination, assumed = body["bigqueryDestination"], self.settings.assumptions
        table = Table.of(self.bigquery_url, destination)
        if table.project != store.name.split("/")[1] and assumed.other_project == "refused":
            words = "The BigQuery dataset must be in the project of the DICOM store."
            raise RefusedError(INVALID, words)
        if "schemaJson" in destination and "schemaFlattened" in destination:
            raise RefusedError(INVALID, "only one schema can be specified")
        captures = "changeDataCaptureConfig" in destination
        if captures and "schemaJson" not in destination:
            raise RefusedError(INVALID, "change data capture needs the JSON schema")
        form = Form(
            is_json="schemaJson" in destination,
            by_keyword=assumed.metadata_keys == "keywords",
            type_of_rows=assumed.type_of_rows,
            source=store.name if destination.get("includeSourceStore") else None,
            keeps_latest=captures,
        )

        def items() -> list[Item]:
            table.demand_dataset()
            return self.chosen(
                store, body, lambda uids: table.add(*form.row(store.instances[uids]))
            )

        response = "dicom.ExportDicomDataResponse"
        return Work(f"{_DICOM}.ExportDicomData_bq", response, items, table.write)

    def import_(self, store: Store, body: Body) -> Work:
        """Import objects from Cloud Storage."""
        uri = body.get("gcsSource", {}).get("uri", "")
        place, assumed = Place.parse(uri), self.settings.assumptions
        fits = _pattern(uri, place.name)
        storage_class = body.get("blobStorageSettings", {}).get("blobStorageClass", "STANDARD")
        if storage_class == "BLOB_STORAGE_CLASS_UNSPECIFIED":
            storage_class = "STANDARD"

        def one(name: str) -> None:
            data = self.objects.read(f"gs://{place.bucket}/{name}")
            try:
                instance = Instance.of(data, storage_class)
            except NotDicomError as error:
                if assumed.not_dicom_import == "fails":
                    raise RefusedError(
                        INVALID, f"gs://{place.bucket}/{name} is not DICOM."
                    ) from error
                raise ItemFailedError(str(error)) from error
            if not store.add(instance):
                if assumed.duplicate_import == "failure":
                    raise ItemFailedError("the instance is there")
                if assumed.duplicate_import == "uncounted":
                    raise ItemUncountedError

        def items() -> list[Item]:
            start = Place(place.bucket, patterns.plain_start(place.name))
            names = [name for name in self.objects.names(start) if fits.fullmatch(name)]
            if not names and assumed.nothing_to_import == "error":
                raise RefusedError(NOT_FOUND, f"No objects match {uri}.")
            return [partial(one, name) for name in names]

        if assumed.missing_bucket == "start":
            self.objects.demand_bucket(place)
        return Work(f"{_DICOM}.ImportDicomData", "dicom.ImportDicomDataResponse", items)

    def set_class(self, store: Store, body: Body, study: str | None) -> Work:
        """Set the storage class of a store's, a filter's or a study's instances."""
        asked = body.get("blobStorageSettings", {}).get("blobStorageClass")
        if asked in (None, "BLOB_STORAGE_CLASS_UNSPECIFIED"):
            raise RefusedError(INVALID, "blob_storage_settings.blob_storage_class is required")
        if study is not None and "filterConfig" in body:
            raise RefusedError(INVALID, "filter_config needs the name of a DICOM store")
        self.look(body)

        def one(uids: Uids) -> None:
            store.set_class(uids, asked)

        def items() -> list[Item]:
            every = self.chosen(store, body, one)
            if study is None:
                return every
            return [partial(one, uids) for uids in sorted(store.instances) if uids[0] == study]

        service = "storageinfo.StorageInfoService.SetBlobStorageSettings"
        return Work(service, "storageinfo.SetBlobStorageSettingsResponse", items)

    def deidentify(self, source: Store, target: Store, body: Body, document: Document) -> Work:
        """Copy instances into another store, without who they are of."""
        if "config" in body and "gcsConfigUri" in body:
            raise RefusedError(INVALID, "only one of config and gcs_config_uri can be specified")
        self.look(body)
        changes = self.settings.assumptions.deidentified_uids == "changed"

        def one(uids: Uids) -> None:
            with source.instances[uids].file() as path:
                target.add(Instance.of(deidentified(path, changes_uids=changes)))

        def items() -> list[Item]:
            if "gcsConfigUri" in body:
                text = self.objects.read(body["gcsConfigUri"])
                try:
                    document.checked("DeidentifyConfig", json.loads(text))
                except ValueError as error:
                    raise RefusedError(INVALID, "The configuration is not JSON.") from error
            return self.chosen(source, body, one)

        response = "deidentify.DeidentifyDicomStoreSummary"
        return Work(f"{_DICOM}.DeidentifyDicomStore", response, items)


def _fail(line: str) -> None:
    raise ItemFailedError(line)


def _format(mime_type: str | None) -> Format:
    """Read a MIME type as a folder's exports do."""
    try:
        return Format.parse(None if mime_type is None else media.mime_type(mime_type))
    except UsageError as error:
        raise RefusedError(INVALID, f"unsupported MIME type: {mime_type!r}") from error


def _pattern(uri: str, name: str) -> re.Pattern[str]:
    """Read the wildcards of an import as a folder's imports do."""
    try:
        check_wildcards(uri, name)
    except UsageError as error:
        raise RefusedError(INVALID, f"unsupported wildcard in {name!r}") from error
    return patterns.pattern(name)


def deidentified(path: Path, *, changes_uids: bool) -> bytes:
    """Make another file of one, of nobody, as a folder's are made."""
    deidentifier = Deidentifier(Pseudonyms(_KEY), Rules(keep_primary_uids=not changes_uids))
    changed = io.BytesIO()
    try:
        deidentify_file(path, deidentifier, changed)
    except SourceError as error:
        raise ItemFailedError(str(error)) from error
    return changed.getvalue()
