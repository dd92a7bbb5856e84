"""Aggregates and window functions, with means and spreads as in BigQuery."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check.aggregates import Modified
from dicomfilter.googlesql.duckdb import grouping, nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., exp.Expr]
    Translate = Callable[[exp.Expr], exp.Expr]
    """Makes a call of a DuckDB aggregate, over a window where there is one."""


_EXACT_INTEGERS = 2**53
"""Up to here each whole number is a double."""
_HUGE = exp.DataType.Type.INT128


def average(make: Make, value: exp.Expr) -> exp.Expr:
    """Average doubles; NaN if one is.

    Of an infinity BigQuery says that the average is one too, or NaN: there we fail. So we do where
    finite numbers overflow in between, which BigQuery avoids.
    """
    mean = make("avg", value)
    any_nan = make("bool_or", nodes.call("isnan", _bare(value)))
    overflows = nodes.negation(nodes.call("isfinite", mean.copy()))
    problem = nodes.refusal("the average of this is not defined in FLOAT64", kinds.FLOAT64)
    return nodes.case((any_nan, _nan()), (overflows, problem), default=mean)


def _nan() -> exp.Expr:
    return nodes.cast(nodes.text("nan"), kinds.FLOAT64)


def exact_average(make: Make, value: exp.Expr) -> exp.Expr:
    """Average NUMERIC to nine digits, half away from zero."""
    total = nodes.cast(nodes.cast(make("sum", value), kinds.NUMERIC), kinds.STRING)
    digits = nodes.call("replace", total, nodes.text("."), nodes.text(""))
    scaled = exp.Cast(this=digits, to=exp.DataType(this=_HUGE))
    count = make("count", value.copy())
    size = nodes.call("abs", scaled)
    whole = exp.Paren(this=exp.IntDiv(this=size, expression=count))
    rest = exp.Paren(this=exp.Mod(this=size.copy(), expression=count.copy()))
    up = nodes.operate(
        exp.GTE,
        exp.Paren(this=exp.Mul(this=rest, expression=nodes.number(2))),
        count.copy(),
    )
    rounded = exp.Paren(
        this=exp.Add(
            this=whole, expression=nodes.case((up, nodes.number(1)), default=nodes.number(0))
        )
    )
    signed = exp.Paren(this=exp.Mul(this=rounded, expression=nodes.call("sign", scaled.copy())))
    return nodes.case(
        (nodes.operate(exp.GT, count.copy(), nodes.number(0)), _from_scaled(signed)),
        default=nodes.cast(nodes.null(), kinds.NUMERIC),
    )


def _from_scaled(scaled: exp.Expr) -> exp.Expr:
    """Make a NUMERIC of a whole number of billionths."""
    billion = nodes.number(10**9)
    whole = nodes.cast(
        exp.Paren(this=exp.IntDiv(this=scaled.copy(), expression=billion.copy())), kinds.NUMERIC
    )
    rest = exp.Cast(
        this=exp.Paren(this=exp.Mod(this=scaled.copy(), expression=billion)),
        to=_decimal(10, 0),
    )
    unit = exp.Cast(this=nodes.text("0.000000001"), to=_decimal(9, 9))
    fraction = nodes.cast(exp.Paren(this=exp.Mul(this=rest, expression=unit)), kinds.NUMERIC)
    return nodes.cast(exp.Paren(this=exp.Add(this=whole, expression=fraction)), kinds.NUMERIC)


def _decimal(digits: int, scale: int) -> exp.DataType:
    sizes = [exp.DataTypeParam(this=nodes.number(size)) for size in (digits, scale)]
    return exp.DataType(this=exp.DataType.Type.DECIMAL, expressions=sizes)


def _bare(value: exp.Expr) -> exp.Expr:
    held = value.expressions[0] if isinstance(value, exp.Distinct) else value
    copied = held.copy()
    assert isinstance(copied, exp.Expr)  # noqa: S101 - as of all that a rule builds
    return copied


def _spread(name: str, least: int) -> Callable[[Make, exp.Expr], exp.Expr]:
    """Measure a spread: NaN as soon as a value is not finite, where DuckDB fails."""

    def rule(make: Make, value: exp.Expr) -> exp.Expr:
        number = nodes.cast(value, kinds.FLOAT64)
        finite = nodes.call("isfinite", number)
        safe = nodes.case((finite, number.copy()))
        enough = nodes.operate(exp.GTE, make("count", number.copy()), nodes.number(least))
        odd = make("bool_or", nodes.negation(finite.copy()))
        return nodes.case((nodes.both(odd, enough), _nan()), default=make(name, safe))

    return rule


RULES: dict[str, Callable[..., exp.Expr]] = {
    "STDDEV": _spread("stddev_samp", 2),
    "STDDEV_SAMP": _spread("stddev_samp", 2),
    "STDDEV_POP": _spread("stddev_pop", 1),
    "VARIANCE": _spread("var_samp", 2),
    "VAR_SAMP": _spread("var_samp", 2),
    "VAR_POP": _spread("var_pop", 1),
}


_NAMES = {
    "ANY_VALUE": "min",  # any is right, and this one stays
    "COUNT": "count",
    "CUME_DIST": "cume_dist",
    "DENSE_RANK": "dense_rank",
    "FIRST_VALUE": "first_value",
    "LAG": "lag",
    "LAST_VALUE": "last_value",
    "LEAD": "lead",
    "LOGICAL_AND": "bool_and",
    "LOGICAL_OR": "bool_or",
    "MAX": "max",
    "MIN": "min",
    "NTH_VALUE": "nth_value",
    "NTILE": "ntile",
    "PERCENT_RANK": "percent_rank",
    "RANK": "rank",
    "ROW_NUMBER": "row_number",
}


_WITHOUT_NULLS: dict[str, type[exp.Func]] = {
    "first_value": exp.FirstValue,
    "last_value": exp.LastValue,
    "nth_value": exp.NthValue,
}
"""What sqlglot's generator must see in order to write IGNORE NULLS."""


