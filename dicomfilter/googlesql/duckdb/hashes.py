"""Hashes, and bytes as text; a hash is BYTES, in DuckDB hexadecimal text."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_BYTES = SqlType(Kind.BYTES)
_HEXADECIMAL = "[0-9a-fA-F]*"
_BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?"
_SPACE = "[ \t\n\v\f\r]"


def _hash(node: exp.Expr, translate: Translate) -> exp.Expr:
    digits = nodes.call(node.name.lower(), translate(node.expressions[0]))
    return nodes.call("unhex", digits)


def _from_hex(node: exp.Expr, translate: Translate) -> exp.Expr:
    text = translate(node.expressions[0])
    return _decoded("unhex", text, _HEXADECIMAL)


def _from_base64(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Decode base64, whose padding may be left out and which may hold space."""
    text = translate(node.expressions[0])
    bare = nodes.call("regexp_replace", text, nodes.text(_SPACE), nodes.text(""), nodes.text("g"))
    digits = nodes.call("rtrim", bare.copy(), nodes.text("="))
    fours = nodes.operate(
        exp.IntDiv,
        nodes.operate(exp.Add, nodes.call("length", digits.copy()), nodes.number(3)),
        nodes.number(4),
    )
    size = nodes.operate(exp.Mul, fours, nodes.number(4))
    whole = nodes.cast(exp.Paren(this=size), SqlType(Kind.INT64))
    padded = nodes.call(
        "rpad",
        digits,
        exp.Cast(this=whole, to=exp.DataType(this=exp.DataType.Type.INT)),
        nodes.text("="),
    )
    fits = nodes.call("regexp_full_match", bare, nodes.text(_BASE64))
    return nodes.case(
        (fits, nodes.call("from_base64", padded)),
        (_known(text), nodes.error("Failed to decode invalid base64 string", _BYTES)),
    )


def _decoded(name: str, text: exp.Expr, form: str) -> exp.Expr:
    fits = nodes.call("regexp_full_match", text, nodes.text(form))
    problem = nodes.error("Failed to decode invalid hexadecimal string", _BYTES)
    return nodes.case((fits, nodes.call(name, text.copy())), (_known(text), problem))


def _known(node: exp.Expr) -> exp.Expr:
    return nodes.negation(nodes.is_null(node.copy()))


def _to_hex(node: exp.Expr, translate: Translate) -> exp.Expr:
    of = node.expressions[0]
    if isinstance(of, exp.Anonymous) and of.name in ("MD5", "SHA1", "SHA256"):
        return nodes.call(of.name.lower(), translate(of.expressions[0]))
    return nodes.call("lower", nodes.call("hex", translate(of)))


def _to_base64(node: exp.Expr, translate: Translate) -> exp.Expr:
    return nodes.call("to_base64", translate(node.expressions[0]))


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    "FROM_BASE64": _from_base64,
    "FROM_HEX": _from_hex,
    "MD5": _hash,
    "SHA1": _hash,
    "SHA256": _hash,
    "TO_BASE64": _to_base64,
    "TO_HEX": _to_hex,
}
