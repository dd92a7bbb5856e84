"""Lines that name nothing that a table of metadata knows."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from dicomfilter.engines.arrow_bytes import no_rows
from dicomfilter.errors import TableError
from dicomfilter.filters.lines import check_sql
from dicomfilter.filters.lines.findings import MAX_LINES_SHOWN, Finding, Kind

if TYPE_CHECKING:
    import pyarrow as pa

    from dicomfilter.filters.lines.ledger import Ledger


def find_unknown(ledger: Ledger, known: pa.RecordBatchReader | pa.Table) -> Finding | None:
    """Find the lines that name nothing in the metadata.

    Args:
        ledger: Of a file that was read.
        known: Rows of what the table knows: the strings ``study``, ``series`` and, where the
            table goes that far, ``instance``. Repeated rows do no harm. Without ``instance``, a
            line that names an instance is known where its series is.

    Returns:
        The lines, with a note on each of the first whose UID is that of a series but stands where
        a study's should; None where the metadata know every line.

    Raises:
        TableError: A column is missing.
    """
    import pyarrow as pa

    names = set(known.schema.names)
    if lacking := sorted({"study", "series"} - names):
        raise TableError(f"the metadata have no column {' and no column '.join(lacking)}")
    columns = ("study", "series", "instance")
    schema = pa.schema([(column, pa.string()) for column in columns])

    def rows(batch: pa.RecordBatch) -> pa.RecordBatch:
        return pa.record_batch(
            [
                batch.column(name).cast(pa.string())
                if name in names
                else pa.nulls(len(batch), pa.string())
                for name in columns
            ],
            schema=schema,
        )

    batches = known.to_batches() if isinstance(known, pa.Table) else known
    ledger.execute(check_sql.NAMED)
    nothing = no_rows(schema)  # a table may be empty
    ledger.stream("table_rows", chain([nothing], map(rows, batches)), check_sql.KNOWN)
    ledger.execute(check_sql.UNKNOWN, {"instances": "instance" in names})
    count, lines = ledger.row(check_sql.UNKNOWN_LINES, shown=MAX_LINES_SHOWN)
    if not count:
        return None
    misplaced = ledger.execute(check_sql.MISPLACED, {"shown": MAX_LINES_SHOWN})
    notes = tuple(
        f"line {line}: {uid} is a series, of study {study}"
        for line, (uid, study) in misplaced.fetchall()
    )
    return Finding(Kind.NOT_IN_METADATA, count, tuple(lines), notes)
