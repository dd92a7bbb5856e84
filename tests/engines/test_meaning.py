"""A release of DuckDB or sqlglot that is new is proved before it answers, construct by construct."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

import dicomfilter as dcf
from dicomfilter.engines import meaning
from dicomfilter.engines.meaning import kept, proving
from dicomfilter.engines.meaning.cases import FAILS, cases, cell, rows
from dicomfilter.engines.meaning.proving import Runner
from dicomfilter.engines.meaning.verdict import Failure, Release, Verdict
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, constructs, to_duckdb
from dicomfilter.googlesql.check import aggregates, casts
from dicomfilter.googlesql.duckdb import translate
from dicomfilter.schema import Kind, SqlType
from tests.cli.running import call
from tests.googlesql.dicom import GOLDEN, tables
from tests.googlesql.grammar import Grammar

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
NEW = Release("2.0.9", "30.30.0")
CASES = cases()
HELD = {name for case in CASES for name in case.of}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def new_release(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a DuckDB installed that this version was not released with."""
    monkeypatch.setattr(duckdb, "__version__", NEW.duckdb)
    monkeypatch.setattr(meaning, "_known", {})
    return cache


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = tmp_path_factory.mktemp("meaning") / "metadata.parquet"
    row = {"StudyInstanceUID": ["1.2"], "SeriesInstanceUID": ["1.2.3"], "Modality": ["CT"]}
    pq.write_table(pa.table(row), made)
    return str(made)


def _tried(*macros: str) -> Verdict:
    """Judge the installed DuckDB with some of its functions replaced."""
    with duckdb.connect(config={"threads": 1}) as connection:
        runner = Runner(connection, rows())
        for macro in macros:
            connection.execute(f"CREATE MACRO {macro}")
        return Verdict.of(NEW, CASES, list(runner.failures(CASES)))


# What is proved


def test_a_construct_without_a_case_does_not_ship() -> None:
    functions = {*translate._CALLS, *translate._FUNCTIONS, "CONCAT"}
    assert sorted(functions - HELD) == []
    of_rows = {name for name in aggregates.NAMES if not {name, f"{name} OVER"} & HELD}
    assert sorted(of_rows) == []
    for of, to in casts._TAKEN:
        assert f"CAST({of.value} AS {to.value})" in HELD
        assert f"SAFE_CAST({of.value} AS {to.value})" in HELD


def test_each_kind_of_node_that_is_translated_has_a_name() -> None:
    ruled = tuple(of for of, _ in constructs._RULES)
    named = {*constructs.WORDS, *constructs.TYPED, *constructs.SILENT}
    unnamed = [of for of in translate._RULES if of not in named and not issubclass(of, ruled)]
    assert unnamed == []
    for word in (*constructs.WORDS.values(), *constructs.TYPED.values()):
        assert any(name == word or name.startswith(f"{word} of ") for name in HELD), word


def _texts() -> Iterator[str]:
    for line in (GOLDEN / "googlesql_cases.ndjson").read_text("utf-8").splitlines():
        case = json.loads(line)
        if case.get("taken") and "parameters" not in case:
            yield case["sql"]
    grammar = Grammar(7)
    for _ in range(600):
        yield grammar.query()


def test_whatever_the_golden_cases_and_the_fuzz_are_made_of_has_a_case() -> None:
    schemas = {name: held.schema for name, held in tables().items()}
    missing = dict[str, str]()
    for sql in _texts():
        try:
            tree = check_query(sql, schemas).tree
            to_duckdb(tree)
        except PredicateError:
            continue
        missing.update({n: sql for n, _ in constructs.constructs(tree) if n not in HELD})
    assert missing == {}


def test_the_cases_hold_null_empty_nan_and_the_ends_of_types() -> None:
    found = {str(value) for row in rows().rows for value in row}
    assert {"None", "", "nan", "-inf", "9223372036854775807", "9999-12-31"} <= found
    assert sum(FAILS in case.answer for case in CASES) > 50


def test_the_cases_name_what_they_are_made_of() -> None:
    schema = {"d": rows().schema}
    for case in CASES:
        sql = case.sql if case.is_query else f"SELECT ({case.sql}) AS v FROM d"
        found = {name for name, _ in constructs.constructs(check_query(sql, schema).tree)}
        assert tuple(sorted(found)) == case.of, f"{case.sql}: run `make cases`"


