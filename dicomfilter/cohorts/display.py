"""DataFrames: the only module that makes them."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from dicomfilter import dictionary
from dicomfilter.cohorts.examples import example_of
from dicomfilter.counts import human_count, human_size, whole
from dicomfilter.errors import UsageError
from dicomfilter.pictures import bars as drawing
from dicomfilter.pictures import flow as flowing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    import pandas as pd
    import pyarrow as pa

    from dicomfilter.cohorts.attrition import Attrition
    from dicomfilter.cohorts.comparing import Line
    from dicomfilter.cohorts.values import Filled
    from dicomfilter.counts import Counts, Unit
    from dicomfilter.pictures.svg import Picture
    from dicomfilter.schema import TableSchema


def frame(table: pa.Table) -> pd.DataFrame:
    """Turn an Arrow table into a DataFrame with pandas' own nullable types.

    Raises:
        UsageError: pandas is not installed.
    """
    _pandas()
    return table.to_pandas(date_as_object=True, integer_object_nulls=True)


def columns_frame(schema: TableSchema, pattern: str = "") -> pd.DataFrame:
    """List columns: name, type, value representation, meaning, example, description.

    Args:
        schema: The table's columns.
        pattern: A text that their names must contain, in any case.
    """
    rows = [
        {
            "name": c.name,
            "type": str(c.type),
            **_meaning(c.name),
            "example": example_of(c),
            "description": c.description,
        }
        for c in schema
        if pattern.lower() in c.name.lower()
    ]
    names = ["name", "type", "vr", "meaning", "example", "description"]
    return _pandas().DataFrame(rows, columns=names, dtype="str")


def described_frame(columns: Iterable[Filled]) -> pd.DataFrame:
    """Lay out how columns are filled; what is not known is NA."""
    pd = _pandas()
    rows = [
        {
            "column": one.column.name,
            "type": str(one.column.type),
            **_meaning(one.column.name),
            "filled": one.filled / one.rows if one.rows else None,
            "count": one.filled,
            "rows": one.rows,
            "distinct": one.distinct,
            "examples": ", ".join(
                dict.fromkeys(str(v) for v in (one.least, one.greatest) if v is not None)
            ),
        }
        for one in columns
    ]
    table = pd.DataFrame(rows, dtype=object)
    types = {"filled": "Float64", **dict.fromkeys(("count", "rows", "distinct"), "Int64")}
    return table.astype({name: types.get(name, "str") for name in table.columns})


def compared_frame(names: Sequence[str], unit: str, lines: Iterable[Line]) -> pd.DataFrame:
    """Lay out a comparison; see ``dicomfilter.compare``."""
    pd = _pandas()
    rows = []
    for line in lines:
        row: dict[str, object] = {"column": line.column, "value": line.value}
        for name, (number, share) in zip(names, line.cells, strict=True):
            row |= {f"{name}_n": number, f"{name}_share": share}
        row["difference"] = line.difference
        rows.append(row)
    table = pd.DataFrame(rows, dtype=object)
    table.attrs["by"] = unit
    texts = ("column", "value")
    return table.astype({name: "str" if name in texts else "Float64" for name in table.columns})


def counts_frame(table: pa.Table) -> pd.DataFrame:
    """Lay out counts of values; the first column is the values'."""
    pd = _pandas()
    counts = frame(table)
    for name in table.schema.names[1:]:
        numbers = [whole(value) for value in table[name].to_pylist()]
        counts[name] = pd.array(numbers, dtype="Int64")
    return counts


def _meaning(name: str) -> dict[str, str]:
    """Say what the standard says of a column that bears a keyword of it."""
    found = dictionary.find(name)
    return {"vr": found.vr if found else "", "meaning": found.name if found else ""}


def attrition_frame(steps: Iterable[Attrition]) -> pd.DataFrame:
    """Lay out an attrition table; counts that are unknown are NA."""
    pd = _pandas()
    rows = []
    for step in steps:
        row: dict[str, object] = {"clause": step.label or "(all)", **asdict(step.left)}
        for which in ("alone", "excluded", "no_value"):
            counts = asdict(getattr(step, which))
            row |= {f"{which}_{name}": value for name, value in counts.items()}
        rows.append(row)
    table = pd.DataFrame(rows, dtype=object)  # a float would not hold every count
    return table.astype({n: "str" if n == "clause" else "Int64" for n in table.columns})


def cohort_facts(
    uri: str, clauses: Sequence[str], scanned: int | None, counts: Callable[[], Counts]
) -> list[tuple[str, str]]:
    """List what a notebook says of a cohort.

    Args:
        uri: The table's.
        clauses: As the person wrote them.
        scanned: Bytes that a scan would bill; None where it bills nothing.
        counts: Counts the cohort; asked only where that costs nothing.
    """
    facts = [("cohort of", uri), ("where", "\n  AND ".join(clauses) or "(all rows)")]
    if scanned is not None:
        # Looking at a value must not cost anything: counting is asked for.
        return [*facts, ("scans", human_size(scanned)), ("counts", "call .counts()")]
    return [*facts, *counts().facts()]


