"""FORMAT by DuckDB's printf; its own format is another language's (S03)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check.formats import ELEMENTS
from dicomfilter.googlesql.duckdb import nodes, temporal_casts
from dicomfilter.googlesql.types import kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_MOST = "1e22"
"""The largest FLOAT64 of which printf is trusted to write all digits."""


def _format(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Write values into a pattern; those of %t are texts before, and NULL is one of them."""
    pattern, *values = node.expressions
    read = translate(pattern)
    for theirs, ours in (("%t", "%s"), ("%i", "%d")):
        read = nodes.call("replace", read, nodes.text(theirs), nodes.text(ours))
    written = [
        _value(letter, value, translate(value))
        for letter, value in zip(node.meta[ELEMENTS], values, strict=True)
    ]
    return nodes.call("printf", read, *written)


def _value(letter: str, value: exp.Expr, translated: exp.Expr) -> exp.Expr:
    if letter == "t":
        of = kinds.of(value)
        assert of is not None  # noqa: S101 - a checked value has its type
        return nodes.call("coalesce", temporal_casts.to_text(translated, of), nodes.text("NULL"))
    return _float(translated) if letter == "f" else translated


def _float(number: exp.Expr) -> exp.Expr:
    """Leave out the sign of a NaN and of a 0; of large numbers DuckDB does not know all digits."""
    nan, zero, most = (nodes.cast(nodes.text(x), kinds.FLOAT64) for x in ("nan", "0", _MOST))
    size = nodes.call("abs", number.copy())
    large = nodes.both(nodes.operate(exp.GT, size, most), nodes.call("isfinite", number.copy()))
    problem = nodes.refusal("FORMAT of so large a number is not taken", kinds.FLOAT64)
    return nodes.case(
        (nodes.call("isnan", number.copy()), nan),
        (nodes.operate(exp.EQ, number.copy(), zero.copy()), zero),
        (large, problem),
        default=number,
    )


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {"FORMAT": _format}
"""The translation of FORMAT, by name."""
