"""One text given to the embedded engine and to Google's evaluator, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import duckdb

from dicomfilter.errors import DicomFilterError, PredicateError
from tests.googlesql.cells import same_rows
from tests.googlesql.dicom import Result, run
from tests.googlesql.oracle import Answer, Refusal, oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dicomfilter.googlesql.types.parameters import Parameter
    from tests.googlesql.dicom import Table

TODAY = date(2026, 11, 21)
_REFUSED = re.compile(r"[\w ]+(?:(?:is|are) not taken|as BigQuery does)[\w ]*")
"""How the translation says that it has met a value of which it does not know what BigQuery does."""


class Verdict(StrEnum):
    """How the two answers compare."""

    SAME = "same"
    BOTH_REFUSE = "both refuse"
    REFUSED = "refused here only"
    """Loud and allowed: the construct is not taken."""
    FAILED = "failed here only"
    """Loud, but a translation that should run does not."""
    OVER_ACCEPTED = "over-accepted"
    """Unforgivable: BigQuery refuses or fails, the embedded engine answers."""
    SILENT = "silently different"
    """Unforgivable: another answer."""
    WORDED = "refused in BigQuery's name"
    """Unforgivable: what BigQuery answers is said to be wrong, as if BigQuery said so."""
    CRASHED = "crashed"
    """A traceback instead of one of our errors."""
    FOLDED = "folded"
    """Loud: DuckDB's optimizer computes a constant that fails and that no row needs. Without the
    optimizer both answers are the same."""
    LEFT_OUT = "left out"
    """Allowed: the value that fails stands in a column that nothing reads, or in a row that another
    condition leaves out. DuckDB's optimizer leaves it out, and without that it fails as well."""
    UNKNOWN = "not evaluated"
    """The evaluator lacks what the text needs."""


UNFORGIVABLE = (Verdict.OVER_ACCEPTED, Verdict.SILENT, Verdict.CRASHED, Verdict.WORDED)
_LEAVING_OUT = "unused_columns,column_lifetime,filter_pushdown,filter_pullup,deliminator"
"""The optimizers of DuckDB that leave out what nothing reads."""
_WITHOUT_ROWS = (
    "Duplicate column names in the result",  # the evaluator prints them
    "Cannot parse regular expression",
    "LIKE pattern ends with a backslash",
    "Regular expressions passed into extraction functions",
)
"""What BigQuery refuses, and the evaluator does not as long as it has no row with a value."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of a text.

    Args:
        sql: The text.
        verdict: How the answers compare.
        detail: Why.
    """

    sql: str
    verdict: Verdict
    detail: str = ""


def compare(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Sequence[Parameter] = (),
    *,
    ask: Callable[[str, Sequence[Parameter]], Answer | Refusal] | None = None,
    tables: Mapping[str, Table] | None = None,
) -> Comparison:
    """Ask both.

    Args:
        connection: The embedded engine with the tables.
        sql: The text.
        parameters: Those that it may name.
        ask: What asks the evaluator, else `oracle` itself.
        tables: The tables by name, by default those of `tests.googlesql.dicom`; arrays in rows of
            others are compared whatever the order of their elements.

    Returns:
        What came of it.
    """
    theirs = (ask or oracle().ask)(sql, parameters)
    return judge(connection, sql, theirs, parameters=parameters, tables=tables)


def judge(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    theirs: Answer | Refusal,
    *,
    parameters: Sequence[Parameter] = (),
    tables: Mapping[str, Table] | None = None,
) -> Comparison:
    """Ask the embedded engine, and compare with what the evaluator has answered."""
    loose = tables is not None

    def answer() -> Result:
        return run(connection, sql, parameters=parameters, today=TODAY, held=tables)

    found = weigh(sql, theirs, answer, loose=loose)
    if found.verdict is Verdict.FAILED:
        connection.execute("PRAGMA disable_optimizer")
        plain = weigh(sql, theirs, answer, loose=loose)
        connection.execute("PRAGMA enable_optimizer")
        if plain.verdict is Verdict.SAME:
            return Comparison(sql, Verdict.FOLDED, found.detail)
    if found.verdict is Verdict.OVER_ACCEPTED and _leaves_out(connection, sql, theirs, answer):
        return Comparison(sql, Verdict.LEFT_OUT, found.detail)
    return found


def _leaves_out(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    theirs: Answer | Refusal,
    answer: Callable[[], Result],
) -> bool:
    """Tell whether it fails as well where DuckDB computes what nothing reads."""
    if isinstance(theirs, Refusal) and not theirs.at_run_time:
        return False
    counts = ",statistics_propagation" if "COUNT(*)" in sql else ""  # known without a look
    connection.execute("SET disabled_optimizers = $those", {"those": _LEAVING_OUT + counts})
    try:
        answer()
    except (duckdb.Error, DicomFilterError):
        return True
    finally:
        connection.execute("RESET disabled_optimizers")
    return False


def weigh(
    sql: str, theirs: Answer | Refusal, answer: Callable[[], Result], *, loose: bool = False
) -> Comparison:
    """Compare what the evaluator has answered with what we answer."""
    if isinstance(theirs, Refusal) and not theirs.known:
        return Comparison(sql, Verdict.UNKNOWN, theirs.message)
    refused = isinstance(theirs, Refusal)
    try:
        ours = answer()
    except PredicateError as error:
        if refused:
            return Comparison(sql, Verdict.BOTH_REFUSE, error.message)
        if error.message.startswith(_WITHOUT_ROWS):
            return Comparison(sql, Verdict.UNKNOWN, error.message)
        verdict = Verdict.REFUSED if error.refused else Verdict.WORDED
        return Comparison(sql, verdict, error.message)
    except (duckdb.Error, DicomFilterError) as error:
        said = _REFUSED.search(str(error))
        if said and not refused:
            return Comparison(sql, Verdict.REFUSED, said[0])
        return Comparison(sql, Verdict.BOTH_REFUSE if refused else Verdict.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        return Comparison(sql, Verdict.CRASHED, f"{type(error).__name__}: {error}")
    if isinstance(theirs, Refusal):
        return Comparison(sql, Verdict.OVER_ACCEPTED, theirs.message)
    if [of for _, of in ours.columns] != [of for _, of in theirs.columns]:
        return Comparison(sql, Verdict.SILENT, f"types {ours.columns} {theirs.columns}")
    if not all(map(_same_name, ours.columns, theirs.columns)):
        return Comparison(sql, Verdict.SILENT, f"names {ours.columns} {theirs.columns}")
    if same_rows(ours.rows, theirs.rows, ordered=ours.ordered, loose=loose):
        return Comparison(sql, Verdict.SAME)
    return Comparison(sql, Verdict.SILENT, f"{ours.rows} for {theirs.rows}")


def _same_name(ours: tuple[str, str], theirs: tuple[str, str]) -> bool:
    """Compare the names of a column; where the text gives none, the evaluator has none."""
    return not theirs[0] or ours[0].lower() == theirs[0].lower()
