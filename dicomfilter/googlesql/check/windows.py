"""The check of window functions: their arguments, windows and frames.

Source: GoogleSQL reference, "Window function calls", "Numbering functions", "Navigation functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import aggregates, coercion
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_FRAMELESS = (*aggregates.NUMBERING, "LAG", "LEAD")
_NO_ARGUMENT = ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST")
_EDGE_ORDER = {
    ("UNBOUNDED", "PRECEDING"): 0,
    ("PRECEDING",): 1,
    ("CURRENT ROW",): 2,
    ("FOLLOWING",): 3,
    ("UNBOUNDED", "FOLLOWING"): 4,
}


def _window(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a call with OVER."""
    call, name = node.this, node.this.name
    if not checker.windows:
        raise PredicateError(
            f"Window function not allowed in {checker.clause}",
            offset=start(node),
            hint="filter by a window in QUALIFY",
        )
    if name not in aggregates.NAMES:
        raise unsupported(f"{name} with OVER", offset=start(node), hint=aggregates.instead(name))
    inner = checker.inside("the arguments of a window function", aggregates=checker.aggregates)
    partition, ordering, spec = _resolved(checker, node)
    keys = [_partition_key(inner.check(key)) for key in partition]
    aggregates.inline(inner, keys)
    checked = _checked_call(inner, call, has_order=ordering is not None)
    order = None
    if ordering is not None:
        order = exp.Order(expressions=aggregates.checked_order(inner, ordering))
        aggregates.inline(inner, order.expressions)
    frame = _frame(name, spec, order)
    window = exp.Window(
        this=checked, partition_by=keys or None, order=order, spec=frame, over="OVER"
    )
    return kinds.typed(window, kinds.of(checked))


def _partition_key(node: exp.Expr) -> exp.Expr:
    if kinds.kind(node) is Kind.FLOAT64:
        raise PredicateError(
            "Partitioning by expressions of type FLOAT64 is not allowed",
            offset=start(node),
            hint="CAST it, or ROUND it and CAST it to NUMERIC",
        )
    return aggregates.group_key(node)


def _resolved(
    checker: Checker, node: exp.Expr
) -> tuple[list[exp.Expr], exp.Expr | None, exp.Expr | None]:
    """Take the parts of a window, and those of the window that it names."""
    partition = list(node.args.get("partition_by") or [])
    order, spec = node.args.get("order"), node.args.get("spec")
    name, seen = node.args.get("alias"), set[str]()
    while name is not None:
        base = checker.scope.windows.get(name.name.lower())
        if base is None or name.name.lower() in seen:
            raise PredicateError(
                f"Unrecognized window alias {name.name}",
                offset=start(name),
                hint="define it in the clause WINDOW",
            )
        seen.add(name.name.lower())
        if partition or (order is not None and base.args.get("order") is not None):
            raise PredicateError(
                f"The window refers to {name.name} and repeats a part of it",
                offset=start(name),
            )
        if base.args.get("spec") is not None and (order is not None or spec is not None):
            raise PredicateError(
                f"The window {name.name} has a frame and cannot be added to", offset=start(name)
            )
        partition = [key.copy() for key in base.args.get("partition_by") or []]
        order = order if order is not None else _copy(base.args.get("order"))
        spec = spec if spec is not None else _copy(base.args.get("spec"))
        name = base.args.get("alias")
    return partition, order, spec


def _copy(node: exp.Expr | None) -> exp.Expr | None:
    return None if node is None else node.copy()


def _checked_call(checker: Checker, call: exp.Expr, *, has_order: bool) -> exp.Expr:
    name = call.name
    modified = aggregates.Modified.of(call)
    if modified.order is not None or modified.limit is not None:
        raise PredicateError(
            f"{name} with OVER has no ORDER BY or LIMIT among its arguments", offset=start(call)
        )
    if name in aggregates.AGGREGATES:
        return _aggregate(checker, call, modified, has_order=has_order)
    if name not in ("FIRST_VALUE", "LAST_VALUE", "NTH_VALUE") and modified.nulls is not None:
        raise unsupported(f"{name} with NULLS", offset=start(call), hint="leave it out")
    if modified.distinct:
        raise PredicateError(f"{name} has no DISTINCT", offset=start(call))
    if not has_order and name != "ROW_NUMBER":
        if name in ("FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"):
            raise unsupported(
                f"{name} without an order", offset=start(call), hint="add ORDER BY to OVER"
            )
        raise PredicateError(
            f"Window ORDER BY is required for {name}",
            offset=start(call),
            hint="add ORDER BY to OVER",
        )
    if not has_order:
        raise unsupported(
            "ROW_NUMBER without an order",
            offset=start(call),
            hint="write ROW_NUMBER() OVER (PARTITION BY ... ORDER BY ...)",
        )
    values = [checker.check(argument) for argument in modified.arguments]
    result = _result(name, call, values)
    arguments = modified.around(values, []) if values else []
    return at(
        kinds.typed(exp.Anonymous(this=name, expressions=arguments), result), start(call) or 0
    )


