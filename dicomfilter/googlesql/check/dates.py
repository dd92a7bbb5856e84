"""The check of arithmetic with dates and times, of their parts and differences.

Source: GoogleSQL reference, "Date functions", "Time functions", "Datetime functions",
"Timestamp functions", "Interval functions"; "Operators", date arithmetics.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion, date_parts, zones
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

IN_ZONE = "in zone"
"""The key of the ``meta`` of EXTRACT ... AT TIME ZONE, whose DATETIME need not be one."""
_DAYS = (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP)
_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "ADD", exp.Sub: "SUB"}
_INTERVAL = SqlType(Kind.INTERVAL)
_WIDEST = {
    "DAY": 3_660_000,
    "WEEK": 522_857,
    "MONTH": 120_000,
    "QUARTER": 40_000,
    "YEAR": 10_000,
    "HOUR": 87_840_000,
    "MINUTE": 5_270_400_000,
    "SECOND": 316_224_000_000,
    "MILLISECOND": 316_224_000_000_000,
    "MICROSECOND": 316_224_000_000_000_000,
}
"""By unit, the longest INTERVAL that GoogleSQL makes."""


def typed_call(name: str, arguments: list[exp.Expr], result: SqlType) -> exp.Expr:
    """Write a checked call."""
    return kinds.typed(exp.Anonymous(this=name, expressions=arguments), result)


def settle(name: str, values: list[exp.Expr]) -> SqlType:
    """Find the type in which a function works on its arguments.

    Args:
        name: The function, which begins with the type that a literal text becomes.
        values: Checked arguments.

    Returns:
        A type with dates or times.

    Raises:
        PredicateError: GoogleSQL has no such signature.
    """
    home = Kind(name.split("_", maxsplit=1)[0])
    of: SqlType | None = SqlType(home)
    if any(kinds.kind(value) in _DAYS for value in values) and home is not Kind.TIME:
        of = coercion.common(values)
    if of is None or not all(coercion.can(value, of) for value in values):
        raise coercion.no_signature(f"function {name}", values)
    return of


def _count_arguments(checker: Checker, node: exp.Expr, *counts: int) -> None:
    if len(node.expressions) not in counts:
        checked = [checker.check(argument) for argument in node.expressions[:1]]
        raise coercion.no_signature(f"function {node.name}", checked or [node])


def _shift(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``*_ADD`` and ``*_SUB``."""
    arguments = node.expressions
    if len(arguments) != 2 or not isinstance(arguments[1], exp.Interval):
        raise PredicateError(
            f"{node.name} wants a date or time and an INTERVAL",
            offset=start(node),
            hint=f"write {node.name}(x, INTERVAL 30 {'MINUTE' if 'TIME' in node.name else 'DAY'})",
        )
    value = checker.check(arguments[0])
    of = settle(node.name, [value])
    if of.kind is Kind.DATE and not node.name.startswith("DATE_"):
        raise unsupported(f"{node.name} on DATE", offset=start(node), hint="use DATE_ADD, DATE_SUB")
    span = _span(checker, arguments[1], node.name, of.kind)
    return typed_call(node.name, [coercion.coerce(value, of), span], of)


def _span(checker: Checker, node: exp.Interval, what: str, of: Kind) -> exp.Expr:
    """Check an INTERVAL for a function or an operator."""
    count = checker.check(node.this)
    if not coercion.can(count, kinds.INT64):
        raise PredicateError(
            f"Interval value must be coercible to INT64 type, not {kinds.of(count)}",
            offset=start(count),
            hint="write a whole number without quotes",
        )
    unit = date_parts.read(node.args["unit"], what, date_parts.SHIFTED[of], of)
    return kinds.typed(exp.Interval(this=coercion.coerce(count, kinds.INT64), unit=unit), _INTERVAL)


