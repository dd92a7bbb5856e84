"""Casts as GoogleSQL means them; DuckDB reads other texts, and rounds (S09, S10)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes, plain_casts
from dicomfilter.schema import Kind, SqlType

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
    plain = plain_casts.CASTS.get((of.kind, to.kind))
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
        return plain_casts.float_to_text(node)
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
