"""Literals, with their values: numbers, texts, dates.

Source: GoogleSQL reference, "Lexical structure and syntax", literals.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.lexer import Mark
from dicomfilter.googlesql.parse.reader import at
from dicomfilter.googlesql.types import kinds, values
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from dicomfilter.googlesql.parse.reader import Reader

TYPED = ("DATE", "TIME", "DATETIME", "TIMESTAMP", "NUMERIC")
"""Words that give the text behind them their type."""
NOT_TAKEN = {
    "JSON": "use a column of type JSON",
    "BIGNUMERIC": "write a NUMERIC, which has 29 digits before the point and 9 behind",
    "BIGDECIMAL": "write a NUMERIC, which has 29 digits before the point and 9 behind",
    "RANGE": "compare the two ends",
}
"""Words that do so in GoogleSQL alone, with a way round."""
EXAMPLES = {
    Kind.DATE: "write a date as '2021-01-31'",
    Kind.TIME: "write a time as '08:30:00'",
    Kind.DATETIME: "write a date and time as '2021-01-31 08:30:00'",
    Kind.TIMESTAMP: "write a point in time as '2021-01-31 08:30:00+00'",
    Kind.NUMERIC: "write a number with at most 29 digits before and 9 behind the point",
}
"""What to write instead, by type."""
_DICOM_FORMS = {
    Kind.DATE: (re.compile("([0-9]{4})([0-9]{2})([0-9]{2})"), "-"),
    Kind.TIME: (re.compile("([0-9]{2})([0-9]{2})([0-9]{2})"), ":"),
}
"""Dates and times without separators, as DICOM has them."""


def spelled(text: str, kind: Kind) -> str | None:
    """Spell a date or time of DICOM as GoogleSQL does.

    Args:
        text: As written, without quotes.
        kind: What it is compared with.

    Returns:
        An imperative; None where the kind has no example.

    >>> spelled("20210131", Kind.DATE), spelled("083000", Kind.TIME)
    ("write DATE '2021-01-31'", "write TIME '08:30:00'")
    >>> spelled("soon", Kind.DATE)
    "write a date as '2021-01-31'"
    """
    form = _DICOM_FORMS.get(kind)
    found = form[0].fullmatch(text) if form else None
    if form is None or found is None:
        return EXAMPLES.get(kind)
    return f"write {kind} '{form[1].join(found.groups())}'"


def literal(kind: Kind, text: str, value: object, offset: int) -> exp.Expr:
    """Make a literal; its value stands in its ``meta``."""
    node = exp.Literal(this=text, is_string=kind not in kinds.NUMBERS)
    node.meta["value"] = value
    return at(kinds.typed(node, SqlType(kind)), offset)


def number(reader: Reader, sign: str, offset: int) -> exp.Expr:
    """Read a number, with the sign that stood before it."""
    token = reader.advance()
    text = sign + token.text
    kind = Kind.INT64 if token.mark is Mark.INTEGER else Kind.FLOAT64
    try:
        value = values.read(kind, text)
    except ValueError as error:
        name = "integer" if kind is Kind.INT64 else "floating point"
        raise PredicateError(f"Invalid {name} literal: {text}", offset=offset) from error
    return literal(kind, str(value) if kind is Kind.INT64 else text, value, offset)


def typed(reader: Reader) -> exp.Expr:
    """Read a text behind the word that gives it its type."""
    word, token = reader.advance(), reader.advance()
    kind = Kind(word.word)
    try:
        if token.mark is Mark.BYTES:
            raise ValueError("bytes")  # noqa: TRY301 - one answer to both
        value = values.read(kind, token.value)
    except ValueError as error:
        raise PredicateError(
            f'Invalid {kind} literal "{token.value}"',
            offset=token.offset,
            hint=spelled(token.value, kind),
        ) from error
    return literal(kind, token.value, value, word.offset)
