r"""Random conditions and queries over the ten-row tables: all that is taken, and a little beyond.

To add producers, write ``FAMILY = Family(...)`` in ``grammar_<family>.py`` and name it in `FAMILIES`:

1. A maker is ``lambda g, d: f"LEFT({g.value('STRING', d)}, {g.value('INT64', 0)})"``; it stands under
   the type it makes: ``Family(values={"STRING": [that]})``, or under ``conditions`` or ``queries``.
2. Ask ``g`` for operands and choices only (`value`, `condition`, `pick`, `chance`, `column`,
   `literal`, `source`), so that a seed gives the same texts each time. A query reads
   ``FROM {g.source()}``, whose columns may be qualified as ``d.Modality``.
3. What can fail at run time for a row (a division, a CAST, DATE_ADD past the year 9999) stands under
   ``failing`` and not under ``values``, so that most texts have an answer to compare.
   Columns of numbers and `StudyDate` are tame; `PatientBirthDate`, `AcquisitionDateTime`,
   `IngestTime` and `InstanceSize` go to the ends of their types.
4. Types: those of `COLUMNS` (STRING … BYTES, JSON, ARRAY<STRING>, ARRAY<FLOAT64>, ARRAY<INT64>,
   STRUCT for `PatientName`, ARRAY<STRUCT> for `ProcedureCodeSequence`); parameters: `PARAMETERS`.
5. Run ``python -m tests.googlesql --family <family> 2000 <seed>`` until nothing but "same",
   "both refuse" and few "refused here only" are left.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import SqlType
from tests.googlesql import (
    grammar_arrays,
    grammar_dates,
    grammar_json,
    grammar_numbers,
    grammar_plain,
    grammar_queries,
    grammar_selects,
    grammar_strings,
)
from tests.googlesql.dicom import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeVar

    from tests.googlesql.family import Family

    T = TypeVar("T")

FAMILIES: dict[str, Family] = {
    "plain": grammar_plain.FAMILY,
    "dates": grammar_dates.FAMILY,
    "strings": grammar_strings.FAMILY,
    "numbers": grammar_numbers.FAMILY,
    "arrays": grammar_arrays.FAMILY,
    "json": grammar_json.FAMILY,
    "queries": grammar_queries.FAMILY,
}
COLUMNS = {
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
    "BYTES": ["`Hash`"],
    "JSON": ["Extra"],
    "STRUCT": ["PatientName"],
    "ARRAY<STRING>": ["ImageType", "d.ImageType"],
    "ARRAY<FLOAT64>": ["PixelSpacing"],
    "ARRAY<INT64>": [],
    "ARRAY<STRUCT>": ["ProcedureCodeSequence"],
}
"""By type, what of the tables has it."""
COMPARED = (
    "STRING",
    "INT64",
    "FLOAT64",
    "NUMERIC",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "BOOL",
)
_EXTREMES = "0 -1 1 9223372036854775807 '' 1e308 -0.0 @nan [] 'a.b' '\\\\' DAY".split()
_WEIGHTS = (6, 4, 3, 2, 3, 1, 1, 1, 1)


def _parameter(name: str, of: str, value: object) -> Parameter:
    return Parameter(name, SqlType.parse(of), value)


PARAMETERS = (
    _parameter("text", "STRING", "CT"),
    _parameter("letters", "STRING", "é\\_%ß"),
    _parameter("nothing", "STRING", None),
    _parameter("daytext", "STRING", "2020-02-29"),
    _parameter("number", "INT64", 2),
    _parameter("nonumber", "INT64", None),
    _parameter("size", "FLOAT64", 2.5),
    _parameter("nan", "FLOAT64", float("nan")),
    _parameter("volts", "NUMERIC", Decimal("120.5")),
    _parameter("day", "DATE", date(2020, 2, 29)),
    _parameter("texts", "ARRAY<STRING>", ("CT", "PRIMARY", "")),
    _parameter("numbers", "ARRAY<INT64>", (512, 2, -3)),
    _parameter("sizes", "ARRAY<FLOAT64>", (2.5, float("nan"), -0.0)),
)
"""Those that the texts may name."""


class Grammar:
    """A source of random GoogleSQL.

    Args:
        seed: The same seed, the same texts; a number or a text.
        mistakes: How often a wrong type is taken, from 0 to 1.
        families: Names of `FAMILIES`, where not all are wanted; the plain ones always are, and
            those of a single family come up more often.
        nested: Whether whole SELECTs are written, over sources that are queries themselves.
    """

    def __init__(
        self,
        seed: int | str,
        *,
        mistakes: float = 0.02,
        families: Sequence[str] = tuple(FAMILIES),
        nested: bool = False,
    ) -> None:
        self._random = random.Random(seed)
        self._nested = nested
        self._mistakes = mistakes
        self._sheltered = 0
        chosen = [FAMILIES[name] for name in families]
        parts = chosen if "plain" in families else [grammar_plain.FAMILY, *chosen, *chosen, *chosen]
        self._values = _merged([part.values for part in parts])
        self._failing = _merged([part.failing for part in parts])
        self._literals = _merged([part.literals for part in parts])
        self._conditions = [maker for part in parts for maker in part.conditions]
        self._queries = [maker for part in parts for maker in part.queries]
        if nested:
            self._queries += grammar_selects.FAMILY.queries

    def pick(self, options: Sequence[T]) -> T:
        """Choose one."""
        return self._random.choice(options)

    def chance(self, of: float) -> bool:
        """Tell whether something happens, this often."""
        return self._random.random() < of

    def number(self, low: int, high: int) -> int:
        """Choose an integer, the ends among them."""
        return self._random.randint(low, high)

    def source(self) -> str:
        """Name a table for FROM: the golden one, or another under its name."""
        if self._nested:
            return f"{grammar_selects.MARK} AS d"
        return self._random.choices(["d", "e AS d", "void AS d"], weights=[6, 3, 1])[0]

    def kind(self) -> str:
        """Choose a type that can be compared."""
        return self._random.choices(COMPARED, weights=_WEIGHTS)[0]

    def column(self, of: str) -> str:
        """Name a column of a type, or write a literal where there is none."""
        return self.pick(COLUMNS[of] or self._literals[of])

    def literal(self, of: str) -> str:
        """Write a literal of a type, or name a column where there is none."""
        return self.pick(self._literals.get(of) or COLUMNS[of])

    def failing_kind(self) -> str:
        """Choose a type of which there are expressions that may fail."""
        return self.pick([of for of in self._failing if of in COMPARED])

    def value(self, of: str, depth: int) -> str:
        """Make an expression of a type, nearly always of that type."""
        if of in COMPARED and self.chance(self._mistakes):
            of = self.kind()
        if depth > 0 and not self.chance(0.4):
            makers = self._values.get(of)
            if makers:
                return self.pick(makers)(self, depth - 1)
        return self.column(of) if self.chance(0.6) else self.literal(of)

    def failing(self, of: str, depth: int) -> str:
        """Make an expression of a type that may fail at run time, if there is one and it may."""
        if self._sheltered or of not in self._failing:
            return self.value(of, depth)
        return self.pick(self._failing[of])(self, depth)

    @property
    def may_fail(self) -> bool:
        """Whether what is made here may fail at run time."""
        return not self._sheltered

    def condition(self, depth: int = 3) -> str:
        """Make a boolean expression."""
        if depth <= 0:
            return grammar_plain.comparison(self, 0)
        return self.pick(self._conditions)(self, depth - 1)

    def query(self) -> str:
        """Make a whole query."""
        made = self.pick(self._queries)(self, 2)
        return grammar_selects.expanded(self, made, _types()) if self._nested else made

    def selection(self) -> str:
        """Make a query for the rows of which a condition holds."""
        return f"SELECT SOPInstanceUID FROM {self.source()} WHERE {self.condition()}"

    def call(self) -> str:
        """Make a query that computes one column, as deep as it goes."""
        of = self.pick([of for of in COLUMNS if of in self._values])
        made = self.failing(of, 2) if self.chance(0.3) else self.value(of, 3)
        return f"SELECT SOPInstanceUID, {made} AS v FROM {self.source()}"

    def other(self) -> str:
        """Write an argument that belongs nowhere: NULL, an extreme, or of any type."""
        if self.chance(0.3):
            return "NULL"
        if self.chance(0.4):
            return self.pick(_EXTREMES)
        of = self.pick(list(COLUMNS))
        return self.column(of) if self.chance(0.5) else self.literal(of)

    @contextmanager
    def sheltered(self) -> Iterator[None]:
        """Make nothing that may fail at run time."""
        self._sheltered += 1
        try:
            yield
        finally:
            self._sheltered -= 1


@cache
def _types() -> dict[str, str]:
    """Give the types of the columns of the tables, by name."""
    return {column.name: str(column.type) for column in table().schema}


def _merged(tables: Sequence[Mapping[str, Sequence[T]]]) -> dict[str, list[T]]:
    merged: dict[str, list[T]] = {}
    for each in tables:
        for key, values in each.items():
            merged.setdefault(key, []).extend(values)
    return merged
