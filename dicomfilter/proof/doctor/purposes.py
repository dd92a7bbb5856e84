"""What one is about to do, read from the request that is to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dicomfilter.proof.doctor.checks import Purpose
from dicomfilter.stores.requests import ExportToBigQuery, ExportToGcs, ImportFromGcs

if TYPE_CHECKING:
    from dicomfilter.stores.protocol import AnyName
    from dicomfilter.stores.requests import Request

_OTHERS = {
    "deidentify": Purpose.DEIDENTIFY,
    "setBlobStorageSettings": Purpose.SET_STORAGE_CLASS,
}


def aimed(store: AnyName, request: Request, filter_uri: str | None) -> dict[str, Any]:
    """Say to the doctor what a request is about to do.

    Args:
        store: Of whom it is asked.
        request: What is asked.
        filter_uri: Its filter, as it was named.

    Returns:
        What ``doctor`` takes, by name.
    """
    found: dict[str, Any] = {"store": str(store), "filter": filter_uri}
    if isinstance(request, ExportToGcs):
        return {**found, "purpose": Purpose.EXPORT_GCS, "destination": request.uri_prefix}
    if isinstance(request, ExportToBigQuery):
        return {**found, "purpose": Purpose.EXPORT_BQ, "bq_table": request.table}
    if isinstance(request, ImportFromGcs):
        source = request.uri.partition("*")[0].rpartition("/")[0] + "/"
        return {**found, "purpose": Purpose.IMPORT, "destination": source}
    return {**found, "purpose": _OTHERS[request.verb]}
