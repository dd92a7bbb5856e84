"""Dates, times, their parts and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.grammar import Grammar

_CALENDAR = "DAY WEEK MONTH QUARTER YEAR".split()
_CLOCK = "MICROSECOND MILLISECOND SECOND MINUTE HOUR".split()
_WEEKS = ["WEEK", "ISOWEEK", *(f"WEEK({day})" for day in "SUNDAY MONDAY FRIDAY SATURDAY".split())]
_DAYS = [*_WEEKS, *_WEEKS, "DAY", "MONTH", "QUARTER", "YEAR", "ISOYEAR"]
_ROUND = "MONTH QUARTER YEAR ISOYEAR ISOWEEK WEEK(MONDAY)".split()
"""Units of which one begins with the year 1, so that nothing is cut off before it."""
_READ = [*_DAYS, "DAYOFWEEK", "DAYOFYEAR"]
_UNITS = {
    "DATE": _CALENDAR,
    "DATETIME": [*_CALENDAR, *_CLOCK],
    "TIMESTAMP": [*_CLOCK, "DAY"],
    "TIME": _CLOCK,
}
_COUNTED = {
    "DATE": _DAYS,
    "DATETIME": [*_DAYS, *_CLOCK],
    "TIMESTAMP": [*_CLOCK, "DAY"],
    "TIME": _CLOCK,
}
_OFFSETS = ["'+05:30'", "'-11'", "'UTC'", "'+14:00'", "'UTC-3'"]
_ZONES = ["'America/New_York'", "'Europe/Berlin'", "'Asia/Kolkata'", "'Australia/Lord_Howe'"]
_RECENT = "IF(StudyDate BETWEEN '1994-02-01' AND '2025-02-01', TIMESTAMP(StudyDate), NULL)"
"""Of clocks at other times not everybody knows the same."""
_DATE_FORMATS = (
    "'%Y%m%d' '%Y' '%A' '%b %d' '%j' '%e' '%U|%W|%V' '%y%Q' '%E4Y-%m' '%w %u %a %B' '%C'"
)
_TIME_FORMATS = "'%H%M%S' '%H:%M' '%E*S' '%E3S' '%I %p' '%T' '%R' '%H%M%E6S'"
_READ_DATES = ["'%Y%m%d'", "'%Y-%m-%d'", "'%Y.%m.%d'", "'%Y'", "'%m%Y'", "'%Y %m %d'"]
_READ_TIMES = ["'%H%M'", "'%H:%M'", "'%H %M'", "'%H'"]
_TEMPORAL = list(_UNITS)


def _shift(g: Grammar, of: str, value: str, count: str) -> str:
    return f"{of}_{g.pick(['ADD', 'SUB'])}({value}, INTERVAL {count} {g.pick(_UNITS[of])})"


def _difference(g: Grammar, depth: int) -> str:
    of = g.pick(_TEMPORAL)
    unit = g.pick(_COUNTED[of] if g.chance(0.95) else _COUNTED["DATETIME"])
    return f"{of}_DIFF({g.value(of, depth)}, {g.value(of, 0)}, {unit})"


def _extract(g: Grammar, depth: int) -> str:
    of = g.pick(_TEMPORAL)
    parts = {"DATE": _READ, "TIME": _CLOCK}.get(of, [*_READ, *_CLOCK])
    part = g.pick(parts if g.chance(0.95) else [*_READ, *_CLOCK])
    return f"EXTRACT({part} FROM {g.value(of, depth)})"


def _cut(g: Grammar, of: str, units: list[str], depth: int) -> str:
    return f"{of}_TRUNC({g.value(of, depth)}, {g.pick(units)})"


def _count(g: Grammar) -> str:
    return g.pick(["1", "-7", "0", "13", "SeriesNumber", "NULL", "100", "@number", "@nonumber"])


def _far(g: Grammar) -> str:
    return g.pick(["InstanceSize", "`Rows`", "40000", "9223372036854775807", "-3652060", "9999"])


def _written(g: Grammar, depth: int) -> str:
    of = g.pick(_TEMPORAL)
    formats = (_TIME_FORMATS if of == "TIME" else _DATE_FORMATS).split("' '")
    form = g.pick(formats).strip("'")
    if of in ("DATETIME", "TIMESTAMP") and g.chance(0.4):
        form += " " + g.pick(_TIME_FORMATS.split("' '")).strip("'")
    if of == "TIMESTAMP" and g.chance(0.3):
        form += g.pick([" %Z", " %z", " %Ez", " %s"])
    return f"FORMAT_{of}('{form}', {g.value(of, depth)})"


def _text(g: Grammar, depth: int) -> str:
    of = g.pick(_TEMPORAL)
    return f"{g.pick(['STRING({})', 'CAST({} AS STRING)'])}".format(g.value(of, depth))


def _converted(g: Grammar, to: str, depth: int) -> str:
    of = g.pick({"TIME": ["DATETIME", "TIMESTAMP"]}.get(to, ["DATE", "DATETIME", "TIMESTAMP"]))
    value = g.value(of, depth)
    return g.pick([f"{to}({value})", f"CAST({value} AS {to})", f"SAFE_CAST({value} AS {to})"])


def _parsed(g: Grammar, to: str, depth: int) -> str:
    form = g.pick(_READ_TIMES if to == "TIME" else _READ_DATES)
    text = g.pick([g.value("STRING", depth), g.value("STRING", 0), "StudyDateStr", _written(g, 0)])
    return f"SAFE.PARSE_{to}({form}, {text})"


def _parsed_with_zone(g: Grammar, _: int) -> str:
    form = g.pick(["'%Y-%m-%d %H:%M:%E*S%Ez'", "'%Y%m%d%H%M%S%z'"])
    text = g.pick(
        [
            "STRING(IngestTime)",
            "'20200301003000+0530'",
            "FORMAT_TIMESTAMP('%E4Y%m%d%H%M%S%z', d.IngestTime)",
        ]
    )
    return f"SAFE.PARSE_TIMESTAMP({form}, {text})"


def _read(g: Grammar, to: str, depth: int) -> str:
    return f"SAFE_CAST({g.pick([g.value('STRING', depth), 'StudyDateStr', _text(g, 0)])} AS {to})"


def _zoned(g: Grammar, to: str) -> str:
    zone, moment = g.pick(_ZONES), g.pick([_RECENT, "TIMESTAMP '2020-11-01 05:30:00'"])
    return g.pick(
        {
            "STRING": [
                f"STRING({moment}, {zone})",
                f"FORMAT_TIMESTAMP('%T %Ez', {moment}, {zone})",
            ],
            "DATE": [f"DATE({moment}, {zone})", f"EXTRACT(DATE FROM {moment} AT TIME ZONE {zone})"],
            "TIME": [f"TIME({moment}, {zone})", f"EXTRACT(TIME FROM {moment} AT TIME ZONE {zone})"],
            "DATETIME": [f"DATETIME({moment}, {zone})"],
            "TIMESTAMP": [
                f"IF(StudyDate BETWEEN '1994-02-01' AND '2025-02-01', TIMESTAMP(StudyDate, {zone}), NULL)",
                f"TIMESTAMP_TRUNC({moment}, {g.pick([*_DAYS, *_CLOCK])}, {zone})",
                f"TIMESTAMP(DATETIME '2020-10-25 01:45:00', {zone})",
            ],
        }[to]
    )


def _offset(g: Grammar, to: str) -> str:
    zone, moment = g.pick(_OFFSETS), g.value("TIMESTAMP", 0)
    return g.pick(
        {
            "DATE": [f"DATE({moment}, {zone})"],
            "DATETIME": [f"DATETIME({moment}, {zone})"],
            "TIMESTAMP": [
                f"TIMESTAMP({g.pick(['StudyDate', 'AcquisitionDateTime'])}, {zone})",
                f"TIMESTAMP_TRUNC({moment}, {g.pick([*_DAYS, *_CLOCK])}, {zone})",
            ],
        }[to]
    )


def _moved(g: Grammar, depth: int) -> str:
    """Shift by an operator."""
    day = g.value("DATE", depth)
    count = g.pick(["1", "30", "SeriesNumber"])
    return g.pick([f"{day} + {count}", f"{day} - {count}", f"{count} + {day}"])


def _by_interval(g: Grammar, depth: int) -> str:
    value = g.value(g.pick(["DATE", "DATETIME"]), depth)
    unit = g.pick(_UNITS["DATETIME"])
    return f"{value} {g.pick('+-')} INTERVAL {g.pick(['1', '45', '3660001'])} {unit}"


def _made(g: Grammar, to: str) -> str:
    day = f"{g.pick(['2020', 'SeriesNumber', '`Rows`'])}, {g.pick(['2', '12', 'SeriesNumber'])}, 29"
    clock = f"{g.pick(['0', '23', 'SeriesNumber'])}, {g.pick(['59', '60'])}, {g.pick(['0', '60'])}"
    parts = {"DATE": day, "TIME": clock, "DATETIME": f"{day}, {clock}"}[to]
    return f"{g.pick(['SAFE.', ''])}{to}({parts})"


FAMILY = Family(
    values={
        "INT64": [
            _difference,
            _difference,
            _extract,
            _extract,
            lambda g, d: f"UNIX_DATE({g.value('DATE', d)})",
            lambda g, d: (
                f"UNIX_{g.pick('SECONDS MILLIS MICROS'.split())}({g.value('TIMESTAMP', d)})"
            ),
        ],
        "STRING": [_written, _text, lambda g, _: _zoned(g, "STRING")],
        "DATE": [
            lambda g, d: _converted(g, "DATE", d),
            lambda g, d: _cut(g, "DATE", _ROUND, d),
            lambda g, d: f"LAST_DAY({g.value(g.pick(['DATE', 'DATETIME']), d)})",
            lambda g, d: f"LAST_DAY({g.value('DATE', d)}, {g.pick('MONTH QUARTER YEAR'.split())})",
            lambda g, d: _parsed(g, "DATE", d),
            lambda g, d: _read(g, "DATE", d),
            lambda g, _: _zoned(g, "DATE"),
            lambda g, d: f"SAFE.{_shift(g, 'DATE', g.value('DATE', d), _far(g))}",
            lambda g, d: f"SAFE.{_cut(g, 'DATE', _DAYS, d)}",
            lambda g, d: (
                f"SAFE.DATE_FROM_UNIX_DATE({g.pick(['InstanceSize', '18321', '-719162'])})"
            ),
            lambda g, d: f"EXTRACT(DATE FROM {g.value(g.pick(['DATETIME', 'TIMESTAMP']), d)})",
        ],
        "DATETIME": [
            lambda g, d: _converted(g, "DATETIME", d),
            lambda g, d: _cut(g, "DATETIME", [*_ROUND, *_CLOCK, "DAY"], d),
            lambda g, d: f"DATETIME({g.value('DATE', d)}, {g.value('TIME', 0)})",
            lambda g, d: _parsed(g, "DATETIME", d),
            lambda g, d: _read(g, "DATETIME", d),
            lambda g, _: _zoned(g, "DATETIME"),
            lambda g, d: f"SAFE.{_shift(g, 'DATETIME', g.value('DATETIME', d), _far(g))}",
        ],
        "TIMESTAMP": [
            lambda g, d: _converted(g, "TIMESTAMP", d),
            lambda g, d: _cut(g, "TIMESTAMP", [*_ROUND, *_CLOCK, "DAY"], d),
            lambda g, d: _parsed(g, "TIMESTAMP", d),
            lambda g, d: _read(g, "TIMESTAMP", d),
            _parsed_with_zone,
            lambda g, _: _zoned(g, "TIMESTAMP"),
            lambda g, d: f"SAFE.{_shift(g, 'TIMESTAMP', g.value('TIMESTAMP', d), _far(g))}",
            lambda g, d: f"SAFE.TIMESTAMP_MILLIS({g.pick(['InstanceSize', '1583020000000'])})",
        ],
        "TIME": [
            lambda g, d: _converted(g, "TIME", d),
            lambda g, d: _cut(g, "TIME", _CLOCK, d),
            lambda g, d: _shift(g, "TIME", g.value("TIME", d), g.pick([_far(g), _count(g)])),
            lambda g, d: _parsed(g, "TIME", d),
            lambda g, d: _read(g, "TIME", d),
            lambda g, _: _zoned(g, "TIME"),
        ],
    },
    failing={
        "DATE": [
            lambda g, d: _shift(g, "DATE", g.value("DATE", d), g.pick([_count(g), _far(g)])),
            lambda g, d: _cut(g, "DATE", _DAYS, d),
            lambda g, d: f"LAST_DAY({g.value('DATE', d)}, {g.pick([*_WEEKS, 'ISOYEAR', 'YEAR'])})",
            lambda g, _: _made(g, "DATE"),
            lambda g, _: _offset(g, "DATE"),
            _moved,
            lambda g, d: f"PARSE_DATE({g.pick(_READ_DATES)}, {g.value('STRING', d)})",
            lambda g, d: f"CAST({g.value('STRING', d)} AS DATE)",
        ],
        "DATETIME": [
            lambda g, d: _shift(
                g, "DATETIME", g.value("DATETIME", d), g.pick([_count(g), _far(g)])
            ),
            lambda g, d: _cut(g, "DATETIME", _DAYS, d),
            lambda g, _: _made(g, "DATETIME"),
            lambda g, _: _offset(g, "DATETIME"),
            _by_interval,
        ],
        "TIMESTAMP": [
            lambda g, d: _shift(
                g, "TIMESTAMP", g.value("TIMESTAMP", d), g.pick([_count(g), _far(g)])
            ),
            lambda g, d: _cut(g, "TIMESTAMP", _DAYS, d),
            lambda g, _: _offset(g, "TIMESTAMP"),
            lambda g, d: f"{g.value('TIMESTAMP', d)} - INTERVAL {g.pick(['1', '90'])} DAY",
        ],
        "TIME": [lambda g, _: _made(g, "TIME")],
    },
    literals={
        "DATE": [
            "DATE '0001-01-01'",
            "DATE '9999-12-31'",
            "DATE '2020-12-31'",
            "DATE '2021-01-03'",
        ],
        "DATETIME": ["DATETIME '1960-02-29 23:59:59.9999'", "DATETIME '2021-01-03 00:00:00'"],
        "TIMESTAMP": ["TIMESTAMP '1969-12-31 23:59:59.5'", "'2020-02-29 19:30:00 Europe/Berlin'"],
        "TIME": ["TIME '23:59:59.999999'", "TIME '0:0:0'"],
        "STRING": ["'2020-02-29 10:00:00+01'", "'20200301'", "'1234'", "' 2020  1 2 '", "'12:5:6'"],
    },
)
