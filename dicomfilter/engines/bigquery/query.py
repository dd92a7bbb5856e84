"""A query as BigQuery takes it: its text, and its parameters with their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dicomfilter.engines.bigquery.json_elements import JsonTable
from dicomfilter.errors import ParameterError
from dicomfilter.googlesql import to_googlesql
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter
    from sqlglot import exp

    from dicomfilter.engines.bigquery.table_names import BigQueryTable
    from dicomfilter.googlesql.types.parameters import Parameter

_UNBOUND = (Kind.STRUCT, Kind.INTERVAL)


def render(
    tree: exp.Query,
    tables: Mapping[str, BigQueryTable | JsonTable],
    *,
    into: str | None = None,
) -> str:
    """Render a query, with real tables in place of the names that it calls them by.

    A common table expression of the query's own hides a table of the same name, as in GoogleSQL.

    Args:
        tree: A GoogleSQL query; it is left as it is.
        tables: The tables, by the name in the query, in lower case; one of JSON is put in as a
            subquery that makes the columns which the query names.
        into: Where its rows are to be written as lines, ``gs://bucket/…*…``; None for nowhere.

    Returns:
        GoogleSQL on one line.
    """
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    placed = tree.copy()
    found = [
        table
        for scope in traverse_scope(placed)
        for table in scope.tables
        if not table.args.get("db")
        and table.name.lower() in tables
        and table.name.lower() not in {name.lower() for name in scope.cte_sources}
    ]
    named = {node.name.lower() for node in placed.find_all(exp.Identifier)} if found else set()
    for table in found:
        name, real = table.name, tables[table.name.lower()]
        if isinstance(real, JsonTable):
            alias = exp.to_identifier(table.alias or name, quoted=True)
            table.replace(real.query(named).subquery(alias))
            continue
        for part, node in real.node().args.items():
            table.set(part, node)
        if not table.alias:  # columns may be qualified by the name
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    return to_googlesql(_exported(placed, into) if into is not None else placed)


def _exported(tree: exp.Query, uri: str) -> exp.Export:
    """Have the rows of a query written to Cloud Storage, as text and with no header."""
    from sqlglot import exp

    options: dict[str, exp.Expr] = {
        "uri": exp.Literal.string(uri),
        "format": exp.Literal.string("CSV"),
        "header": exp.false(),
        "overwrite": exp.true(),  # by a second attempt: the place is this run's alone
    }
    named = [exp.Property(this=exp.var(name), value=value) for name, value in options.items()]
    return exp.Export(this=tree, options=exp.Properties(expressions=named))


def bound(parameter: Parameter) -> ScalarQueryParameter | ArrayQueryParameter:
    """Give a parameter to BigQuery's client, with its exact type.

    Args:
        parameter: Named and typed; its value None for NULL.

    Returns:
        The client's own parameter.

    Raises:
        ParameterError: The service takes no parameter of this type, or no NULL there.
    """
    from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter

    of, value = parameter.type, parameter.value
    if (of.element or of).kind in _UNBOUND:
        raise ParameterError(
            f"parameter @{parameter.name} is {of}, which cannot be bound for BigQuery",
            hint="pass its parts as parameters of their own",
        )
    if of.element is None:
        return ScalarQueryParameter(parameter.name, str(of.kind), cast("Any", value))
    if not isinstance(value, tuple) or None in value:
        raise ParameterError(
            f"parameter @{parameter.name} is NULL, or holds a NULL, and is an {of}",
            hint="leave NULLs out; BigQuery takes none in an array",
        )
    return ArrayQueryParameter(parameter.name, str(of.element.kind), list(value))
