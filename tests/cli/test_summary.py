"""``dicomfilter summary``: what a file names, and where it came from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import call, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def built(desk: Path) -> Path:
    """Build a filter file at instance level."""
    call("build", "metadata.parquet", "--where", "Modality = 'CT'", "-o", "ct.txt")
    return desk / "ct.txt"


def said(out: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in out.splitlines())


def test_a_file_and_its_manifest_in_rows(built: Path) -> None:
    ended = call("summary", "ct.txt")
    assert (ended.status, ended.err) == (0, "")
    rows = said(ended.out)
    assert list(rows) == [
        *("filter", "lines", "names", "file", "crc32c", "sha256"),
        *("covers", "made", "from", "where", "by", "purpose"),
    ]
    assert rows["lines"] == "9 (9 instances)"
    assert rows["names"] == "3 studies, 3 series, 9 instances"
    assert rows["sha256"] == hashlib.sha256(built.read_bytes()).hexdigest()
    assert rows["covers"] == "9 instances"
    assert rows["from"].startswith("metadata.parquet, modified ")
    assert rows["where"] == "Modality = (not recorded)"


def test_one_object(built: Path) -> None:
    found = call("summary", "ct.txt", "--json").object
    assert found["uri"] == "ct.txt"
    assert found["size_bytes"] == built.stat().st_size
    assert (found["lines"], found["studies"], found["instances"]) == (9, 3, 9)
    assert (found["manifest"], found["matches_manifest"]) == ("ct.txt.manifest.json", True)


def test_a_manifest_of_other_bytes_is_not_believed(built: Path) -> None:
    built.write_text("/studies/1.1\n")
    ended = call("summary", "ct.txt")
    assert ended.status == 0
    assert ended.err == "warning: ct.txt.manifest.json was written for other bytes than these\n"
    assert "where" not in said(ended.out)
    assert call("summary", "ct.txt", "--json").object["matches_manifest"] is False


@pytest.mark.usefixtures("built")
def test_a_manifest_may_lie_elsewhere(desk: Path) -> None:
    (desk / "ct.txt.manifest.json").rename(desk / "m.json")
    assert "where" not in said(call("summary", "ct.txt").out)
    rows = said(call("summary", "ct.txt", "--manifest", "m.json").out)
    assert rows["where"] == "Modality = (not recorded)"


def test_what_is_no_filter_file_is_warned_about(desk: Path) -> None:
    (desk / "notes.txt").write_text("dear diary\n/studies/1.1\n")
    ended = call("summary", "notes.txt")
    assert said(ended.out)["lines"] == "2 (1 study)"
    assert ended.err == "warning: 1 of 2 lines name nothing: run `dicomfilter check`\n"


def test_a_pipe_is_summed_up_too(desk: Path) -> None:
    ended = run("summary", "-", stdin="/studies/1.1\n", cwd=desk)
    assert said(ended.out)["names"] == "1 study, 0 series, 0 instances"
