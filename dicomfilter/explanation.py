"""What the dialect makes of a text: its canonical form, and what runs here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.googlesql import check_condition, check_query, to_duckdb, to_googlesql
from dicomfilter.query import METADATA
from dicomfilter.schema import Column, Kind, SqlType, TableSchema
from dicomfilter.units import whole_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dicomfilter.parameters import Parameter

_SERVICE = {
    "LastUpdated": Kind.TIMESTAMP,
    "Type": Kind.STRING,
    "StorageClass": Kind.STRING,
    "BlobStorageSize": Kind.INT64,
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A checked text.

    Args:
        googlesql: Its canonical form; values are parameters.
        parameters: These, with their values.
        duckdb: What the embedded engine runs.
        rewritten: Constructs that DuckDB takes otherwise, and how they differ.
        columns: What comes out of a SELECT; nothing of a condition.
    """

    googlesql: str
    parameters: tuple[Parameter, ...]
    duckdb: str
    rewritten: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]


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
    """Tell whether a text is a whole SELECT rather than a condition.

    >>> is_select("(SELECT 1)"), is_select("with x AS (SELECT 1) SELECT 2"), is_select("a = 1")
    (True, True, False)
    """
    from dicomfilter.googlesql.lexer import tokens

    words = (token.word for token in tokens(sql))
    return next((word for word in words if word != "("), "") in ("SELECT", "WITH")


def explain(
    sql: str, tables: Mapping[str, TableSchema], *, parameters: Sequence[Parameter] = ()
) -> Explanation:
    """Check a text and say what becomes of it.

    Args:
        sql: A condition on ``metadata``, or a whole SELECT.
        tables: The tables that it may name, with their columns.
        parameters: Values for its ``@names``.

    Returns:
        What it is in both dialects, and why they differ.

    Raises:
        PredicateError: BigQuery would refuse it, or the embedded engine does not take it.
    """
    from sqlglot import exp

    from dicomfilter.googlesql.reasons import reasons

    columns: tuple[Column, ...] = ()
    if is_select(sql):
        query = check_query(sql, tables, parameters=parameters)
        shown: exp.Expr = query.tree
        found, columns = query.parameters, tuple(query.schema)
    else:
        condition = check_condition(sql, tables[METADATA], parameters=parameters)
        shown, found = condition.tree, condition.parameters
        whole = exp.select(exp.Star()).from_(whole_table(tables[METADATA]))
        query = check_query(whole.where(shown.copy(), copy=False), tables, parameters=found)
    why = tuple(reasons(shown).items())
    return Explanation(to_googlesql(shown, pretty=True), found, to_duckdb(query.tree), why, columns)
