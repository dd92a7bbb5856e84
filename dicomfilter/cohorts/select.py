"""A whole SELECT that a person wrote, over tables in their current state."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from dicomfilter.cohorts.selection import Clause, Selection
from dicomfilter.cohorts.statement import Statement
from dicomfilter.cohorts.unit_rows import current_rows
from dicomfilter.counts import counted
from dicomfilter.errors import PredicateError, UnusableUidError, UsageError
from dicomfilter.googlesql import check_query
from dicomfilter.googlesql.pieces import column, fragment, joined_key, usable
from dicomfilter.googlesql.query import METADATA, Query
from dicomfilter.googlesql.types.parameters import require_used
from dicomfilter.paths import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    import pyarrow as pa
    from sqlglot import exp

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import TableSchema

_log = logging.getLogger(__name__)


def read_statement(
    sql: str,
    tables: Mapping[str, TableSchema],
    *,
    parameters: Sequence[Parameter] = (),
    first: int = 1,
    all_versions: bool = False,
    standing: str | None = None,
) -> Statement:
    """Check a whole SELECT.

    Args:
        sql: GoogleSQL; one table is called ``metadata``.
        tables: The tables that it may name, with their columns.
        parameters: Values for its ``@names``.
        first: The number of the first lifted literal.
        all_versions: Let tables be as they are, superseded and deleted rows too.
        standing: The table that any one name stands for; see `standing_in`.

    Returns:
        The statement; every reference to a table means its current state.

    Raises:
        PredicateError: BigQuery would refuse it, or it is not taken.
        ParameterError: A parameter is missing or ill-typed.
    """
    # A file may end as its author's client wants it to; offsets in messages stay right.
    text = sql.rstrip().removesuffix(";")
    checked = check_query(text, tables, parameters=parameters, first=first, standing=standing)
    tree = checked.tree.copy() if all_versions else in_current_state(checked.tree, tables)
    return Statement(checked.tree, tree, checked.parameters, checked.schema, checked.table)


def standing_in(engine: Engine) -> str | None:
    """Name the table that a SELECT may call as it likes: the one, if of files.

    What a SELECT calls a table of BigQuery is a table of BigQuery, and never another one.
    """
    return METADATA if engine.paths and not engine.others else None


def answer(
    engine: Engine,
    sql: str,
    *,
    parameters: Sequence[Parameter] = (),
    today: date,
    remark: Callable[[str], None] = _log.warning,
) -> pa.RecordBatchReader:
    """Run a whole SELECT over the current state of an engine's tables.

    Args:
        engine: Where the tables are.
        sql: GoogleSQL; one table is called ``metadata``.
        parameters: Values for its ``@names``; each must be used.
        today: What CURRENT_DATE stands for.
        remark: Is told what was taken otherwise than it is written.

    Returns:
        The rows, in the SELECT's own order.

    Raises:
        PredicateError: BigQuery would refuse it, or it is not taken.
        ParameterError: A parameter is missing, unused or ill-typed.
        CostLimitError: It would scan more than the limit; nothing ran.
    """
    statement = read_statement(
        sql, engine.schemas(), parameters=parameters, standing=standing_in(engine)
    )
    require_used(parameters, statement.parameters)
    for text in statement.remarks(engine):
        remark(text)
    return statement.run(engine, today)


def in_current_state(tree: exp.Query, tables: Mapping[str, TableSchema]) -> exp.Query:
    """Let every reference to a table mean its current state.

    Args:
        tree: Checked.
        tables: The columns of each table.

    Returns:
        A tree of its own.

    Raises:
        PredicateError: WITH gives a query the name of a table.
    """
    from sqlglot import exp

    placed = tree.copy()
    names = {name.lower() for name in tables}
    for cte in placed.find_all(exp.CTE):
        if cte.alias_or_name.lower() in names:
            raise PredicateError(
                f"WITH calls a query {cte.alias_or_name}, as a table is called",
                hint="give the query another name",
            )
    for table in list(placed.find_all(exp.Table)):
        schema = tables.get(table.name)
        if schema is None or not schema.is_versioned:
            continue
        rows = current_rows(Selection(schema), _needed(placed, schema))
        for own in list(rows.find_all(exp.Table)):
            own.set("this", table.this.copy())
        table.replace(rows.subquery(table.alias_or_name))
    return placed


def _needed(tree: exp.Query, schema: TableSchema) -> Iterable[str]:
    """List the columns of a table that a query may read: by their names, or all for a star."""
    from sqlglot import exp

    named = {node.name.lower() for node in tree.find_all(exp.Identifier)}
    if any(_is_whole(star) for star in tree.find_all(exp.Star)):
        return [column.name for column in schema if column.is_stored]
    found = [column.name for column in schema if column.name.lower() in named]
    if not found:  # as for COUNT(*)
        return [next(iter(schema)).name]
    return found


def _is_whole(star: exp.Star) -> bool:
    from sqlglot import exp

    return not isinstance(star.parent, exp.Anonymous | exp.Count)


def among(selection: Selection, statement: Statement) -> Selection:
    """Narrow a selection to what the rows of a statement name.

    Args:
        selection: Of the table that the statement calls ``metadata``.
        statement: Gives StudyInstanceUID, and may give SeriesInstanceUID and SOPInstanceUID.

    Returns:
        The narrower selection: rows whose UIDs are those of a row of the statement.

    Raises:
        UsageError: The statement gives no UIDs, or finer ones than the table has.
    """
    from sqlglot import exp

    uids = statement.uids
    if missing := selection.schema.missing(*uids):
        raise UsageError(f"the table has no {missing[0]}", hint="leave it out of the SELECT")
    given = exp.select(joined_key(uids)).from_(statement.tree.copy().subquery("selected"))
    tree = exp.In(this=joined_key(uids), query=given.subquery())
    label = f"the {statement.level} is one of a SELECT's"
    clause = Clause(label, tree, statement.parameters, uids, statement=statement)
    return replace(selection, clauses=(*selection.clauses, clause))


def doubts(engine: Engine, selection: Selection, *, today: date) -> tuple[str, ...]:
    """Say what is named otherwise than written, and which UIDs name nothing.

    Args:
        engine: Where the table is.
        selection: Some of whose clauses may stand for statements.
        today: What CURRENT_DATE stands for.

    Returns:
        Sentences, of each statement that asks for any.

    Raises:
        UnusableUidError: A statement gives a NULL or unusable UID.
    """
    found: list[str] = []
    for statement in (one for clause in selection.clauses for one in clause.stated):
        found += statement.remarks(engine)
        query = Query(_doubtful(selection, statement), statement.query(today).parameters)
        (row,) = engine.rows(query).read_all().to_pylist()
        if row["unusable"]:
            raise UnusableUidError(
                f"{counted(row['unusable'], 'row')} of the SELECT "
                f"{'has' if row['unusable'] == 1 else 'have'} a NULL or unusable UID",
                hint="leave them out in its WHERE, as in SOPInstanceUID IS NOT NULL",
            )
        if row["unknown"]:
            noun = {Level.STUDY: "studies"}.get(statement.level, str(statement.level))
            found.append(
                f"{row['unknown']:,} of {row['given']:,} {noun} of the SELECT "
                f"{'is' if row['unknown'] == 1 else 'are'} not in the table"
            )
    return tuple(found)


def _doubtful(selection: Selection, statement: Statement) -> exp.Select:
    """Compose how many UIDs a statement gives, and how many of these name nothing."""
    from sqlglot import exp

    uids = statement.uids
    whole = replace(selection, clauses=())
    known = exp.select(joined_key(uids)).from_(current_rows(whole, uids).subquery("known"))
    given = exp.select(*(column(name) for name in uids)).distinct()
    given = given.from_(statement.tree.copy().subquery("selected"))
    flagged = exp.select(
        usable(uids).as_("usable"),
        exp.func(
            "COALESCE", exp.In(this=joined_key(uids), query=known.subquery()), exp.false()
        ).as_("is_known"),
    ).from_(given.subquery("given"))
    sums = ("COUNT(*) AS given", "COUNTIF(NOT usable) AS unusable")
    unknown = "COUNTIF(usable AND NOT is_known) AS unknown"
    return exp.select(*(fragment(text) for text in (*sums, unknown))).from_(
        flagged.subquery("flagged")
    )
