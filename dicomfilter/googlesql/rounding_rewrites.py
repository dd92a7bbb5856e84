"""ROUND and TRUNC of FLOAT64, exact where DuckDB multiplies and divides."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes

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
