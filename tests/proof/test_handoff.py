"""Lists for other tools name what is there, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pyarrow import csv, parquet

from tests.cli.running import call
from tests.proof.test_verify import export, here, write_filter
from tests.stores.folder.images import STUDIES

__all__ = ["here"]
NAMES = [one.name for one in STUDIES]


@pytest.mark.parametrize("form", ["urls", "gcloud", "rclone"])
def test_a_line_a_file(form: str) -> None:
    out = export()
    start = "" if form == "rclone" else f"{out.absolute()}/"
    ended = call("handoff", write_filter(), "out", "--format", form)
    assert ended.status == 0
    assert ended.out.splitlines() == [start + name for name in sorted(NAMES)]
    assert "12, of 12 instances" in ended.err


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_row_a_file(form: str) -> None:
    export()
    call("handoff", write_filter(), "out", "--format", form, "-o", "list")
    table = csv.read_csv("list") if form == "csv" else parquet.read_table("list")
    assert table.column_names == ["uri", "size_bytes", "study", "series", "instance", "frame"]
    assert set(table["size_bytes"].to_pylist()) == {4}
    assert len(table) == 12
    assert stat.S_IMODE(Path("list").stat().st_mode) == 0o600
    assert call("handoff", "f.txt", "out", "--format", form, "-o", "list").status == 2


def test_what_was_not_asked_for_is_not_handed_on() -> None:
    export()
    lines = "".join(one.line for one in STUDIES[:2])
    ended = call("handoff", write_filter(lines), "out", "--format", "rclone")
    assert ended.status == 0
    assert ended.out.splitlines() == sorted(NAMES[:2])


def test_what_is_missing_or_empty_is_not_named_and_is_a_finding() -> None:
    out = export()
    (out / NAMES[0]).unlink()
    (out / NAMES[1]).write_bytes(b"")
    ended = call("handoff", write_filter(), "out", "--format", "rclone")
    assert ended.status == 6
    assert ended.out.splitlines() == sorted(NAMES[2:])
    assert "incomplete" in ended.err


def test_nothing_there_is_a_finding_and_no_empty_list() -> None:
    Path("out").mkdir()
    ended = call("handoff", write_filter(), "out", "-o", "list")
    assert ended.status == 6
    assert not Path("list").exists()


def test_a_bucket_is_listed_by_its_uris(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("".join(f"gs://b/out/{name}\n" for name in NAMES))
    ended = call("handoff", write_filter(), "gs://b/out", "--listing", "names")
    assert ended.out.splitlines() == [f"gs://b/out/{name}" for name in sorted(NAMES)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("out.parquet",),
        ("bq://p.d.t",),
        ("gs://b/o*/", "--format", "gcloud"),
        ("out", "--format", "parquet"),
        ("none",),
    ],
)
def test_what_cannot_be_handed_on_is_refused(arguments: tuple[str, ...]) -> None:
    export()
    assert call("handoff", write_filter(), *arguments).status == 2