def _difference(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``*_DIFF``."""
    _count_arguments(checker, node, 3)
    values = [checker.check(value) for value in node.expressions[:2]]
    of = settle(node.name, values)
    if of.kind is Kind.DATE and node.name != "DATE_DIFF":
        of = kinds.DATETIME
    part = date_parts.read(node.expressions[2], node.name, date_parts.COUNTED[of.kind], of.kind)
    left, right = (coercion.coerce(value, of) for value in values)
    return typed_call(node.name, [left, right, part], kinds.INT64)


def _cut(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``*_TRUNC``."""
    _count_arguments(checker, node, 2, 3)
    value = checker.check(node.expressions[0])
    of = settle(node.name, [value])
    if of.kind is Kind.DATE and node.name != "DATE_TRUNC":
        raise unsupported(f"{node.name} on DATE", offset=start(node), hint="use DATE_TRUNC")
    part = date_parts.read(node.expressions[1], node.name, date_parts.CUT[of.kind], of.kind)
    arguments = [coercion.coerce(value, of), part]
    for zone in node.expressions[2:]:
        if of.kind is not Kind.TIMESTAMP:
            raise coercion.no_signature(f"function {node.name}", [value, checker.check(zone)])
        arguments.append(zones.check(checker, zone))
    return typed_call(node.name, arguments, of)


def _last_day(checker: Checker, node: exp.Expr) -> exp.Expr:
    _count_arguments(checker, node, 1, 2)
    value = checker.check(node.expressions[0])
    of = kinds.DATETIME if kinds.kind(value) is Kind.DATETIME else kinds.DATE
    if not coercion.can(value, of):
        raise coercion.no_signature("function LAST_DAY", [value])
    parts = [
        date_parts.read(part, "LAST_DAY", date_parts.ENDED[of.kind], of.kind)
        for part in node.expressions[1:]
    ]
    return typed_call("LAST_DAY", [coercion.coerce(value, of), *parts], kinds.DATE)


def _extract(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check EXTRACT; AT TIME ZONE becomes DATETIME of a point in time and a zone."""
    value, zone = checker.check(node.expression), node.args.get("zone")
    of = kinds.of(value)
    if isinstance(value, exp.Parameter) and of == kinds.STRING:  # which BigQuery takes for a date
        raise unsupported(
            f"EXTRACT from @{value.name}, a STRING,",
            offset=start(value),
            hint=f"give @{value.name} the type that it has, as in day:DATE:2020-02-29",
        )
    if of is None or of.kind not in kinds.TEMPORAL:
        raise PredicateError(
            f"EXTRACT wants a date or time, not {of or 'NULL'}",
            offset=start(value),
            hint="write EXTRACT(YEAR FROM StudyDate)",
        )
    if zone is not None:
        if of.kind is not Kind.TIMESTAMP:
            raise PredicateError(
                f"EXTRACT from {of} does not support AT TIME ZONE",
                offset=start(zone),
                hint="leave it out; only a TIMESTAMP has a time zone",
            )
        if node.this.name.upper() == "DATETIME":
            return typed_call("DATETIME", [value, zones.check(checker, zone)], kinds.DATETIME)
        of = kinds.DATETIME
        value = typed_call("DATETIME", [value, zones.check(checker, zone)], of)
    part = date_parts.read(node.this, "EXTRACT", date_parts.EXTRACTED[of.kind], of.kind)
    result = SqlType(Kind(part.name)) if part.name in Kind.__members__ else kinds.INT64
    checked = exp.Extract(this=part, expression=value)
    if zone is not None:
        checked.meta[IN_ZONE] = True
    return kinds.typed(checked, result)


def operand(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check an operand of + or -, which alone may be an INTERVAL."""
    if isinstance(node, exp.Interval):
        return at(kinds.typed(node.copy(), _INTERVAL), start(node) or 0)
    return checker.check(node)


def arithmetic(checker: Checker, node: exp.Expr, operands: list[exp.Expr]) -> exp.Expr | None:
    """Check + and - where one operand is a date or time.

    Args:
        checker: Of the clause.
        node: As parsed.
        operands: By `operand`.

    Returns:
        The call that says the same; None where the operands are others.

    Raises:
        PredicateError: GoogleSQL has no such operator, or it is not taken.
    """
    left, right = operands
    sign = _SIGNS.get(type(node))
    if sign == "ADD" and (
        kinds.kind(left) is Kind.INTERVAL or (kinds.kind(right) in kinds.TEMPORAL)
    ):
        left, right = right, left
    of, other = kinds.of(left), kinds.kind(right)
    if of is None or (of.kind not in kinds.TEMPORAL and other is not Kind.INTERVAL):
        if Kind.INTERVAL in (kinds.kind(left), other):
            raise unsupported("an INTERVAL here", offset=start(node), hint=_WAY_ROUND)
        return None
    if sign is not None and isinstance(right, exp.Interval) and of.kind in _DAYS:
        return _moved(checker, sign, left, right)
    if sign is not None and of.kind is Kind.DATE and other is Kind.INT64:
        span = exp.Interval(this=right, unit=exp.Var(this="DAY"))
        return typed_call(f"DATE_{sign}", [left, kinds.typed(span, _INTERVAL)], kinds.DATE)
    if sign == "SUB" and of.kind in kinds.TEMPORAL and coercion.can(right, of):
        raise unsupported(
            f"the INTERVAL between two values of {of}",
            offset=start(node),
            hint=f"count with {of}_DIFF(a, b, {'SECOND' if of.kind is Kind.TIME else 'DAY'})",
        )
    raise coercion.no_signature(
        f"operator {'+' if sign == 'ADD' else '-'}", [left, right], hint=_WAY_ROUND
    )


_WAY_ROUND = "write DATE_SUB(StudyDate, INTERVAL 30 DAY), or StudyDate - 30"


def _moved(checker: Checker, sign: str, value: exp.Expr, span: exp.Interval) -> exp.Expr:
    """Check what an INTERVAL is added to or taken from; a DATE becomes a DATETIME."""
    of = kinds.TIMESTAMP if kinds.kind(value) is Kind.TIMESTAMP else kinds.DATETIME
    name = f"{of}_{sign}"
    if not isinstance(span.this, exp.Literal | exp.Parameter):
        raise unsupported(
            "an INTERVAL of a computed length",
            offset=start(span),
            hint=f"write {name}(x, INTERVAL ...)",
        )
    checked = _span(checker, span, name, of.kind)
    count, unit = checked.this, checked.args["unit"].name
    known = count.meta.get("value")
    if isinstance(count, exp.Parameter):
        known = checker.scope.parameters[count.name.lower()].value
    if isinstance(known, int) and abs(known) > _WIDEST[unit]:
        raise PredicateError(
            f"Interval of {known} {unit} is out of range", offset=start(span), hint=_WAY_ROUND
        )
    return typed_call(name, [coercion.coerce(value, of), checked], of)


def _alone(_: Checker, node: exp.Expr) -> exp.Expr:
    raise unsupported("an INTERVAL here", offset=start(node), hint=_WAY_ROUND)


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Extract: _extract,
    exp.Interval: _alone,
}
CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    **{f"{of}_{sign}": _shift for of in kinds.TEMPORAL for sign in ("ADD", "SUB")},
    **{f"{of}_DIFF": _difference for of in kinds.TEMPORAL},
    **{f"{of}_TRUNC": _cut for of in kinds.TEMPORAL},
    "LAST_DAY": _last_day,
}
"""The functions of this family, by name."""
SAFE = frozenset(CHECKS)
"""Those that may stand behind SAFE: all that fails in them where BigQuery fails is guarded."""