def test_the_cases_ship_small_and_run_fast() -> None:
    assert len("".join(map(str, CASES))) < 600_000
    begun = time.process_time()
    assert sum(range(20_000_000)) > 0
    unit = time.process_time() - begun  # about a quarter of a second on a machine of its own
    begun = time.process_time()
    assert proving.prove(NEW).refused == ()
    assert (time.process_time() - begun) / unit < 25  # three seconds, and as much for bad luck


@pytest.mark.oracle
def test_the_answers_are_those_of_googles_evaluator() -> None:
    from tests.googlesql.meaning import Asking, held
    from tests.googlesql.oracle import Oracle

    asking = Asking(Oracle({"d": held()}))
    for case in CASES[:-10:25]:
        assert str(asking.case(case.sql)) == str(case)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, None),
        (1, 1.0),
        (1, True),
        ("1", 1),
        ("", None),
        (b"", ""),
        (float("nan"), "nan"),
        ([], None),
        ([None], []),
        ("#float 1", 1.0),
    ],
)
def test_values_that_differ_are_written_otherwise(one: object, other: object) -> None:
    of = SqlType(Kind.STRING)
    listed = SqlType(Kind.ARRAY, of)
    assert repr(cell(listed if isinstance(one, list) else of, one)) != repr(
        cell(listed if isinstance(other, list) else of, other)
    )


# What is refused


@pytest.mark.parametrize(
    ("macro", "refused"),
    [
        ("bit_count(a) AS 0", {"BIT_COUNT"}),
        ("sha256(a) AS system.main.md5(a)", {"SHA256"}),
        ("strpos(a, b) AS nullif(system.main.strpos(a, b), 0)", {"INSTR", "STRPOS"}),
        ("list_reverse(a) AS a", {"ARRAY_REVERSE", "REVERSE"}),
        ("rpad(a, b, c) AS system.main.lpad(a, b, c)", {"FROM_BASE64", "RPAD"}),
        ("starts_with(a, b) AS CASE WHEN b = '' THEN false ELSE system.main.starts_with(a, b) END",
         {"STARTS_WITH"}),
        ("unicode(a) AS CASE WHEN a = '' THEN 0 ELSE system.main.unicode(a) END + 1", {"UNICODE"}),
        ("translate(a, b, c) AS a", {"TRANSLATE"}),
        ("atan2(a, b) AS atan(a / b)", {"ATAN2"}),
    ],
)  # fmt: skip
def test_a_changed_function_refuses_just_the_names_that_rest_on_it(
    macro: str, refused: set[str]
) -> None:
    found = _tried(macro)
    assert set(found.refused) == refused
    assert all(set(failure.of) & refused for failure in found.failures)


def test_how_duckdb_cuts_up_an_empty_text_is_of_no_account() -> None:
    changed = "WHEN b = '' THEN (CASE WHEN a = '' THEN {} ELSE system.main.string_split(a, b) END)"
    for empty in ("[]", "['']"):
        macro = f"string_split(a, b) AS CASE {changed.format(empty)} ELSE system.main.string_split(a, b) END"
        assert _tried(macro).refused == ()
    macro = "string_split(a, b) AS CASE WHEN a = '' THEN [] ELSE system.main.string_split(a, b) END"
    assert _tried(macro).refused == ("SPLIT",)


def test_blame_falls_on_the_part_that_holds_nowhere_by_itself() -> None:
    tried = [replace(CASES[0], sql=sql, of=of) for sql, of in [
        ("a", ("A",)), ("b", ("B",)), ("ab", ("A", "B")), ("bc", ("B", "C")), ("ac", ("A", "C")),
    ]]  # fmt: skip
    by = {case.sql: Failure(case.sql, case.of, "", "") for case in tried}
    assert Verdict.of(NEW, tried, [by["a"], by["ab"], by["ac"]]).refused == ("A",)
    assert Verdict.of(NEW, tried, [by["bc"]]).refused == ("C",)
    assert Verdict.of(NEW, tried, [by["ab"]]).refused == ("A", "B")
    assert Verdict.of(NEW, tried, []).refused == ()


def _keep(*refused: str) -> None:
    held = dict.fromkeys(HELD, 1)
    failures = tuple(Failure(name, (name,), "a", "b") for name in refused)
    assert kept.keep(Verdict(NEW, held, refused, failures))


