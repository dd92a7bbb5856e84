"""Arithmetic, rounding and mathematical functions, with GoogleSQL's errors."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import floats, functions, nodes, numerics
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.values import INT64_MIN
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


_AWAY = 1.0000000000000003
"""What moves a number to the next double, away from zero."""
_WHOLE_FROM = 2**53
"""From here on a double is a whole number."""
_MOST = exp.Literal.number(15)
"""Places on either side of the point."""
_SURE, _NEAR = 10**9, 1e-6
"""A double below the first, computed by one operation, is nearer than the second to the truth."""


def rounded(value: exp.Expr, places: int, *, cut: bool) -> exp.Expr:
    """Round a FLOAT64, halves away from zero, or cut it off.

    Args:
        value: Translated.
        places: Behind the point, or negative before it; at most 15.
        cut: Whether to cut.

    Returns:
        DuckDB's tree; NaN and infinities stay.
    """
    if places == 0:
        return nodes.call("trunc" if cut else "round", value)
    if places < 0:
        finite = nodes.call("isfinite", value.copy())
        return nodes.case((finite, _before_point(value, -places, cut=cut)), default=value.copy())
    scale = nodes.cast(nodes.number(10**places), kinds.FLOAT64)
    scaled = nodes.operate(exp.Mul, value.copy(), scale)
    rest = nodes.call("abs", nodes.operate(exp.Sub, scaled, nodes.call("trunc", scaled.copy())))
    if cut:
        clear = nodes.both(
            nodes.operate(exp.GT, rest, _float(_NEAR)),
            nodes.operate(exp.LT, rest.copy(), _float(1 - _NEAR)),
        )
        exactly = _cut(value.copy(), places)
    else:
        from_half = nodes.operate(exp.Sub, rest, _float(0.5))
        clear = nodes.operate(exp.GT, nodes.call("abs", from_half), _float(_NEAR))
        exactly = _rounded(value.copy(), places)
    sure = nodes.both(
        nodes.operate(exp.LT, nodes.call("abs", scaled.copy()), nodes.number(_SURE)), clear
    )
    whole = nodes.call("trunc" if cut else "round", scaled.copy())
    size = nodes.call("abs", value.copy())
    small = nodes.operate(exp.LT, size, nodes.number(_WHOLE_FROM))
    return nodes.case(
        (sure, nodes.operate(exp.Div, whole, scale.copy())),
        (small, exactly),
        default=value.copy(),
    )


def to_places(value: exp.Expr, places: exp.Expr, *, cut: bool) -> list[tuple[exp.Expr, exp.Expr]]:
    """Round a FLOAT64 to a computed number of places, or cut it off there.

    Args:
        value: Translated.
        places: Translated, not NULL.
        cut: Whether to cut.

    Returns:
        Branches of a CASE, for up to fifteen places on either side of the point.
    """
    size = nodes.call("abs", value.copy())
    whole = nodes.negation(nodes.operate(exp.LT, size, nodes.number(_WHOLE_FROM)))
    count = nodes.cast(places.copy(), kinds.STRING)
    behind = exp.Between(this=nodes.wrap(places.copy()), low=nodes.number(0), high=_MOST.copy())
    before = exp.Between(
        this=nodes.wrap(places.copy()), low=exp.Neg(this=_MOST.copy()), high=exp.Literal.number(-1)
    )
    if cut:
        digits = nodes.call("printf", nodes.text("%.40f"), value.copy())
        point = nodes.call("strpos", digits.copy(), nodes.text("."))
        until = nodes.operate(exp.Add, point, places.copy())
        exactly = nodes.cast(nodes.call("left", digits, until), kinds.FLOAT64)
    else:
        power = nodes.call("pow", nodes.number(2), nodes.operate(exp.Add, places, nodes.number(1)))
        pattern = nodes.call("concat", nodes.text("%."), count, nodes.text("f"))
        exactly = nodes.cast(
            nodes.call("printf", pattern, _pushed(value.copy(), power)), kinds.FLOAT64
        )
    unit = nodes.call("pow", nodes.number(10), exp.Neg(this=nodes.wrap(places.copy())))
    finite = nodes.call("isfinite", value.copy())
    before_point = nodes.case((finite, _to_unit(value, unit, cut=cut)), default=value.copy())
    return [
        (nodes.both(behind, whole), value.copy()),
        (behind.copy(), exactly),
        (before, before_point),
    ]


def _float(value: float) -> exp.Expr:
    return nodes.cast(nodes.text(repr(value)), kinds.FLOAT64)


def _cut(value: exp.Expr, places: int) -> exp.Expr:
    """Cut off by the digits; forty are more than any double needs before zeros or nines end."""
    digits = nodes.call("printf", nodes.text("%.40f"), value)
    until = nodes.text(rf"^-?[0-9]+\.[0-9]{{{places}}}")
    return nodes.cast(nodes.call("regexp_extract", digits, until), kinds.FLOAT64)


def _rounded(value: exp.Expr, places: int) -> exp.Expr:
    """Round by the digits: printf takes the number for what it is, but rounds halves to even.

    A half is an odd multiple of a power of two.
    """
    pushed = _pushed(value, nodes.number(2 ** (places + 1)))
    return nodes.cast(nodes.call("printf", nodes.text(f"%.{places}f"), pushed), kinds.FLOAT64)


def _pushed(value: exp.Expr, scale: exp.Expr) -> exp.Expr:
    """Move a number that lies half-way, so that it is rounded away from zero."""
    scaled = nodes.operate(exp.Mul, nodes.call("abs", value.copy()), scale)
    odd = nodes.operate(exp.EQ, nodes.call("fmod", scaled, nodes.number(2)), nodes.number(1))
    return nodes.case((odd, nodes.operate(exp.Mul, value.copy(), _float(_AWAY))), default=value)


def _before_point(value: exp.Expr, places: int, *, cut: bool) -> exp.Expr:
    return _to_unit(value, nodes.cast(nodes.number(10**places), kinds.FLOAT64), cut=cut)


def _to_unit(value: exp.Expr, unit: exp.Expr, *, cut: bool) -> exp.Expr:
    size = nodes.call("abs", value.copy())
    rest = nodes.call("fmod", size.copy(), unit)
    down: exp.Expr = exp.Paren(this=nodes.operate(exp.Sub, size, rest))
    if not cut:
        half = nodes.operate(
            exp.GTE, rest.copy(), nodes.operate(exp.Div, unit.copy(), nodes.number(2))
        )
        up = nodes.operate(exp.Add, down.copy(), unit.copy())
        down = nodes.case((half, up), default=down)
    negative = nodes.operate(exp.LT, value.copy(), nodes.number(0))
    return nodes.case((negative, exp.Neg(this=down.copy())), default=down)


def _operands(node: exp.Expr, translate: Translate) -> list[exp.Expr]:
    return [translate(argument) for argument in node.expressions]


def _domain(problem: exp.Expr, plain: exp.Expr, name: str) -> exp.Expr:
    return nodes.case(
        (problem, nodes.error(f"Floating point error in function: {name}", kinds.FLOAT64)),
        default=plain,
    )


def _sqrt(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _operands(node, translate)
    negative = nodes.operate(exp.LT, value.copy(), nodes.number(0))
    return _domain(negative, nodes.call("sqrt", value), node.name)


def _exp(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _operands(node, translate)
    plain = nodes.call("exp", value)
    infinite = [
        nodes.call("isinf", plain.copy()),
        nodes.call("isfinite", value.copy()),
    ]
    return _domain(nodes.both(*infinite), plain, node.name)


def _angle(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a function of an angle: what is not finite of finite numbers is an error."""
    values = _operands(node, translate)
    plain = nodes.call(node.name.lower(), *values)
    if node.name not in ("ACOS", "ASIN", "COSH", "SINH"):
        return plain
    finite = [nodes.call("isfinite", value.copy()) for value in values]
    problem = nodes.both(nodes.negation(nodes.call("isfinite", plain.copy())), *finite)
    return _domain(problem, plain, node.name)


