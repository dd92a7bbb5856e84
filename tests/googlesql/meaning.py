"""Writes the cases that ship, out of ``tests/golden/meaning.sql``: ``make cases``.

The answers are those of Google's evaluator. A line that is not taken, or that the embedded engine
answers otherwise, is named. What has a case keeps it, unless ``--all`` asks anew. Behind
``-- as:`` stands what the evaluator is asked instead, where it lacks the construct.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import dicomfilter.engines.meaning as package
from dicomfilter.engines.meaning.cases import FAILS, ROW, TABLE, Case, Rows, cases, cell
from dicomfilter.engines.meaning.proving import answer, prove
from dicomfilter.engines.meaning.verdict import Release
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query
from dicomfilter.googlesql.constructs import constructs
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.googlesql.dicom import GOLDEN, Table, table
from tests.googlesql.oracle import Answer, Oracle

HERE = Path(package.__file__).parent
LINES = GOLDEN / "meaning.sql"


@cache
def held() -> Table:
    """Put the ordinary rows and those of edge values into one table."""
    ordinary, edges = table("d"), table("e")
    assert ordinary.schema == edges.schema
    return Table(ordinary.schema, [*ordinary.rows, *edges.rows])


def lines() -> list[str]:
    """Read the texts of the cases."""
    read = LINES.read_text(encoding="utf-8").split("\n")
    return [line for line in read if line and not line.startswith("-- ")]


def is_query(line: str) -> bool:
    return line.startswith(("SELECT ", "WITH "))


def made_of(line: str) -> tuple[str, ...]:
    """Name the constructs of a line.

    Raises:
        PredicateError: It is not taken.
    """
    schema = {TABLE: held().schema}
    sql = line if is_query(line) else f"SELECT ({line}) AS v FROM {TABLE}"
    checked = check_query(sql, schema)
    return tuple(sorted({name for name, _ in constructs(checked.tree)}))


class Asking:
    """Asks Google's evaluator for the answer of a line.

    Args:
        evaluator: The evaluator, with `held` as the table.
    """

    def __init__(self, evaluator: Oracle) -> None:
        self._evaluator, self._held = evaluator, held()
        self._names = Rows(self._held.schema, tuple(map(tuple, self._held.rows))).names

    def case(self, line: str, instead: str = "") -> Case:
        """Make the case of a line.

        Raises:
            PredicateError: It is not taken.
            ValueError: The evaluator refuses it.
        """
        of = made_of(line)
        if not is_query(line):
            return Case(line, of, tuple(self._cells(line)))
        ordered = check_query(line, {TABLE: self._held.schema}).tree.args.get("order")
        found = self._evaluator.ask(instead or line)
        if not isinstance(found, Answer):
            raise ValueError(found.message)  # noqa: TRY004 - an answer, not a mistake
        schema = TableSchema(tuple(Column(n or "f", SqlType.parse(of)) for n, of in found.columns))
        written = answer(schema, found.rows, is_ordered=ordered is not None)
        return Case(line, of, tuple(written), is_query=True, is_ordered=bool(ordered))

    def _cells(self, line: str) -> list[object]:
        found = self._evaluator.ask(f"SELECT {ROW}, ({line}) AS v FROM {TABLE}")
        if isinstance(found, Answer):
            of = SqlType.parse(found.columns[1][1])
            by_name = {name: cell(of, value) for name, value in found.rows}
            return [by_name[name] for name in self._names]
        if not found.at_run_time or not found.known:
            raise ValueError(found.message)
        cells: list[object] = []
        for name in self._names:  # it fails in a row: ask each
            one = self._evaluator.ask(
                f"SELECT ({line}) AS v FROM (SELECT * FROM {TABLE} WHERE {ROW} = '{name}')"
            )
            if isinstance(one, Answer):
                cells.append(cell(SqlType.parse(one.columns[0][1]), one.rows[0][0]))
            elif one.at_run_time and one.known:
                cells.append(FAILS)
            else:
                raise ValueError(one.message)
        return cells


def write(found: list[Case]) -> None:
    """Write the cases and their table."""
    stored = [
        json.loads((GOLDEN / name).read_text("utf-8"))
        for name in ("dicom_table.json", "dicom_edges.json")
    ]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for one in stored for row in one["rows"])
    columns = json.dumps(stored[0]["columns"])
    (HERE / "rows.json").write_text(
        f'{{"columns": {columns},\n"rows": [\n{rows}\n]}}\n', encoding="utf-8"
    )
    (HERE / "cases.ndjson").write_text("".join(f"{case}\n" for case in found), encoding="utf-8")


def main() -> int:
    asking = Asking(Oracle({TABLE: held()}))
    known = {} if "--all" in sys.argv else {case.sql: case for case in cases()}
    found, problems = [], 0
    for written in lines():
        line, _, instead = written.partition(" -- as: ")
        try:
            kept = known.get(line)
            found.append(
                asking.case(line, instead) if kept is None else replace(kept, of=made_of(line))
            )
        except (PredicateError, ValueError) as error:
            problems += 1
            print(f"{line}\n    {error}", file=sys.stderr)  # noqa: T201 - a command
    write(found)
    verdict = prove(Release("installed", "installed"))
    for failure in verdict.failures:
        print(  # noqa: T201 - a command
            f"{failure.sql}\n    BigQuery: {failure.expected}\n    here: {failure.found}",
            file=sys.stderr,
        )
    print(f"{len(found):,} cases of {len(verdict.held)} constructs")  # noqa: T201 - likewise
    return int(bool(problems or verdict.failures))


if __name__ == "__main__":
    sys.exit(main())