def pictured_attrition(found: pd.DataFrame) -> pd.DataFrame:
    """Give an attrition its pictures: ``flow()`` and ``mermaid()``."""
    return _attrition_kind()(found)


def pictured_counts(found: pd.DataFrame, title: str) -> pd.DataFrame:
    """Give counts of values their pictures: ``bars()`` and ``vega_lite()``.

    Args:
        found: A row a value, which is the first column; the others are counts.
        title: What is counted.
    """
    made = _counts_kind()(found)
    made.attrs["title"] = title
    return made


def pictured_missing(found: pd.DataFrame) -> pd.DataFrame:
    """Give shares of columns that are filled their picture: ``bars()``."""
    return _missing_kind()(found)


class _Kept:
    """Keeps a kind of DataFrame of its kind whatever pandas makes of it."""

    @property
    def _constructor(self) -> Any:  # noqa: ANN401 - pandas asks for it
        return type(self)


@cache
def _attrition_kind() -> Any:  # noqa: ANN401 - a class of a library without types
    pd = _pandas()

    class AttritionFrame(_Kept, pd.DataFrame):  # type: ignore[misc, name-defined]
        def flow(
            self,
            *,
            by: Unit | None = None,
            labels: Sequence[str] | None = None,
            title: str | None = None,
        ) -> Picture:
            """Draw what each clause leaves over, and what it excludes and why.

            Args:
                by: What exclusions are counted in: ``patients``, ``studies``, ``series`` or
                    ``instances``; None for patients where they are known.
                labels: Words for the clauses, in their order; None for the clauses themselves.
                title: What is written above it.
            """
            steps = flowing.steps_of(self.to_dict("records"), labels)
            return flowing.flow(steps, by=by, title=title)

        def mermaid(self, *, by: Unit | None = None, labels: Sequence[str] | None = None) -> str:
            """Write the same in Mermaid."""
            steps = flowing.steps_of(self.to_dict("records"), labels)
            return flowing.mermaid(steps, by=by)

    return AttritionFrame


_IN_ORDER = 250
"""Bars of a histogram, of which none is left out."""


@cache
def _counts_kind() -> Any:  # noqa: ANN401 - likewise
    pd = _pandas()

    class CountsFrame(_Kept, pd.DataFrame):  # type: ignore[misc, name-defined]
        def bars(self, *, by: str | None = None, title: str | None = None) -> Picture:
            """Draw a bar a value.

            Args:
                by: The count that is drawn; None for the first.
                title: What is written above it.
            """
            _, found, said = self._bars(by, title)
            if not self.attrs.get("in_order"):
                return drawing.bars(found, title=said)
            # Cut off, the latest values would be the ones that are not seen.
            if len(found) > _IN_ORDER:
                raise UsageError(
                    f"{len(found):,} values in their own order are too many for a picture",
                    hint="take dates together with every='year', or draw `value_counts(...)`",
                )
            return drawing.bars(found, title=said, most_bars=_IN_ORDER)

        def vega_lite(self, *, by: str | None = None, title: str | None = None) -> dict[str, Any]:
            """Describe the same bars for Vega-Lite and Altair."""
            unit, found, said = self._bars(by, title)
            return drawing.vega_lite(found, title=said, unit=unit)

        def _bars(self, by: str | None, title: str | None) -> tuple[str, list[drawing.Bar], str]:
            """Give the unit, a bar a row, and what is written above them."""
            names = [str(name) for name in self.columns[1:]]
            unit = names[0] if by is None else by
            if unit not in names:
                raise UsageError(
                    f"{by!r} is none of {', '.join(names)}", hint=f"write by={names[0]!r}"
                )
            counts = [None if pd.isna(n) else int(n) for n in self[unit]]
            values = [None if pd.isna(value) else str(value) for value in self.iloc[:, 0]]
            found = [
                drawing.Bar(value, count or 0, human_count(count))
                for value, count in zip(values, counts, strict=True)
            ]
            return unit, found, title or f"{self.attrs.get('title')}, {unit}"

    return CountsFrame


@cache
def _missing_kind() -> Any:  # noqa: ANN401 - likewise
    pd = _pandas()

    class MissingFrame(_Kept, pd.DataFrame):  # type: ignore[misc, name-defined]
        def bars(self, *, title: str = "rows that have a value") -> Picture:
            """Draw how many rows of each column have a value, of all."""
            found = [
                drawing.Bar(name, count, f"{count / rows if rows else 0:.1%}", rows)
                for name, count, rows in self[["column", "count", "rows"]].itertuples(index=False)
            ]
            return drawing.bars(found, title=title)

    return MissingFrame


def _pandas() -> ModuleType:
    try:
        import pandas as pd
    except ImportError as error:
        raise UsageError(
            "DataFrames need pandas, which is not installed",
            hint="run `pip install 'dicomfilter[notebook]'`, or use to_arrow()",
        ) from error
    module: ModuleType = pd
    return module