def _logarithm(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate LN, LOG10, and LOG with its base, which is e if not given."""
    values = _operands(node, translate)
    if len(values) == 2:
        return _logarithm_to_base(*values)
    plain = nodes.call("log10" if node.name == "LOG10" else "ln", values[0])
    return _domain(_not_positive(values[0]), plain, node.name)


def _not_positive(value: exp.Expr) -> exp.Expr:
    """Test for a number without a logarithm; of minus infinity it is NaN."""
    return nodes.both(
        nodes.operate(exp.LTE, value.copy(), nodes.number(0)),
        nodes.call("isfinite", value.copy()),
    )


def _logarithm_to_base(value: exp.Expr, base: exp.Expr) -> exp.Expr:
    infinite = nodes.call("isinf", base.copy())
    low = nodes.operate(exp.EQ, value.copy(), nodes.cast(nodes.text("-inf"), kinds.FLOAT64))
    nan = nodes.cast(nodes.text("nan"), kinds.FLOAT64)
    finite = [nodes.call("isfinite", operand.copy()) for operand in (value, base)]
    bad_base = nodes.either(
        nodes.operate(exp.LTE, base.copy(), nodes.number(0)),
        nodes.operate(exp.EQ, base.copy(), nodes.number(1)),
    )
    bad_value = nodes.operate(exp.LTE, value.copy(), nodes.number(0))
    unknown = nodes.either(nodes.is_null(value.copy()), nodes.is_null(base.copy()))
    plain = nodes.operate(exp.Div, nodes.call("ln", value), nodes.call("ln", base))
    return nodes.case(
        (unknown, nodes.cast(nodes.null(), kinds.FLOAT64)),
        (nodes.either(infinite, low), nan),
        (
            nodes.both(*finite, nodes.either(bad_base, bad_value)),
            nodes.error("Floating point error in function: LOG", kinds.FLOAT64),
        ),
        default=plain,
    )


def _power(node: exp.Expr, translate: Translate) -> exp.Expr:
    def raised(*values: exp.Expr) -> exp.Expr:
        plain = nodes.call("pow", *values)
        finite = [nodes.call("isfinite", value.copy()) for value in values]
        problem = nodes.both(nodes.negation(nodes.call("isfinite", plain.copy())), *finite)
        return _domain(problem, plain, node.name)

    return nodes.named(_operands(node, translate), raised)


MATHEMATICAL: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    **dict.fromkeys(
        ("ACOS", "ASIN", "ATAN", "ATAN2", "COS", "COSH", "SIN", "SINH", "TAN", "TANH"), _angle
    ),
    **dict.fromkeys(("LN", "LOG", "LOG10"), _logarithm),
    **dict.fromkeys(("POW", "POWER"), _power),
    "EXP": _exp,
    "SQRT": _sqrt,
}


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
            return numerics.divide(left, right)
        return _divided(left, right, overflows=overflows)

    return nodes.named([translate(operand) for operand in operands], divided)


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
    return functions.silenced(translate, lambda argument: _quotient(node.expressions, argument))


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
        return numerics.divide_whole(value, divisor)
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

    return functions.silenced(translate, negate)


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
        return numerics.safe(sign, left, right)
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
        same = floats.compare(exp.EQ, left, right)
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
    return numerics.fitted(plain, value)


def _rounding(node: exp.Expr, translate: Translate) -> exp.Expr:
    value = translate(node.expressions[0])
    places = 0
    if len(node.expressions) > 1:
        written = node.expressions[1]
        if not written.meta.get(KEEP):
            return _rounding_to(node, value, translate(written))
        places = written.meta["value"]
    if _type(node) == kinds.NUMERIC:
        return numerics.rounded(node.name.lower(), value, places)
    cut = node.name == "TRUNC"
    return nodes.named([value], lambda given: rounded(given, places, cut=cut))


def _rounding_to(node: exp.Expr, value: exp.Expr, places: exp.Expr) -> exp.Expr:
    """Round to a computed number of places."""
    of, cut = kinds.of(node) or kinds.FLOAT64, node.name == "TRUNC"
    refusal = nodes.refusal(f"{node.name} to so many places is not taken", of)
    if of == kinds.NUMERIC:
        branches = [
            (
                nodes.operate(exp.EQ, places.copy(), nodes.number(count)),
                numerics.rounded(node.name.lower(), value.copy(), count),
            )
            for count in _PLACES
        ]
    else:
        branches = to_places(value, places, cut=cut)
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
