"""The rows of a query: read as they come, or shown."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import UsageError
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import pyarrow as pa

_LEFT = "style='text-align:left'"
_SHOWN_ROWS, _SHOWN_COLUMNS, _SHOWN_LETTERS = 10, 12, 80


class Rows:
    """The rows of one query, in its own order.

    They stream, once; what was read whole stays, and can be read and shown again.

    Args:
        reader: Where they come from.
    """

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader: pa.RecordBatchReader | None = reader
        self._table: pa.Table | None = None
        self.schema: pa.Schema = reader.schema
        """The columns, with their Arrow types."""

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows batch by batch, as they come; they are not kept.

        Raises:
            UsageError: They have been given already.
        """
        if self._table is not None:
            yield from self._table.to_batches()
            return
        if self._reader is None:
            raise UsageError(
                "the rows were read batch by batch, and are gone", hint="run the query once more"
            )
        reader, self._reader = self._reader, None
        yield from reader

    def to_arrow(self) -> pa.Table:
        """Read all rows.

        Returns:
            A table, one row a row.
        """
        if self._table is None:
            import pyarrow as pa

            self._table = pa.Table.from_batches(self.to_batches(), self.schema)
        return self._table

    def to_dataframe(self) -> pd.DataFrame:
        """Read all rows as a DataFrame.

        Returns:
            A row a row; dates are Python's, whole numbers with NULLs stay whole.
        """
        from dicomfilter.cohorts.display import frame

        return frame(self.to_arrow())

    read_all = to_arrow
    __iter__ = to_batches

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Let pandas, polars, DuckDB and others read the rows."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return int(self.to_arrow().num_rows)

    def __repr__(self) -> str:
        names, rows, more = self._shown()
        widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (names, *rows)
        ]
        return "\n".join([*lines, *more])

    def _repr_html_(self) -> str:
        names, rows, more = self._shown()
        head = "".join(f"<th {_LEFT}>{escape(name)}</th>" for name in names)
        written = ("".join(f"<td {_LEFT}>{escape(cell)}</td>" for cell in row) for row in rows)
        body = "".join(f"<tr>{row}</tr>" for row in written)
        said = "".join(f"<p>{escape(text)}</p>" for text in more)
        return f"<table><tr>{head}</tr>{body}</table>{said}"

    def _shown(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Choose what is shown: the first rows and columns, and how many more there are."""
        if self._reader is None and self._table is None:
            return ["rows"], [["read batch by batch, and gone"]], []
        table = self.to_arrow()
        names = [visible(name) for name in table.schema.names[:_SHOWN_COLUMNS]]
        first = table.slice(0, _SHOWN_ROWS).select(range(len(names)))
        columns = [list(map(_cell, column.to_pylist())) for column in first.columns]
        cells = [list(row) for row in zip(*columns, strict=True)]
        more = []
        if table.num_rows > _SHOWN_ROWS:
            more.append(f"… {table.num_rows - _SHOWN_ROWS:,} more rows")
        if hidden := table.schema.names[_SHOWN_COLUMNS:]:
            more.append(f"… {len(hidden):,} more columns: {visible(', '.join(hidden))[:200]}")
        return names, cells, more


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    """Write a value; identifiers are never cut, long texts are."""
    text = "" if value is None else visible(str(value))
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
