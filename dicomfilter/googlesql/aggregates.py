"""The check of aggregate functions and windows.

Source: GoogleSQL reference, "Aggregate functions", "Window function calls".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import coercion, kinds
from dicomfilter.googlesql.reader import at, start, unsupported
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.checker import Checker
    from dicomfilter.schema import SqlType

GROUPABLE = (
    Kind.STRING,
    Kind.BYTES,
    Kind.BOOL,
    Kind.INT64,
    Kind.NUMERIC,
    *kinds.TEMPORAL,
)
"""Types by which rows are grouped; FLOAT64 is left out for its NaN and its two zeros."""

_BOOLEAN = ("COUNTIF", "LOGICAL_AND", "LOGICAL_OR")
_ANY = ("ANY_VALUE", "COUNT", "MAX", "MIN")
NAMES = (*_BOOLEAN, *_ANY, "ROW_NUMBER", "STRING_AGG", "SUM")


def check(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a call of an aggregate function that no window follows."""
    if node.name == "ROW_NUMBER":
        raise PredicateError(
            "Window function ROW_NUMBER requires an OVER clause",
            offset=start(node),
            hint="write ROW_NUMBER() OVER (PARTITION BY SOPInstanceUID ORDER BY LastUpdated DESC)",
        )
    if not checker.aggregates:
        raise PredicateError(
            f"Aggregate function {node.name} not allowed in {checker.clause}",
            offset=start(node),
            hint="a condition looks at one row; count with `dicomfilter count` or a named query",
        )
    inner = checker.inside(f"the arguments of {node.name}")
    return _aggregate(inner, node)


def _aggregate(checker: Checker, node: exp.Expr) -> exp.Expr:
    name, arguments = node.name, list(node.expressions)
    if name == "STRING_AGG":
        return _string_agg(checker, node)
    if len(arguments) != 1:
        raise coercion.no_signature(f"function {name}", [])
    argument = arguments[0]
    if isinstance(argument, exp.Star):
        return _call(node, [exp.Star()], kinds.INT64)
    distinct = isinstance(argument, exp.Distinct)
    if distinct and name != "COUNT":
        raise unsupported(f"{name}(DISTINCT)", offset=start(argument))
    value = checker.check(argument.expressions[0] if distinct else argument)
    result = _result(name, value, distinct=distinct)
    if distinct:
        value = kinds.typed(exp.Distinct(expressions=[value]), kinds.of(value))
    return _call(node, [value], result)


def _result(name: str, value: exp.Expr, *, distinct: bool) -> SqlType:
    of = kinds.of(value)
    if of is None:
        raise unsupported(f"{name}(NULL)", offset=start(value))
    if name in _BOOLEAN:
        if of.kind is not Kind.BOOL:
            raise coercion.no_signature(f"function {name}", [value])
        return kinds.INT64 if name == "COUNTIF" else kinds.BOOL
    if name == "SUM":
        if of.kind not in kinds.NUMBERS:
            raise coercion.no_signature("function SUM", [value])
        return of
    if distinct and of.kind not in GROUPABLE:
        raise unsupported(f"COUNT(DISTINCT) of {of}", offset=start(value))
    if name in ("MIN", "MAX") and of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"{name} is not defined for arguments of type {of}", offset=start(value)
        )
    if name == "ANY_VALUE" and of.kind not in kinds.COMPARABLE:
        raise unsupported(f"ANY_VALUE of {of}", offset=start(value))
    return kinds.INT64 if name == "COUNT" else of


