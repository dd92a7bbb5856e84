"""DataFrames: the only module that makes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.cohorts.examples import example_of
from dicomfilter.counts import human_size, whole
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    import pandas as pd
    import pyarrow as pa

    from dicomfilter.cohorts.attrition import Attrition
    from dicomfilter.cohorts.values import Filled
    from dicomfilter.counts import Counts
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
            "rows": one.rows,
            "distinct": one.distinct,
            "examples": ", ".join(
                dict.fromkeys(str(v) for v in (one.least, one.greatest) if v is not None)
            ),
        }
        for one in columns
    ]
    table = pd.DataFrame(rows, dtype=object)
    types = {"filled": "Float64", "rows": "Int64", "distinct": "Int64"}
    return table.astype({name: types.get(name, "str") for name in table.columns})


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
