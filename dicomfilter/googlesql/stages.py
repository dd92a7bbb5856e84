"""A text or a tree, checked: the way through the rooms of this package."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import ParameterError, PredicateError
from dicomfilter.googlesql import render
from dicomfilter.googlesql.check import selects
from dicomfilter.googlesql.check.checked import Checked, CheckedQuery
from dicomfilter.googlesql.check.checker import Checker
from dicomfilter.googlesql.check.rules import RULES
from dicomfilter.googlesql.check.scope import UNKNOWN, Scope, Source
from dicomfilter.googlesql.check.stand_ins import Stand
from dicomfilter.googlesql.parse.lexer import Mark
from dicomfilter.googlesql.parse.lifting import lift
from dicomfilter.googlesql.parse.parser import reader_of
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.parameters import CURRENT_DATE, Origin, Parameter
from dicomfilter.googlesql.types.words import RESERVED, STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dicomfilter.googlesql.check.scope import Tables
    from dicomfilter.googlesql.parse.reader import Reader
    from dicomfilter.schema import TableSchema

_LAST_SEMICOLON = re.compile(r";\s*\Z")
TABLE = "metadata"
"""What a query calls the table that it is about."""


def check_condition(
    sql: str, schema: TableSchema, *, parameters: Sequence[Parameter], first: int
) -> Checked:
    """Check a condition; see `dicomfilter.googlesql.check_condition`."""
    known = _by_name(parameters)
    with _located(sql, (schema,)):
        reader = reader_of(sql)
        _refuse_statement(reader)
        parsed = reader.expression()
        reader.expect_end()
        if isinstance(parsed, exp.Literal | exp.Boolean | exp.Null | exp.Parameter):
            raise PredicateError(
                f"{sql.strip()} is a value, not a condition on the table",
                offset=0,
                hint="to select all rows, leave it out and ask with --all",
                refused=True,
            )
        # A column of the table's name would be ambiguous, and is what is meant.
        table = "" if schema.find(TABLE) else TABLE
        source = Source(table, tuple(schema), key=TABLE)
        scope = Scope((source,), known, RULES, tables=_around(known))
        tree, found = lift(Checker(scope).condition(parsed), known, first=first)
    assert isinstance(tree, exp.Expression)  # noqa: S101 - as all that a rule builds
    return Checked(tree, found, tuple(scope.used))


def _around(known: Mapping[str, Parameter]) -> Tables:
    """Gather what a condition's subqueries may name: arrays of the row, and no table."""
    tables = selects.known_tables({}, known)
    tables.keys.add(TABLE)
    return tables


def check_query(
    query: str | exp.Query,
    tables: Mapping[str, TableSchema],
    *,
    parameters: Sequence[Parameter],
    first: int,
    standing: str | None,
) -> CheckedQuery:
    """Check a query; see `dicomfilter.googlesql.check_query`."""
    stand = Stand(standing) if standing is not None else None
    known = _by_name(parameters)
    # A composed tree is read back from its text: its columns and calls are those of a person then.
    sql = query if isinstance(query, str) else render.to_googlesql(query)
    with _located(sql, tables.values()):
        reader = reader_of(_LAST_SEMICOLON.sub("", sql))
        parsed = reader.query()
        reader.expect_end()
        checked, schema = selects.check(parsed, selects.known_tables(tables, known, stand))
        tree, found = lift(checked, known, first=first, values=isinstance(query, str))
    assert isinstance(tree, exp.Query)  # noqa: S101 - a query stays one
    return CheckedQuery(tree, found, schema, stand.name if stand is not None else None)


def _by_name(parameters: Sequence[Parameter]) -> dict[str, Parameter]:
    known: dict[str, Parameter] = {}
    for parameter in parameters:
        name = parameter.name.lower()
        if name in known:
            raise ParameterError(
                f"@{parameter.name} is given twice", hint="give each parameter once"
            )
        if name == CURRENT_DATE and parameter.origin is not Origin.CLOCK:
            raise ParameterError(
                f"@{parameter.name} is the date of the run", hint="give the parameter another name"
            )
        known[name] = parameter
    known.setdefault(CURRENT_DATE, Parameter(CURRENT_DATE, kinds.DATE, origin=Origin.CLOCK))
    return known


@contextmanager
def _located(sql: str, schemas: Iterable[TableSchema]) -> Iterator[None]:
    """Add the text to an error, and turn Python's own limit into one."""
    try:
        yield
    except PredicateError as error:
        error.sql = sql if error.sql is None else error.sql
        unknown = error.message.removeprefix(UNKNOWN).partition(";")[0].lower()
        for lost in (lost for schema in schemas for lost in schema.left_out):
            if error.message.startswith(UNKNOWN) and lost.name.lower() == unknown:
                hint = "write the column in another type where the table is made"
                raise PredicateError(
                    str(lost), sql=sql, offset=error.offset, hint=hint, refused=True
                ) from None
        raise
    except RecursionError as error:
        raise PredicateError(
            "the text is nested too deeply",
            sql=sql,
            hint="leave out parentheses that say nothing",
            refused=True,
        ) from error


def _refuse_statement(reader: Reader) -> None:
    """Say so where something else than a condition is given."""
    word, following = reader.token.word, reader.peek()
    if reader.token.mark is Mark.END:
        raise PredicateError("the condition is empty", offset=0, hint="write Modality = 'CT'")
    if word == "WHERE":
        raise PredicateError(
            "a condition begins behind WHERE",
            offset=reader.token.offset,
            hint="leave out WHERE",
            refused=True,
        )
    is_statement = word in STATEMENTS and (
        word in RESERVED or following.mark in (Mark.NAME, Mark.QUOTED)
    )
    if is_statement and word != "SET":
        raise PredicateError(
            f"{word} begins a statement where a condition is wanted",
            offset=reader.token.offset,
            hint="write only what stands behind WHERE"
            if word in ("SELECT", "WITH")
            else "write what stands behind WHERE; dicomfilter only reads",
            refused=True,
        )
