"""The rows of a query: read as they come, or shown."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import counted
from dicomfilter.errors import UsageError
from dicomfilter.faces import table_html, table_text
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import pyarrow as pa

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
        names, rows, hidden_rows = self._shown()
        text, fits = table_text(names, rows, room=get_terminal_size().columns)
        return "\n".join([text, *_more(hidden_rows, names[fits:])])

    def _repr_html_(self) -> str:
        names, rows, hidden_rows = self._shown()
        numbers = {n for n, field in enumerate(self.schema) if _is_number(field.type)}
        more = _more(hidden_rows, names[_SHOWN_COLUMNS:])
        cut = [row[:_SHOWN_COLUMNS] for row in rows]
        return table_html(names[:_SHOWN_COLUMNS], cut, right=numbers, more=more)

    def _shown(self) -> tuple[list[str], list[list[str]], int]:
        """Choose the rows that are shown: the first ones, and how many more there are."""
        if self._reader is None and self._table is None:
            return ["rows"], [["read batch by batch, and gone"]], 0
        table = self.to_arrow()
        columns = [
            [_cell(value) for value in column.to_pylist()]
            for column in table.slice(0, _SHOWN_ROWS).columns
        ]
        rows = [list(row) for row in zip(*columns, strict=True)]
        return list(table.schema.names), rows, max(table.num_rows - _SHOWN_ROWS, 0)


def _more(rows: int, columns: list[str]) -> list[str]:
    """Say what is not shown."""
    said = [f"… {counted(rows, 'more row')}"] if rows else []
    if columns:
        names = visible(", ".join(columns[:_SHOWN_COLUMNS]))
        rest = ", …" if len(columns) > _SHOWN_COLUMNS else ""
        said.append(f"… {counted(len(columns), 'more column')}: {names}{rest}")
    return said


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    """Write a value; identifiers are never cut, long texts are."""
    text = "" if value is None else visible(str(value))
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
