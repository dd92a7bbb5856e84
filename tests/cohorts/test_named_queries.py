"""Named queries are found, fitted with their values, and run over the current state."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts import named_queries as queries
from dicomfilter.cohorts.named_queries import NamedQuery, find_query, named_queries, run_query
from dicomfilter.engines import open_engine
from dicomfilter.errors import ParameterError, PredicateError, TableError, UsageError
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import SqlType
from tests.tables import INSTANCES, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.engines.protocol import Engine

TODAY = date(2026, 11, 21)
HEAD = """\
-- name: {name}
-- about: Anything.
-- parameters: {parameters}
-- requires: {requires}
"""
ROWS = [
    instance("1", "1.1", "1.1.1", StudyDate=date(2026, 11, 20)),
    instance("2", "2.1", "2.1.1", "MR", StudyDate=date(2020, 1, 1), Type="DELETE"),
    instance("3", "3.1", "3.1.1", "MR"),
]


def named(
    sql: str, *, name: str = "mine", parameters: str = "none", requires: str = "StudyInstanceUID"
) -> NamedQuery:
    head = HEAD.format(name=name, parameters=parameters, requires=requires)
    return NamedQuery.parse(head + sql)


def run(engine: Engine, query: NamedQuery, *given: Parameter) -> list[tuple[Any, ...]]:
    found = run_query(engine, query, parameters=given, today=TODAY).read_all()
    return [tuple(row.values()) for row in found.to_pylist()]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Engine]:
    with open_engine([write(tmp_path / "plain.parquet", INSTANCES, ROWS)]) as engine:
        yield engine


@pytest.fixture
def streamed(tmp_path: Path) -> Iterator[Engine]:
    with open_engine([write(tmp_path / "streamed.parquet", STREAMED, ROWS)]) as engine:
        yield engine


# Reading


def test_a_head_says_what_a_query_is() -> None:
    text = (
        "-- name: by-day\n-- about: Studies of some days.\n"
        "-- parameters: n INT64, days ARRAY<DATE>\n-- requires: StudyDate, PatientID\nSELECT 1\n"
    )
    found = NamedQuery.parse(text)
    assert found == NamedQuery(
        name="by-day",
        about="Studies of some days.",
        parameters=(("n", SqlType.parse("INT64")), ("days", SqlType.parse("ARRAY<DATE>"))),
        requires=("StudyDate", "PatientID"),
        sql=text,
    )
    assert named("SELECT 1").parameters == ()


@pytest.mark.parametrize("missing", ["name", "about", "parameters", "requires"])
def test_a_head_that_lacks_a_line_is_refused(missing: str) -> None:
    lines = HEAD.format(name="x", parameters="none", requires="a").splitlines()
    kept = [line for line in lines if not line.startswith(f"-- {missing}")]
    with pytest.raises(UsageError, match="begins with its name, about, parameters and requires"):
        NamedQuery.parse("\n".join([*kept, "SELECT 1"]))


def test_queries_are_listed_by_name_and_found_by_it() -> None:
    names = [query.name for query in named_queries()]
    assert names == sorted(names)
    assert "recent-studies" in names
    for name in names:
        assert find_query(name).name == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("recent-study", "did you mean recent-studies?"),
        ("patients", "did you mean patient?"),
        ("zzz", "see `dicomfilter queries`"),
        ("", "see `dicomfilter queries`"),
        ("../secret", "see `dicomfilter queries`"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match="there is no query called") as caught:
        find_query(name)
    assert caught.value.hint == hint


def test_queries_are_those_of_the_wheel_or_of_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / "sql"
    assert queries._folder() == Path(queries.__file__).parents[2] / "sql"
    shipped.mkdir()
    (shipped / "one.sql").write_text(HEAD.format(name="one", parameters="none", requires="a"))
    (shipped / "README.md").write_text("no query")
    monkeypatch.setattr(queries.resources, "files", lambda _: tmp_path)
    named_queries.cache_clear()
    try:
        assert [query.name for query in named_queries()] == ["one"]
    finally:
        named_queries.cache_clear()


# Running


def test_an_answer_keeps_the_querys_own_order(plain: Engine) -> None:
    query = named("SELECT StudyInstanceUID FROM metadata ORDER BY StudyInstanceUID DESC")
    assert run(plain, query) == [("3",), ("2",), ("1",)]


def test_a_table_means_its_current_state(plain: Engine, streamed: Engine) -> None:
    query = named("SELECT COUNT(*) AS n FROM metadata")
    assert run(plain, query) == [(3,)]
    assert run(streamed, query) == [(2,)]
    aliased = named(
        "SELECT m.StudyInstanceUID FROM metadata AS m WHERE m.Modality = 'MR'",
        requires="studyinstanceuid, MODALITY",
    )
    assert run(streamed, aliased) == [("3",)]


def test_today_is_the_day_that_is_given(plain: Engine) -> None:
    query = named(
        "SELECT StudyInstanceUID FROM metadata "
        "WHERE StudyDate >= DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)",
        requires="StudyInstanceUID, StudyDate",
    )
    assert run(plain, query) == [("1",)]
    later = run_query(plain, query, today=date(2026, 11, 22)).read_all()
    assert later.num_rows == 0


def test_values_are_bound(plain: Engine) -> None:
    query = named(
        "SELECT StudyInstanceUID FROM metadata WHERE Modality = @m",
        parameters="m STRING",
        requires="StudyInstanceUID, Modality",
    )
    assert run(plain, query, Parameter.of("m", "CT")) == [("1",)]
    assert run(plain, query, Parameter.of("m", "CT' OR 'a' = 'a")) == []


LIMITED = "SELECT StudyInstanceUID FROM metadata LIMIT @n"


def test_values_that_do_not_fit_are_said(plain: Engine) -> None:
    query = named(LIMITED, parameters="n INT64")
    assert len(run(plain, query, Parameter.of("n", 2))) == 2
    with pytest.raises(ParameterError, match="mine needs @n") as caught:
        run(plain, query)
    assert caught.value.hint == "add --param n:INT64:VALUE"
    with pytest.raises(ParameterError, match="@n of mine is INT64, not STRING") as caught:
        run(plain, query, Parameter.of("n", "2"))
    assert caught.value.hint == "write --param n:INT64:VALUE"
    with pytest.raises(ParameterError, match="unused parameter: @m"):
        run(plain, query, Parameter.of("n", 2), Parameter.of("m", 2))


@pytest.mark.parametrize("text", ["n:INT64:-1", "n:INT64:NULL"])
def test_a_limit_is_a_number_that_can_be_one(plain: Engine, text: str) -> None:
    with pytest.raises(
        ParameterError, match="@n is a limit, which must not be null or negative"
    ) as caught:
        run(plain, named(LIMITED, parameters="n INT64"), Parameter.parse(text))
    assert caught.value.hint == "write --param n:INT64:10"


def test_a_limit_of_nothing_is_nothing(plain: Engine) -> None:
    assert run(plain, named(LIMITED, parameters="n INT64"), Parameter.of("n", 0)) == []


def test_columns_that_a_table_lacks_are_named(plain: Engine) -> None:
    query = named("SELECT 1 AS a FROM metadata", requires="StudyInstanceUID, Nope, Type")
    with pytest.raises(TableError, match=r"mine needs Nope, Type, and .*has no such") as no:
        run(plain, query)
    assert no.value.hint == f"run `dicomfilter columns {plain.uri}` to see what it has"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT Nope FROM metadata",
        "SELECT StudyInstanceUID FROM metadata WHERE StudyInstanceUID = 1",
        "SELECT READ_TEXT('x') AS a FROM metadata",
    ],
)
def test_a_query_is_checked_as_any_predicate_is(plain: Engine, sql: str) -> None:
    with pytest.raises(PredicateError):
        run(plain, named(sql))


@pytest.mark.parametrize("sql", ["DROP TABLE metadata", "DELETE FROM metadata WHERE TRUE"])
def test_a_query_only_reads(plain: Engine, sql: str) -> None:
    with pytest.raises(PredicateError):
        run(plain, named(sql))
