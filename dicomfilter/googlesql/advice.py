"""Ways round for operands that do not go together, in DICOM's terms."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter import dictionary
from dicomfilter.googlesql import kinds
from dicomfilter.googlesql.literals import spelled
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = {
    "DS": "SAFE_CAST({} AS FLOAT64)",
    "IS": "SAFE_CAST({} AS INT64)",
    "AS": "SAFE_CAST(REGEXP_EXTRACT({}, r'^([0-9]+)Y$') AS INT64)",
}
"""How texts of these value representations are read as numbers; an age, in years.

Source: DICOM PS3.5, section 6.2."""


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
        found = _of_array(by_kind[Kind.ARRAY], text or number)
    elif Kind.STRUCT in by_kind:
        found = _of_struct(by_kind[Kind.STRUCT], text)
    elif text is not None and number is not None:
        found = _of_text_and_number(text, number)
    elif moment is not None and number is not None:
        found = spelled(str(_value(number) or ""), kinds.kind(moment) or Kind.DATE)
    elif text is not None and moment is not None:
        found = f"write SAFE_CAST({_name(text) or '...'} AS {kinds.kind(moment)})"
    elif text is not None and Kind.BOOL in by_kind:
        found = "write TRUE or FALSE without quotes"
    return found


def _of_array(array: exp.Expr, other: exp.Expr | None) -> str:
    name, value = _name(array) or "ImageType", _quoted(other)
    if "%" in value:
        inside = f"SELECT 1 FROM UNNEST({name}) AS x WHERE x LIKE {value}"  # noqa: S608 - for eyes
        return f"write EXISTS ({inside})"
    return f"search an array with {value} IN UNNEST({name})"


def _of_text_and_number(text: exp.Expr, number: exp.Expr) -> str | None:
    name = _name(text)
    if isinstance(text, exp.Literal):
        return f"leave out the quotes: {text.name}" if text.name else None
    entry = dictionary.find(name.rsplit(".", maxsplit=1)[-1].strip("`"))
    vr = entry.vr if entry is not None else ""
    cast = f"write {_NUMBERS.get(vr, 'SAFE_CAST({} AS INT64)').format(name or '...')}"
    if not isinstance(number, exp.Literal) or vr in _NUMBERS:
        return cast
    quoted = f"put the number between quotes, '{number.name}'"
    return f"{quoted}, or {cast}" if name else quoted


def _first(by_kind: dict[Kind | None, exp.Expr], of: Sequence[Kind]) -> exp.Expr | None:
    return next((by_kind[kind] for kind in of if kind in by_kind), None)


def _name(node: exp.Expr) -> str:
    return node.sql(dialect="bigquery") if isinstance(node, exp.Column | exp.Dot) else ""


def _value(node: exp.Expr | None) -> str | None:
    return node.name if isinstance(node, exp.Literal) else None


def _quoted(node: exp.Expr | None) -> str:
    """Write a literal as a text; an X for what is none, or would not be read back."""
    value = _value(node)
    plain = value is not None and value.isprintable() and not {"'", "\\"} & set(value)
    return f"'{value}'" if plain else "'X'"


def _of_struct(node: exp.Expr, other: exp.Expr | None) -> str | None:
    of, name = kinds.of(node), _name(node)
    if of is None or not name:
        return "compare the fields one by one"
    while of.kind is Kind.STRUCT and of.fields:
        field, of = of.fields[0]
        name += f".{field}"
    return f"compare a field, as in {name} = {_quoted(other)}"
