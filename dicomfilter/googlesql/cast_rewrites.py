"""Casts as GoogleSQL means them; DuckDB reads more texts, and rounds (S09, S10)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes
from dicomfilter.schema import Kind, SqlType

_FORMS = {
    Kind.INT64: r"\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\s*",
    Kind.FLOAT64: (
        r"(?i)\s*[+-]?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?|inf|infinity|nan)\s*"
    ),
    Kind.DATE: r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}",
}
"""The texts that GoogleSQL reads as a value of the type."""


def cast(node: exp.Expression, of: SqlType, to: SqlType, *, safe: bool) -> exp.Expression:
    """Cast, with an error or with NULL for what does not go."""
    if of.kind is Kind.NUMERIC and to.kind is Kind.FLOAT64:
        return nodes.cast(nodes.cast(node, SqlType(Kind.STRING)), to)
    if to.kind is Kind.STRING:
        return to_text(node, of)
    if of.kind is not Kind.STRING:
        return nodes.cast(node, to)
    bare = nodes.call("trim", node.copy())
    reads = nodes.call("regexp_full_match", node.copy(), nodes.text(_FORMS[to.kind]))
    converted = nodes.try_cast(bare, to) if safe else nodes.cast(bare, to)
    if safe:
        return nodes.case((reads, converted))
    given = nodes.negation(nodes.is_null(node))
    return nodes.case((reads, converted), (given, nodes.error(f"Bad {to} value", to)))


def to_text(node: exp.Expression, of: SqlType) -> exp.Expression:
    """Write a value as BigQuery writes it (S07).

    A fraction of a second has three or six digits or is left out, and a NUMERIC has no zeros at
    its end.
    """
    if of.kind is Kind.STRING:
        return node
    if of.kind is Kind.NUMERIC:
        plain = nodes.cast(node, kinds.STRING)
        return nodes.call("regexp_replace", plain, nodes.text(r"\.?0+$"), nodes.text(""))
    if of.kind not in (Kind.TIME, Kind.DATETIME):
        return nodes.cast(node, kinds.STRING)
    micros = exp.Paren(
        this=exp.Mod(this=nodes.call("microsecond", node.copy()), expression=nodes.number(1_000_000))
    )
    whole, has_millis = (
        nodes.compare(
            exp.EQ,
            exp.Paren(this=exp.Mod(this=micros.copy(), expression=nodes.number(size))),
            nodes.number(0),
        )
        for size in (1_000_000, 1_000)
    )
    # in DuckDB's own text form the fraction is cut after its last digit that is not 0
    seconds = nodes.call("split_part", nodes.cast(node, kinds.STRING), nodes.text("."), nodes.number(1))
    digits = nodes.call("lpad", nodes.cast(micros, kinds.STRING), nodes.number(6), nodes.text("0"))
    point = exp.DPipe(this=seconds.copy(), expression=nodes.text("."))
    return nodes.case(
        (whole, seconds),
        (
            has_millis,
            exp.DPipe(this=point.copy(), expression=nodes.call("left", digits, nodes.number(3))),
        ),
        default=exp.DPipe(this=point, expression=digits.copy()),
    )
