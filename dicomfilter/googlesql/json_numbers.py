"""The numbers of JSON that are no integers, written as BigQuery writes them.

BigQuery writes the fewest digits that say the number, by an algorithm (Grisu2) that misses them
for some numbers: those whose fewest digits say something at the very edge of what rounds to the
number. Which of them, depends on the algorithm's own rounding; there we fail.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes

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
    steps = nodes.operate(exp.Mul, number.copy(), _float(_STEPS))
    simple = nodes.both(
        nodes.operate(exp.LT, size, _float(_SIMPLE)),
        nodes.operate(exp.EQ, nodes.call("trunc", steps.copy()), steps),
    )
    long = nodes.both(
        nodes.operate(exp.GTE, size.copy(), _float(_LONG)),
        nodes.operate(exp.LT, size.copy(), _float(_HUGE)),
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
                exp.Sub, nodes.call("nextafter", size.copy(), _float(towards)), size.copy()
            ),
        )
        for towards in ("inf", "-inf")
    ]
    half = nodes.operate(exp.Mul, nodes.call("least", *steps), _float("0.5"))
    part = nodes.operate(exp.Div, half, size.copy())
    far = nodes.operate(
        exp.Mul,
        nodes.operate(exp.Mul, part, nodes.cast(_digits(exact), kinds.FLOAT64)),
        _float(_EDGE),
    )
    length = nodes.call("length", nodes.call("rtrim", _bare_digits(plain), nodes.text("0")))
    last = nodes.call("pow", _float("10"), nodes.operate(exp.Sub, nodes.number(_DIGITS), length))
    between = nodes.operate(exp.Mul, last, _float(_TIE))
    away = nodes.cast(away, kinds.FLOAT64)
    some = nodes.operate(exp.GT, size, _float("0"))
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


def _float(digits: str) -> exp.Expr:
    return nodes.cast(nodes.text(digits), kinds.FLOAT64)
