"""The check of CAST, SAFE_CAST and EXTRACT.

Source: GoogleSQL reference, "Conversion functions"; "Date functions", EXTRACT.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import cast_formats
from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.check.advice import cast_advice
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.checker import Checker
    from dicomfilter.schema import SqlType

TEXT_FORMS = (Kind.BOOL, Kind.INT64, Kind.NUMERIC, Kind.FLOAT64, *kinds.TEMPORAL)
"""The types whose text form is BigQuery's own after a rewrite."""
_TAKEN = {
    (Kind.STRING, Kind.INT64),
    (Kind.STRING, Kind.FLOAT64),
    (Kind.STRING, Kind.NUMERIC),
    (Kind.STRING, Kind.BOOL),
    (Kind.STRING, Kind.BYTES),
    (Kind.BYTES, Kind.STRING),
    (Kind.BOOL, Kind.INT64),
    (Kind.INT64, Kind.BOOL),
    (Kind.FLOAT64, Kind.INT64),
    (Kind.FLOAT64, Kind.NUMERIC),
    (Kind.NUMERIC, Kind.INT64),
    *((Kind.STRING, kind) for kind in kinds.TEMPORAL),
    (Kind.INT64, Kind.NUMERIC),
    (Kind.INT64, Kind.FLOAT64),
    (Kind.NUMERIC, Kind.FLOAT64),
    (Kind.DATE, Kind.DATETIME),
    (Kind.DATE, Kind.TIMESTAMP),
    *((Kind.DATETIME, kind) for kind in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP)),
    *((Kind.TIMESTAMP, kind) for kind in (Kind.DATE, Kind.TIME, Kind.DATETIME)),
    *((kind, Kind.STRING) for kind in TEXT_FORMS),
}
"""From and to; each is verified against Google's evaluator."""
_PARTLY = {Kind.BIGNUMERIC, Kind.INTERVAL}
"""Types to and from which GoogleSQL casts more than is taken here; of others it casts no more."""
_ERRORLESS = (exp.Column, exp.Dot, exp.Parameter, exp.Literal)
"""What fails in no case, so that a failure is the cast's own."""


def _is_more(value: exp.Expr) -> bool:
    """Tell whether something is more than its value: it names a column, or coerces as a literal."""
    if isinstance(value, exp.Literal):
        return kinds.kind(value) in (Kind.STRING, Kind.FLOAT64)
    return isinstance(value, exp.Column | exp.Dot)


def _is_foreign(of: SqlType) -> bool:
    """Tell whether a type has none in DuckDB that stands for it."""
    if of.kind is Kind.ARRAY and of.element is not None:
        return _is_foreign(of.element)
    fields = any(_is_foreign(field) for _, field in of.fields)
    return fields or of.kind in (Kind.INTERVAL, Kind.BIGNUMERIC)


def cast(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check CAST or SAFE_CAST."""
    to = kinds.declared(node.args["to"])
    if node.args.get("format") is not None:
        return cast_formats.written(checker, node, to)
    return _cast(checker, node, to)


def _cast(checker: Checker, node: exp.Expr, to: SqlType) -> exp.Expr:
    word = "SAFE_CAST" if isinstance(node, exp.TryCast) else "CAST"
    value = checker.check(node.this)
    of = kinds.of(value)
    if of == to and _is_more(value):
        return kinds.typed(type(node)(this=value, to=kinds.to_node(to).copy()), to)
    if of == to:
        return value
    if _is_foreign(to):
        raise unsupported(
            f"{word} to {to}", offset=start(node), hint="CAST to INT64, NUMERIC or FLOAT64"
        )
    if to.kind is Kind.ARRAY and isinstance(value, exp.Array) and not value.expressions:
        return coercion.empty_of(to)
    if to.kind in (Kind.ARRAY, Kind.STRUCT) and of is not None:
        raise unsupported(
            f"{word} from {of} to {to}",
            offset=start(node),
            hint="convert the elements one by one" if to.kind is Kind.ARRAY else None,
        )
    if of is not None and (of.kind, to.kind) not in _TAKEN:
        if not {of.kind, to.kind} & _PARTLY:
            raise PredicateError(
                f"Invalid cast from {of} to {to}", offset=start(node), hint=cast_advice(value, to)
            )
        raise unsupported(
            f"{word} from {of} to {to}",
            offset=start(node),
            hint="SAFE_CAST(text AS INT64), AS FLOAT64 and AS DATE are taken",
        )
    bytes_to_text = kinds.kind(value) is Kind.BYTES and to.kind is Kind.STRING
    if word == "SAFE_CAST" and bytes_to_text and not isinstance(value, _ERRORLESS):
        raise unsupported("SAFE_CAST to STRING of computed BYTES", offset=start(node))
    if isinstance(value, exp.Literal) and coercion.can(value, to):
        with suppress(PredicateError) if word == "SAFE_CAST" else nullcontext():
            return coercion.coerce(value, to)
    checked = type(node)(this=value, to=kinds.to_node(to).copy())
    return kinds.typed(checked, to)