def _string_agg(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check STRING_AGG([DISTINCT] x, ',' ORDER BY x), whose order must be said."""
    arguments = list(node.expressions)
    ordering = arguments[-1] if arguments else None
    if not isinstance(ordering, exp.Order) or len(arguments) != 2:
        raise unsupported(
            "STRING_AGG without a delimiter and an order",
            offset=start(node),
            hint="write STRING_AGG(DISTINCT Modality, ',' ORDER BY Modality)",
        )
    argument, delimiter = arguments[0], checker.check(ordering.this)
    distinct = isinstance(argument, exp.Distinct)
    value = checker.check(argument.expressions[0] if distinct else argument)
    if kinds.kind(value) is not Kind.STRING or kinds.kind(delimiter) is not Kind.STRING:
        raise coercion.no_signature("function STRING_AGG", [value, delimiter])
    if not isinstance(delimiter, exp.Literal | exp.Parameter):
        raise PredicateError(
            "The second argument of STRING_AGG must be a literal or a query parameter",
            offset=start(delimiter),
        )
    keys = checked_order(checker, ordering)
    if distinct and any(key.this != value for key in keys):
        raise PredicateError(
            "An aggregate function that has both DISTINCT and ORDER BY arguments can only ORDER BY "
            "expressions that are arguments to the function",
            offset=start(ordering),
        )
    if not distinct and any(key.this == value for key in keys) is False:
        raise unsupported(
            "STRING_AGG in the order of something else",
            offset=start(ordering),
            hint="order by the value itself",
        )
    if distinct:
        value = kinds.typed(exp.Distinct(expressions=[value]), kinds.STRING)
    last = kinds.typed(exp.Order(this=delimiter, expressions=keys), kinds.STRING)
    return _call(node, [value, last], kinds.STRING)


def checked_order(checker: Checker, ordering: exp.Expr) -> list[exp.Expr]:
    """Check the keys of an ORDER BY.

    Args:
        checker: Of the clause.
        ordering: Its parsed tree.

    Returns:
        The keys, each an Ordered.

    Raises:
        PredicateError: A key's type has no order that DuckDB shares.
    """
    keys: list[exp.Expr] = []
    for ordered in ordering.expressions:
        key = checker.check(ordered.this)
        of = kinds.of(key)
        if of is None or of.kind not in kinds.COMPARABLE:
            raise PredicateError(
                f"ORDER BY does not support expressions of type {of or 'NULL'}", offset=start(key)
            )
        checked = exp.Ordered(
            this=key, desc=ordered.args["desc"], nulls_first=ordered.args["nulls_first"]
        )
        keys.append(kinds.typed(checked, of))
    return keys


def _window(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a call with OVER: ROW_NUMBER with an order, an aggregate without one."""
    call, name = node.this, node.this.name
    if not checker.windows:
        raise PredicateError(
            f"Window function not allowed in {checker.clause}",
            offset=start(node),
            hint="filter by a window in QUALIFY",
        )
    if name not in NAMES or name == "STRING_AGG":
        raise unsupported(f"{name} with OVER", offset=start(node))
    inner = checker.inside("the arguments of a window function", aggregates=checker.aggregates)
    partition = [_group_key(inner.check(key)) for key in node.args.get("partition_by") or []]
    ordering = node.args.get("order")
    if name == "ROW_NUMBER":
        if ordering is None or call.expressions:
            raise unsupported(
                "ROW_NUMBER without an order" if not call.expressions else "ROW_NUMBER of this",
                offset=start(node),
                hint="write ROW_NUMBER() OVER (PARTITION BY ... ORDER BY ...)",
            )
        checked: exp.Expr = _call(call, [], kinds.INT64)
    else:
        if ordering is not None:
            raise unsupported(f"{name} with an order in OVER", offset=start(node))
        checked = _aggregate(inner, call)
        if isinstance(checked.expressions[0], exp.Distinct):
            raise unsupported(f"{name}(DISTINCT) with OVER", offset=start(node))
        if any(kinds.kind(a) is Kind.FLOAT64 for a in checked.expressions):
            raise unsupported(f"{name} of FLOAT64 with OVER", offset=start(node))
    order = None
    if ordering is not None:
        keys = checked_order(inner, ordering)
        for key in keys:
            _group_key(key)
        order = exp.Order(expressions=keys)
    window = exp.Window(this=checked, partition_by=partition, order=order, over="OVER")
    return kinds.typed(window, kinds.of(checked))


def _group_key(node: exp.Expr) -> exp.Expr:
    if kinds.kind(node) not in GROUPABLE:
        raise unsupported(
            f"a group by {kinds.of(node) or 'NULL'}",
            offset=start(node),
            hint="SAFE_CAST or compare it first",
        )
    return node


def group_key(node: exp.Expr) -> exp.Expr:
    """Make sure that rows can be grouped by an expression; give it back."""
    return _group_key(node)


def _call(node: exp.Expr, arguments: list[exp.Expr], result: SqlType) -> exp.Expr:
    call = kinds.typed(exp.Anonymous(this=node.name, expressions=arguments), result)
    return at(call, start(node) or 0)


def is_aggregate(node: exp.Expr) -> bool:
    """Tell whether a checked node calls an aggregate function, not a window's."""
    return (
        isinstance(node, exp.Anonymous)
        and node.name in NAMES
        and not isinstance(node.parent, exp.Window)
    )


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Window: _window,
}
