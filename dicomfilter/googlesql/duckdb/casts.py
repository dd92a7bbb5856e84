"""Casts among texts, numbers, BOOL and BYTES; DuckDB reads other texts."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
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


_SPACE = " \t\n\v\f\r"
_AROUND = r"[ \t\n\x0b\f\r]*"
_INTEGER = rf"{_AROUND}[+-]?[0-9]+{_AROUND}"
_HEXADECIMAL = rf"{_AROUND}[+-]?0[xX][0-9a-fA-F]+{_AROUND}"
_FLOAT = (
    rf"(?i){_AROUND}[+-]?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?"
    rf"|inf|infinity|nan){_AROUND}"
)
_DECIMAL = rf"{_AROUND}[+-]?([0-9]+\.?[0-9]*|\.[0-9]+){_AROUND}"
_POWER = rf"(?i){_AROUND}[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)e[+-]?[0-9]+{_AROUND}"
_BELOW_ONE = "|".join(f"[0-9]{{0,{9 - power}}}e-0*{power}" for power in range(1, 10))
_EXACT_POWER = (
    rf"(?i){_AROUND}[+-]?[0-9]{{0,15}}\.?([0-9]{{0,9}}e\+?0*([0-9]|1[0-3])|{_BELOW_ONE}){_AROUND}"
)
"""With so few digits that a NUMERIC holds them all; BigQuery rounds the others in its own way."""
_SHORT_HEXADECIMAL = rf"{_AROUND}[+-]?0[xX][0-9a-fA-F]{{1,15}}{_AROUND}"
_ODD_FLOAT = (
    rf"(?i){_AROUND}[+-]?(0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(p[+-]?[0-9]+)?"
    rf"|nan\([0-9a-z_]*\)){_AROUND}"
)

_ODD = {
    Kind.INT64: (".", "_", "e", "E", "x", "X", "b", "B"),
    Kind.FLOAT64: ("_", "x", "X", "(", "+-"),
    Kind.NUMERIC: ("_", "e", "E", "x", "X", "b", "B"),
}
"""A text without these is cast by DuckDB as by BigQuery, and ten times as fast."""


def cast(node: exp.Expr, of: SqlType, to: SqlType, *, safe: bool) -> exp.Expr:
    """Cast, with an error or with NULL for what does not go.

    Args:
        node: Translated.
        of: Its GoogleSQL type.
        to: The GoogleSQL type to cast to.
        safe: Whether what does not go is NULL.

    Returns:
        DuckDB's tree.
    """
    plain = CASTS.get((of.kind, to.kind))
    if plain is not None:
        return plain(node, safe=safe)
    if to.kind is Kind.STRING:
        return to_text(node, of)
    if of.kind is Kind.NUMERIC and to.kind is Kind.FLOAT64:
        return nodes.cast(nodes.cast(node, kinds.STRING), to)  # by its digits: rounded once
    if of.kind is not Kind.STRING:
        return nodes.cast(node, to)
    readers = {Kind.INT64: _integer, Kind.FLOAT64: _float, Kind.NUMERIC: _numeric}
    value = nodes.case(*readers[to.kind](node))
    odd = _has_one_of(node, _ODD[to.kind])
    if safe:
        return nodes.case((odd, value), default=nodes.try_cast(node.copy(), to))
    # what no branch reads must fail, and so must a NULL that a branch makes of a text
    failed = nodes.is_null(value.copy())
    checked = nodes.case((failed, nodes.error(f"Bad {to} value", to)), default=value)
    return nodes.case((odd, checked), default=nodes.cast(node.copy(), to))


def _has_one_of(node: exp.Expr, parts: tuple[str, ...]) -> exp.Expr:
    """Tell whether a text holds one of some parts; to look for each is the fastest."""
    if isinstance(node, exp.Column):
        return nodes.either(
            *(nodes.call("contains", node.copy(), nodes.text(part)) for part in parts)
        )
    form = "|".join(map(re.escape, parts))
    return nodes.call("regexp_matches", node.copy(), nodes.text(form))


def _reads(node: exp.Expr, form: str) -> exp.Expr:
    return nodes.call("regexp_full_match", node.copy(), nodes.text(form))


def _bare(node: exp.Expr) -> exp.Expr:
    return nodes.call("trim", node.copy(), nodes.text(_SPACE))


def _integer(node: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    hexadecimal = nodes.try_cast(_signed_hexadecimal(node), kinds.INT64)
    return [
        (_reads(node, _INTEGER), nodes.try_cast(_bare(node), kinds.INT64)),
        (_reads(node, _HEXADECIMAL), hexadecimal),
    ]


def _signed_hexadecimal(node: exp.Expr) -> exp.Expr:
    """Read a hexadecimal number with its sign, which DuckDB does not read."""
    digits = nodes.call("regexp_replace", _bare(node), nodes.text("^[+-]?0[xX]"), nodes.text("0x"))
    size = exp.TryCast(this=digits, to=exp.DataType(this=exp.DataType.Type.INT128), safe=True)
    negative = nodes.call("starts_with", _bare(node), nodes.text("-"))
    return nodes.case((negative, exp.Neg(this=size.copy())), default=size)


def _float(node: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    problem = nodes.refusal("hexadecimal fractions are not taken in a cast", kinds.FLOAT64)
    return [
        (_reads(node, _FLOAT), nodes.try_cast(_bare(node), kinds.FLOAT64)),
        (
            _reads(node, _SHORT_HEXADECIMAL),
            nodes.cast(_signed_hexadecimal(node), kinds.FLOAT64),
        ),
        (_reads(node, _ODD_FLOAT), problem),
    ]


def _numeric(node: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    """Read decimal digits; DuckDB rounds what has too many of them as BigQuery does."""
    value = nodes.try_cast(_bare(node), kinds.NUMERIC)
    problem = nodes.refusal("a power of ten with so many digits is not taken", kinds.NUMERIC)
    return [
        (_reads(node, _DECIMAL), value),
        (nodes.both(_reads(node, _POWER), _reads(node, _EXACT_POWER)), value.copy()),
        (_reads(node, _POWER), problem),
    ]


def to_text(node: exp.Expr, of: SqlType) -> exp.Expr:
    """Write a value as BigQuery writes it (S07).

    Args:
        node: Translated.
        of: Its GoogleSQL type.

    Returns:
        DuckDB's tree: a fraction of a second has three or six digits or is left out, and a NUMERIC
        has no zeros at its end.
    """
    if of.kind is Kind.STRING:
        return node
    if of.kind is Kind.FLOAT64:
        return float_to_text(node)
    plain = nodes.cast(node, kinds.STRING)
    if of.kind is Kind.NUMERIC:
        return nodes.call("regexp_replace", plain, nodes.text(r"\.?0+$"), nodes.text(""))
    if of.kind not in (Kind.TIME, Kind.DATETIME):
        return plain
    # DuckDB leaves out the zeros at the end of a fraction
    day = "%Y-%m-%d " if of.kind is Kind.DATETIME else ""
    at = node.copy()
    if of.kind is Kind.TIME:
        at = nodes.operate(exp.Add, nodes.cast(nodes.text("1970-01-01"), kinds.DATE), at)
    full, short = (
        nodes.call("strftime", at.copy(), nodes.text(f"{day}%H:%M:%S.{fraction}"))
        for fraction in ("%f", "%g")
    )
    micros = nodes.call("epoch_us", node.copy())
    is_second, is_milli = (
        nodes.operate(
            exp.EQ,
            nodes.operate(exp.Mod, micros.copy(), nodes.number(size)),
            nodes.number(0),
        )
        for size in (1_000_000, 1_000)
    )
    return nodes.case((is_second, plain), (is_milli, short), default=full)
