"""DataFrames and notebook representations: the only module that knows pandas."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

from dicomfilter.counts import human_count, human_size
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    import pandas as pd
    import pyarrow as pa

    from dicomfilter.cohorts.attrition import Attrition
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
    """List columns: name, type, description.

    Args:
        schema: The table's columns.
        pattern: A text that their names must contain, in any case.
    """
    rows = [
        {"name": c.name, "type": str(c.type), "description": c.description}
        for c in schema
        if pattern.lower() in c.name.lower()
    ]
    return _pandas().DataFrame(rows, columns=["name", "type", "description"])


def attrition_frame(steps: Iterable[Attrition]) -> pd.DataFrame:
    """Lay out an attrition table; counts that are unknown are NA."""
    pd = _pandas()
    rows = []
    for step in steps:
        alone = {f"alone_{name}": value for name, value in asdict(step.alone).items()}
        rows.append({"clause": step.label or "(all)", **asdict(step.left), **alone})
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
    found = counts()
    return [
        *facts,
        ("patients", human_count(found.patients)),
        ("studies", human_count(found.studies)),
        ("series", human_count(found.series)),
        ("instances", human_count(found.instances)),
        ("size", human_size(found.size_bytes)),
    ]


def facts_text(facts: Iterable[tuple[str, str]]) -> str:
    """Write facts as lines of text."""
    return "\n".join(f"{name:<10} {value}" for name, value in facts)


def facts_html(facts: Iterable[tuple[str, str]]) -> str:
    """Write facts as a small HTML table."""
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'><code>{escape(value)}</code></td></tr>"
        for name, value in facts
    )
    return f"<table>{cells}</table>"


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
