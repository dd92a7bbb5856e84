# ruff: noqa: INP001 - a script, no part of a package
"""Write ``docs/refused.md``: what the embedded engine refuses although BigQuery takes it.

Run it as ``make golden`` does. The messages and the ways round are those that the code gives; what
they are given for are the golden cases that Google's evaluator answers and we do not.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from tests.googlesql.dicom import NAME, table
from tests.googlesql.test_golden import NOT_TAKEN, parameters

DOCUMENT = Path(__file__).parents[1] / "docs" / "refused.md"
_HEAD = """# What is refused on files, and the way round

Written by `make golden` out of the golden cases: queries that BigQuery answers and the embedded
engine does not, with the message and the hint that it gives. A refusal is loud, and nothing is
written.

| refused | way round | for example |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A construct that is refused.

    Args:
        message: What is said of it.
        hint: The way round.
        example: A query that has it.
    """

    message: str
    hint: str
    example: str


def refusals() -> list[Refusal]:
    """List what is refused, each message once, in the order of the messages."""
    found: dict[tuple[str, str], Refusal] = {}
    for case in NOT_TAKEN:
        try:
            checked = check_query(case["sql"], {NAME: table().schema}, parameters=parameters(case))
            to_duckdb(checked.tree)
        except PredicateError as error:
            key = error.message, error.hint or ""
            found.setdefault(key, Refusal(*key, _example(case["sql"])))
    return [found[key] for key in sorted(found)]


def document() -> str:
    """Write the whole document."""
    rows = (
        f"| {_cell(r.message)} | {_cell(r.hint)} | `{_cell(r.example)}` |\n" for r in refusals()
    )
    return _HEAD + "".join(rows)


def _example(sql: str) -> str:
    """Shorten a query to its condition, where that is what it is about."""
    return " ".join(sql.split()).removeprefix("SELECT SOPInstanceUID FROM d WHERE ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
