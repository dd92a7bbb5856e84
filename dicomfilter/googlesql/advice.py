"""Ways round for operands that do not go together, in DICOM's terms."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds
from dicomfilter.googlesql.literals import EXAMPLES
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence


def advice(nodes: Sequence[exp.Expr]) -> str | None:
    """Find a way round.

    Args:
        nodes: Checked operands whose types do not go together.

    Returns:
        An imperative, or None where there is nothing to say.
    """
    by_kind: dict[Kind | None, exp.Expr] = {}
    for node in nodes:
        by_kind.setdefault(kinds.kind(node), node)
    text, number = by_kind.get(Kind.STRING), _first(by_kind, kinds.NUMBERS)
    moment = _first(by_kind, kinds.TEMPORAL)
    found: str | None = None
    if Kind.ARRAY in by_kind:
        found = f"search an array with 'X' IN UNNEST({_name(by_kind[Kind.ARRAY]) or 'ImageType'})"
    elif Kind.STRUCT in by_kind:
        found = _of_struct(by_kind[Kind.STRUCT])
    elif text is not None and number is not None:
        found = _of_text_and_number(text, number)
    elif moment is not None and number is not None:
        found = EXAMPLES.get(kinds.kind(moment) or Kind.DATE)
    elif text is not None and moment is not None:
        found = f"write SAFE_CAST({_name(text) or '...'} AS {kinds.kind(moment)})"
    elif text is not None and Kind.BOOL in by_kind:
        found = "write TRUE or FALSE without quotes"
    return found


def _of_text_and_number(text: exp.Expr, number: exp.Expr) -> str | None:
    name = _name(text)
    if isinstance(number, exp.Literal):
        quoted = f"put the number between quotes, '{number.name}'"
        return f"{quoted}, or write SAFE_CAST({name} AS INT64)" if name else quoted
    if isinstance(text, exp.Literal):
        return f"leave out the quotes: {text.name}" if text.name else None
    return f"write SAFE_CAST({name or '...'} AS INT64)"


def _first(by_kind: dict[Kind | None, exp.Expr], of: Sequence[Kind]) -> exp.Expr | None:
    return next((by_kind[kind] for kind in of if kind in by_kind), None)


def _name(node: exp.Expr) -> str:
    return node.sql(dialect="bigquery") if isinstance(node, exp.Column | exp.Dot) else ""


def _of_struct(node: exp.Expr) -> str | None:
    of, name = kinds.of(node), _name(node)
    if of is None or not name:
        return "compare the fields one by one"
    while of.kind is Kind.STRUCT and of.fields:
        field, of = of.fields[0]
        name += f".{field}"
    return f"compare a field, as in {name} = 'X'"
