"""Random conditions and queries over the ten-row table: all that is taken, and a little beyond."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_COLUMNS = {
    "STRING": (
        "PatientID PatientSex PatientAge Modality SeriesDescription StudyDateStr InstanceNumber"
        " SliceThicknessStr PatientName.Alphabetic d.Modality patientname.ideographic"
    ).split(),
    "INT64": ["SeriesNumber", "`Rows`", "Columns", "d.Rows"],
    "FLOAT64": ["SliceThickness"],
    "NUMERIC": ["KVP"],
    "DATE": ["StudyDate", "PatientBirthDate"],
    "TIME": ["StudyTime"],
    "DATETIME": ["AcquisitionDateTime"],
    "TIMESTAMP": ["IngestTime"],
    "BOOL": ["IsPhantom"],
}
_LITERALS = {
    "STRING": (
        "'CT' 'ct' '' 'M' 'LUNG1-001' '063Y' 'a' 'Z' '10' '2020-02-29' '%' 'é' 'ß' \"O'Brien^Ann\""
        r" r'D\d' '\x41' 'PET/CT'"
    ).split(),
    "INT64": "0 1 2 3 512 -3 100 256 0x10".split(),
    "FLOAT64": "0.1 2.5 5.0 1e0 3.3 -1.0 1.25 .5 1. 1e-3 9007199254740993.0".split(),
    "NUMERIC": ["NUMERIC '120.5'", "NUMERIC '0'", "NUMERIC '99.999'", "120.5", "-1.5"],
    "DATE": ["DATE '2020-02-29'", "'2020-2-29'", "DATE '2021-01-03'", "'2019-12-31'", "'20200229'"],
    "TIME": ["TIME '08:30:00'", "'12:00:00'", "'8:5:0.5'", "'12:00'"],
    "DATETIME": ["DATETIME '2020-02-29 08:31:05.25'", "'2020-02-29'", "'2020-02-29T23:59:59'"],
    "TIMESTAMP": ["TIMESTAMP '2020-03-01 00:30:00+00'", "'2020-02-29 19:30:00-05:00'"],
    "BOOL": ["TRUE", "FALSE"],
}
_PATTERNS = ["'%CT%'", "'_u%'", r"r'%\_%'", "'%1'", "'C_'", r"r'%\%%'", "''", "'%'", r"'a\\'"]
_REGEXPS = ["'[0-9]+'", r"r'^(\d+)Y$'", "'x*'", "'(?i)ct'", "'.'", "'^$'", r"r'\bCT\b'", "'('"]
_ARRAYS = [("STRING", "ImageType"), ("FLOAT64", "PixelSpacing")]
_LARGE = "9223372036854775807 -9223372036854775808 9007199254740993 9007199254740993.0".split()
"""Only ever compared: which overflows are met depends on the order of evaluation."""
_SIGNS = ("=", "!=", "<>", "<", "<=", ">", ">=")


class Grammar:
    """A source of random GoogleSQL.

    Args:
        seed: The same seed, the same texts.
        mistakes: How often a wrong type is taken, from 0 to 1.
    """

    def __init__(self, seed: int, *, mistakes: float = 0.02) -> None:
        self._random = random.Random(seed)
        self._mistakes = mistakes

    def condition(self, depth: int = 3) -> str:
        """Make a boolean expression."""
        makers: list[Callable[[int], str]] = [
            self._comparison,
            self._comparison,
            self._comparison,
            self._between,
            self._in,
            self._in_array,
            self._is,
            self._like,
            self._call,
            self._logic,
            self._logic,
            self._if,
        ]
        if depth <= 0:
            return self._comparison(0)
        return self._pick(makers)(depth - 1)

    def query(self) -> str:
        """Make a whole SELECT."""
        where = f" WHERE {self.condition(2)}" if self._random.random() < 0.5 else ""
        makers = [self._plain, self._grouped, self._windowed, self._unnested, self._united]
        return self._pick(makers)(where)

    def _pick(self, options):
        return self._random.choice(options)

    def _type(self) -> str:
        return self._random.choices(list(_COLUMNS), weights=[6, 4, 3, 2, 3, 1, 1, 1, 1], k=1)[0]

    def value(self, of: str, depth: int) -> str:
        """Make an expression of a type, nearly always."""
        if self._random.random() < self._mistakes:
            of = self._type()
        if depth <= 0 or self._random.random() < 0.4 or of not in _MAKERS:
            return self._pick(_COLUMNS[of] if self._random.random() < 0.6 else _LITERALS[of])
        return self._pick(_MAKERS[of])(self, depth - 1)

    def _comparison(self, depth: int) -> str:
        of = self._type()
        other = of
        if of in ("INT64", "FLOAT64", "NUMERIC") and self._random.random() < 0.3:
            other = self._pick(["INT64", "FLOAT64", "NUMERIC"])
        if of == "INT64" and self._random.random() < 0.1:
            return f"InstanceSize {self._pick(_SIGNS)} {self._pick(_LARGE)}"
        if of == "DATETIME" and self._random.random() < 0.3:
            other = "DATE"
        return f"{self.value(of, depth)} {self._pick(_SIGNS)} {self.value(other, depth)}"

    def _between(self, depth: int) -> str:
        of = self._type()
        low, high = self.value(of, 0), self.value(of, 0)
        return f"{self.value(of, depth)}{self._not()} BETWEEN {low} AND {high}"

    def _not(self) -> str:
        return self._pick(["", "", " NOT"])

    def _in(self, depth: int) -> str:
        of = self._type()
        items = [self.value(of, 0) for _ in range(self._random.randint(1, 3))]
        if self._random.random() < 0.1:
            items.append("NULL")
        return f"{self.value(of, depth)}{self._not()} IN ({', '.join(items)})"

    def _in_array(self, depth: int) -> str:
        of, column = self._pick(_ARRAYS)
        return f"{self.value(of, 0)}{self._not()} IN UNNEST({column})"

    def _is(self, depth: int) -> str:
        if self._random.random() < 0.5:
            return f"{self.value(self._type(), depth)} IS{self._not()} NULL"
        return f"({self.condition(depth)}) IS{self._not()} {self._pick(['TRUE', 'FALSE', 'NULL'])}"

    def _like(self, depth: int) -> str:
        pattern = self._pick(_PATTERNS) if self._random.random() < 0.8 else self.value("STRING", 0)
        return f"{self.value('STRING', depth)}{self._not()} LIKE {pattern}"

    def _call(self, depth: int) -> str:
        text = self.value("STRING", depth)
        if self._random.random() < 0.4:
            return f"REGEXP_CONTAINS({text}, {self._pick(_REGEXPS)})"
        return f"{self._pick(['STARTS_WITH', 'ENDS_WITH'])}({text}, {self.value('STRING', 0)})"

    def _logic(self, depth: int) -> str:
        kind = self._random.random()
        if kind < 0.25:
            return f"NOT ({self.condition(depth)})"
        left, right = self.condition(depth), self.condition(depth)
        word = self._pick(["AND", "OR"])
        bare = self._random.random() < 0.3
        return f"{left} {word} {right}" if bare else f"({left}) {word} ({right})"

    def _if(self, depth: int) -> str:
        return f"IF({self.condition(depth)}, {self.condition(0)}, {self.value('BOOL', 0)})"

    def chosen(self, of: str, depth: int) -> str:
        """Make a conditional expression of a type."""
        first, second = self.value(of, depth), self.value(of, depth)
        return self._pick(
            [
                f"IF({self.condition(depth)}, {first}, {second})",
                f"COALESCE({first}, {second})",
                f"IFNULL({first}, {second})",
                f"CASE WHEN {self.condition(depth)} THEN {first} ELSE {second} END",
                f"CASE {self.value('STRING', 0)} WHEN {self.value('STRING', 0)} THEN {first} END",
            ]
        )

    def arithmetic(self, of: str, depth: int) -> str:
        """Make a sum or a product."""
        return f"({self.value(of, depth)} {self._pick('+-*')} {self.value(of, depth)})"

    def _plain(self, where: str) -> str:
        names = self._pick([["c0", "c1", "c2"], ["c0", "PatientID", "StudyDate"]])
        items = [
            f"{self.value(self._type(), 2)} AS {names[n]}"
            for n in range(self._random.randint(1, 3))
        ]
        order = self._pick(
            ["", " ORDER BY SOPInstanceUID", " ORDER BY 1 DESC, c0", " ORDER BY PatientID, 1"]
        )
        last = self._pick([" NULLS FIRST", " NULLS LAST", ""]) if order else ""
        limit = self._pick(["", " LIMIT 4"]) if order else ""
        return f"SELECT SOPInstanceUID, {', '.join(items)} FROM d{where}{order}{last}{limit}"

    def _aggregate(self) -> str:
        of = self._type()
        return self._pick(
            [
                "COUNT(*)",
                f"COUNT({self.value(of, 1)})",
                f"COUNT(DISTINCT {self.value(of, 0)})",
                f"COUNTIF({self.condition(1)})",
                f"SUM({self.value(self._pick(['INT64', 'FLOAT64', 'NUMERIC']), 1)})",
                f"{self._pick(['MIN', 'MAX'])}({self.value(of, 1)})",
                f"{self._pick(['LOGICAL_AND', 'LOGICAL_OR'])}({self.condition(1)})",
                "STRING_AGG(DISTINCT Modality, ',' ORDER BY Modality)",
            ]
        )

    def _grouped(self, where: str) -> str:
        key = self.value(self._pick(["STRING", "INT64", "DATE", "BOOL", "NUMERIC"]), 1)
        items = ", ".join(f"{self._aggregate()} AS a{n}" for n in range(2))
        group = self._pick(["k", "1", key, None])
        if group is None:
            return f"SELECT {items} FROM d{where}"
        having = self._pick(["", " HAVING COUNT(*) > 1", " HAVING a0 IS NOT NULL"])
        order = self._pick(["", " ORDER BY k", " ORDER BY 1 DESC NULLS FIRST", " ORDER BY a1, k"])
        return f"SELECT {key} AS k, {items} FROM d{where} GROUP BY {group}{having}{order}"

    def _windowed(self, where: str) -> str:
        partition = self.value(self._pick(["STRING", "INT64", "DATE"]), 1)
        window = f"OVER (PARTITION BY {partition} ORDER BY {self._pick(_COLUMNS['INT64'])} DESC"
        nulls = self._pick(["", "NULLS LAST", "NULLS FIRST"])
        number = f"ROW_NUMBER() {window} {nulls}, SOPInstanceUID)"
        aggregate = self._pick(["COUNT(*)", "LOGICAL_AND(IsPhantom)", "MAX(StudyDate)"])
        over = f"{aggregate} OVER (PARTITION BY {partition})"
        return self._pick(
            [
                f"SELECT SOPInstanceUID FROM d{where} QUALIFY {number} = 1",
                f"SELECT SOPInstanceUID, {over} AS w FROM d{where}",
                f"SELECT * EXCEPT (Extra, `Hash`) FROM d{where} QUALIFY {number} <= 2",
            ]
        )

    def _unnested(self, where: str) -> str:
        source = self._pick(["d, UNNEST(ImageType) AS t", "d CROSS JOIN UNNEST(d.ImageType) t"])
        extra = self._pick(["", f" WHERE {self.condition(1)} AND t != 'x'"])
        return f"SELECT DISTINCT t, Modality FROM {source}{extra} ORDER BY t, Modality"

    def _united(self, where: str) -> str:
        first, second = self.value("STRING", 1), self.value("STRING", 1)
        return (
            f"WITH q AS (SELECT {first} AS x FROM d{where}) SELECT x FROM q UNION ALL "
            f"SELECT {second} FROM d{where} ORDER BY 1"
        )


_MAKERS: dict[str, list[Callable[[Grammar, int], str]]] = {
    "STRING": [
        lambda g, d: f"LOWER({g.value('STRING', d)})",
        lambda g, d: f"UPPER({g.value('STRING', d)})",
        lambda g, d: f"CONCAT({g.value('STRING', d)}, {g.value('STRING', d)})",
        lambda g, d: f"LTRIM({g.value('STRING', d)}, {g.value('STRING', 0)})",
        lambda g, d: f"({g.value('STRING', d)} || {g.value('STRING', d)})",
        lambda g, d: (
            f"CONCAT({g.value('STRING', 0)}, '/', {g.value('INT64', d)}, {g.value('DATE', d)})"
        ),
        lambda g, d: g.chosen("STRING", d),
    ],
    "INT64": [
        lambda g, d: f"LENGTH({g.value('STRING', d)})",
        lambda g, d: "ARRAY_LENGTH(ImageType)",
        lambda g, d: f"SAFE_CAST({g.value('STRING', d)} AS INT64)",
        lambda g, d: (
            f"EXTRACT({g._pick(['YEAR', 'MONTH', 'DAY', 'DAYOFWEEK'])} FROM {g.value('DATE', d)})"
        ),
        lambda g, d: f"-{g._pick(_COLUMNS['INT64'])}",
        lambda g, d: g.arithmetic("INT64", d),
        lambda g, d: g.chosen("INT64", d),
    ],
    "FLOAT64": [
        lambda g, d: f"SAFE_CAST({g.value('STRING', d)} AS FLOAT64)",
        lambda g, d: "-SliceThickness",
        lambda g, d: g.arithmetic("FLOAT64", d),
        lambda g, d: g.chosen("FLOAT64", d),
    ],
    "NUMERIC": [
        lambda g, d: g.arithmetic("NUMERIC", d),
        lambda g, d: g.chosen("NUMERIC", d),
    ],
    "DATE": [
        lambda g, d: f"DATE_SUB({g.value('DATE', d)}, INTERVAL {g.value('INT64', 0)} DAY)",
        lambda g, d: (
            f"DATE_ADD({g.value('DATE', d)}, INTERVAL {g._pick('1 5 -7 13'.split())} {g._pick(['DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'])})"
        ),
        lambda g, d: f"SAFE_CAST({g.value('STRING', d)} AS DATE)",
        lambda g, d: g.chosen("DATE", d),
    ],
    "BOOL": [lambda g, d: f"({g.condition(d)})", lambda g, d: g.chosen("BOOL", d)],
    "TIME": [lambda g, d: g.chosen("TIME", d)],
    "TIMESTAMP": [lambda g, d: g.chosen("TIMESTAMP", d)],
}
