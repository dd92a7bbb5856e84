"""The check of queries as values: EXISTS, IN, ARRAY, and of one value.

Source: GoogleSQL reference, "Subqueries"; "Operators", IN, EXISTS.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import coercion, kinds
from dicomfilter.googlesql.lifting import KEEP
from dicomfilter.googlesql.reader import start, unsupported
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.checker import Checker
    from dicomfilter.schema import Column


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


def in_query(checker: Checker, value: exp.Expr, query: exp.Expr) -> exp.Expr:
    """Check ``x IN (SELECT ...)``.

    Args:
        checker: Of the clause.
        value: Checked.
        query: The parsed query.

    Returns:
        The checked condition.

    Raises:
        PredicateError: The query has not one column, or one of another type.
    """
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


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Exists: _exists,
    exp.Subquery: _scalar,
}
