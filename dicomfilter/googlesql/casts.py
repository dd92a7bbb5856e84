"""The check of CAST, SAFE_CAST and EXTRACT.

Source: GoogleSQL reference, "Conversion functions"; "Date functions", EXTRACT.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import coercion, kinds
from dicomfilter.googlesql.reader import start, unsupported
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.checker import Checker

TEXT_FORMS = (Kind.BOOL, Kind.INT64, Kind.NUMERIC, Kind.DATE, Kind.TIME, Kind.DATETIME)
"""The types whose text form is BigQuery's own after a rewrite; not FLOAT64."""
_TAKEN = {
    (Kind.STRING, Kind.INT64),
    (Kind.STRING, Kind.FLOAT64),
    (Kind.STRING, Kind.DATE),
    (Kind.INT64, Kind.NUMERIC),
    (Kind.INT64, Kind.FLOAT64),
    (Kind.NUMERIC, Kind.FLOAT64),
    (Kind.DATE, Kind.DATETIME),
    *((kind, Kind.STRING) for kind in TEXT_FORMS),
}
"""From and to; each is verified against Google's evaluator."""
PARTS = ("YEAR", "MONTH", "DAY", "DAYOFWEEK")


def cast(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check CAST or SAFE_CAST."""
    word = "SAFE_CAST" if isinstance(node, exp.TryCast) else "CAST"
    value = checker.check(node.this)
    to = kinds.declared(node.args["to"])
    of = kinds.of(value)
    if of == to:
        return value
    if of is not None and (of.kind, to.kind) not in _TAKEN:
        raise unsupported(
            f"{word} from {of} to {to}",
            offset=start(node),
            hint="SAFE_CAST(text AS INT64), AS FLOAT64 and AS DATE are taken",
        )
    if word == "CAST" and isinstance(value, exp.Literal) and coercion.can(value, to):
        return coercion.coerce(value, to)
    checked = type(node)(this=value, to=kinds.to_node(to).copy())
    return kinds.typed(checked, to)


def extract(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check EXTRACT of a part of a DATE."""
    value, part = checker.check(node.expression), node.this
    if part.name not in PARTS:
        raise unsupported(
            f"EXTRACT({part.name})", offset=start(part), hint=f"use {', '.join(PARTS)}"
        )
    if kinds.kind(value) is not Kind.DATE:
        if kinds.kind(value) in kinds.TEMPORAL:
            raise unsupported(f"EXTRACT from {kinds.of(value)}", offset=start(value))
        raise PredicateError(
            f"EXTRACT wants a date, not {kinds.of(value) or 'NULL'}",
            offset=start(value),
            hint="write EXTRACT(YEAR FROM StudyDate)",
        )
    extracted = exp.Extract(this=exp.Var(this=part.name), expression=value)
    return kinds.typed(extracted, kinds.INT64)
