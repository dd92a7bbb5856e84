"""The check of what makes dates and times: of parts, text, counts.

Source: GoogleSQL reference, "Date functions", "Time functions", "Datetime functions",
"Timestamp functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import coercion, dates, strings, zones
from dicomfilter.googlesql.check.strings import Overload
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds, values
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_OF_NUMBERS = {"DATE": 3, "TIME": 3, "DATETIME": 6}
_CONVERTED: dict[str, tuple[Kind, ...]] = {
    "DATE": (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP),
    "TIME": (Kind.TIME, Kind.DATETIME, Kind.TIMESTAMP),
    "DATETIME": (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP),
    "TIMESTAMP": (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP, Kind.STRING),
    "STRING": (Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.TIMESTAMP),
}
"""What each of the functions that are called like a type makes its type of."""
_ZONED: dict[str, tuple[Kind, ...]] = {
    "DATE": (Kind.TIMESTAMP,),
    "TIME": (Kind.TIMESTAMP,),
    "DATETIME": (Kind.TIMESTAMP,),
    "TIMESTAMP": (Kind.DATE, Kind.DATETIME),
    "STRING": (Kind.TIMESTAMP,),
}
"""What of that it makes it of with a time zone."""
_COUNTS: dict[str, tuple[Overload, ...]] = {
    "UNIX_DATE": (Overload((kinds.DATE,), kinds.INT64),),
    "UNIX_SECONDS": (Overload((kinds.TIMESTAMP,), kinds.INT64),),
    "UNIX_MILLIS": (Overload((kinds.TIMESTAMP,), kinds.INT64),),
    "UNIX_MICROS": (Overload((kinds.TIMESTAMP,), kinds.INT64),),
    "DATE_FROM_UNIX_DATE": (Overload((kinds.INT64,), kinds.DATE),),
    "TIMESTAMP_SECONDS": (Overload((kinds.INT64,), kinds.TIMESTAMP),),
    "TIMESTAMP_MILLIS": (Overload((kinds.INT64,), kinds.TIMESTAMP),),
    "TIMESTAMP_MICROS": (Overload((kinds.INT64,), kinds.TIMESTAMP),),
}


def _count(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments, result = strings.overloaded(checker, node, _COUNTS[node.name])
    return dates.typed_call(node.name, arguments, result)


def _make(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check DATE(...), TIME(...), DATETIME(...), TIMESTAMP(...) and STRING(...)."""
    name, given = node.name, node.expressions
    if len(given) == _OF_NUMBERS.get(name):
        return _of_numbers(checker, node)
    if len(given) not in (1, 2):
        checked = [checker.check(argument) for argument in given]
        raise coercion.no_signature(f"function {name}", checked or [node])
    value = checker.check(given[0])
    if len(given) == 2 and name == "DATETIME":
        second = checker.check(given[1])
        of_day = kinds.kind(value) is Kind.DATE  # beside which a text is a time, no zone
        if of_day and isinstance(second, exp.Literal) and coercion.can(second, kinds.TIME):
            second = coercion.coerce(second, kinds.TIME)
        if kinds.kind(second) is Kind.TIME and coercion.can(value, kinds.DATE):
            return dates.typed_call(
                name, [coercion.coerce(value, kinds.DATE), second], kinds.DATETIME
            )
    value = _settled(name, value, is_zoned=len(given) == 2)
    zone = [zones.check(checker, argument) for argument in given[1:]]
    return dates.typed_call(name, [value, *zone], SqlType(Kind(name)))


def _of_numbers(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if not all(coercion.can(argument, kinds.INT64) for argument in arguments):
        raise coercion.no_signature(f"function {node.name}", arguments)
    whole = [coercion.coerce(argument, kinds.INT64) for argument in arguments]
    return dates.typed_call(node.name, whole, SqlType(Kind(node.name)))


def _settled(name: str, value: exp.Expr, *, is_zoned: bool) -> exp.Expr:
    """Give the argument of a conversion its type, or refuse it."""
    kind, to = kinds.kind(value), Kind(name)
    if isinstance(value, exp.Literal) and kind is Kind.STRING and to in kinds.TEMPORAL:
        if to is Kind.TIME:
            raise coercion.no_signature(f"function {name}", [value], hint=f"write {to} '08:30:00'")
        return _literal(value, Kind.DATETIME if is_zoned and to is Kind.TIMESTAMP else to)
    if kinds.of(value) is None:
        raise unsupported(f"{name} of NULL", offset=start(value), hint=f"CAST(NULL AS {name})")
    allowed = _ZONED[name] if is_zoned else _CONVERTED[name]
    if kind in allowed:
        return value
    if kind is Kind.STRING and to is not Kind.STRING:
        raise unsupported(
            f"{name} of a text{' and a time zone' if is_zoned else ''}",
            offset=start(value),
            hint=f"write SAFE_CAST(x AS {name}) or PARSE_{name}('%Y%m%d', x)",
        )
    raise coercion.no_signature(f"function {name}", [value])


def _literal(value: exp.Literal, to: Kind) -> exp.Expr:
    """Read a literal text; BigQuery also takes forms with more than the type needs."""
    try:
        values.read(to, value.name)
    except ValueError as error:
        raise unsupported(
            f"{to} of this text", offset=start(value), hint=f"write {to} '2021-01-31'"
        ) from error
    return coercion.coerce(value, SqlType(to))


def utc_only(checker: Checker, node: exp.Expr) -> None:
    """Make sure that the zone of CURRENT_DATE is UTC, as of the date of a run.

    Raises:
        PredicateError: It is another one.
    """
    zone = zones.check(checker, node)
    if zones.offset_minutes(zone.name) != 0:
        raise unsupported(
            "CURRENT_DATE with another time zone than UTC",
            offset=start(node),
            hint="leave it out; days are UTC days",
        )


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    **dict.fromkeys(_COUNTS, _count),
    **dict.fromkeys(_CONVERTED, _make),
}
"""The functions of this family, by name."""
SAFE = frozenset((*_COUNTS, *_CONVERTED))
"""Those that may stand behind SAFE: all that fails in them where BigQuery fails is guarded."""
