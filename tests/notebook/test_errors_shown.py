"""What a notebook and a plain Python show of an error: what is wrong, where, and what to do."""

from __future__ import annotations

import ast
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

import dicomfilter as dcf
from dicomfilter.errors import DicomFilterError, PredicateError, UsageError
from dicomfilter.visible import in_python
from tests.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BAD = "Modality = 'CT' AND PatientID = 19045"
CELL = f'dcf.open_table("idc").where("{BAD}")'


def shown(call: Callable[[], object]) -> list[str]:
    with pytest.raises(DicomFilterError) as caught:
        call()
    return "\n".join(caught.value._render_traceback_()).splitlines()


@pytest.fixture(scope="module")
def idc() -> Iterator[dcf.Table]:
    with dcf.open_table("idc") as table:
        yield table


def test_a_predicate_is_shown_with_its_mark_and_its_hint(idc: dcf.Table) -> None:
    assert shown(lambda: idc.where(BAD)) == [
        "PredicateError: No matching signature for operator = for argument types: STRING, INT64",
        f"  {BAD}",
        "                      ^",
        "hint: put the number between quotes, '19045', or write SAFE_CAST(PatientID AS INT64)",
    ]


def test_ipython_shows_that_and_none_of_our_frames(tmp_path: Path) -> None:
    program = tmp_path / "cell.py"
    program.write_text(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('import dicomfilter as dcf')\n"
        f"shell.run_cell({CELL!r})\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Traceback" not in done.stdout
    assert len(done.stdout.splitlines()) == 4
    assert "hint: put the number between quotes" in done.stdout


def test_plain_python_shows_them_below_the_message(idc: dcf.Table) -> None:
    try:
        idc.where(BAD)
    except PredicateError as error:
        error.add_note("added by a caller")
        lines = traceback.format_exception_only(error)
    assert [line.rstrip() for line in "".join(lines).splitlines()[1:]] == [
        f"  {BAD}",
        "                      ^",
        "hint: put the number between quotes, '19045', or write SAFE_CAST(PatientID AS INT64)",
        "added by a caller",
    ]


def test_a_hint_says_what_to_write_in_python(idc: dcf.Table, tmp_path: Path) -> None:
    out = tmp_path / "ct.txt"
    few = idc.where("collection_id = '4d_lung'")
    few.write_filter(out)
    assert shown(lambda: few.write_filter(out))[1] == (
        "hint: use overwrite=True to replace it, or choose another name"
    )
    few.write_filter(out, overwrite=True)


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("use --overwrite, or --level series", 'use overwrite=True, or level="series"'),
        ("give it with --param id:STRING:VALUE", "give it with id=VALUE"),
        ("write --param n:INT64:10", "write n=10"),
        ("add --table 'clinical=URI'", 'add others={"clinical": URI}'),
        ("say --column AccessionNumber", 'say column="AccessionNumber"'),
        ("name it with --against TABLE", "name it with against=TABLE"),
        ("add --staging gs://b/f/, where it is", 'add staging="gs://b/f/", where it is'),
        (
            "raise --maximum-bytes-billed, or wait",
            "raise options=EngineOptions(maximum_bytes_billed=…), or wait",
        ),
        ("leave it out and ask with --all", "leave it out and ask with `.all()`"),
        (
            "start it once more with --start-again",
            "start it once more with options=StartOptions(again=True)",
        ),
        ("see `dicomfilter count … --attrition`", "see `attrition()`"),
        (
            "run `dicomfilter check f.txt --repair -o FIXED`",
            "run `dicomfilter check f.txt --repair -o FIXED`",
        ),
        (
            "run `gcloud storage rm --recursive gs://b/f`",
            "run `gcloud storage rm --recursive gs://b/f`",
        ),
    ],
)
def test_options_become_arguments_and_a_shells_line_stays(hint: str, said: str) -> None:
    assert in_python(hint) == said


def texts(node: ast.expr) -> Iterator[str]:
    """Give each text that an expression may give, with a word for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "X" for p in node.values)
        yield "".join(map(str, parts)).replace("--X", "--retry")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from texts(child)


def hints() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "dicomfilter").rglob("*.py")):
        if "cli" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                yield from ((path.name, text) for text in texts(node.value))


def test_no_hint_of_the_library_names_an_option_in_python() -> None:
    found = list(hints())
    assert len(found) > 200
    for name, hint in found:
        outside = "".join(in_python(hint).split("`")[::2])
        assert "--" not in outside, f"{name}: {hint}"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda t: t.all().sql(level="serie"),
            "'serie' is none of study, series, instance",
        ),
        (lambda t: t.all().plan(level="studies"), "'studies' is none of study, series, instance"),
        (lambda t: t.value_counts("Modalty"), "the table has no column Modalty"),
        (lambda t: t.value_counts("StudyDate", every="yeer"), "'yeer' is none of year, quarter"),
        (lambda t: t.value_counts("Modality", every="year"), "Modality is STRING, and has no year"),
        (lambda t: t.describe("PatientIDs"), "the table has no column PatientIDs"),
    ],
)
def test_a_wrong_argument_is_our_error_with_what_may_be_said(
    idc: dcf.Table, call: Callable[[dcf.Table], object], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        call(idc)
    assert str(caught.value).startswith(said)
    assert caught.value.hint


def test_a_word_is_taken_in_any_case_and_by_its_member() -> None:
    assert dcf.Level("SERIES") is dcf.Level("series") is dcf.Level.SERIES
    with pytest.raises(UsageError) as caught:
        dcf.Level("instances")
    assert caught.value.hint == "write 'instance'"
