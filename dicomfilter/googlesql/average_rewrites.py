"""Means and spreads as BigQuery has them, with infinities and decimals."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., exp.Expr]

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
