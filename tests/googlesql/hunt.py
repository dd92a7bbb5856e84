"""Whether a mutation of the translator is noticed: by the random texts, or by the golden cases."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import SqlType
from tests.googlesql.cells import decode
from tests.googlesql.dicom import GOLDEN, tables
from tests.googlesql.differential import Verdict, judge
from tests.googlesql.fuzz import BAD, CHUNK, texts
from tests.googlesql.grammar import FAMILIES, PARAMETERS
from tests.googlesql.mutations import Mutation, broken_by
from tests.googlesql.narrow import narrowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import FrameType

    import duckdb

    from tests.googlesql.oracle import Answer, Refusal

_PATIENCE_S = 120


class Outcome(StrEnum):
    """What came of a mutation."""

    NOTICED = "noticed by the fuzz"
    GOLDEN = "noticed by golden cases only"
    REFUSES = "refuses more, and that aloud"
    SAME = "changes texts but no answer"
    UNCHANGED = "changes no text"
    UNTOUCHED = "not reached"


@dataclass(frozen=True, slots=True)
class Sample:
    """A text with what is known of it before anything is broken.

    Args:
        sql: The text.
        parameters: Those that it may name.
        theirs: The evaluator's answer.
        ours: What it is translated to, or why it is refused.
        verdict: How the answers compare.
        touched: The functions that its translation runs, as module and name; None if unknown.
        golden: Whether it is a golden case.
    """

    sql: str
    parameters: Sequence[Parameter]
    theirs: Answer | Refusal
    ours: str
    verdict: Verdict
    touched: frozenset[tuple[str, str]] | None
    golden: bool = False


def random_samples(
    connection: duckdb.DuckDBPyConnection,
    seed: str,
    count: int = CHUNK,
    *,
    families: Sequence[str] = tuple(FAMILIES),
    profiled: bool = True,
) -> list[Sample]:
    """Take the texts of a seed as samples; to profile them pays where mutations are many."""
    made = [sql for _, sql in texts(seed, count, families=families)]
    with narrowed(made) as ask:
        return [
            _sample(connection, sql, PARAMETERS, ask(sql, PARAMETERS), profiled=profiled)
            for sql in made
        ]


def golden_samples(connection: duckdb.DuckDBPyConnection) -> list[Sample]:
    """Take the golden cases as samples."""
    from tests.googlesql.oracle import oracle

    found = []
    for line in (GOLDEN / "googlesql_cases.ndjson").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        parameters = [
            _parameter(name, *given) for name, given in case.get("parameters", {}).items()
        ]
        theirs = oracle().ask(case["sql"], parameters)
        found.append(_sample(connection, case["sql"], parameters, theirs, golden=True))
    return found


def hunt(
    connection: duckdb.DuckDBPyConnection, mutation: Mutation, samples: Iterable[Sample]
) -> tuple[Outcome, str]:
    """Break one place and ask about every text that comes by.

    Args:
        connection: The embedded engine with the tables.
        mutation: What to break.
        samples: Random texts before golden cases.

    Returns:
        What came of it, and the text that shows it.
    """
    worst, shown = Outcome.UNTOUCHED, ""
    place = (mutation.module, mutation.function)
    rank = list(Outcome)
    with broken_by(mutation), _patience():
        for sample in samples:
            if mutation.line and sample.touched is not None and place not in sample.touched:
                continue
            try:
                outcome = _outcome(connection, sample)
            except TimeoutError:
                outcome = Outcome.NOTICED
            if rank.index(outcome) < rank.index(worst):
                worst, shown = outcome, sample.sql
            if worst in (Outcome.NOTICED, Outcome.GOLDEN):
                break
    return worst, shown


def _outcome(connection: duckdb.DuckDBPyConnection, sample: Sample) -> Outcome:
    if _translated(sample.sql, sample.parameters) == sample.ours:
        return Outcome.UNCHANGED
    found = judge(connection, sample.sql, sample.theirs, parameters=sample.parameters)
    if found.verdict in BAD and sample.verdict not in BAD:
        return Outcome.GOLDEN if sample.golden else Outcome.NOTICED
    if found.verdict is Verdict.REFUSED and sample.verdict is Verdict.SAME:
        return Outcome.GOLDEN if sample.golden else Outcome.REFUSES
    return Outcome.SAME


def _sample(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Sequence[Parameter],
    theirs: Answer | Refusal,
    *,
    golden: bool = False,
    profiled: bool = True,
) -> Sample:
    touched: set[tuple[str, str]] = set()
    with _profiled(touched) if profiled else nullcontext():
        ours = _translated(sql, parameters)
    verdict = judge(connection, sql, theirs, parameters=parameters).verdict
    known = frozenset(touched) if profiled else None
    return Sample(sql, parameters, theirs, ours, verdict, known, golden)


def _translated(sql: str, parameters: Sequence[Parameter]) -> str:
    """Translate, with the names of the parameters and what is said of what is refused."""
    schemas = {name: held.schema for name, held in tables().items()}
    try:
        checked = check_query(sql, schemas, parameters=parameters)
        used = [(p.name, str(p.type), repr(p.value)) for p in checked.parameters]
        return f"{to_duckdb(checked.tree)} {used} {checked.schema}"
    except PredicateError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - a broken translator may do anything
        return repr(error)


@contextmanager
def _profiled(touched: set[tuple[str, str]]) -> Iterator[None]:
    """Note which functions of the translator run."""
    seen: dict[Any, tuple[str, str] | None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code not in seen:
            _, found, file = code.co_filename.rpartition("/googlesql/")
            seen[code] = (file.removesuffix(".py"), code.co_qualname) if found else None

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        touched |= {place for place in seen.values() if place}


@contextmanager
def _patience() -> Iterator[None]:
    """End what hangs."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _parameter(name: str, type_text: str, cell: Any) -> Parameter:
    of = SqlType.parse(type_text)
    value = decode(of, cell)
    return Parameter(name, of, tuple(value) if isinstance(value, list) else value)
