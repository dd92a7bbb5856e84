"""Pieces of GoogleSQL mean what plain Python means by the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlglot import exp

from dicomfilter.engines import open_engine
from dicomfilter.googlesql.pieces import (
    UID_COLUMNS,
    UID_NAMES,
    column,
    conjunction,
    fragment,
    irregular,
    short,
    spelled,
    usable,
)
from dicomfilter.googlesql.query import Query
from dicomfilter.uids import is_irregular, is_usable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.engines.protocol import Engine

UIDS = [
    "1.2.840.10008.1.2",
    "0",
    "0.0",
    "1",
    "1.0.1",
    "1" * 64,
    "1" * 65,
    "1." + "2" * 62,
    "1." + "2" * 63,
    "01",
    "1.01",
    "1.00",
    "00",
    "1..2",
    ".1",
    "1.",
    ".",
    "..",
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "\n",
    "1\r",
    "1\t2",
    "1/2",
    "a",
    "1.2a",
    "1,2",
    "-1",
    "1e5",
    "١",
    "１",
    "1\u200b",
    "é",
    "1.2.3\n/studies/4",
    None,
]
GOOD = "1.2"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Open a table with each UID in each of the three columns, and good ones beside it."""
    rows = [
        {name: uid if name == own else GOOD for name in UID_COLUMNS}
        for own in UID_COLUMNS
        for uid in UIDS
    ]
    path = tmp_path_factory.mktemp("fragments") / "t.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    with open_engine([str(path)]) as opened:
        yield opened


def answers(engine: Engine, tree: exp.Select) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.rows(Query(tree)).read_all().to_pylist()
    return found


def test_usable_is_what_python_calls_usable(engine: Engine) -> None:
    for depth in (2, 3):
        names = UID_COLUMNS[:depth]
        tree = exp.select(*UID_COLUMNS, usable(names).as_("usable")).from_("metadata")
        rows = answers(engine, tree)
        assert len(rows) == 3 * len(UIDS)
        for row in rows:
            assert row["usable"] is all(is_usable(row[name]) for name in names), row


def under_our_names(engine: Engine, test: exp.Expr) -> list[dict[str, Any]]:
    names = zip(UID_COLUMNS, UID_NAMES, strict=True)
    inner = exp.select(*(column(c).as_(n) for c, n in names)).from_("metadata").subquery("t")
    return answers(engine, exp.select(*UID_NAMES, test.as_("found")).from_(inner))


def test_irregular_is_what_python_calls_irregular(engine: Engine) -> None:
    for names in (UID_NAMES, UID_NAMES[:2], UID_NAMES[2:]):
        for row in under_our_names(engine, irregular(names)):
            uids = [row[name] for name in names]
            if all(uid is None or is_usable(uid) for uid in uids):
                assert row["found"] is any(uid is not None and is_irregular(uid) for uid in uids)
            else:
                assert row["found"] is not None


def test_short_is_at_most_64_characters_everywhere(engine: Engine) -> None:
    for row in under_our_names(engine, short(UID_NAMES)):
        lengths = [None if row[name] is None else len(row[name]) for name in UID_NAMES]
        if None not in lengths:
            assert row["found"] is all(length <= 64 for length in lengths if length is not None)
        else:
            assert row["found"] is not True


# Trees


def test_a_fragment_is_a_tree_of_ones_own() -> None:
    first, second = fragment("a + 1"), fragment("a + 1")
    assert first == second
    first.set("expression", exp.Literal.number(2))
    assert (first.sql("bigquery"), fragment("a + 1").sql("bigquery")) == ("a + 2", "a + 1")


@pytest.mark.parametrize("name", ["Modality", "Rows", "a b", "a.b", 'a"b', "select", "größe"])
def test_a_column_of_any_name_is_one_quoted_name(name: str) -> None:
    tree = column(name)
    assert [part.name for part in tree.parts] == [name]
    assert tree.sql("bigquery") == f"`{name}`"


def test_conditions_are_anded_each_in_parentheses() -> None:
    either = fragment("a OR b")
    joined = conjunction([either, fragment("c"), fragment("d AND e")])
    assert joined is not None
    assert joined.sql("bigquery") == "(a OR b) AND (c) AND (d AND e)"
    assert either.parent is None, "a condition was moved, not copied"
    one = conjunction([either])
    assert one is not None
    assert one.sql("bigquery") == "(a OR b)"
    assert conjunction([]) is None


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Modality", "Modality"),
        ("_x1", "_x1"),
        ("Rows", "`Rows`"),
        ("select", "`select`"),
        ("4D", "`4D`"),
        ("a b", "`a b`"),
        ("größe", "`größe`"),
        ("Modality\n", "`Modality\\n`"),
    ],
)
def test_a_column_is_spelled_as_it_can_be_typed(name: str, written: str) -> None:
    assert spelled(name) == written
