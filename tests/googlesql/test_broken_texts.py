"""Thirteen thousand texts that are nearly queries: each is taken or refused, at once and in words."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.parse.lexer import tokens
from tests.googlesql.dicom import GOLDEN, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)

CASES = [
    json.loads(line)
    for line in (GOLDEN / "googlesql_cases.ndjson").read_text(encoding="utf-8").splitlines()
]
VALID = [case["sql"] for case in CASES if "error" not in case and "parameters" not in case]
SCHEMAS = {name: held.schema for name, held in tables().items()}
CHUNKS = 4
EVERY = 3
"""Of how many queries one is broken at every token."""
PATIENCE_S = 5


def words_of(sql: str) -> list[str]:
    return [token.text for token in tokens(sql)][:-1]


def beginnings(queries: list[str]) -> Iterator[str]:
    for sql in queries:
        yield from (sql[: token.offset] for token in tokens(sql)[1:-1])


def broken(queries: list[str]) -> Iterator[str]:
    """Leave out or double each token of each query."""
    for sql in queries:
        words = words_of(sql)
        for place in range(len(words)):
            yield " ".join(words[:place] + words[place + 1 :])
            yield " ".join(words[: place + 1] + words[place:])


def is_taken(sql: str) -> bool:
    begun = time.process_time()
    try:
        to_duckdb(check_query(sql, SCHEMAS).tree)
    except PredicateError as error:
        assert error.message
        assert error.offset is None or 0 <= error.offset <= len(sql)
        return False
    finally:
        assert time.process_time() - begun < PATIENCE_S, sql
    return True


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_beginning_of_a_query_is_taken_or_refused(chunk: int) -> None:
    for sql in beginnings(VALID[chunk::CHUNKS]):
        is_taken(sql)


@pytest.mark.oracle
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_query_with_a_token_too_few_or_too_many_is_taken_only_if_google_takes_it(
    chunk: int,
) -> None:
    from tests.googlesql.narrow import narrowed
    from tests.googlesql.oracle import Refusal

    taken = list(filter(is_taken, broken(VALID[chunk * EVERY :: CHUNKS * EVERY])))
    wrong = []
    with narrowed(taken) as ask:
        for sql in taken:
            theirs = ask(sql, ())
            if isinstance(theirs, Refusal) and theirs.known and not theirs.at_run_time:
                wrong.append((sql, theirs.message))
    assert not wrong


def test_there_are_enough_of_them() -> None:
    prefixes = sum(len(tokens(sql)) - 2 for sql in VALID)
    others = sum(2 * len(words_of(sql)) for sql in VALID[::EVERY])
    assert prefixes + others > 12_000


MONSTERS = r"""
import re, time
from pathlib import Path
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from tests.googlesql.dicom import tables

schemas = {name: held.schema for name, held in tables().items()}
texts = [
    "(" * 100_000, "(" * 100_000 + "1" + ")" * 100_000, "[" * 100_000, "CASE " * 100_000,
    "SELECT " * 100_000, "SELECT (" * 50_000, "NOT " * 100_000 + "TRUE", "-" * 100_000 + "1",
    "- " * 100_000 + "1", "IF(" * 100_000, "STRUCT<" * 100_000, "ARRAY<" * 100_000 + "INT64",
    "CAST(" * 100_000, "SELECT 1 UNION ALL " * 50_000 + "SELECT 1", "'" + "\\" * 100_001,
    "SELECT " + ",".join(["PatientID"] * 5_000) + " FROM d",
    "SELECT 1 FROM d" + ", d" * 5_000, "WITH " + "a AS (SELECT 1)," * 5_000,
    "SELECT " + "+".join(["`Rows`"] * 5_000) + " FROM d",
    "SELECT 1 FROM d WHERE " + " OR ".join(["Modality = 'x'"] * 5_000),
    "SELECT 1 FROM d WHERE Modality IN (" + ",".join(["'x'"] * 20_000) + ")",
    "SELECT LOWER(" * 150 + "'x'" + ")" * 150, "SELECT 1e" + "9" * 100_000, "SELECT 0x" + "f" * 100_000,
    "SELECT NUMERIC '" + "9" * 100_000 + "'", "SELECT '" + "x" * 999_000 + "'", "x" * 2_000_000,
    "SELECT REPEAT('x', 9223372036854775807)", "SELECT GENERATE_ARRAY(0, 9223372036854775807)",
    "SELECT RPAD('x', 9223372036854775807)", "SELECT REGEXP_CONTAINS('x', '" + "(" * 50_000 + "')",
    "SELECT REGEXP_CONTAINS('x', '((x{1000}){1000}){1000}')", "/*" * 400_000, "-- " * 300_000,
    *("SELECT" + chr(n) + "1" for n in range(256)), *("SELECT '" + chr(n) + "'" for n in range(256)),
    "SELECT '\ud800'", "\udfff", "SELECT `\ud800`", "\ufeffSELECT 1", "SELECT\u00a01", "SELECT\u20281",
]
worst = 0
for text in texts:
    begun = time.process_time()
    try:
        to_duckdb(check_query(text, schemas).tree)
    except PredicateError as error:
        str(error).encode("utf-8", "backslashreplace")
    worst = max(worst, time.process_time() - begun)
# Not getrusage(): what it says begins with the memory of the process that started this one.
(peak,) = re.findall("VmHWM: *([0-9]+) kB", Path("/proc/self/status").read_text().replace(chr(9), " "))
print(len(texts), worst, int(peak) / 1024)
"""


def test_no_monster_takes_five_seconds_or_a_gigabyte() -> None:
    """Takes some seconds: a process of its own, whose memory is measured."""
    done = subprocess.run(
        [sys.executable, "-c", MONSTERS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    count, seconds, megabytes = map(float, done.stdout.split())
    assert count > 500
    assert seconds < PATIENCE_S
    assert megabytes < 1000
