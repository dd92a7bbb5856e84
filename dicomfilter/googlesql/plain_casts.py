"""Casts among texts, numbers, BOOL and BYTES (S07, S09 to S11)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

_BRIEF = 16
"""The longest text of a FLOAT64 that is sure to have at most 15 digits."""
_LEAST = "1e-300"
"""Well above the numbers that have less than 15 digits."""


def float_to_text(number: exp.Expr) -> exp.Expr:
    """Write a FLOAT64: with 15 digits where they say all, else with 17, and -0 as 0.

    Where DuckDB's own text is short it has the same digits, and takes less time.
    """
    plain = nodes.cast(number.copy(), kinds.STRING)
    least = nodes.cast(nodes.text(_LEAST), kinds.FLOAT64)
    brief = nodes.both(
        nodes.operate(exp.LTE, nodes.call("strlen", plain.copy()), nodes.number(_BRIEF)),
        nodes.operate(exp.GT, nodes.call("abs", number.copy()), least),
    )
    whole = nodes.call("ends_with", plain.copy(), nodes.text(".0"))
    bare = nodes.call("left", plain.copy(), nodes.number(-2))
    short, long = (
        nodes.call("format", nodes.text(f"{{:.{digits}g}}"), number.copy()) for digits in (15, 17)
    )
    unsigned = nodes.operate(exp.EQ, number.copy(), nodes.number(0))
    enough = nodes.operate(exp.EQ, nodes.cast(short.copy(), kinds.FLOAT64), number)
    nan = nodes.call("isnan", number.copy())  # which has a sign, and DuckDB writes it
    return nodes.case(
        (nan, nodes.text("nan")),
        (unsigned, nodes.text("0")),
        (brief, nodes.case((whole, bare), default=plain)),
        (enough, short),
        default=long,
    )


def _float_to_integer(number: exp.Expr, *, safe: bool) -> exp.Expr:
    """Round halves away from zero, where DuckDB's cast rounds them to even."""
    return _plain(kinds.INT64)(nodes.call("round", number), safe=safe)


def _float_to_numeric(number: exp.Expr, *, safe: bool) -> exp.Expr:
    """Round the number that the bits stand for, which has at most so many digits that count."""
    digits = nodes.call("format", nodes.text("{:.60f}"), number)
    return _plain(kinds.NUMERIC)(digits, safe=safe)


def _bytes_to_text(value: exp.Expr, *, safe: bool) -> exp.Expr:
    decoded = nodes.call("decode", value)
    return nodes.call("try", decoded) if safe else decoded


def _text_to_bytes(text: exp.Expr, **_: bool) -> exp.Expr:
    return nodes.call("encode", text)


def _text_to_bool(text: exp.Expr, *, safe: bool) -> exp.Expr:
    """Read true and false, in any case; DuckDB reads 1, t and yes as well."""
    small = nodes.call("lower", text.copy())
    branches = [
        (nodes.operate(exp.EQ, small.copy(), nodes.text(word)), nodes.boolean(word == "true"))
        for word in ("true", "false")
    ]
    if safe:
        return nodes.case(*branches)
    branches.append((nodes.is_null(text), nodes.null()))
    return nodes.case(*branches, default=nodes.error("Bad bool value", kinds.BOOL))


def _plain(to: SqlType) -> Callable[..., exp.Expr]:
    def cast(value: exp.Expr, *, safe: bool) -> exp.Expr:
        return nodes.try_cast(value, to) if safe else nodes.cast(value, to)

    return cast


CASTS: dict[tuple[Kind, Kind], Callable[..., exp.Expr]] = {
    (Kind.BOOL, Kind.INT64): _plain(kinds.INT64),
    (Kind.BYTES, Kind.STRING): _bytes_to_text,
    (Kind.FLOAT64, Kind.INT64): _float_to_integer,
    (Kind.FLOAT64, Kind.NUMERIC): _float_to_numeric,
    (Kind.INT64, Kind.BOOL): _plain(kinds.BOOL),
    (Kind.NUMERIC, Kind.INT64): _plain(kinds.INT64),
    (Kind.STRING, Kind.BOOL): _text_to_bool,
    (Kind.STRING, Kind.BYTES): _text_to_bytes,
}
"""By the types from and to: takes the translated value, and whether what does not go is NULL."""
