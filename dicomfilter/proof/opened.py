"""Opening exported files to see whose image is in them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.dicom.headers.byte_windows import RangedBytes
from dicomfilter.dicom.headers.header import NoInstanceError, header_at, read_header
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.errors import SourceError, UsageError
from dicomfilter.proof import comparison_sql as sql
from dicomfilter.storage.gcs.objects import GcsStorage
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    import duckdb

    from dicomfilter.proof.destinations import Destination
    from dicomfilter.stores.folder.layout import Format

_NAMES = """
SELECT name, study, series, instance FROM files
WHERE size_bytes > 0 AND key IN (SELECT key FROM expected)
ORDER BY key LIMIT $limit
"""


def read_some(
    connection: duckdb.DuckDBPyConnection,
    destination: Destination,
    form: Format,
    most: int | None,
) -> int:
    """Open files that were asked for, and note those that hold another image.

    Args:
        connection: Has the tables of the comparison.
        destination: Where the files are.
        form: In which form.
        most: How many are opened, chosen as if by lot; None for all.

    Returns:
        How many were opened.

    Raises:
        UsageError: There are no files, or these hold no UIDs.
        SourceError: One cannot be read.
        RemoteError: Likewise.
    """
    if destination.is_table or not form.is_dicom:
        raise UsageError(
            f"--read opens DICOM files, and {destination.uri} has none of them",
            hint="leave --read out",
        )
    values = {"limit": 1 << 62 if most is None else most}
    chosen = connection.execute(_NAMES, values).fetchall()
    look = partial(_uids_there, GcsStorage()) if is_cloud(destination.uri) else _uids_here
    for name, *uids in chosen:
        found = look(f"{destination.uri.rstrip('/')}/{name}")
        if found != tuple(uids):
            values = dict(zip(("study", "series", "instance"), uids, strict=True))
            connection.execute(sql.ANOTHER, {**values, "name": name})
    return len(chosen)


def _uids_here(path: str) -> tuple[str, str, str] | None:
    """Read whose image is in a file; None where it is no DICOM image."""
    try:
        found = read_header(path)
    except NoInstanceError as error:
        if error.reason is Reason.UNREADABLE:
            raise SourceError(f"{path} cannot be read", hint="check who may read it") from error
        return None
    return found.study, found.series, found.instance


def _uids_there(storage: GcsStorage, uri: str) -> tuple[str, str, str] | None:
    """Read whose image is in an object, of which its pixels are not fetched."""
    try:
        found = header_at(RangedBytes(*storage.parts(uri)))
    except NoInstanceError:
        return None
    return found.study, found.series, found.instance
