"""Arithmetic as GoogleSQL has it: errors where DuckDB gives NULL or NaN.

What fails in BigQuery fails by `nodes.error`, so that the SAFE functions are the plain ones with
NULL in its place.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import (
    bindings,
    float_rewrites,
    kinds,
    nodes,
    numeric_rewrites,
    rounding_rewrites,
    safe_rewrites,
)
from dicomfilter.googlesql.lifting import KEEP
from dicomfilter.googlesql.values import INT64_MIN
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_PLACES = range(-4, 9)
"""To which a NUMERIC is rounded where the number of places is computed."""
_HUGE = exp.DataType(this=exp.DataType.Type.INT128)


def divide(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``/``."""
    return _quotient([node.this, node.expression], translate)


def _quotient(operands: list[exp.Expr], translate: Translate) -> exp.Expr:
    is_exact = kinds.kind(operands[0]) is Kind.NUMERIC
    overflows = not all(_is_whole(operand) for operand in operands)

    def divided(left: exp.Expr, right: exp.Expr) -> exp.Expr:
        if is_exact:
            return numeric_rewrites.divide(left, right)
        return _divided(left, right, overflows=overflows)

    return bindings.named([translate(operand) for operand in operands], divided)


def _divided(left: exp.Expr, right: exp.Expr, *, overflows: bool) -> exp.Expr:
    problem = nodes.both(_is_zero(right), _known(left))
    plain = nodes.operate(exp.Div, left, right)
    if overflows:
        infinite = nodes.call("isinf", plain.copy())
        finite = [nodes.call("isfinite", operand.copy()) for operand in (left, right)]
        problem = nodes.either(problem, nodes.both(infinite, *finite))
    return nodes.case(
        (problem, nodes.error("division by zero, or double overflow", kinds.FLOAT64)),
        default=plain,
    )


def _is_whole(node: exp.Expr) -> bool:
    """Tell whether a FLOAT64 comes from an INT64, so that no quotient overflows."""
    return isinstance(node, exp.Cast) and kinds.kind(node.this) is Kind.INT64


def _is_zero(node: exp.Expr) -> exp.Expr:
    return nodes.operate(exp.EQ, node.copy(), nodes.number(0))


def _known(*operands: exp.Expr) -> exp.Expr:
    return nodes.both(*(nodes.negation(nodes.is_null(operand.copy())) for operand in operands))


def _type(node: exp.Expr) -> SqlType:
    of = kinds.of(node)
    assert of is not None  # noqa: S101 - a checked call has its type
    return of


def _arguments(node: exp.Expr, translate: Translate) -> list[exp.Expr]:
    return [translate(argument) for argument in node.expressions]


def _ieee_divide(node: exp.Expr, translate: Translate) -> exp.Expr:
    return exp.Paren(this=nodes.operate(exp.Div, *_arguments(node, translate)))


def _safe_divide(node: exp.Expr, translate: Translate) -> exp.Expr:
    return safe_rewrites.silenced(translate, lambda argument: _quotient(node.expressions, argument))


def _mod(node: exp.Expr, translate: Translate) -> exp.Expr:
    value, divisor = _arguments(node, translate)
    of = _type(node)
    branches = [(nodes.both(_is_zero(divisor), _known(value)), nodes.error("division by zero", of))]
    if of == kinds.INT64:  # the smallest number has no opposite, and DuckDB fails
        minus_one = nodes.operate(exp.EQ, divisor.copy(), nodes.number(-1))
        branches.append((minus_one, nodes.operate(exp.Sub, value.copy(), value.copy())))
    unknown = nodes.is_null(value.copy())  # which DuckDB would divide by zero
    branches.append((unknown, nodes.cast(nodes.null(), of)))
    return nodes.case(*branches, default=nodes.operate(exp.Mod, value, divisor))


def _div(node: exp.Expr, translate: Translate) -> exp.Expr:
    value, divisor = _arguments(node, translate)
    if _type(node) == kinds.NUMERIC:
        return numeric_rewrites.divide_whole(value, divisor)
    overflows = nodes.both(
        nodes.operate(exp.EQ, value.copy(), _least()),
        nodes.operate(exp.EQ, divisor.copy(), nodes.number(-1)),
    )
    problem = nodes.both(nodes.either(_is_zero(divisor), overflows), _known(value))
    return nodes.case(
        (problem, nodes.error("division by zero, or int64 overflow", kinds.INT64)),
        (nodes.is_null(value.copy()), nodes.cast(nodes.null(), kinds.INT64)),
        default=nodes.operate(exp.IntDiv, value, divisor),
    )


def _least() -> exp.Expr:
    return nodes.cast(nodes.text(str(INT64_MIN)), kinds.INT64)