@pytest.mark.usefixtures("new_release")
def test_a_new_release_refuses_by_name_and_answers_the_rest(path: str) -> None:
    _keep("SPLIT")
    with dcf.open_table(path) as table:
        with pytest.raises(PredicateError) as caught:
            table.where("ARRAY_LENGTH(SPLIT(Modality, '')) = 2").counts()
        assert str(caught.value).startswith(
            "SPLIT is not answered on DuckDB 2.0.9: its answer changed"
        )
        assert "pip install duckdb==2.0.1" in (caught.value.hint or "")
        assert table.where("UPPER(Modality) = 'CT'").counts().series == 1


@pytest.mark.usefixtures("new_release")
def test_what_no_case_is_about_is_refused_on_a_new_release(path: str) -> None:
    found = Verdict(NEW, dict.fromkeys(HELD - {"UPPER"}, 1))
    assert kept.keep(found)
    with dcf.open_table(path) as table, pytest.raises(PredicateError, match="nothing proves"):
        table.where("UPPER(Modality) = 'CT'").counts()


@pytest.mark.usefixtures("new_release")
def test_the_check_of_a_text_gives_the_verdict_of_what_is_installed(path: str) -> None:
    _keep("SPLIT")
    text = "ARRAY_LENGTH(SPLIT(Modality, '')) = 2"
    said = call("sql", "--check", text, path)
    assert said.status == 0
    assert said.out == "BigQuery takes it, and files do not\n"
    assert "SPLIT is not answered on DuckDB 2.0.9" in said.err
    said = call("sql", "--explain", text, path)
    assert said.status == PredicateError.exit_status
    assert "SPLIT is not answered on DuckDB 2.0.9" in said.err
    said = call("sql", "--check", "UPPER(Modality) = 'CT'", path)
    assert (said.status, said.out) == (0, "BigQuery takes it\n")


def test_the_names_of_both_are_told_where_both_are_new() -> None:
    tree = exp.select(exp.Anonymous(this="SPLIT", expressions=[]))
    found = Verdict(Release("2.0.9", "30.30.1"), dict.fromkeys(HELD, 1), ("SPLIT",))
    with pytest.raises(PredicateError, match=r"on DuckDB 2\.0\.9 with sqlglot 30\.30\.1"):
        meaning.refuse(tree, found)


# When it runs


def _count_runs(monkeypatch: pytest.MonkeyPatch) -> list[Release]:
    runs: list[Release] = []

    def prove(release: Release) -> Verdict:
        runs.append(release)
        return Verdict(release, dict.fromkeys(HELD, 1))

    monkeypatch.setattr(proving, "prove", prove)
    return runs


