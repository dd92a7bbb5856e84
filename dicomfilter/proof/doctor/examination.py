"""All checks that apply, one after the other; nothing is changed but by a probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.errors import UsageError
from dicomfilter.named import named
from dicomfilter.notebook.asking import store_name
from dicomfilter.proof.doctor.agents import of_agent
from dicomfilter.proof.doctor.checks import Diagnosis, Purpose
from dicomfilter.proof.doctor.filters import of_filter, of_probe
from dicomfilter.proof.doctor.folders import of_destination, of_file_table, of_folder_store
from dicomfilter.proof.doctor.here import of_here
from dicomfilter.proof.doctor.places import of_bucket, of_new_table, of_table
from dicomfilter.proof.doctor.remote import of_store
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.folder.names import FolderName
from dicomfilter.stores.healthcare.grants import bucket_grant, project_grant
from dicomfilter.stores.uris import table_project

if TYPE_CHECKING:
    from os import PathLike

    from dicomfilter.stores.healthcare.grants import Grant
    from dicomfilter.stores.healthcare.names import StoreName

_VERBS = {
    Purpose.BUILD: None,
    Purpose.IMPORT: "import",
    Purpose.DEIDENTIFY: "deidentify",
    Purpose.SET_STORAGE_CLASS: "setBlobStorageSettings",
}


@dataclass(frozen=True, slots=True)
class _Aim:
    """What one is about to do, and with what."""

    purpose: Purpose | None
    filter: str | None
    destination: str | None
    bq_table: str | None

    @property
    def verb(self) -> str | None:
        return "export" if self.purpose is None else _VERBS.get(self.purpose, "export")

    @property
    def is_source(self) -> bool:
        return self.purpose is Purpose.IMPORT

    def grants(self, store: StoreName) -> list[Grant]:
        """The roles that the service agent needs."""
        if self.purpose is Purpose.BUILD:
            return []
        found = []
        if self.destination is not None and is_cloud(self.destination):
            role = "roles/storage.objectViewer" if self.is_source else "roles/storage.objectAdmin"
            found.append(bucket_grant(self.destination, role, store))
        if self.bq_table is not None:
            roles = ("roles/bigquery.dataEditor", "roles/bigquery.jobUser")
            project = table_project(self.bq_table)
            found += [project_grant(project, role, store) for role in roles]
        if self.filter is not None and is_cloud(self.filter) and not self.is_source:
            found.append(bucket_grant(self.filter, "roles/storage.objectViewer", store))
        return found


def doctor(
    table: str | PathLike[str] | None = None,
    store: str | PathLike[str] | None = None,
    destination: str | PathLike[str] | None = None,
    *,
    bq_table: str | None = None,
    filter: str | PathLike[str] | None = None,  # noqa: A002 - the word that everybody uses
    purpose: Purpose | str | None = None,
    probe: bool = False,
    strict: bool = False,
) -> Diagnosis:
    """Look at everything that a build or export needs, and change nothing.

    Args:
        table: The table of metadata; None for none.
        store: The DICOM store or folder; likewise.
        destination: ``gs://bucket/folder/`` or a folder that images are to go to, or come from
            for an import; likewise.
        bq_table: ``bq://project.dataset.table`` that metadata is to go to; likewise.
        filter: The filter file, as the service agent would read it; likewise.
        purpose: What you are about to do, ``export-gcs``; None for an export to what is named.
        probe: Whether one instance of the filter is exported to ``destination``, the only proof
            of what the service agent may; it stays there until you remove it.
        strict: Whether warnings and what cannot be told are taken for failures.

    Returns:
        Each check with what was seen, what is needed and the line to paste.

    Raises:
        UsageError: A name is none.
    """
    try:
        chosen = None if purpose is None else Purpose(purpose)
    except ValueError as error:
        hint = f"write one of {', '.join(Purpose)}"
        raise UsageError(f"{purpose!r} is nothing to be about to do", hint=hint) from error
    aim = _Aim(
        chosen,
        None if filter is None else named(filter),
        None if destination is None else named(destination),
        bq_table,
    )
    name = None if store is None else store_name(store)
    checks = of_here()
    if isinstance(name, FolderName):
        checks += of_folder_store(name.path)
    remote = None if name is None or isinstance(name, FolderName) else name
    edge = None
    if remote is not None:
        from dicomfilter.stores.healthcare.store import HealthcareStore

        edge = HealthcareStore.connect(remote)
        checks += of_store(edge, aim.verb)
    if table is not None:
        uri = named(table)
        checks += of_table(uri) if uri.startswith("bq://") else of_file_table(uri)
    if aim.filter is not None:
        checks += of_filter(aim.filter, is_remote=remote is not None)
    if aim.destination is not None:
        is_bucket = is_cloud(aim.destination)
        checks += (
            of_bucket(aim.destination, is_source=aim.is_source)
            if is_bucket
            else of_destination(aim.destination)
        )
    if bq_table is not None:
        checks += of_new_table(bq_table, remote)
    if edge is not None:
        checks += of_agent(edge, aim.grants(edge.name), bq_table)
    if probe:
        checks += of_probe(remote, aim.filter, aim.destination)
    return Diagnosis(tuple(checks), strict)
