"""Lists of values that are too long for a parameter, as tables of BigQuery."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dicomfilter.engines.bigquery.schema import arrow_type
from dicomfilter.errors import ParameterError, UsageError
from dicomfilter.googlesql.query import Query
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlglot import exp

    from dicomfilter.engines.bigquery.table_names import BigQueryTable
    from dicomfilter.googlesql.types.parameters import Parameter

MAXIMUM_VALUES = 10_000
"""So many values are one ARRAY parameter; a request of more than 10 MB is refused."""
VALUE = "value"
"""The one column of a list's table."""
_KINDS = (Kind.STRING, Kind.INT64)


@dataclass(frozen=True, slots=True)
class LongList:
    """A parameter whose values have a table of their own.

    Args:
        parameter: An ARRAY without NULLs.
        table: Holds its values.
    """

    parameter: Parameter
    table: BigQueryTable


class LongLists:
    """Keeps the values of long lists in tables, each loaded once.

    Args:
        load: Makes a table with one column ``value`` of a type, out of a Parquet file's bytes;
            None where tables have no place.
    """

    def __init__(self, load: Callable[[bytes, SqlType], BigQueryTable] | None) -> None:
        self._load = load
        self._loaded: list[LongList] = []

    def placed(self, query: Query) -> Query:
        """Let ``IN UNNEST(@list)`` ask a table where the list is long.

        Raises:
            UsageError: There is no place for such a table.
        """
        lists = {name.lower(): self._table(p) for name, p in long_lists(query).items()}
        return _in_tables(query, lists) if lists else query

    def _table(self, parameter: Parameter) -> BigQueryTable:
        found = (each for each in self._loaded if each.parameter.value is parameter.value)
        if (known := next(found, None)) is not None:
            return known.table
        if self._load is None:
            raise _no_place(parameter)
        of = parameter.type.element or SqlType(Kind.STRING)
        table = self._load(_parquet(parameter, of), of)
        self._loaded.append(LongList(parameter, table))
        return table


def long_lists(query: Query) -> dict[str, Parameter]:
    """Find the long lists of a query that are only searched for a value.

    Another use, as of their length, needs the values themselves.

    Args:
        query: With its parameters.

    Returns:
        By name.
    """
    from sqlglot import exp

    found = {
        p.name: p
        for p in query.parameters
        if isinstance(p.value, tuple)
        and len(p.value) > MAXIMUM_VALUES
        and p.type.element is not None
        and p.type.element.kind in _KINDS
    }
    if not found:
        return {}
    searches = Counter(name for name, _ in _searches(query.tree))
    uses = Counter(node.name.lower() for node in query.tree.find_all(exp.Parameter))
    return {
        name: p for name, p in found.items() if 0 < uses[name.lower()] == searches[name.lower()]
    }


def shortened(query: Query) -> Query:
    """Give a query with one value for each long list, of the same types."""
    names = long_lists(query)
    return replace(
        query,
        parameters=tuple(
            replace(p, value=p.value[:1]) if p.name in names and isinstance(p.value, tuple) else p
            for p in query.parameters
        ),
    )


def _no_place(parameter: Parameter) -> UsageError:
    """Say that a long list needs a dataset for its table."""
    count = len(parameter.value) if isinstance(parameter.value, tuple) else 0
    return UsageError(
        f"@{parameter.name} has {count:,} values, and BigQuery takes {MAXIMUM_VALUES:,} with a "
        "query; more need a table for the time of the run",
        hint="name a dataset where you may make one: --temp-dataset PROJECT.DATASET",
    )


def _parquet(parameter: Parameter, of: SqlType) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    values = parameter.value
    if not isinstance(values, tuple) or None in values:
        raise ParameterError(
            f"parameter @{parameter.name} holds a NULL", hint="leave NULLs out of a list"
        )
    sink = io.BytesIO()
    parquet.write_table(pa.table({VALUE: pa.array(values, arrow_type(of))}), sink)
    return sink.getvalue()


def _in_tables(query: Query, tables: Mapping[str, BigQueryTable]) -> Query:
    from sqlglot import exp

    tree = query.tree.copy()
    for name, node in list(_searches(tree)):
        if name in tables:
            values = exp.select(exp.column(VALUE)).from_(tables[name].node())
            node.set("unnest", None)
            node.set("query", values.subquery())
    left = tuple(p for p in query.parameters if p.name.lower() not in tables)
    return Query(tree, left)


def _searches(tree: exp.Expr) -> list[tuple[str, exp.In]]:
    """List each ``… IN UNNEST(@name)``, by lower-cased name."""
    from sqlglot import exp

    found = []
    for node in tree.find_all(exp.In):
        unnest = node.args.get("unnest")
        listed = unnest.expressions if isinstance(unnest, exp.Unnest) else []
        if len(listed) == 1 and isinstance(listed[0], exp.Parameter):
            found.append((listed[0].name.lower(), node))
    return found
