"""NUMERIC as GoogleSQL has it, exact to nine places; DuckDB takes doubles."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.values import NUMERIC_SCALE

_HUGE = exp.DataType(this=exp.DataType.Type.INT128)
_UNIT = 10**NUMERIC_SCALE
_SMALLEST = "0.000000001"
_LARGEST_DIVISOR = 80_000_000_000_000_000_000
"""Up to here a remainder times two units has room in 128 bits."""
_LARGEST = "99999999999999999999999999999.999999999"
_LAST = "99999999999999999999999999999"
_SURE, _CLEAR = 1e11, 0.499
"""A quotient of doubles of fewer units than the first is wrong by less than a thousandth."""
_LARGEST_PRODUCT = 9.9e19
"""Up to here DuckDB multiplies two NUMERIC, with 18 places of 38."""
_HALF = 10**19
"""The units of a NUMERIC are twice so many digits, and products of these have room in 128 bits."""
_LARGEST_FACTOR = 10**19
"""Up to here there is room for the units of a NUMERIC among its whole numbers."""
_NO_PRODUCT = 1.01e29


def divide(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Divide exactly, halves of the ninth place away from zero."""
    large = nodes.operate(exp.GT, nodes.call("abs", right.copy()), nodes.number(_LARGEST_DIVISOR))
    by = nodes.case((large, nodes.null()), default=_divisor(right))
    size = nodes.named(
        [_units(nodes.call("abs", left.copy())), exp.Cast(this=by, to=_HUGE.copy())],
        _divided,
        name="_units",
        small=0,
    )
    no_room = (large.copy(), nodes.refusal("a divisor too large for DuckDB", kinds.NUMERIC))
    slow = nodes.named(
        [size], lambda found: _quotient(left, right, found, no_room), name="_size", small=0
    )
    # small quotients are sure enough as doubles, unless they are near a half
    units = nodes.operate(exp.Mul, nodes.operate(exp.Div, _double(left), _double(right)), _of(1e9))
    whole = nodes.call("round", units.copy())
    rest = nodes.call("abs", nodes.operate(exp.Sub, units.copy(), whole))
    sure = nodes.both(
        nodes.operate(exp.LT, nodes.call("abs", units), _of(_SURE)),
        nodes.operate(exp.LT, rest, _of(_CLEAR)),
    )
    integer = nodes.cast(whole.copy(), kinds.INT64)
    exact = exp.Cast(this=integer, to=exp.DataType.build("DECIMAL(18, 0)"))
    fast = nodes.cast(exp.Paren(this=nodes.operate(exp.Mul, exact, _unit())), kinds.NUMERIC)
    return nodes.case((sure, fast), default=slow)


def _of(value: float) -> exp.Expr:
    return nodes.cast(nodes.text(repr(value)), kinds.FLOAT64)


def _unit() -> exp.Expr:
    return exp.Cast(this=nodes.text(_SMALLEST), to=exp.DataType.build("DECIMAL(9, 9)"))


def _divided(size: exp.Expr, by: exp.Expr) -> exp.Expr:
    whole = nodes.operate(exp.IntDiv, size, by)
    rest = nodes.operate(exp.Mod, size.copy(), by.copy())
    doubled = nodes.operate(exp.Mul, rest, nodes.number(2 * _UNIT))
    twice = nodes.operate(exp.Mul, by.copy(), nodes.number(2))
    fraction = nodes.operate(exp.IntDiv, nodes.operate(exp.Add, doubled, by.copy()), twice)
    return _number(whole, fraction)


