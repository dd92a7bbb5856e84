r"""Where DuckDB means something else than GoogleSQL: one small function a cause.

S-numbers name causes that were measured to change results in silence.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_DAY, _LAST_DAY = "0001-01-01", "9999-12-31"


def compare_floats(
    of: type[exp.Expression], left: exp.Expression, right: exp.Expression
) -> exp.Expression:
    """Compare as IEEE does (S16): NaN equals nothing, in DuckDB itself, above all else."""
    either_null = nodes.either(nodes.is_null(left.copy()), nodes.is_null(right.copy()))
    either_nan = nodes.either(
        nodes.call("isnan", left.copy()), nodes.call("isnan", right.copy())
    )
    plain = nodes.compare(of, left, right)  # type: ignore[arg-type] - of is a comparison
    return nodes.case(
        (either_null, nodes.null()),
        (either_nan, nodes.boolean(of is exp.NEQ)),
        default=plain,
    )


def float_arithmetic(
    of: type[exp.Expression], left: exp.Expression, right: exp.Expression
) -> exp.Expression:
    """Fail where finite numbers overflow, as BigQuery does; DuckDB gives an infinity."""
    finite = [nodes.call("isfinite", operand.copy()) for operand in (left, right)]
    plain = nodes.compare(of, left, right)  # type: ignore[arg-type] - of is an operator
    overflows = nodes.both(nodes.call("isinf", plain.copy()), *finite)
    return nodes.case((overflows, nodes.error("double overflow", kinds.FLOAT64)), default=plain)


def like(text: exp.Expression, pattern: exp.Expression) -> exp.Expression:
    r"""Match with a backslash that always escapes (S02), and may not end a pattern.

    DuckDB escapes only where told to, and without an escape it matches much faster, so the
    choice is left to run time, where a bound pattern is a constant.
    """
    ends_open = nodes.call(
        "regexp_matches", pattern.copy(), nodes.text(r"(^|[^\\])(\\\\)*\\$")
    )
    escape = exp.Escape(
        this=exp.Like(this=nodes.wrap(text.copy()), expression=nodes.wrap(pattern.copy())),
        expression=nodes.text("\\"),
    )
    return nodes.case(
        (ends_open, nodes.error("LIKE pattern ends with a backslash", kinds.BOOL)),
        (nodes.call("contains", pattern.copy(), nodes.text("\\")), escape),
        default=exp.Like(this=nodes.wrap(text), expression=nodes.wrap(pattern)),
    )


def in_parameter(
    value: exp.Expression, array: exp.Expression, kind: Kind | None
) -> exp.Expression:
    """Look up in a bound array by a hash join, which stays fast with a million values."""
    of_array = exp.Select(expressions=[nodes.call("unnest", array)])
    found = exp.In(this=nodes.wrap(value), query=exp.Subquery(this=of_array))
    if kind is not Kind.FLOAT64:
        return found
    return _nan_is_in_nothing(value, array, found)


def in_array(value: exp.Expression, array: exp.Expression, kind: Kind | None) -> exp.Expression:
    """Look up in a column's array: FALSE if it is NULL or empty, NULL as of IN elsewhere."""
    size = nodes.call("coalesce", nodes.call("len", array.copy()), nodes.number(0))
    has_null = nodes.compare(
        exp.NEQ, nodes.call("len", array.copy()), nodes.call("list_count", array.copy())
    )
    unknown = nodes.either(nodes.is_null(value.copy()), has_null)
    found = nodes.both(
        nodes.compare(exp.GT, size, nodes.number(0)),
        nodes.case(
            (nodes.call("list_contains", array.copy(), value.copy()), nodes.boolean(True)),
            (unknown, nodes.null()),
            default=nodes.boolean(False),
        ),
    )
    if kind is not Kind.FLOAT64:
        return found
    return _nan_is_in_nothing(value, array, found)


def _nan_is_in_nothing(
    value: exp.Expression, array: exp.Expression, found: exp.Expression
) -> exp.Expression:
    """Keep NaN out of look-ups (S16)."""
    has_null = nodes.compare(
        exp.NEQ, nodes.call("len", array.copy()), nodes.call("list_count", array.copy())
    )
    of_nan = nodes.case((has_null, nodes.null()), default=nodes.boolean(False))
    return nodes.case((nodes.call("isnan", value.copy()), of_nan), default=found)


def upper(text: exp.Expression) -> exp.Expression:
    """Write sharp s as SS (S18); DuckDB maps a character to one character."""
    return nodes.call("upper", nodes.call("replace", text, nodes.text("ß"), nodes.text("SS")))


_PARTS = {"YEAR": "year", "MONTH": "month", "DAY": "day", "DAYOFWEEK": "dayofweek"}


def extract(part: str, day: exp.Expression) -> exp.Expression:
    """Take a part of a date; GoogleSQL's week begins with Sunday as 1, DuckDB's as 0 (S12)."""
    taken = nodes.call(_PARTS[part], day)
    if part != "DAYOFWEEK":
        return taken
    return exp.Paren(this=exp.Add(this=taken, expression=nodes.number(1)))


_UNITS = {
    "DAY": "to_days",
    "WEEK": "to_weeks",
    "MONTH": "to_months",
    "QUARTER": "to_quarters",
    "YEAR": "to_years",
}


def shift(name: str, day: exp.Expression, count: exp.Expression, unit: str) -> exp.Expression:
    """Move a date; it stays a DATE (S08), and leaving the calendar is an error."""
    sign = exp.Add if name == "DATE_ADD" else exp.Sub
    integer = exp.Cast(this=count, to=exp.DataType(this=exp.DataType.Type.INT))
    moved = exp.Paren(this=sign(this=nodes.wrap(day), expression=nodes.call(_UNITS[unit], integer)))
    low, high = (nodes.cast(nodes.text(end), kinds.DATE) for end in (_FIRST_DAY, _LAST_DAY))
    outside = nodes.either(
        nodes.compare(exp.LT, moved.copy(), low), nodes.compare(exp.GT, moved.copy(), high)
    )
    return nodes.case(
        (outside, nodes.error("date out of range", kinds.DATE)), default=nodes.cast(moved, kinds.DATE)
    )


def _rename(name: str) -> Callable[..., exp.Expression]:
    return lambda *arguments: nodes.call(name, *arguments)


def _if(condition: exp.Expression, true: exp.Expression, false: exp.Expression) -> exp.Expression:
    return nodes.case((condition, true), default=false)


def concat(*texts: exp.Expression) -> exp.Expression:
    """Join texts; NULL if one is, where DuckDB's concat leaves it out."""
    joined = nodes.wrap(texts[0])
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=nodes.wrap(text))
    return exp.Paren(this=joined)


FUNCTIONS: dict[str, Callable[..., exp.Expression]] = {
    "ARRAY_LENGTH": _rename("len"),
    "COALESCE": _rename("coalesce"),
    "ENDS_WITH": _rename("ends_with"),
    "IF": _if,
    "IFNULL": _rename("coalesce"),
    "LENGTH": _rename("length"),
    "LOWER": _rename("lower"),
    "LTRIM": _rename("ltrim"),
    "REGEXP_CONTAINS": _rename("regexp_matches"),
    "STARTS_WITH": _rename("starts_with"),
    "UPPER": upper,
}