def _aggregate(
    checker: Checker, call: exp.Expr, modified: aggregates.Modified, *, has_order: bool
) -> exp.Expr:
    name = call.name
    if name in ("STRING_AGG", "ARRAY_AGG"):
        raise unsupported(
            f"{name} with OVER", offset=start(call), hint="GROUP BY, and join the result"
        )
    if modified.distinct:
        if has_order:
            raise PredicateError(
                "Window ORDER BY is not allowed if DISTINCT is specified", offset=start(call)
            )
        raise unsupported(
            f"{name}(DISTINCT) with OVER", offset=start(call), hint="GROUP BY, and join the result"
        )
    checked = aggregates.aggregate(checker, call)
    if name == "ANY_VALUE" and has_order:
        raise unsupported("ANY_VALUE with an order in OVER", offset=start(call))
    return checked


def _result(name: str, call: exp.Expr, values: list[exp.Expr]) -> SqlType:
    if name in _NO_ARGUMENT:
        if values:
            raise coercion.no_signature(f"function {name}", values)
        return kinds.FLOAT64 if name in ("PERCENT_RANK", "CUME_DIST") else kinds.INT64
    if not values or (name == "NTILE" and len(values) > 1):
        raise coercion.no_signature(f"function {name}", values or [call])
    if name == "NTILE":
        _require_number(name, values[0])
        return kinds.INT64
    of = kinds.of(values[0])
    if of is None:
        raise unsupported(f"{name}(NULL)", offset=start(call))
    most = 3 if name in ("LAG", "LEAD") else 2 if name == "NTH_VALUE" else 1
    least = 2 if name == "NTH_VALUE" else 1
    if not least <= len(values) <= most:
        raise coercion.no_signature(f"function {name}", values)
    if len(values) > 1:
        _require_number(name, values[1], least=1 if name == "NTH_VALUE" else 0)
    if len(values) > 2:
        if kinds.of(values[2]) not in (None, of):
            raise unsupported(
                f"{name} with a default of another type",
                offset=start(values[2]),
                hint="CAST the default",
            )
        values[2] = coercion.coerce(values[2], of)
    return of


def _require_number(name: str, node: exp.Expr, *, least: int = 1) -> None:
    value = node.meta.get("value") if isinstance(node, exp.Literal) else None
    if kinds.kind(node) is not Kind.INT64 or not isinstance(value, int):
        raise unsupported(f"{name} of this", offset=start(node), hint="write a number")
    if value < least:
        raise PredicateError(
            f"{name} wants a number of at least {least}, not {value}", offset=start(node)
        )
    node.meta["keep"] = True


def _frame(name: str, spec: exp.Expr | None, order: exp.Order | None) -> exp.Expr | None:
    if spec is None:
        return None
    if name in _FRAMELESS:
        raise PredicateError(
            f"Window framing clause is not allowed for {name}",
            offset=start(spec),
            hint="leave the frame out",
        )
    first = _edge(spec, "start")
    last = _edge(spec, "end") if spec.args.get("end") is not None else 2
    if first == 4 or last == 0 or first > last:
        raise PredicateError(
            "The frame of a window ends before it begins",
            offset=start(spec),
            hint="write the edges in their order",
        )
    if order is None:
        raise unsupported(
            "a frame without an order",
            offset=start(spec),
            hint="add ORDER BY to the window",
        )
    if spec.args["kind"] == "RANGE" and {first, last} & {1, 3}:
        _require_range(spec, order)
    return at(
        exp.WindowSpec(
            **{
                key: spec.args.get(key)
                for key in ("kind", "start", "start_side", "end", "end_side")
            }
        ),
        start(spec) or 0,
    )


def _require_range(spec: exp.Expr, order: exp.Order) -> None:
    if len(order.expressions) != 1 or kinds.kind(order.expressions[0].this) is not Kind.INT64:
        raise unsupported(
            "a RANGE with a distance here",
            offset=start(spec),
            hint="order by one INT64, or write ROWS",
        )


def _edge(spec: exp.Expr, name: str) -> int:
    """Tell how far along an edge of a frame is."""
    distance, side = spec.args[name], spec.args.get(f"{name}_side")
    if isinstance(distance, exp.Expr):
        return _EDGE_ORDER[(str(side),)]
    return _EDGE_ORDER[(distance,) if side is None else (distance, str(side))]


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Window: _window,
}
