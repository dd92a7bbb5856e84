"""The named queries: GoogleSQL that people read, paste, and run by name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import ParameterError, TableError, UsageError
from dicomfilter.schema import SqlType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from importlib.resources.abc import Traversable

    import pyarrow as pa

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.googlesql.types.parameters import Parameter

_HEAD = re.compile(r"-- (name|about|parameters|requires): (.+)")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query that ships with dicomfilter.

    Args:
        name: By which it is called.
        about: What it answers, in one sentence.
        parameters: Names and types of what it binds.
        requires: The columns that it reads.
        sql: The whole file, as it can be pasted.
    """

    name: str
    about: str
    parameters: tuple[tuple[str, SqlType], ...]
    requires: tuple[str, ...]
    sql: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a file of ``sql/``.

        Args:
            text: Four comment lines (name, about, parameters, requires) and GoogleSQL.

        Returns:
            The query.

        Raises:
            UsageError: The head is not of that form.
        """
        found = (_HEAD.match(line) for line in text.splitlines())
        head = {match[1]: match[2] for match in found if match is not None}
        if set(head) != {"name", "about", "parameters", "requires"}:
            raise UsageError("a named query begins with its name, about, parameters and requires")
        listed = [] if head["parameters"] == "none" else head["parameters"].split(", ")
        parameters = tuple((p.split()[0], SqlType.parse(p.split()[1])) for p in listed)
        requires = tuple(head["requires"].split(", "))
        return cls(head["name"], head["about"], parameters, requires, text)


@cache
def named_queries() -> tuple[NamedQuery, ...]:
    """List the queries that ship with dicomfilter, by name.

    Returns:
        The queries of the wheel, or of the checkout's ``sql/``.
    """
    files = (f for f in _folder().iterdir() if f.name.endswith(".sql"))
    return tuple(
        sorted((NamedQuery.parse(f.read_text("utf-8")) for f in files), key=lambda q: q.name)
    )


def _folder() -> Traversable:
    shipped = resources.files("dicomfilter") / "sql"
    if shipped.is_dir():
        return shipped
    return Path(__file__).parents[2] / "sql"


def find_query(name: str) -> NamedQuery:
    """Find a query by name.

    Raises:
        UsageError: There is none.
    """
    by_name = {query.name: query for query in named_queries()}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1)
    hint = f"did you mean {near[0]}?" if near else "see `dicomfilter queries`"
    raise UsageError(f"there is no query called {name!r}", hint=hint)


def run_query(
    engine: Engine, query: NamedQuery, *, parameters: Sequence[Parameter] = (), today: date
) -> pa.RecordBatchReader:
    """Run a named query over a table's current state.

    Args:
        engine: Where the table is.
        query: What to run.
        parameters: Values of what it binds.
        today: What CURRENT_DATE stands for.

    Returns:
        The answer, in the query's own order.

    Raises:
        TableError: The table lacks columns that the query requires.
        ParameterError: A parameter is missing, unused or ill-typed.
    """
    from dicomfilter.cohorts.select import answer

    if missing := engine.schema().missing(*query.requires):
        raise TableError(
            f"{query.name} needs {', '.join(missing)}, and {engine.uri} has no such column",
            hint=f"run `dicomfilter columns {engine.uri}` to see what it has",
        )
    _fit(query, parameters)
    return answer(engine, query.sql, parameters=parameters, today=today)


def _fit(query: NamedQuery, parameters: Sequence[Parameter]) -> None:
    from dicomfilter.googlesql.types.parameters import require_used

    given = {parameter.name: parameter for parameter in parameters}
    for name, of in query.parameters:
        if name not in given:
            raise ParameterError(
                f"{query.name} needs @{name}", hint=f"add --param {name}:{of}:VALUE"
            )
        if given[name].type != of:
            raise ParameterError(
                f"@{name} of {query.name} is {of}, not {given[name].type}",
                hint=f"write --param {name}:{of}:VALUE",
            )
    require_used(parameters, [given[name] for name, _ in query.parameters])
