"""GoogleSQL, checked against a table's columns and translated for DuckDB.

Default-deny: what is not known to mean the same on DuckDB as on BigQuery is refused by name.
Importing this package loads no SQL library; checking does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.googlesql.check.checked import Checked, CheckedQuery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlglot import exp

    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import TableSchema

__all__ = [
    "Checked",
    "CheckedQuery",
    "check_condition",
    "check_query",
    "to_duckdb",
    "to_googlesql",
]


def check_condition(
    sql: str, schema: TableSchema, *, parameters: Sequence[Parameter] = (), first: int = 1
) -> Checked:
    """Check a condition as a WHERE clause takes it.

    Args:
        sql: What stands after WHERE.
        schema: The table's columns.
        parameters: Those that the text may name as ``@name``.
        first: The number of the first lifted literal, ``p1``; further conditions of one query
            go on where the last one ended.

    Returns:
        The condition.

    Raises:
        PredicateError: BigQuery would refuse it, or the construct is not taken; with position.
        ParameterError: Two parameters share a name.
    """
    from dicomfilter.googlesql import stages

    return stages.check_condition(sql, schema, parameters=parameters, first=first)


def check_query(
    query: str | exp.Query,
    tables: Mapping[str, TableSchema],
    *,
    parameters: Sequence[Parameter] = (),
    first: int = 1,
    standing: str | None = None,
) -> CheckedQuery:
    """Check a whole query.

    Args:
        query: A SELECT as text, or a tree composed from checked conditions. The literals of a
            text are lifted, those of a tree stay, as they are no user's; both are checked alike.
        tables: The tables that the query may name, with their columns.
        parameters: Those that the query may name as ``@name``.
        first: The number of the first lifted literal.
        standing: The table that the one name in the text stands for, whatever it is; None where
            tables are named as they are called here.

    Returns:
        The query with the columns that come out.

    Raises:
        PredicateError: BigQuery would refuse it, or the construct is not taken; with position.
        ParameterError: Two parameters share a name.
    """
    from dicomfilter.googlesql import stages

    return stages.check_query(query, tables, parameters=parameters, first=first, standing=standing)


def to_googlesql(tree: exp.Expr, *, pretty: bool = False) -> str:
    """Write a checked tree as GoogleSQL.

    Args:
        tree: Of a `Checked` or a `CheckedQuery`, or composed from such.
        pretty: Over several lines.

    Returns:
        The text, which reads back as the same tree.
    """
    from dicomfilter.googlesql import render

    return render.to_googlesql(tree, pretty=pretty)


def to_duckdb(tree: exp.Query) -> str:
    """Translate a checked query to DuckDB's SQL.

    Args:
        tree: Of a `CheckedQuery`.

    Returns:
        The text; tables keep their names, parameters are named as in ``$p1``.

    Raises:
        PredicateError: The tree holds what was not checked.
    """
    from dicomfilter.googlesql import render

    return render.to_duckdb(tree)
