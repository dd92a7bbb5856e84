"""Ways round for operands that do not go together, in DICOM's terms."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter import dictionary
from dicomfilter.googlesql.parse.literals import spelled
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.schema import SqlType

_NUMBERS = {
    "DS": "SAFE_CAST({} AS FLOAT64)",
    "IS": "SAFE_CAST({} AS INT64)",
    "AS": "SAFE_CAST(REGEXP_EXTRACT({}, r'^([0-9]+)Y$') AS INT64)",
}
"""How texts of these value representations are read as numbers; an age, in years.

Source: DICOM PS3.5, section 6.2."""
_ANY_NUMBER = "SAFE_CAST({} AS FLOAT64)"
"""How other texts are read as numbers: ``2``, ``2.0`` and ``02`` are the same one."""
_MOMENTS = {
    Kind.DATE: "COALESCE(SAFE_CAST({0} AS DATE), SAFE.PARSE_DATE('%Y%m%d', {0}))",
    Kind.TIME: "COALESCE(SAFE_CAST({0} AS TIME), SAFE.PARSE_TIME('%H%M%E*S', {0}))",
}
"""How texts are read as moments, in GoogleSQL's form or that of DICOM."""
_AS_TEXT = "CAST({} AS STRING)"
_EQUAL = ("=", "IN")
_UNEQUAL = ("!=",)
_ORDER = ("<", "<=", ">", ">=")
_COMPARISONS = (*_EQUAL, *_UNEQUAL, *_ORDER, "BETWEEN")
_COMPUTING = frozenset(
    {
        *("ABS", "AVG", "CEIL", "CEILING", "DIV", "EXP", "FLOOR", "LN", "LOG", "LOG10", "MOD"),
        *("POW", "POWER", "ROUND", "SAFE_DIVIDE", "SIGN", "SQRT", "SUM", "TRUNC", *"+-*/"),
    }
)
"""What wants numbers."""
_ALIKE = _COMPUTING | {"COALESCE", "IFNULL", "IF", "NULLIF", "GREATEST", "LEAST", "CASE"}
"""What wants operands of one type, which may be numbers."""
_TEXTUAL = ("CONCAT", "ENDS_WITH", "INSTR", "LIKE", "LPAD", "REPLACE", "STARTS_WITH", "STRPOS")
"""What wants texts."""
_YES = {"TRUE": "YES", "FALSE": "NO"}
"""What the standard writes for a truth, as in BurnedInAnnotation."""
_NUMBER = re.compile(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)")
_YEAR = re.compile("(19|20)[0-9]{2}")
_LONGEST = 80
"""Of the operands that a hint repeats."""


def advice(what: str, nodes: Sequence[exp.Expr]) -> str | None:
    """Find a way round.

    Args:
        what: ``operator =``, or ``function LOWER``.
        nodes: Checked operands whose types do not go together.

    Returns:
        An imperative, or None where there is nothing to say. Whoever follows it gets what the
        words mean.
    """
    by_kind: dict[Kind | None, exp.Expr] = {}
    for node in nodes:
        by_kind.setdefault(kinds.kind(node), node)
    operator = what.rpartition(" ")[2]
    text, number = by_kind.get(Kind.STRING), _first(by_kind, kinds.NUMBERS)
    moment = _first(by_kind, kinds.TEMPORAL)
    found: str | None = None
    if Kind.ARRAY in by_kind:
        found = _of_array(operator, by_kind[Kind.ARRAY], nodes)
    elif Kind.STRUCT in by_kind:
        found = _of_struct(operator, by_kind[Kind.STRUCT], text)
    elif text is not None and number is not None:
        found = _of_text_and_number(operator, text, number, nodes)
    elif moment is not None and number is not None and operator != "LIKE":
        found = _of_moment_and_number(operator, moment, number)
    elif text is not None:
        found = _of_text(operator, text, moment, by_kind.get(Kind.BOOL))
    return found


def cast_advice(value: exp.Expr, to: SqlType) -> str | None:
    """Find a way round for a cast that there is not.

    Args:
        value: Checked.
        to: What it was to be cast to.
    """
    if kinds.kind(value) is Kind.DATE and to == kinds.INT64:
        return _reading("CAST(FORMAT_DATE('%Y%m%d', {}) AS INT64)", value)
    return None


def _of_text(
    operator: str, text: exp.Expr, moment: exp.Expr | None, truth: exp.Expr | None
) -> str | None:
    if moment is None and truth is None and operator in _COMPUTING:
        return _reading(_NUMBERS.get(_representation(text), _ANY_NUMBER), text)
    if operator == "LIKE":
        return _of_moment_like(moment, text)
    if moment is not None and operator in (*_COMPARISONS, *_ALIKE):
        form = _MOMENTS.get(
            kinds.kind(moment) or Kind.DATE, f"SAFE_CAST({{}} AS {kinds.of(moment)})"
        )
        return None if isinstance(text, exp.Literal) else _reading(form, text)
    if truth is not None and operator in (*_EQUAL, *_UNEQUAL):
        return _of_text_and_truth(text, truth)
    return None


