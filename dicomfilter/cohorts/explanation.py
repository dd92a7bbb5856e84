"""What the dialect makes of a text: its canonical form, and what runs here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.cohorts.unit_rows import whole_table
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_condition, check_query, to_duckdb, to_googlesql
from dicomfilter.googlesql.query import METADATA
from dicomfilter.schema import Column, Kind, SqlType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlglot import exp

    from dicomfilter.googlesql.types.parameters import Parameter

_SERVICE = {
    "LastUpdated": Kind.TIMESTAMP,
    "Type": Kind.STRING,
    "StorageClass": Kind.STRING,
    "BlobStorageSize": Kind.INT64,
}


class Verdict(StrEnum):
    """What BigQuery would make of a text, as far as it is known here."""

    TAKEN = "BigQuery takes it"
    NOT_ON_FILES = "BigQuery takes it, and files do not"
    REFUSED = "BigQuery refuses it"
    UNKNOWN = "cannot tell whether BigQuery takes it"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What BigQuery would make of a text, and why it would not take it, or we do not.

    Args:
        verdict: What.
        found: What the text is, where BigQuery takes it.
        error: Why.
    """

    verdict: Verdict
    found: Explanation | None = None
    error: PredicateError | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A checked text.

    Args:
        googlesql: Its canonical form; values are parameters.
        parameters: These, with their values.
        duckdb: What the embedded engine runs; None where it does not.
        rewritten: Constructs that DuckDB takes otherwise, and how they differ.
        columns: What comes out of a SELECT; nothing of a condition.
        table: What a SELECT calls the one table, where any name stands for that.
    """

    googlesql: str
    parameters: tuple[Parameter, ...]
    duckdb: str | None
    rewritten: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    table: str | None = None


def standard_schema() -> TableSchema:
    """List the columns that the service's export can write, but for sequences.

    Source:
        DICOM PS3.6; schema SchemaFlattenedBQ of the Cloud Healthcare API.
    """
    found = [Column(name, SqlType(kind)) for name, kind in _SERVICE.items()]
    for entry in dictionary.entries():
        of = dictionary.service_type(entry)
        if of is not None and entry.vr != "SQ":
            found.append(Column(entry.keyword, of))
    return TableSchema(tuple(found))


def is_select(sql: str) -> bool:
    """Tell whether a text is a whole query rather than a condition.

    >>> is_select("(SELECT 1)"), is_select("with x AS (SELECT 1) SELECT 2"), is_select("a = 1")
    (True, True, False)
    """
    from dicomfilter.googlesql.parse.lexer import tokens

    words = (token.word for token in tokens(sql))
    return next((word for word in words if word != "("), "") in ("SELECT", "WITH", "FROM")


def explain(
    sql: str,
    tables: Mapping[str, TableSchema],
    *,
    parameters: Sequence[Parameter] = (),
    standing: str | None = None,
    on_files: bool = True,
) -> Explanation:
    """Check a text and say what becomes of it.

    Args:
        sql: A condition on ``metadata``, or a whole SELECT.
        tables: The tables that it may name, with their columns.
        parameters: Values for its ``@names``.
        standing: The table that any one name stands for.
        on_files: Whether the installed DuckDB would run it, which a release may answer otherwise.

    Returns:
        What it is in both dialects, and why they differ.

    Raises:
        PredicateError: BigQuery would refuse it, or the embedded engine does not take it.
    """
    found = _read(sql, tables, parameters, standing)
    return found.explained(_for_files(found.query, on_files=on_files))


def judge(
    sql: str,
    tables: Mapping[str, TableSchema],
    *,
    parameters: Sequence[Parameter] = (),
    standing: str | None = None,
    is_standard: bool = False,
    on_files: bool = True,
) -> Judgement:
    """Say whether BigQuery would take a text.

    Args:
        sql: A condition on ``metadata``, or a whole SELECT.
        tables: The tables that it may name, with their columns.
        parameters: Values for its ``@names``.
        standing: The table that any one name stands for.
        is_standard: Whether the columns are the standard's, to which a table may have others.
        on_files: Whether the installed DuckDB would run it, which a release may answer otherwise.

    Returns:
        The verdict. A construct that we do not know is none that BigQuery refuses.

    Raises:
        PredicateError: It names a table that is not among them.
    """
    try:
        found = _read(sql, tables, parameters, standing)
    except PredicateError as error:
        if error.unknown == "table":
            raise
        ours = error.refused or (is_standard and error.unknown == "column")
        return Judgement(Verdict.UNKNOWN if ours else Verdict.REFUSED, error=error)
    try:
        duckdb = _for_files(found.query, on_files=on_files)
    except PredicateError as error:
        error.sql = sql if error.sql is None else error.sql
        return Judgement(Verdict.NOT_ON_FILES, found.explained(None), error)
    return Judgement(Verdict.TAKEN, found.explained(duckdb))


@dataclass(frozen=True, slots=True)
class _Read:
    """A text that is checked, and the query that would run."""

    shown: exp.Expr
    query: exp.Query
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...] = ()
    table: str | None = None

    def explained(self, duckdb: str | None) -> Explanation:
        from dicomfilter.googlesql.duckdb.hazards import reasons

        text, why = to_googlesql(self.shown, pretty=True), tuple(reasons(self.shown).items())
        return Explanation(text, self.parameters, duckdb, why, self.columns, self.table)


def _for_files(query: exp.Query, *, on_files: bool) -> str:
    """Translate a query, if what is installed answers it as BigQuery does."""
    if on_files:
        from dicomfilter.engines import meaning

        meaning.require(query)
    return to_duckdb(query)


def _read(
    sql: str,
    tables: Mapping[str, TableSchema],
    parameters: Sequence[Parameter],
    standing: str | None,
) -> _Read:
    from sqlglot import exp

    if is_select(sql):
        query = check_query(sql, tables, parameters=parameters, standing=standing)
        return _Read(query.tree, query.tree, query.parameters, tuple(query.schema), query.table)
    condition = check_condition(sql, tables[METADATA], parameters=parameters)
    whole = exp.select(exp.Star()).from_(whole_table(tables[METADATA]))
    whole = whole.where(condition.tree.copy(), copy=False)
    checked = check_query(whole, tables, parameters=condition.parameters)
    return _Read(condition.tree, checked.tree, condition.parameters)
