"""JSON as text, number and BOOL, as GoogleSQL writes and reads it."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import casts, nodes
from dicomfilter.googlesql.types import kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.schema import SqlType


_LONG, _HUGE = "1e15", "1e16"
"""From here on BigQuery, and from here on DuckDB too, writes a power of ten."""
_SIMPLE, _STEPS = "1e11", "16"
"""Below the one, whole numbers of the other's parts have 15 digits, which are the number itself."""
_DIGITS = 26
"""As many digits of a number as are compared; the fewest that say it are at most 17."""
_EDGE = "0.99"
"""The part of the way to what rounds to the next number, from which on Grisu2 may give up.

It works with 64 bits, where half a step of a FLOAT64 is at least 512, and errs by at most 3.
"""

_TIE = "0.49"
"""The part of a step of the last digit, from which on the digit after may be as good."""


def write(number: exp.Expr) -> exp.Expr:
    """Write a FLOAT64 as JSON.

    Args:
        number: Translated; not NaN and not infinite, which JSON does not have.
    """
    name = exp.Identifier(this="number")
    once = exp.Lambda(this=_write(exp.Column(this=name.copy())), expressions=[name])
    written = nodes.call("list_transform", nodes.call("list_value", number), once)
    return nodes.call("list_extract", written, nodes.number(1))


def _write(number: exp.Expr) -> exp.Expr:
    plain = nodes.cast(number.copy(), kinds.STRING)
    size = nodes.call("abs", number.copy())
    steps = nodes.operate(exp.Mul, number.copy(), _shortest(_STEPS))
    simple = nodes.both(
        nodes.operate(exp.LT, size, _shortest(_SIMPLE)),
        nodes.operate(exp.EQ, nodes.call("trunc", steps.copy()), steps),
    )
    long = nodes.both(
        nodes.operate(exp.GTE, size.copy(), _shortest(_LONG)),
        nodes.operate(exp.LT, size.copy(), _shortest(_HUGE)),
    )
    problem = nodes.refusal(
        "a JSON number whose digits BigQuery chooses in its own way is not taken", kinds.STRING
    )
    return nodes.case(
        (simple, plain.copy()),
        (_at_the_edge(number, plain), problem),
        (long, _powered(plain)),
        default=plain.copy(),
    )


def _powered(plain: exp.Expr) -> exp.Expr:
    """Move the point of a number of 16 digits."""
    shifted = nodes.call(
        "regexp_replace",
        plain.copy(),
        nodes.text(r"^(-?[0-9])([0-9]{15})\.([0-9]+)$"),
        nodes.text(r"\1.\2\3"),
    )
    mantissa = nodes.call("regexp_replace", shifted, nodes.text(r"\.?0+$"), nodes.text(""))
    return exp.Paren(this=exp.DPipe(this=mantissa, expression=nodes.text("e+15")))


def _at_the_edge(number: exp.Expr, plain: exp.Expr) -> exp.Expr:
    """Tell whether the fewest digits lie far from the number itself."""
    size = nodes.call("abs", number.copy())
    exact = nodes.call("format", nodes.text(f"{{:.{_DIGITS - 1}e}}"), size.copy())
    shown = _digits(plain)
    tenfold = nodes.operate(exp.Mul, shown.copy(), nodes.number(10))  # as 1 beside 0.99
    away = nodes.call(
        "least",
        *(
            nodes.call("abs", nodes.operate(exp.Sub, digits, _digits(exact)))
            for digits in (shown, tenfold)
        ),
    )
    steps = [
        nodes.call(
            "abs",
            nodes.operate(
                exp.Sub, nodes.call("nextafter", size.copy(), _shortest(towards)), size.copy()
            ),
        )
        for towards in ("inf", "-inf")
    ]
    half = nodes.operate(exp.Mul, nodes.call("least", *steps), _shortest("0.5"))
    part = nodes.operate(exp.Div, half, size.copy())
    far = nodes.operate(
        exp.Mul,
        nodes.operate(exp.Mul, part, nodes.cast(_digits(exact), kinds.FLOAT64)),
        _shortest(_EDGE),
    )
    length = nodes.call("length", nodes.call("rtrim", _bare_digits(plain), nodes.text("0")))
    last = nodes.call("pow", _shortest("10"), nodes.operate(exp.Sub, nodes.number(_DIGITS), length))
    between = nodes.operate(exp.Mul, last, _shortest(_TIE))
    away = nodes.cast(away, kinds.FLOAT64)
    some = nodes.operate(exp.GT, size, _shortest("0"))
    edge = nodes.operate(exp.GTE, away, nodes.call("least", far, between))
    return nodes.case((some, edge), default=nodes.boolean(False))


def _digits(text: exp.Expr) -> exp.Expr:
    """Take the first digits of a number, as an integer."""
    padded = nodes.call("rpad", _bare_digits(text), nodes.number(_DIGITS), nodes.text("0"))
    return exp.Cast(this=padded, to=exp.DataType(this=exp.DataType.Type.INT128))


def _bare_digits(text: exp.Expr) -> exp.Expr:
    mantissa = nodes.call("split_part", text.copy(), nodes.text("e"), nodes.number(1))
    bare = nodes.call(
        "regexp_replace", mantissa, nodes.text("[^0-9]"), nodes.text(""), nodes.text("g")
    )
    return nodes.call("ltrim", bare, nodes.text("0"))


def _shortest(digits: str) -> exp.Expr:
    return nodes.cast(nodes.text(digits), kinds.FLOAT64)


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
    double = write(_number_of(value))
    return _by_type(value, (as_is, text_of(value)), (("DOUBLE",), double))


def number(value: exp.Expr, to: SqlType, *, safe: bool) -> exp.Expr:
    """Cast what JSON_VALUE gives to FLOAT64 or INT64, whatever its digits.

    Args:
        value: Translated JSON.
        to: FLOAT64 or INT64.
        safe: Whether what does not go is NULL.
    """
    text = text_of(value)
    read = casts.cast(text.copy(), kinds.STRING, to, safe=safe)
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
    double = casts.float_to_text(_number_of(value))
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
    read = casts.cast(text_of(value), kinds.STRING, kinds.FLOAT64, safe=True)
    return _by_type(value, (_NUMBERS, _number_of(value)), (("VARCHAR",), read))


def _lax_bool(value: exp.Expr) -> exp.Expr:
    read = casts.cast(text_of(value), kinds.STRING, kinds.BOOL, safe=True)
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
