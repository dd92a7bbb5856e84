"""A predicate over each column, as an example that can be pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.googlesql.pieces import spelled
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.schema import Column, SqlType

_EXAMPLES = {
    Kind.STRING: "{} = 'X'",
    Kind.BYTES: "{} IS NOT NULL",
    Kind.INT64: "{} > 1",
    Kind.FLOAT64: "{} > 1.5",
    Kind.NUMERIC: "{} > 1.5",
    Kind.BOOL: "{}",
    Kind.DATE: "{} >= '2021-01-31'",
    Kind.TIME: "{} >= '08:30:00'",
    Kind.DATETIME: "{} >= '2021-01-31 08:30:00'",
    Kind.TIMESTAMP: "{} >= '2021-01-31 08:30:00+00'",
    Kind.ARRAY: "'X' IN UNNEST({})",
}
_OF_TEXTS = {
    "DS": "SAFE_CAST({} AS FLOAT64) > 1.5",
    "IS": "SAFE_CAST({} AS INT64) > 1",
    "DA": "SAFE.PARSE_DATE('%Y%m%d', {}) >= '2021-01-31'",
    "AS": "{} BETWEEN '018Y' AND '065Y'",
}
"""Of a text by its value representation: what is a number there is compared as one."""


def example_of(column: Column) -> str:
    """Write a predicate over a column, as it has to be written.

    >>> from dicomfilter.schema import Column, SqlType
    >>> example_of(Column("SliceThickness", SqlType(Kind.STRING)))
    'SAFE_CAST(SliceThickness AS FLOAT64) > 1.5'
    """
    name, kind = spelled(column.name), column.type.kind
    element = column.type.element
    if kind is Kind.STRUCT and column.type.fields:
        inner = column.type
        while inner.kind is Kind.STRUCT and inner.fields:
            field, inner = inner.fields[0]
            name = f"{name}.{spelled(field)}"
        kind = inner.kind
    if kind is Kind.ARRAY and element is not None and element.kind is Kind.STRUCT:
        return _of_records(name, element)
    if kind is Kind.STRING and (found := dictionary.find(column.name)) is not None:
        return _OF_TEXTS.get(found.vr, _EXAMPLES[kind]).format(name)
    return _EXAMPLES.get(kind, "{} IS NOT NULL").format(name)


def _of_records(name: str, element: SqlType) -> str:
    """Write a predicate over an array of records: over the first field that has one value."""
    plain = (field for field in element.fields if field[1].kind in _EXAMPLES)
    field = next((field for field in plain if field[1].kind is not Kind.ARRAY), None)
    if field is None:
        return f"ARRAY_LENGTH({name}) > 0"
    condition = _EXAMPLES[field[1].kind].format(f"x.{spelled(field[0])}")
    return f"EXISTS (SELECT 1 FROM UNNEST({name}) AS x WHERE {condition})"  # noqa: S608 - for eyes