@dataclass(frozen=True, slots=True)
class Over:
    """A translated window.

    Args:
        partition: The keys of PARTITION BY.
        order: Those of ORDER BY.
        frame: ROWS or RANGE.
    """

    partition: list[exp.Expr]
    order: list[exp.Expr]
    frame: exp.Expr | None

    def make(self, name: str, *arguments: exp.Expr) -> exp.Expr:
        """Call a function over the window."""
        *others, last = arguments or (None,)
        this = nodes.call(name, *arguments)
        if isinstance(last, exp.IgnoreNulls):
            values = [value for value in (*others, last.this) if value is not None]
            this = exp.IgnoreNulls(this=_WITHOUT_NULLS[name].from_arg_list(values))
        return exp.Window(
            this=this,
            partition_by=[key.copy() for key in self.partition],
            order=exp.Order(expressions=[key.copy() for key in self.order]) if self.order else None,
            spec=self.frame.copy() if self.frame is not None else None,
            over="OVER",
        )


def window(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a checked call with OVER.

    Args:
        node: A Window.
        translate: Translates what it holds.

    Returns:
        DuckDB's expression of the same meaning.
    """
    order, spec = node.args.get("order"), node.args.get("spec")
    over = Over(
        [translate(key) for key in node.args.get("partition_by") or []],
        grouping.keys(order, translate) if order is not None else [],
        _frame(spec) if spec is not None else None,
    )
    return _translated(node.this, translate, over.make)


def _frame(spec: exp.Expr) -> exp.Expr:
    edges = {
        name: exp.Literal.number(edge.name) if isinstance(edge, exp.Expr) else edge
        for name in ("start", "end")
        if (edge := spec.args.get(name)) is not None
    }
    sides = {name: spec.args.get(name) for name in ("kind", "start_side", "end_side")}
    return exp.WindowSpec(**edges, **sides)


def call(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a checked call of an aggregate function.

    Args:
        node: The call.
        translate: Translates what it holds.

    Returns:
        DuckDB's expression of the same meaning.
    """
    return _translated(node, translate, nodes.call)


def _translated(node: exp.Expr, translate: Translate, make: Make) -> exp.Expr:
    name, modified = node.name, Modified.of(node)
    arguments = modified.arguments
    if not arguments or isinstance(arguments[0], exp.Star):
        return make(_NAMES[name], *(exp.Star() for _ in arguments))
    if name == "STRING_AGG":
        return _string_agg(modified, translate)
    if name == "ARRAY_AGG":
        return _array_agg(modified, translate)
    values = [exp.Literal.number(a.name) if a.meta.get("keep") else translate(a) for a in arguments]
    kind = kinds.kind(arguments[0])
    first = exp.Distinct(expressions=[values[0]]) if modified.distinct else values[0]
    rule = _RULES.get((name, kind)) or RULES.get(name)
    if rule is not None:
        return rule(make, first, *values[1:])
    if modified.nulls is exp.IgnoreNulls and name in ("FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"):
        values[-1] = exp.IgnoreNulls(this=values[-1])
        first = values[0]
    return make(_NAMES[name], first, *values[1:])


def average_integers(make: Make, value: exp.Expr) -> exp.Expr:
    """Average INT64, unless one is beyond 2^53.

    BigQuery adds doubles, which do not hold such a number: its mean depends on the order of rows.
    """
    least, most = make("min", _bare(value)), make("max", _bare(value))
    bound = nodes.number(_EXACT_INTEGERS)
    huge = nodes.either(
        nodes.operate(exp.GT, most, bound),
        nodes.operate(exp.LT, least, nodes.number(-_EXACT_INTEGERS)),
    )
    problem = nodes.refusal("an average of numbers beyond 2^53 is not taken", kinds.FLOAT64)
    return nodes.case((huge, problem), default=make("avg", value))


def count_if(make: Make, condition: exp.Expr) -> exp.Expr:
    """Count rows; over no rows it is 0, where DuckDB's count_if is NULL (S20)."""
    return make("count", nodes.case((condition, nodes.number(1))))


def sum_integers(make: Make, value: exp.Expr) -> exp.Expr:
    """Sum to an INT64, with BigQuery's error beyond; DuckDB sums to a wider type."""
    return nodes.cast(make("sum", value), kinds.INT64)


def sum_floats(make: Make, value: exp.Expr) -> exp.Expr:
    """Sum doubles, with BigQuery's error where finite ones overflow."""
    total = make("sum", value)
    bare = value.expressions[0] if isinstance(value, exp.Distinct) else value
    infinite = make("bool_or", nodes.call("isinf", bare.copy()))
    overflows = nodes.both(nodes.call("isinf", total.copy()), nodes.negation(infinite))
    return nodes.case((overflows, nodes.error("double overflow", kinds.FLOAT64)), default=total)


def sum_exact(make: Make, value: exp.Expr) -> exp.Expr:
    """Sum NUMERIC, which both do exactly."""
    return nodes.cast(make("sum", value), kinds.NUMERIC)


def _extreme_float(name: str) -> Callable[[Make, exp.Expr], exp.Expr]:
    """Let a NaN win over all (S16); DuckDB takes it for the greatest number."""

    def rule(make: Make, value: exp.Expr) -> exp.Expr:
        bare = value.expressions[0] if isinstance(value, exp.Distinct) else value
        nan = nodes.cast(nodes.text("nan"), kinds.FLOAT64)
        any_nan = make("bool_or", nodes.call("isnan", bare.copy()))
        return nodes.case((any_nan, nan), default=make(name, value))

    return rule


def _string_agg(modified: Modified, translate: Translate) -> exp.Expr:
    first, *more = modified.arguments
    value = translate(first)
    delimiter = translate(more[0]) if more else nodes.text(",")
    if modified.limit is None:
        keys = _keys(modified, value, translate) or [_by_value(value)]
        distinct = exp.Distinct(expressions=[value]) if modified.distinct else value
        return nodes.call("string_agg", distinct, exp.Order(this=delimiter, expressions=keys))
    listed = _list(modified, value, translate, without_nulls=True)
    return nodes.call("array_to_string", listed, delimiter)


def _array_agg(modified: Modified, translate: Translate) -> exp.Expr:
    value = translate(modified.arguments[0])
    return _list(modified, value, translate, without_nulls=modified.nulls is exp.IgnoreNulls)


def _list(
    modified: Modified, value: exp.Expr, translate: Translate, *, without_nulls: bool
) -> exp.Expr:
    """Gather values in their order; NULL over no rows."""
    first = exp.Distinct(expressions=[value]) if modified.distinct else value
    keys = _keys(modified, value, translate) or [_by_value(value)]
    listed = nodes.call("list", exp.Order(this=first, expressions=keys) if keys else first)
    if without_nulls:
        known = exp.Where(this=nodes.negation(nodes.is_null(value.copy())))
        listed = exp.Filter(this=listed, expression=known)
    if modified.limit is None:
        return listed
    return nodes.call(
        "list_slice", listed, nodes.number(1), exp.Literal.number(modified.limit.expression.name)
    )


def _by_value(value: exp.Expr) -> exp.Expr:
    """Order values by themselves where no order is asked for: any is right, and this one stays."""
    return exp.Ordered(this=value.copy(), desc=False, nulls_first=True)


def _keys(modified: Modified, value: exp.Expr, translate: Translate) -> list[exp.Expr]:
    """Translate the order; behind DISTINCT DuckDB wants the very value."""
    if modified.order is None:
        return []
    if not modified.distinct or kinds.kind(modified.arguments[0]) is Kind.FLOAT64:
        return grouping.keys(modified.order, translate)
    return [
        exp.Ordered(this=value.copy(), desc=key.args["desc"], nulls_first=key.args["nulls_first"])
        for key in modified.order.expressions
    ]


_RULES: dict[tuple[str, Kind | None], Callable[..., exp.Expr]] = {
    ("COUNTIF", Kind.BOOL): count_if,
    ("SUM", Kind.INT64): sum_integers,
    ("SUM", Kind.FLOAT64): sum_floats,
    ("SUM", Kind.NUMERIC): sum_exact,
    ("MIN", Kind.FLOAT64): _extreme_float("min"),
    ("MAX", Kind.FLOAT64): _extreme_float("max"),
    ("AVG", Kind.NUMERIC): exact_average,
    ("AVG", Kind.FLOAT64): average,
    ("AVG", Kind.INT64): average_integers,
}