def multiply(left: exp.Expr, right: exp.Expr, beyond: exp.Expr) -> exp.Expr:
    """Multiply exactly, halves of the ninth place away from zero.

    Args:
        left: Translated.
        right: Translated.
        beyond: What comes out where the product has no room.
    """
    size = nodes.call("abs", nodes.operate(exp.Mul, _double(left), _double(right)))
    plain = nodes.cast(exp.Paren(this=nodes.operate(exp.Mul, left, right)), kinds.NUMERIC)
    factors = [_units(nodes.call("abs", factor.copy())) for factor in (left, right)]
    units = nodes.named(factors, _multiplied, name="_factors", small=0)
    exact = nodes.named([units], _number_of, name="_product", small=0)

    def signed(found: exp.Expr) -> exp.Expr:
        lost = (nodes.is_null(found.copy()), beyond.copy())
        negative = (_differ(left, right), exp.Neg(this=nodes.wrap(found.copy())))
        return nodes.case(lost, negative, default=found)

    return nodes.case(
        (nodes.operate(exp.GT, size, exp.Literal.number(repr(_NO_PRODUCT))), beyond),
        (
            nodes.operate(exp.GT, size.copy(), exp.Literal.number(repr(_LARGEST_PRODUCT))),
            nodes.named([exact], signed, name="_size", small=0),
        ),
        default=plain,
    )