def _abs(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _arguments(node, translate)
    plain = nodes.call("abs", value)
    return _unless_least(node, value, plain)


def _safe_negate(node: exp.Expr, translate: Translate) -> exp.Expr:
    def negate(argument: Translate) -> exp.Expr:
        (value,) = _arguments(node, argument)
        return _unless_least(node, value, exp.Neg(this=nodes.wrap(value)))

    return safe_rewrites.silenced(translate, negate)


def _unless_least(node: exp.Expr, value: exp.Expr, plain: exp.Expr) -> exp.Expr:
    if _type(node) != kinds.INT64:
        return exp.Paren(this=plain)
    is_least = nodes.operate(exp.EQ, value.copy(), _least())
    return nodes.case((is_least, nodes.error("int64 overflow", kinds.INT64)), default=plain)


def _sign(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _arguments(node, translate)
    of = _type(node)
    plain = nodes.cast(nodes.call("sign", value), of)
    if of != kinds.FLOAT64:
        return plain
    return nodes.case((nodes.call("isnan", value.copy()), value.copy()), default=plain)


_SAFE_SIGNS: dict[str, type[exp.Expr]] = {
    "SAFE_ADD": exp.Add,
    "SAFE_MULTIPLY": exp.Mul,
    "SAFE_SUBTRACT": exp.Sub,
}


def _safe_pair(node: exp.Expr, translate: Translate) -> exp.Expr:
    left, right = _arguments(node, translate)
    sign, of = _SAFE_SIGNS[node.name], _type(node)
    if of == kinds.NUMERIC:
        return numeric_rewrites.safe(sign, left, right)
    if of == kinds.INT64:  # with room for whatever two INT64 give
        wide = [exp.Cast(this=operand, to=_HUGE.copy()) for operand in (left, right)]
        return nodes.try_cast(exp.Paren(this=nodes.operate(sign, *wide)), kinds.INT64)
    plain = nodes.operate(sign, left, right)
    infinite = nodes.call("isinf", plain.copy())
    finite = [nodes.call("isfinite", operand.copy()) for operand in (left, right)]
    return nodes.case((nodes.both(infinite, *finite), nodes.cast(nodes.null(), of)), default=plain)


def _extreme(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate GREATEST and LEAST: NULL if an argument is, then NaN if one is (S16)."""
    values = _arguments(node, translate)
    of = _type(node)
    unknown = nodes.either(*(nodes.is_null(value.copy()) for value in values))
    branches = [(unknown, nodes.cast(nodes.null(), of))]
    if of == kinds.FLOAT64:
        any_nan = nodes.either(*(nodes.call("isnan", value.copy()) for value in values))
        branches.append((any_nan, nodes.cast(nodes.text("nan"), of)))
    return nodes.case(*branches, default=nodes.call(node.name.lower(), *values))


def _nullif(node: exp.Expr, translate: Translate) -> exp.Expr:
    left, right = _arguments(node, translate)
    of = _type(node)
    if of == kinds.FLOAT64:
        same = float_rewrites.compare(exp.EQ, left, right)
    else:
        same = nodes.operate(exp.EQ, left, right)
    return nodes.case((same, nodes.cast(nodes.null(), of)), default=left.copy())


def _class(node: exp.Expr, translate: Translate) -> exp.Expr:
    name = {"IS_INF": "isinf", "IS_NAN": "isnan"}[node.name]
    return nodes.call(name, *_arguments(node, translate))


def _real(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate CEIL and FLOOR."""
    (value,) = _arguments(node, translate)
    plain = nodes.call({"CEILING": "ceil"}.get(node.name, node.name.lower()), value)
    if _type(node) != kinds.NUMERIC:
        return plain
    return numeric_rewrites.fitted(plain, value)


def _rounding(node: exp.Expr, translate: Translate) -> exp.Expr:
    value = translate(node.expressions[0])
    places = 0
    if len(node.expressions) > 1:
        written = node.expressions[1]
        if not written.meta.get(KEEP):
            return _rounding_to(node, value, translate(written))
        places = written.meta["value"]
    if _type(node) == kinds.NUMERIC:
        return numeric_rewrites.rounded(node.name.lower(), value, places)
    cut = node.name == "TRUNC"
    return bindings.named([value], lambda given: rounding_rewrites.rounded(given, places, cut=cut))


def _rounding_to(node: exp.Expr, value: exp.Expr, places: exp.Expr) -> exp.Expr:
    """Round to a computed number of places."""
    of, cut = kinds.of(node) or kinds.FLOAT64, node.name == "TRUNC"
    refusal = nodes.refusal(f"{node.name} to so many places is not taken", of)
    if of == kinds.NUMERIC:
        branches = [
            (
                nodes.operate(exp.EQ, places.copy(), nodes.number(count)),
                numeric_rewrites.rounded(node.name.lower(), value.copy(), count),
            )
            for count in _PLACES
        ]
    else:
        branches = rounding_rewrites.to_places(value, places, cut=cut)
    nothing = nodes.cast(nodes.null(), of)
    return nodes.case((nodes.is_null(places.copy()), nothing), *branches, default=refusal)


def _random(_: exp.Expr, __: Translate) -> exp.Expr:
    return nodes.call("random")


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    "ABS": _abs,
    "CEIL": _real,
    "CEILING": _real,
    "DIV": _div,
    "FLOOR": _real,
    "GREATEST": _extreme,
    "IEEE_DIVIDE": _ieee_divide,
    "IS_INF": _class,
    "IS_NAN": _class,
    "LEAST": _extreme,
    "MOD": _mod,
    "RAND": _random,
    "NULLIF": _nullif,
    "ROUND": _rounding,
    "SAFE_ADD": _safe_pair,
    "SAFE_DIVIDE": _safe_divide,
    "SAFE_MULTIPLY": _safe_pair,
    "SAFE_NEGATE": _safe_negate,
    "SAFE_SUBTRACT": _safe_pair,
    "SIGN": _sign,
    "TRUNC": _rounding,
}
