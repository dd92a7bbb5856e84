"""TAB completion: the scripts of three shells, and what they are answered."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dicomfilter.cohorts.named_queries import named_queries
from tests.cli.running import PROGRAM, call

SHELLS = ("bash", "zsh", "fish")
COMMANDS = {"build", "count", "columns", "query", "queries", "check", "summary"}
LEVELS = {"study", "series", "instance"}


def completed(shell: str, words: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Ask as the script of a shell does when TAB is pressed behind some words."""
    monkeypatch.setenv("_DICOMFILTER_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    ended = call()
    assert ended.err == ""
    if shell == "zsh":
        return {part.split('"')[1].split(":")[0] for part in ended.out.split("\n") if '"' in part}
    return {line.split("\t")[0] for line in ended.out.splitlines() if line}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dicomfilter build --level ", LEVELS),
        ("dicomfilter build idc --level s", {"study", "series"}),
        ("dicomfilter query re", {"recent-studies"}),
        ("dicomfilter query ", {query.name for query in named_queries()}),
        ("dicomfilter queries pat", {"patient"}),
        ("dicomfilter build --rec", {"--record-values"}),
        ("dicomfilter count --attr", {"--attrition"}),
        ("dicomfilter query recent-studies idc --format ", {"table", "json", "csv", "parquet"}),
        ("dicomfilter colu", {"columns"}),
        ("dicomfilter count id", {"idc"}),
        ("dicomfilter columns idc StudyD", {"StudyDate", "StudyDescription"}),
        ("dicomfilter columns idc PatientS", {"PatientSex"}),
        ("dicomfilter build idc --column Patient", {"PatientID", "PatientAge", "PatientSex"}),
        ("dicomfilter build idc --exclude-column PatientI", {"PatientID"}),
        ("dicomfilter columns bq://p.d.t Pat", set()),
        ("dicomfilter columns missing.parquet Pat", set()),
        ("dicomfilter set-storage-class STORE A", {"ARCHIVE"}),
        ("dicomfilter set-storage-class STORE ", {"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"}),
    ],
)
def test_tab_is_answered(
    shell: str, words: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed(shell, words, monkeypatch) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_the_files_and_folders_that_can_be_tables(
    shell: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ct.parquet", "ct.csv", "ct.txt", "cd.duckdb", "mr.parquet", ".c.parquet"):
        (tmp_path / name).touch()
    (tmp_path / "cohorts").mkdir()
    (tmp_path / "cohorts" / "a.ndjson").touch()
    monkeypatch.chdir(tmp_path)
    found = {"ct.parquet", "ct.csv", "cd.duckdb", "cohorts/"}
    assert completed(shell, "dicomfilter count c", monkeypatch) == found
    assert completed(shell, "dicomfilter count cohorts/", monkeypatch) == {"cohorts/a.ndjson"}
    assert completed(shell, "dicomfilter count missing/", monkeypatch) == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_alone_names_the_commands(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(shell, "dicomfilter ", monkeypatch) >= COMMANDS


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_calls_the_command(
    shell: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("_DICOMFILTER_COMPLETE", f"source_{shell}")
    script = call().out
    assert f"_DICOMFILTER_COMPLETE=complete_{shell}" in script
    program = shutil.which(shell)
    if program is not None:  # it is at least a script of that shell
        path = tmp_path / "script"
        path.write_text(script)
        subprocess.run([program, "-n", str(path)], check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_real_bash_shows_the_script_and_completes_by_it() -> None:
    script = """
        eval "$(dicomfilter --show-completion; true)"
        press() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
                  _dicomfilter_completion dicomfilter; echo "${COMPREPLY[@]}"; }
        complete -p dicomfilter >&2
        press dicomfilter build --level ''
        press dicomfilter query recent-studies idc --form
    """
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607
        env={"PATH": f"{Path(PROGRAM).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    levels, option = done.stdout.splitlines()
    assert set(levels.split()) == LEVELS
    assert option == "--format"
    assert "_dicomfilter_completion" in done.stderr
