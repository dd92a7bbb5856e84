"""Casts as GoogleSQL means them; DuckDB reads other texts, and rounds (S09, S10)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes
from dicomfilter.schema import Kind, SqlType

_SPACE = " \t\n\v\f\r"
_AROUND = r"[ \t\n\x0b\f\r]*"
_INTEGER = rf"{_AROUND}[+-]?[0-9]+{_AROUND}"
_HEXADECIMAL = rf"{_AROUND}[+-]?0[xX][0-9a-fA-F]+{_AROUND}"
_FLOAT = (
    rf"(?i){_AROUND}[+-]?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?"
    rf"|inf|infinity|nan){_AROUND}"
)
_SHORT_HEXADECIMAL = rf"{_AROUND}[+-]?0[xX][0-9a-fA-F]{{1,15}}{_AROUND}"
_ODD_FLOAT = (
    rf"(?i){_AROUND}[+-]?(0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(p[+-]?[0-9]+)?"
    rf"|nan\([0-9a-z_]*\)){_AROUND}"
)
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"


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
    if to.kind is Kind.STRING:
        return to_text(node, of)
    if of.kind is Kind.NUMERIC and to.kind is Kind.FLOAT64:
        return nodes.cast(nodes.cast(node, kinds.STRING), to)  # by its digits: rounded once
    if of.kind is not Kind.STRING:
        return nodes.cast(node, to)
    branches = {Kind.INT64: _integer, Kind.FLOAT64: _float, Kind.DATE: _date}[to.kind](node)
    if safe:
        return nodes.case(*branches)
    # what no branch reads must fail, and so must a NULL that a branch makes of a text
    value = nodes.case(*branches)
    failed = nodes.both(nodes.is_null(value.copy()), nodes.negation(nodes.is_null(node.copy())))
    return nodes.case((failed, nodes.error(f"Bad {to} value", to)), default=value)


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
    problem = nodes.error("hexadecimal fractions are not taken in a cast", kinds.FLOAT64)
    return [
        (_reads(node, _FLOAT), nodes.try_cast(_bare(node), kinds.FLOAT64)),
        (
            _reads(node, _SHORT_HEXADECIMAL),
            nodes.cast(_signed_hexadecimal(node), kinds.FLOAT64),
        ),
        (_reads(node, _ODD_FLOAT), problem),
    ]


def _date(node: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    return [
        (
            nodes.both(_reads(node, _DATE), nodes.negation(_reads(node, "0000.*"))),
            nodes.try_cast(node.copy(), kinds.DATE),
        )
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
    plain = nodes.cast(node, kinds.STRING)
    if of.kind is Kind.NUMERIC:
        return nodes.call("regexp_replace", plain, nodes.text(r"\.?0+$"), nodes.text(""))
    if of.kind not in (Kind.TIME, Kind.DATETIME):
        return plain
    # DuckDB ends a fraction with its last digit that is not 0, and leaves out one of zeros
    fraction = nodes.call("split_part", plain.copy(), nodes.text("."), nodes.number(2))
    digits = nodes.call("length", fraction)
    wanted = nodes.case(
        (nodes.operate(exp.LTE, digits.copy(), nodes.number(3)), nodes.number(3)),
        default=nodes.number(6),
    )
    zeros = nodes.call("repeat", nodes.text("0"), nodes.operate(exp.Sub, wanted, digits.copy()))
    padded = exp.Paren(this=exp.DPipe(this=plain.copy(), expression=zeros))
    whole = nodes.operate(exp.EQ, digits, nodes.number(0))
    return nodes.case((whole, plain), default=padded)
