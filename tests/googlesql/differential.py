"""One text given to the embedded engine and to Google's evaluator, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import duckdb

from dicomfilter.errors import PredicateError
from tests.googlesql.cells import same_rows
from tests.googlesql.dicom import run
from tests.googlesql.oracle import Refusal, oracle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.parameters import Parameter

TODAY = date(2026, 11, 21)


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


UNFORGIVABLE = (Verdict.OVER_ACCEPTED, Verdict.SILENT)


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
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Parameter] = ()
) -> Comparison:
    """Ask both."""
    theirs = oracle().ask(sql, parameters)
    refused = isinstance(theirs, Refusal)
    try:
        ours = run(connection, sql, parameters=parameters, today=TODAY)
    except PredicateError as error:
        verdict = Verdict.BOTH_REFUSE if refused else Verdict.REFUSED
        return Comparison(sql, verdict, f"{error.refused} {error}")
    except duckdb.Error as error:
        return Comparison(sql, Verdict.BOTH_REFUSE if refused else Verdict.FAILED, str(error))
    if isinstance(theirs, Refusal):
        return Comparison(sql, Verdict.OVER_ACCEPTED, theirs.message)
    if [of for _, of in ours.columns] != [of for _, of in theirs.columns]:
        return Comparison(sql, Verdict.SILENT, f"types {ours.columns} {theirs.columns}")
    if same_rows(ours.rows, theirs.rows, ordered=ours.ordered):
        return Comparison(sql, Verdict.SAME)
    return Comparison(sql, Verdict.SILENT, f"{ours.rows} for {theirs.rows}")