def _of_array(operator: str, array: exp.Expr, nodes: Sequence[exp.Expr]) -> str | None:
    """Look into an array; its elements are compared as the whole was to be."""
    of, name = kinds.of(array), _shown(array)
    element = of.element if of is not None else None
    others = [node for node in nodes if node is not array]
    if name is None or element is None or any(kinds.kind(one) is Kind.ARRAY for one in others):
        return None
    if operator not in (*_COMPARISONS, "LIKE"):
        return f"name one element, as in {name}[SAFE_OFFSET(0)]"
    inside = "x"
    while element.kind is Kind.STRUCT and element.fields:
        field, element = element.fields[0]
        inside += f".{field}"
    number = all(kinds.kind(one) in kinds.NUMBERS for one in others)
    if element.kind is Kind.STRING and number:
        inside = _ANY_NUMBER.format(inside)
    values = [_value(one) for one in others]
    is_pattern = any("%" in value for value in values if value.startswith("'"))
    if operator in ("=", "!=") and inside == "x" and not is_pattern:
        return f"search an array with {values[0]} {'NOT ' * (operator == '!=')}IN UNNEST({name})"
    negated = operator == "!="
    sign = "LIKE" if operator == "LIKE" or is_pattern else "=" if negated else operator
    compared = {
        "IN": f"IN ({', '.join(values)})",
        "BETWEEN": f"BETWEEN {' AND '.join(values)}",
    }.get(sign, f"{sign} {values[0]}")
    search = f"EXISTS (SELECT 1 FROM UNNEST({name}) AS x WHERE {inside} {compared})"  # noqa: S608 - for eyes
    return f"write {'NOT ' * negated}{search}"


def _of_text_and_number(
    operator: str, text: exp.Expr, number: exp.Expr, nodes: Sequence[exp.Expr]
) -> str | None:
    if operator in _TEXTUAL:
        quotes = f"put the number between quotes, {_quoted(number)}"
        return quotes if isinstance(number, exp.Literal) else _reading(_AS_TEXT, number)
    if operator not in (*_COMPARISONS, *_ALIKE):
        return None
    if isinstance(text, exp.Literal):
        return f"leave out the quotes: {text.name}" if _NUMBER.fullmatch(text.name) else None
    vr = _representation(text)
    cast = _reading(_NUMBERS.get(vr, _ANY_NUMBER), text)
    others = [node for node in nodes if node is not text]
    whole = all(isinstance(one, exp.Literal) and one.name.isdigit() for one in others)
    named = isinstance(text, exp.Column | exp.Dot)
    if vr in _NUMBERS or not named or not whole or operator not in (*_EQUAL, *_UNEQUAL):
        return cast
    if len(others) > 1:
        return f"put the numbers between quotes: {', '.join(_quoted(one) for one in others)}"
    return f"put the number between quotes, {_quoted(number)}, or {_reading(_NUMBERS['IS'], text)}"


def _of_moment_like(moment: exp.Expr | None, text: exp.Expr | None) -> str | None:
    """Write a date as the pattern has it: with dashes, or as DICOM does."""
    if moment is None or kinds.kind(moment) is not Kind.DATE or not isinstance(text, exp.Literal):
        return None
    return _reading(_AS_TEXT if "-" in text.name else "FORMAT_DATE('%Y%m%d', {})", moment)


def _of_moment_and_number(operator: str, moment: exp.Expr, number: exp.Expr) -> str | None:
    kind, value = kinds.kind(moment), number.name if isinstance(number, exp.Literal) else ""
    shown = _shown(moment)
    has_year = kind is not Kind.TIME and operator in _COMPARISONS and shown is not None
    if has_year and _YEAR.fullmatch(value):
        return f"write EXTRACT(YEAR FROM {shown})"
    return spelled(value, kind or Kind.DATE)


def _of_text_and_truth(text: exp.Expr, truth: exp.Expr) -> str | None:
    if isinstance(text, exp.Literal):
        is_truth = text.name.upper() in _YES
        return f"write {text.name.upper()} without quotes" if is_truth else None
    if isinstance(truth, exp.Boolean) and _representation(text) == "CS":
        return f"write '{_YES[str(bool(truth.this)).upper()]}', as the standard does"
    return None


def _reading(form: str, text: exp.Expr) -> str | None:
    shown = _shown(text)
    return None if shown is None else f"write {form.format(shown)}"


def _representation(text: exp.Expr) -> str:
    """Tell the value representation of the column that a text comes from, if it is of one."""
    columns = list(text.find_all(exp.Column))
    direct = isinstance(text, exp.Column | exp.Dot | exp.Bracket)
    name = text.name if isinstance(text, exp.Dot) else columns[0].name if columns else ""
    entry = dictionary.find(name) if direct and len(columns) == 1 else None
    return entry.vr if entry is not None else ""


def _first(by_kind: dict[Kind | None, exp.Expr], of: Sequence[Kind]) -> exp.Expr | None:
    return next((by_kind[kind] for kind in of if kind in by_kind), None)


def _shown(node: exp.Expr) -> str | None:
    """Write an operand as GoogleSQL; None for one that is too long to be repeated."""
    written = node.sql(dialect="bigquery")
    return written if len(written) <= _LONGEST and written.isprintable() else None


def _value(node: exp.Expr) -> str:
    """Write what is compared with: a literal as it was, anything else as an X."""
    if kinds.kind(node) in kinds.NUMBERS:
        return _shown(node) or "X"
    return _quoted(node)


def _quoted(node: exp.Expr | None) -> str:
    """Write a literal as a text; an X for what is none, or would not be read back."""
    value = node.name if isinstance(node, exp.Literal) else None
    plain = value is not None and value.isprintable() and not {"'", "\\"} & set(value)
    return f"'{value}'" if plain else "'X'"


def _of_struct(operator: str, node: exp.Expr, other: exp.Expr | None) -> str | None:
    of, name = kinds.of(node), _shown(node)
    if of is None or name is None or not isinstance(node, exp.Column | exp.Dot):
        return "compare the fields one by one"
    while of.kind is Kind.STRUCT and of.fields:
        field, of = of.fields[0]
        name += f".{field}"
    sign = operator if operator in ("=", "!=", "LIKE") else "="
    return f"compare a field, as in {name} {sign} {_quoted(other)}"