def test_the_first_use_runs_it_once(
    new_release: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = _count_runs(monkeypatch)
    for _ in range(2):
        with dcf.open_table(path) as table:
            assert table.where("Modality = 'CT'").counts().series == 1
        meaning._known.clear()  # as another process
    assert runs == [NEW]
    assert [
        file.name.startswith("meaning-2.0.9-") for file in (new_release / "dicomfilter").iterdir()
    ] == [True]


@pytest.mark.usefixtures("new_release")
@pytest.mark.parametrize("broken", ["", "x", "0" * 64 + "\n{}", "a\nb\nc"])
def test_a_cache_that_was_altered_is_not_believed(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = _count_runs(monkeypatch)
    _keep("SPLIT")
    file = kept.place(NEW)
    if broken == "x":  # one name taken out
        file.write_text(file.read_text().replace('"refused": ["SPLIT"]', '"refused": []'))
    else:
        file.write_text(broken)
    assert meaning.judged().refused == ()
    assert runs == [NEW]
    assert kept.read(NEW) is not None  # written anew


def test_a_cache_that_cannot_be_written_means_another_run(
    new_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = _count_runs(monkeypatch)
    new_release.write_text("a file where the folder would be")
    for _ in range(2):
        meaning.judged()
        meaning._known.clear()
    assert runs == [NEW, NEW]


@pytest.mark.usefixtures("new_release")
def test_threads_run_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = _count_runs(monkeypatch)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(map(str, pool.map(lambda _: meaning.judged(), range(8))))) == 1
    assert runs == [NEW]


_SHORT = """
import sys, duckdb
duckdb.__version__ = "2.0.9"
from dicomfilter.engines import meaning
from dicomfilter.engines.meaning import cases, proving
every = cases.cases()
proving.cases = lambda: every[:20]
print(meaning.judged())
"""


def test_two_processes_at_once_agree(cache: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    begun = [
        subprocess.Popen([sys.executable, "-c", _SHORT], stdout=subprocess.PIPE, env=environment)
        for _ in range(2)
    ]
    said = {process.communicate()[0] for process in begun}
    assert [process.returncode for process in begun] == [0, 0]
    assert len(said) == 1
    (file,) = (cache / "dicomfilter").iterdir()
    assert file.read_bytes().endswith(said.pop())


_LOADED = """
import sys
from dicomfilter.cli import main
sys.argv = ["dicomfilter", "count", sys.argv[1], "--where", "Modality = 'CT'"]
try:
    main()
finally:
    loaded = [name for name in sys.modules if name.startswith("dicomfilter.engines.meaning.")]
    print(loaded, file=sys.stderr)
"""


def test_a_known_release_costs_nothing(cache: Path, path: str) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, path],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "['dicomfilter.engines.meaning.verdict']"
    assert not cache.exists()


def test_a_table_of_bigquery_never_runs_it() -> None:
    for module in (ROOT / "dicomfilter" / "engines").glob("bigquery*.py"):
        assert "meaning" not in module.read_text()


# What is told


def test_the_self_test_says_which_constructs_hold(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _count_runs(monkeypatch)
    monkeypatch.setattr(meaning, "_known", {})
    said = call("sql", "--self-test")
    assert said.status == 0
    assert f"DuckDB {duckdb.__version__} with sqlglot" in said.out
    assert "  SPLIT  " in said.out
    document = call("sql", "--self-test", "--json").object
    assert set(document["holds"]) == HELD
    assert document["refused"] == []
    assert cache.exists()


def test_the_self_test_says_what_changed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = Failure("SPLIT('', '')", ("SPLIT",), "['']", "[]")
    found = Verdict(NEW, {"SPLIT": 0, "UPPER": 2}, ("SPLIT",), (failure,))
    monkeypatch.setattr(meaning, "_known", {})
    monkeypatch.setattr(proving, "prove", lambda _: found)
    said = call("sql", "--self-test")
    assert said.status == 6
    assert "1 of 2 constructs hold" in said.out
    assert "not answered, as their answers changed:\n  SPLIT\n" in said.out
    assert "BigQuery  ['']\n    here      []" in said.out
    assert not (cache / "dicomfilter" / "nothing").exists()


def test_no_sql_at_all_is_a_mistake() -> None:
    said = call("sql")
    assert said.status == 2
    assert "no SQL is given" in said.err


# Several releases

_ALL = """
import json
from dicomfilter.engines import meaning
from dicomfilter.engines.meaning.proving import prove
found = prove(meaning.installed())
print(json.dumps([found.release.duckdb, found.refused, sorted(found.held.items())]))
"""


def _with(version: str) -> tuple[list[Any], str]:
    """Run the cases, and a build over a file, with a release of DuckDB in a folder of its own."""
    folder = ROOT / ".cache" / f"duckdb-{version}"
    if not (folder / "duckdb").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        done = subprocess.run([*command, str(folder), f"duckdb=={version}"], check=False)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip(f"duckdb {version} cannot be installed here")
        assert done.returncode == 0
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", _ALL], capture_output=True, text=True, env=environment, check=True
    )
    found: list[Any] = json.loads(done.stdout)
    where = "ARRAY_LENGTH(SPLIT(IFNULL(StudyDescription, ''), '')) = 1"
    build = [str(Path(sys.executable).with_name("dicomfilter")), "build", "idc", "--where", where]
    done = subprocess.run(
        [*build, "-o", "-"], capture_output=True, text=True, env=environment, check=True
    )
    return found, "".join(sorted(done.stdout.splitlines(keepends=True)))


def test_every_proved_release_gives_one_answer() -> None:
    answers = [_with(version) for version in meaning.PROVED_DUCKDB]
    assert [found[0] for found, _ in answers] == list(meaning.PROVED_DUCKDB)
    assert {str(found[1:]) for found, _ in answers} == {str([[], answers[0][0][2]])}
    assert len({lines for _, lines in answers}) == 1
    assert answers[0][1].count("\n") > 10_000
