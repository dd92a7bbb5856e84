"""Comparisons, LIKE, IN, logic, CASE, arithmetic, SELECTs: what stands in nearly every query."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.grammar import Grammar

_PATTERNS = ["'%CT%'", "'_u%'", r"r'%\_%'", "'%1'", "'C_'", r"r'%\%%'", "''", "'%'", r"'a\\'"]
_NOT_OPEN = ("SeriesDescription", "PatientName.Ideographic", "@letters")
_REGEXPS = ["'[0-9]+'", r"r'^(\d+)Y$'", "'x*'", "'(?i)ct'", "'.'", "'^$'", r"r'\bCT\b'", "'('"]
_LARGE = "9223372036854775807 -9223372036854775808 9007199254740993 9007199254740993.0".split()
_SIGNS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_NUMBERS = ("INT64", "FLOAT64", "NUMERIC")


def comparison(g: Grammar, depth: int) -> str:
    """Compare two values, of one type or of two that have a common one."""
    of = g.kind()
    other = of
    if of in _NUMBERS and g.chance(0.3):
        other = g.pick(_NUMBERS)
    if of == "INT64" and g.chance(0.1):
        return f"InstanceSize {g.pick(_SIGNS)} {g.pick(_LARGE)}"
    if of == "DATETIME" and g.chance(0.3):
        other = "DATE"
    return f"{g.value(of, depth)} {g.pick(_SIGNS)} {g.value(other, depth)}"


def _failing_comparison(g: Grammar, depth: int) -> str:
    of = g.failing_kind()
    values = [g.failing(of, depth), g.value(of, 0), g.value(of, 0)]
    failing = g.pick(
        [
            f"{values[0]} {g.pick(_SIGNS)} {values[1]}",
            f"{values[1]} {g.pick(_SIGNS)} {values[0]}",
            f"{values[1]}{_not(g)} BETWEEN {values[2]} AND {values[0]}",
            f"{values[1]}{_not(g)} IN ({values[2]}, {values[0]})",
            f"({values[1]}, {values[0]}) {g.pick(['=', '!='])} ({values[2]}, {g.value(of, 0)})",
            f"({values[1]}, {values[0]}) IN (({values[2]}, {g.value(of, 0)}))",
        ]
    )
    if "SELECT" in failing:  # DuckDB runs the subqueries of all branches
        return failing
    return g.pick(
        [
            failing,
            f"IF({g.condition(1)}, {failing}, {g.condition(0)})",
            f"CASE WHEN {g.condition(1)} THEN IsPhantom WHEN {g.condition(1)} THEN {failing} END",
            f"COALESCE({g.column('BOOL')}, {failing})",
        ]
    )


def _between(g: Grammar, depth: int) -> str:
    of = g.kind()
    low, high = g.value(of, 0), g.value(of, 0)
    return f"{g.value(of, depth)}{_not(g)} BETWEEN {low} AND {high}"


def _not(g: Grammar) -> str:
    return g.pick(["", "", " NOT"])


def _in(g: Grammar, depth: int) -> str:
    of = g.kind()
    items = [g.value(of, 0) for _ in range(g.number(1, 3))]
    if g.chance(0.1):
        items.append("NULL")
    return f"{g.value(of, depth)}{_not(g)} IN ({', '.join(items)})"


def _in_array(g: Grammar, _: int) -> str:
    of, array = g.pick(
        [
            ("STRING", "ImageType"),
            ("FLOAT64", "PixelSpacing"),
            ("STRING", "@texts"),
            ("INT64", "@numbers"),
            ("FLOAT64", "@sizes"),
        ]
    )
    return f"{g.value(of, 0)}{_not(g)} IN UNNEST({array})"


def _is(g: Grammar, depth: int) -> str:
    if g.chance(0.5):
        return f"{g.value(g.kind(), depth)} IS{_not(g)} NULL"
    return f"({g.condition(depth)}) IS{_not(g)} {g.pick(['TRUE', 'FALSE', 'NULL'])}"


def _like(g: Grammar, depth: int) -> str:
    if g.chance(0.2):  # the pattern of some rows ends with a backslash, which is an error
        column = g.column("STRING") if g.may_fail else g.pick(_NOT_OPEN)
        return f"{g.pick([column, 'SeriesDescription'])}{_not(g)} LIKE {column}"
    pattern = g.pick(_PATTERNS)
    return f"{g.value('STRING', depth)}{_not(g)} LIKE {pattern}"


def _call(g: Grammar, depth: int) -> str:
    text = g.value("STRING", depth)
    if g.chance(0.4):
        return f"REGEXP_CONTAINS({text}, {g.pick(_REGEXPS)})"
    return f"{g.pick(['STARTS_WITH', 'ENDS_WITH'])}({text}, {g.value('STRING', 0)})"


def _logic(g: Grammar, depth: int) -> str:
    if g.chance(0.25):
        return f"NOT ({g.condition(depth)})"
    with nullcontext() if g.chance(0.3) else g.sheltered():
        left, right = g.condition(depth), g.condition(depth)
    word = g.pick(["AND", "OR"])
    return f"{left} {word} {right}" if g.chance(0.3) else f"({left}) {word} ({right})"


def _if(g: Grammar, depth: int) -> str:
    return f"IF({g.condition(depth)}, {g.condition(0)}, {g.value('BOOL', 0)})"


def chosen(g: Grammar, of: str, depth: int) -> str:
    """Make a conditional expression of a type."""
    first, second = g.value(of, depth), g.value(of, depth)
    return g.pick(
        [
            f"IF({g.condition(depth)}, {first}, {second})",
            f"COALESCE({first}, {second})",
            f"IFNULL({first}, {second})",
            f"CASE WHEN {g.condition(depth)} THEN {first} ELSE {second} END",
            f"CASE {g.value('STRING', 0)} WHEN {g.value('STRING', 0)} THEN {first} END",
        ]
    )


def _arithmetic(g: Grammar, of: str, depth: int) -> str:
    return f"({g.value(of, depth)} {g.pick('+-*')} {g.value(of, depth)})"


def where(g: Grammar, *, often: float = 0.5) -> str:
    """Write a WHERE clause, or none."""
    return f" WHERE {g.condition(2)}" if g.chance(often) else ""


def _plain(g: Grammar, depth: int) -> str:
    names = g.pick([["c0", "c1", "c2"], ["c0", "PatientID", "StudyDate"]])
    order = g.pick(
        ["", " ORDER BY SOPInstanceUID", " ORDER BY 1 DESC, c0", " ORDER BY PatientID, 1"]
    )
    last = g.pick([" NULLS FIRST", " NULLS LAST", ""]) if order else ""
    limit = g.pick(["", " LIMIT 4"]) if order else ""
    with g.sheltered() if limit else nullcontext():  # what is cut off may go unevaluated
        items = [f"{g.value(g.kind(), depth)} AS {names[n]}" for n in range(g.number(1, 3))]
    return (
        f"SELECT SOPInstanceUID, {', '.join(items)} FROM {g.source()}{where(g)}{order}{last}{limit}"
    )


def _failing(g: Grammar, depth: int) -> str:
    return f"SELECT SOPInstanceUID, {g.failing(g.failing_kind(), depth)} AS c0 FROM {g.source()}{where(g)}"


def aggregate(g: Grammar) -> str:
    """Make an aggregate of some type."""
    of = g.kind()
    return g.pick(
        [
            "COUNT(*)",
            f"COUNT({g.value(of, 1)})",
            f"COUNT(DISTINCT {g.value(of, 0)})",
            f"COUNTIF({g.condition(1)})",
            f"SUM({g.value(g.pick(_NUMBERS), 1)})",
            f"{g.pick(['MIN', 'MAX'])}({g.value(of, 1)})",
            f"{g.pick(['LOGICAL_AND', 'LOGICAL_OR'])}({g.condition(1)})",
            "STRING_AGG(DISTINCT Modality, ',' ORDER BY Modality)",
        ]
    )


def _grouped(g: Grammar, _: int) -> str:
    key = g.value(g.pick(["STRING", "INT64", "DATE", "BOOL", "NUMERIC"]), 1)
    items = ", ".join(f"{aggregate(g)} AS a{n}" for n in range(2))
    group = g.pick(["k", "1", key, None])
    source = f"FROM {g.source()}{where(g)}"
    if group is None:
        return f"SELECT {items} {source}"
    having = g.pick(["", " HAVING COUNT(*) > 1", " HAVING a0 IS NOT NULL"])
    order = g.pick(["", " ORDER BY k", " ORDER BY 1 DESC NULLS FIRST", " ORDER BY a1, k"])
    return f"SELECT {key} AS k, {items} {source} GROUP BY {group}{having}{order}"


def _windowed(g: Grammar, _: int) -> str:
    partition = g.value(g.pick(["STRING", "INT64", "DATE"]), 1)
    window = f"OVER (PARTITION BY {partition} ORDER BY {g.column('INT64')} DESC"
    nulls = g.pick(["", "NULLS LAST", "NULLS FIRST"])
    number = f"ROW_NUMBER() {window} {nulls}, SOPInstanceUID)"
    total = g.pick(["COUNT(*)", "LOGICAL_AND(IsPhantom)", "MAX(StudyDate)"])
    over = f"{total} OVER (PARTITION BY {partition})"
    source = f"FROM {g.source()}{where(g)}"
    return g.pick(
        [
            f"SELECT SOPInstanceUID {source} QUALIFY {number} = 1",
            f"SELECT SOPInstanceUID, {over} AS w {source}",
            f"SELECT * EXCEPT (Extra, `Hash`) {source} QUALIFY {number} <= 2",
        ]
    )


def _unnested(g: Grammar, _: int) -> str:
    table = g.source()
    source = g.pick(
        [f"{table}, UNNEST(ImageType) AS t", f"{table} CROSS JOIN UNNEST(d.ImageType) t"]
    )
    with g.sheltered():
        extra = g.pick(["", f" WHERE {g.condition(1)} AND t != 'x'"])
    return f"SELECT DISTINCT t, Modality FROM {source}{extra} ORDER BY t, Modality"


def _united(g: Grammar, _: int) -> str:
    first, second = g.value("STRING", 1), g.value("STRING", 1)
    tail = f"FROM {g.source()}{where(g)}"
    return (
        f"WITH q AS (SELECT {first} AS x {tail}) SELECT x FROM q UNION ALL "
        f"SELECT {second} {tail} ORDER BY 1"
    )


FAMILY = Family(
    literals={
        "STRING": (
            "'CT' 'ct' '' 'M' 'LUNG1-001' '063Y' 'a' 'Z' '10' '2020-02-29' '%' 'é' 'ß' '山' '😀' 'e\u0301'"
            " \"O'Brien^Ann\" r'D\\d' '\\x41' 'PET/CT' '\\\\' '-0x1f' @text @letters @nothing"
        ).split(),
        "INT64": "0 1 2 3 512 -3 100 256 0x10 @number @nonumber".split(),
        "FLOAT64": (
            "0.1 2.5 5.0 1e0 3.3 -1.0 1.25 .5 1. 1e-3 -0.0 9007199254740993.0 @size @nan"
        ).split(),
        "NUMERIC": "NUMERIC'120.5' NUMERIC'0' NUMERIC'99.999' 120.5 -1.5 @volts".split(),
        "DATE": [
            "DATE '2020-02-29'",
            "'2020-2-29'",
            "DATE '2021-01-03'",
            "'2019-12-31'",
            "'20200229'",
            "@day",
            "@daytext",
        ],
        "TIME": ["TIME '08:30:00'", "'12:00:00'", "'8:5:0.5'", "'12:00'"],
        "DATETIME": ["DATETIME '2020-02-29 08:31:05.25'", "'2020-02-29'", "'2020-02-29T23:59:59'"],
        "TIMESTAMP": ["TIMESTAMP '2020-03-01 00:30:00+00'", "'2020-02-29 19:30:00-05:00'"],
        "BOOL": ["TRUE", "FALSE"],
        "BYTES": ["b'abc'", "b''", r"b'\xff'", "b'ABC'"],
        "JSON": ["""JSON '{"Manufacturer": "GE", "n": 3}'""", "JSON '[1, \"a\", null]'"],
        "ARRAY<STRING>": ["['CT', 'MR']", "['ORIGINAL', 'PRIMARY', '']", "@texts"],
        "ARRAY<FLOAT64>": ["[0.7, 2.5]", "[-0.0]", "@sizes"],
        "ARRAY<INT64>": ["[1, 2, 512]", "[0]", "@numbers"],
    },
    values={
        "STRING": [
            lambda g, d: f"LOWER({g.value('STRING', d)})",
            lambda g, d: f"UPPER({g.value('STRING', d)})",
            lambda g, d: f"CONCAT({g.value('STRING', d)}, {g.value('STRING', d)})",
            lambda g, d: f"LTRIM({g.value('STRING', d)}, {g.value('STRING', 0)})",
            lambda g, d: f"({g.value('STRING', d)} || {g.value('STRING', d)})",
            lambda g, d: (
                f"CONCAT({g.value('STRING', 0)}, '/', {g.value('INT64', d)}, {g.value('DATE', d)})"
            ),
            lambda g, d: f"CAST({g.value(g.kind(), d)} AS STRING)",
            lambda g, d: chosen(g, "STRING", d),
        ],
        "INT64": [
            lambda g, d: f"LENGTH({g.value('STRING', d)})",
            lambda g, d: "ARRAY_LENGTH(ImageType)",
            lambda g, d: f"SAFE_CAST({g.value('STRING', d)} AS INT64)",
            lambda g, d: (
                f"EXTRACT({g.pick(['YEAR', 'MONTH', 'DAY', 'DAYOFWEEK'])} FROM {g.value('DATE', d)})"
            ),
            lambda g, d: f"-{g.column('INT64')}",
            lambda g, d: _arithmetic(g, "INT64", d),
            lambda g, d: chosen(g, "INT64", d),
        ],
        "FLOAT64": [
            lambda g, d: f"SAFE_CAST({g.value('STRING', d)} AS FLOAT64)",
            lambda g, d: "-SliceThickness",
            lambda g, d: _arithmetic(g, "FLOAT64", d),
            lambda g, d: chosen(g, "FLOAT64", d),
        ],
        "NUMERIC": [
            lambda g, d: _arithmetic(g, "NUMERIC", d),
            lambda g, d: chosen(g, "NUMERIC", d),
        ],
        "DATE": [
            lambda g, d: f"DATE_SUB(StudyDate, INTERVAL {g.value('INT64', 0)} DAY)",
            lambda g, d: f"SAFE_CAST({g.value('STRING', d)} AS DATE)",
            lambda g, d: chosen(g, "DATE", d),
        ],
        "BOOL": [lambda g, d: f"({g.condition(d)})", lambda g, d: chosen(g, "BOOL", d)],
        "TIME": [lambda g, d: chosen(g, "TIME", d)],
        "TIMESTAMP": [lambda g, d: chosen(g, "TIMESTAMP", d)],
    },
    failing={
        "INT64": [
            lambda g, d: f"CAST({g.value('STRING', d)} AS INT64)",
            lambda g, d: f"(InstanceSize {g.pick('+-*')} {g.value('INT64', d)})",
            lambda g, d: "-InstanceSize",
        ],
        "FLOAT64": [
            lambda g, d: f"CAST({g.value('STRING', d)} AS FLOAT64)",
            lambda g, d: f"(1e308 * {g.value('FLOAT64', d)})",
        ],
        "DATE": [
            lambda g, d: f"CAST({g.value('STRING', d)} AS DATE)",
            lambda g, d: (
                f"{g.pick(['DATE_ADD', 'DATE_SUB'])}({g.value('DATE', d)}, INTERVAL"
                f" {g.pick('1 5 -7 13 @number'.split())} {g.pick('DAY WEEK MONTH QUARTER YEAR'.split())})"
            ),
        ],
    },
    conditions=[
        comparison,
        comparison,
        comparison,
        _failing_comparison,
        _between,
        _in,
        _in_array,
        _is,
        _like,
        _call,
        _logic,
        _logic,
        _if,
    ],
    queries=[_plain, _plain, _failing, _grouped, _windowed, _unnested, _united],
)