def _multiplied(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Count the units of a product of units, by halves that have room in 128 bits."""
    half = nodes.number(_HALF)
    (high, low), (other_high, other_low) = (
        (nodes.operate(exp.IntDiv, factor, half), nodes.operate(exp.Mod, factor.copy(), half))
        for factor in (left, right)
    )
    highest = nodes.operate(exp.Mul, high, other_high)
    crossed = nodes.operate(
        exp.Add,
        nodes.operate(exp.Mul, high.copy(), other_low),
        nodes.operate(exp.Mul, low, other_high.copy()),
    )
    lowest = nodes.operate(
        exp.Add, nodes.operate(exp.Mul, low.copy(), other_low.copy()), nodes.number(_UNIT // 2)
    )
    return nodes.operate(
        exp.Add,
        nodes.operate(
            exp.Add,
            nodes.operate(exp.Mul, highest, nodes.number(_HALF * _HALF // _UNIT)),
            nodes.operate(exp.Mul, crossed, nodes.number(_HALF // _UNIT)),
        ),
        nodes.operate(exp.IntDiv, lowest, nodes.number(_UNIT)),
    )


def _number_of(units: exp.Expr) -> exp.Expr:
    unit = nodes.number(_UNIT)
    return _number(
        nodes.operate(exp.IntDiv, units, unit), nodes.operate(exp.Mod, units.copy(), unit.copy())
    )


def _differ(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Tell whether one number is negative and the other is not."""
    zero = nodes.number(0)
    first, second = (nodes.operate(exp.LT, each.copy(), zero) for each in (left, right))
    return nodes.operate(exp.NEQ, first, second)


def divide_whole(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Divide exactly, without what is behind the point."""
    size = _units(nodes.call("abs", left.copy()))
    whole = nodes.operate(exp.IntDiv, size, _divisor(right))
    return _quotient(left, right, nodes.try_cast(exp.Paren(this=whole), kinds.NUMERIC))


def _divisor(right: exp.Expr) -> exp.Expr:
    """Count the units of a divisor; NULL for 0, of which DuckDB may compute a quotient unasked."""
    return nodes.call("nullif", _units(nodes.call("abs", right.copy())), nodes.number(0))


def _quotient(
    left: exp.Expr, right: exp.Expr, size: exp.Expr, *also: tuple[exp.Expr, exp.Expr]
) -> exp.Expr:
    """Give a quotient its sign, and fail where there is none."""
    negative = _differ(left, right)
    unknown = nodes.either(nodes.is_null(left.copy()), nodes.is_null(right.copy()))
    by_zero = nodes.operate(exp.EQ, right.copy(), nodes.number(0))
    return nodes.case(
        (unknown, nodes.cast(nodes.null(), kinds.NUMERIC)),
        (by_zero, nodes.error("division by zero", kinds.NUMERIC)),
        *also,
        (nodes.is_null(size.copy()), nodes.error("numeric overflow", kinds.NUMERIC)),
        (negative, exp.Neg(this=nodes.wrap(size.copy()))),
        default=size,
    )


def _units(value: exp.Expr) -> exp.Expr:
    """Count the units of the ninth place; where a product has no room, by the digits."""
    digits = nodes.cast(nodes.cast(value, kinds.NUMERIC), kinds.STRING)
    bare = nodes.call("replace", digits, nodes.text("."), nodes.text(""))
    unit = exp.Cast(this=nodes.number(_UNIT), to=exp.DataType.build("DECIMAL(10, 0)"))
    product = nodes.operate(exp.Mul, value.copy(), unit)
    small = nodes.operate(exp.LT, value.copy(), nodes.number(_LARGEST_FACTOR))
    return nodes.case(
        (small, exp.Cast(this=exp.Paren(this=product), to=_HUGE.copy())),
        default=exp.Cast(this=bare, to=_HUGE.copy()),
    )


def _number(whole: exp.Expr, fraction: exp.Expr) -> exp.Expr:
    """Join a whole number and units of the ninth place; NULL where there is no room."""
    # at most one, when rounded up
    part = exp.Cast(this=nodes.wrap(fraction), to=exp.DataType.build("DECIMAL(10, 0)"))
    behind = nodes.cast(exp.Paren(this=nodes.operate(exp.Mul, part, _unit())), kinds.NUMERIC)
    before = nodes.try_cast(nodes.wrap(whole), kinds.NUMERIC)
    full = nodes.operate(exp.GTE, before.copy(), nodes.cast(nodes.text(_LAST), kinds.NUMERIC))
    rounded_up = nodes.operate(exp.GTE, fraction.copy(), nodes.number(_UNIT))
    return nodes.case(
        (nodes.both(full, rounded_up), nodes.null()),
        default=nodes.operate(exp.Add, before, behind),
    )


def fitted(plain: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Bring a whole number back to NUMERIC, with BigQuery's error beyond."""
    found = nodes.try_cast(plain, kinds.NUMERIC)
    lost = nodes.both(nodes.is_null(found.copy()), nodes.negation(nodes.is_null(value.copy())))
    return nodes.case((lost, nodes.error("numeric overflow", kinds.NUMERIC)), default=found)


def rounded(name: str, value: exp.Expr, places: int) -> exp.Expr:
    """Round or cut a NUMERIC, halves away from zero.

    Args:
        name: ``round`` or ``trunc``.
        value: Translated.
        places: Behind the point, or negative before it.
    """
    if places >= NUMERIC_SCALE:
        return value
    plain = nodes.call(name, value, nodes.number(places)) if places else nodes.call(name, value)
    return fitted(plain, value)


def safe(sign: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Add, subtract or multiply, with NULL where the result has no room."""
    nothing = nodes.cast(nodes.null(), kinds.NUMERIC)
    if sign is exp.Mul:
        return multiply(left, right, nothing)
    plain = exp.Paren(this=nodes.operate(sign, left, right))
    # room is left by what is added alone, so that the test itself cannot overflow
    zero = nodes.cast(nodes.number(0), kinds.NUMERIC)
    upwards, downwards = (
        nodes.call(name, right.copy(), zero.copy()) for name in ("greatest", "least")
    )
    if sign is exp.Sub:
        upwards, downwards = downwards, upwards
    away = exp.Add if sign is exp.Sub else exp.Sub
    largest = nodes.cast(nodes.text(_LARGEST), kinds.NUMERIC)
    lowest = nodes.cast(nodes.text(f"-{_LARGEST}"), kinds.NUMERIC)
    outside = nodes.either(
        nodes.operate(exp.GT, left.copy(), nodes.operate(away, largest, upwards)),
        nodes.operate(exp.LT, left.copy(), nodes.operate(away, lowest, downwards)),
    )
    return nodes.case((outside, nothing), default=nodes.cast(plain, kinds.NUMERIC))


def _double(node: exp.Expr) -> exp.Expr:
    return nodes.cast(node.copy(), kinds.FLOAT64)
