"""JSON as text, number and BOOL, as GoogleSQL writes and reads it.

BigQuery writes a number that is no integer in its own way; DuckDB as it stands in the text.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import cast_rewrites, json_numbers, kinds, nodes, plain_casts

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.schema import SqlType

_INTEGERS = ("BIGINT", "UBIGINT")
_NUMBERS = (*_INTEGERS, "DOUBLE")
_AROUND = r"[ \t\n\x0b\f\r]*"
_SHORT_DECIMAL = rf"{_AROUND}[+-]?([0-9]{{1,28}}(\.[0-9]{{0,9}})?|\.[0-9]{{1,9}}){_AROUND}"
_ANY_DECIMAL = rf"(?i){_AROUND}[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?{_AROUND}"
_NO_INTEGER = "9223372036854775808"


def kind_of(value: exp.Expr) -> exp.Expr:
    """Name the type of a JSON value as DuckDB does."""
    return nodes.call("json_type", *_place(value))


def is_a(value: exp.Expr, *names: str) -> exp.Expr:
    """Test the type of a JSON value."""
    return exp.In(this=kind_of(value), expressions=[nodes.text(name) for name in names])


def text_of(value: exp.Expr) -> exp.Expr:
    """Write a JSON value as DuckDB does."""
    return nodes.call("json_extract_string", *_place(value))


def _place(value: exp.Expr) -> list[exp.Expr]:
    """Take a JSON value as document and path, which are read at once."""
    if isinstance(value, exp.Anonymous) and value.name == "json_extract":
        return [part.copy() for part in value.expressions]
    return [value.copy(), nodes.text("$")]


def _number_of(value: exp.Expr) -> exp.Expr:
    return nodes.cast(text_of(value), kinds.FLOAT64)


def _float(digits: str) -> exp.Expr:
    return nodes.cast(nodes.text(digits), kinds.FLOAT64)


def _by_type(
    value: exp.Expr, *branches: tuple[tuple[str, ...], exp.Expr], default: exp.Expr | None = None
) -> exp.Expr:
    return nodes.case(
        *((is_a(value, *names), result) for names, result in branches), default=default
    )


def scalar(value: exp.Expr) -> exp.Expr:
    """Write a scalar as JSON_VALUE does; NULL for null, an array and an object.

    Args:
        value: Translated JSON.
    """
    as_is = ("VARCHAR", "BOOLEAN", *_INTEGERS)
    double = json_numbers.write(_number_of(value))
    return _by_type(value, (as_is, text_of(value)), (("DOUBLE",), double))


def number(value: exp.Expr, to: SqlType, *, safe: bool) -> exp.Expr:
    """Cast what JSON_VALUE gives to FLOAT64 or INT64, whatever its digits.

    Args:
        value: Translated JSON.
        to: FLOAT64 or INT64.
        safe: Whether what does not go is NULL.
    """
    text = text_of(value)
    read = cast_rewrites.cast(text.copy(), kinds.STRING, to, safe=safe)
    if to == kinds.FLOAT64:
        return _by_type(value, (_NUMBERS, _number_of(value)), (("VARCHAR", "BOOLEAN"), read))
    bare = nodes.try_cast(text, to) if safe else nodes.cast(text, to)
    return _by_type(value, (_INTEGERS, bare), (("DOUBLE", "VARCHAR", "BOOLEAN"), read))


def _null_or_error(value: exp.Expr, what: str, to: SqlType) -> exp.Expr:
    problem = nodes.error(f"The provided JSON input is not {what}", to)
    return nodes.case((nodes.is_null(value.copy()), nodes.null()), default=problem)


def _string(value: exp.Expr) -> exp.Expr:
    problem = _null_or_error(value, "a string", kinds.STRING)
    return _by_type(value, (("VARCHAR",), text_of(value)), default=problem)


def _bool(value: exp.Expr) -> exp.Expr:
    true = nodes.operate(exp.EQ, text_of(value), nodes.text("true"))
    problem = _null_or_error(value, "a boolean", kinds.BOOL)
    return _by_type(value, (("BOOLEAN",), true), default=problem)


def _float64(value: exp.Expr) -> exp.Expr:
    problem = _null_or_error(value, "a number", kinds.FLOAT64)
    return _by_type(value, (_NUMBERS, _number_of(value)), default=problem)


def _int64(value: exp.Expr) -> exp.Expr:
    """Read an integer, or a number with nothing behind the point."""
    number = _number_of(value)
    whole = nodes.both(
        nodes.operate(exp.EQ, nodes.call("trunc", number.copy()), number.copy()),
        _in_range(number),
    )
    problem = nodes.error("The provided JSON number cannot be converted to an int64", kinds.INT64)
    return _by_type(
        value,
        (_INTEGERS, _or_else(nodes.try_cast(text_of(value), kinds.INT64), problem)),
        (("DOUBLE",), nodes.case((whole, nodes.cast(number, kinds.INT64)), default=problem)),
        default=_null_or_error(value, "an integer", kinds.INT64),
    )


def _or_else(value: exp.Expr, problem: exp.Expr) -> exp.Expr:
    return nodes.case((nodes.is_null(value.copy()), problem.copy()), default=value)


def _in_range(number: exp.Expr) -> exp.Expr:
    return nodes.both(
        nodes.operate(exp.GTE, number.copy(), _float(f"-{_NO_INTEGER}")),
        nodes.operate(exp.LT, number.copy(), _float(_NO_INTEGER)),
    )


def _lax_string(value: exp.Expr) -> exp.Expr:
    as_is = ("VARCHAR", "BOOLEAN", *_INTEGERS)
    double = plain_casts.float_to_text(_number_of(value))
    return _by_type(value, (as_is, text_of(value)), (("DOUBLE",), double))


def _lax_int64(value: exp.Expr) -> exp.Expr:
    """Read whatever is a number; of texts only those whose digits a NUMERIC holds."""
    text = text_of(value)
    rounded = nodes.try_cast(nodes.call("round", _number_of(value)), kinds.INT64)
    bare = nodes.call("trim", text.copy(), nodes.text(" \t\n\v\f\r"))
    exact = nodes.try_cast(nodes.try_cast(bare, kinds.NUMERIC), kinds.INT64)
    problem = nodes.refusal("LAX_INT64 of a text with so many digits is not taken", kinds.INT64)
    short, number = (
        nodes.call("regexp_full_match", text.copy(), nodes.text(form))
        for form in (_SHORT_DECIMAL, _ANY_DECIMAL)
    )
    true = nodes.operate(exp.EQ, text.copy(), nodes.text("true"))
    return _by_type(
        value,
        (_INTEGERS, nodes.try_cast(text, kinds.INT64)),
        (("DOUBLE",), rounded),
        (("BOOLEAN",), nodes.cast(true, kinds.INT64)),
        (("VARCHAR",), nodes.case((short, exact), (number, problem))),
    )


def _lax_float64(value: exp.Expr) -> exp.Expr:
    read = cast_rewrites.cast(text_of(value), kinds.STRING, kinds.FLOAT64, safe=True)
    return _by_type(value, (_NUMBERS, _number_of(value)), (("VARCHAR",), read))


def _lax_bool(value: exp.Expr) -> exp.Expr:
    read = cast_rewrites.cast(text_of(value), kinds.STRING, kinds.BOOL, safe=True)
    some = nodes.operate(exp.NEQ, _number_of(value), _float("0"))
    return _by_type(value, (("VARCHAR", "BOOLEAN"), read), (_NUMBERS, some))


CASTS: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "BOOL": _bool,
    "FLOAT64": _float64,
    "INT64": _int64,
    "LAX_BOOL": _lax_bool,
    "LAX_FLOAT64": _lax_float64,
    "LAX_INT64": _lax_int64,
    "LAX_STRING": _lax_string,
    "STRING": _string,
}
"""By function: takes the translated JSON."""
