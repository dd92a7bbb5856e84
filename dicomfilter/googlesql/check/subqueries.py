"""The check of queries as values: EXISTS, IN, ARRAY, and of one value.

Source: GoogleSQL reference, "Subqueries"; "Operators", IN, EXISTS.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion, structs
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker
    from dicomfilter.schema import Column


ROWS = "rows"
"""The key of the ``meta`` of ``(a, b) IN (SELECT ...)`` with the type of the query's rows."""


def _checked(checker: Checker, node: exp.Expr) -> tuple[exp.Query, tuple[Column, ...]]:
    tables = checker.scope.tables
    if tables is None:
        raise unsupported(f"a subquery in {checker.clause}", offset=start(node))
    return tables.check_query(node, tables, checker.scope)


def _one_column(checker: Checker, node: exp.Expr, what: str) -> tuple[exp.Query, SqlType]:
    checked, columns = _checked(checker, node)
    if len(columns) != 1:
        raise PredicateError(
            f"{what} cannot have more than one column unless using SELECT AS STRUCT to build "
            "STRUCT values",
            offset=start(node),
            hint="select one column",
        )
    return checked, columns[0].type


def _exists(checker: Checker, node: exp.Expr) -> exp.Expr:
    checked, _ = _checked(checker, node.this)
    if isinstance(checked, exp.Select) and not checked.args.get("distinct"):
        for item in checked.expressions:
            if isinstance(item, exp.Literal):  # which one it is makes no difference
                item.replace(_one())
    return kinds.typed(exp.Exists(this=checked), kinds.BOOL)


def _one() -> exp.Expr:
    one = kinds.typed(exp.Literal.number(1), kinds.INT64)
    one.meta[KEEP] = True
    return one


def _scalar(checker: Checker, node: exp.Expr) -> exp.Expr:
    checked, of = _one_column(checker, node.this, "Scalar subquery")
    return kinds.typed(exp.Subquery(this=checked), of)


def array(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``ARRAY(SELECT ...)``."""
    if len(node.expressions) != 1 or not isinstance(node.expressions[0], exp.Query):
        raise coercion.no_signature("function ARRAY", [node])
    checked, of = _one_column(checker, node.expressions[0], "ARRAY subquery")
    if of.kind is Kind.ARRAY:
        raise PredicateError(
            f"Cannot use array subquery with column of type {of} because nested arrays are not "
            "supported",
            offset=start(node),
        )
    call = exp.Anonymous(this="ARRAY", expressions=[checked])
    return kinds.typed(call, SqlType(Kind.ARRAY, of))


def in_query(checker: Checker, value: exp.Expr, node: exp.Expr) -> exp.Expr:
    """Check ``x IN (SELECT ...)``.

    Args:
        checker: Of the clause.
        value: Checked.
        node: The parsed condition.

    Returns:
        The checked condition.

    Raises:
        PredicateError: The query has not one column, or one of another type.
    """
    query = node.args["query"].this
    checked, columns = _checked(checker, query)
    if len(columns) != 1:
        raise PredicateError(
            f"Subquery of type IN must have only one output column, not {len(columns)}",
            offset=start(query),
            hint="select one column",
        )
    of, own = columns[0].type, kinds.of(value)
    if own is None:
        value, own = kinds.typed(value, kinds.INT64), kinds.INT64
    if own.kind is Kind.STRUCT and [field for _, field in own.fields] == [
        field for _, field in of.fields
    ]:
        if not is_alone(node):
            raise rows_beside(start(value))
        return _struct_in(value, checked, own, of)
    if own != of:
        if own.kind not in kinds.NUMBERS or of.kind not in kinds.NUMBERS:
            raise PredicateError(
                f"Cannot execute IN subquery with uncomparable types {own} and {of}",
                offset=start(value),
                hint="CAST one of them",
            )
        if not coercion.can(value, of):
            raise unsupported(
                f"{own} IN (SELECT) of {of}", offset=start(value), hint="CAST one of them"
            )
        value = coercion.coerce(value, of)
    if of.kind not in kinds.COMPARABLE:
        raise unsupported(f"IN (SELECT) of {of}", offset=start(value), hint="compare fields")
    return kinds.typed(exp.In(this=value, query=exp.Subquery(this=checked)), kinds.BOOL)


def is_alone(node: exp.Expr) -> bool:
    """Tell whether a condition, where it is not TRUE, leaves out the row."""
    here = node.parent
    while isinstance(here, exp.And | exp.Paren):
        here = here.parent
    return here is None or isinstance(here, exp.Where)


def rows_beside(offset: int | None) -> PredicateError:
    """Make the error for rows in a query where FALSE and NULL differ."""
    return unsupported(
        "IN (SELECT) of several columns beside NOT or OR",
        offset=offset,
        hint="join the query, or look for one column",
    )


def _struct_in(value: exp.Expr, query: exp.Query, of: SqlType, rows: SqlType) -> exp.Expr:
    """Check ``(a, b) IN (SELECT AS STRUCT ...)``, where names of fields do not matter."""
    if any(field.kind not in kinds.COMPARABLE for _, field in of.fields):
        raise unsupported(f"IN (SELECT) of {of}", offset=start(value), hint="compare fields")
    if structs.parts(value) is None:
        raise unsupported("a STRUCT without names", offset=start(value))
    found = exp.In(this=value, query=exp.Subquery(this=query))
    found.meta[ROWS] = rows
    return kinds.typed(found, kinds.BOOL)


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Exists: _exists,
    exp.Subquery: _scalar,
}
