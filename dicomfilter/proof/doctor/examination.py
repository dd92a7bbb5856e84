"""All checks that apply, one after the other; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.named import named
from dicomfilter.notebook.asking import store_name
from dicomfilter.proof.doctor.checks import Diagnosis
from dicomfilter.proof.doctor.folders import of_destination, of_file_table, of_folder_store
from dicomfilter.proof.doctor.here import of_here
from dicomfilter.proof.doctor.places import of_bucket, of_table
from dicomfilter.proof.doctor.remote import of_store
from dicomfilter.stores.folder.names import FolderName

if TYPE_CHECKING:
    from os import PathLike


def doctor(
    table: str | PathLike[str] | None = None,
    store: str | PathLike[str] | None = None,
    destination: str | PathLike[str] | None = None,
    *,
    strict: bool = False,
) -> Diagnosis:
    """Look at everything that a build or export needs, and change nothing.

    Args:
        table: The table of metadata; None for none.
        store: The DICOM store or folder; likewise.
        destination: ``gs://bucket/folder/`` or a folder that images are to go to; likewise.
        strict: Whether warnings and what cannot be told are taken for failures.

    Returns:
        Each check with what was seen, what is needed and the line to paste.

    Raises:
        UsageError: A name is none.
    """
    checks = of_here()
    edge = None
    if store is not None:
        name = store_name(store)
        if isinstance(name, FolderName):
            checks += of_folder_store(name.path)
        else:
            from dicomfilter.stores.healthcare.store import HealthcareStore

            edge = HealthcareStore.connect(name)
            checks += of_store(edge)
    if table is not None:
        uri = named(table)
        checks += of_table(uri) if uri.startswith("bq://") else of_file_table(uri)
    if destination is not None:
        place = named(destination)
        checks += of_bucket(place, edge) if place.startswith("gs://") else of_destination(place)
    return Diagnosis(tuple(checks), strict)
