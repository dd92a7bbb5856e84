"""Opening exported files to see whose image is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.errors import UsageError
from dicomfilter.proof import comparison_sql as sql
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    import duckdb

    from dicomfilter.proof.destinations import Destination
    from dicomfilter.stores.folder.layout import Format

_HEAD_BYTES = 1 << 16
"""How much of a file is read: its UIDs stand near its start."""
_MORE_BYTES = 1 << 24
"""How much more where they do not."""
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
    for name, *uids in chosen:
        found = _uids(f"{destination.uri.rstrip('/')}/{name}")
        if found != tuple(uids):
            values = dict(zip(("study", "series", "instance"), uids, strict=True))
            connection.execute(sql.ANOTHER, {**values, "name": name})
    return len(chosen)


def _uids(uri: str) -> tuple[str, ...] | None:
    """Read whose image is in a file; None where it is no DICOM image."""
    from dicomfilter.dicom.headers.header import NoInstanceError, header_of

    with open_storage(uri).reader(uri) as file:
        data = file.read(_HEAD_BYTES)
        for more in (_MORE_BYTES, 0):
            try:
                found = header_of(data)
            except NoInstanceError:
                data += file.read(more) if more else b""
                continue
            return found.study, found.series, found.instance
    return None
