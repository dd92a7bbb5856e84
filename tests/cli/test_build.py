"""``dicomfilter build``: its examples as they are written, and what each leaves where."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING

import duckdb
import google_crc32c
import pytest
from idc_index_data import IDC_INDEX_PARQUET_FILEPATH

from tests.cli.conftest import rows
from tests.cli.running import PROGRAM, call, contents, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.bigquery import LoadTable

LIVER = "Modality = 'CT' AND BodyPartExamined = 'LIVER'"
ALL = ["build", "metadata.parquet", "--all", "-o", "f.txt"]


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode("ascii").splitlines()


def instances(study: int, *series: int) -> list[str]:
    return [
        f"/studies/1.{study}/series/1.{study}.{n}/instances/1.{study}.{n}.{i}"
        for n in series
        for i in (1, 2, 3)
    ]


def test_the_first_example_gives_what_an_independent_query_gives(tmp_path: Path) -> None:
    ended = run("build", "idc", "--where", LIVER, "-o", "liver-ct.txt", cwd=tmp_path)

    assert (ended.status, ended.out) == (0, "liver-ct.txt\n")
    expected = duckdb.sql(
        "SELECT '/studies/' || StudyInstanceUID || '/series/' || SeriesInstanceUID "
        f"FROM '{IDC_INDEX_PARQUET_FILEPATH}' "
        "WHERE Modality = 'CT' AND BodyPartExamined = 'LIVER'"
    ).fetchall()
    written = (tmp_path / "liver-ct.txt").read_text()
    assert written.endswith("\n")
    assert sorted(written.splitlines()) == sorted(line for (line,) in expected)
    assert [line.split()[0] for line in ended.err.splitlines()] == [
        "lines",
        "covers",
        "matched",
        "file",
        "beside",
    ]
    assert sorted(contents(tmp_path)) == ["liver-ct.txt", "liver-ct.txt.manifest.json"]


def test_patients_and_an_age_at_study_level_out_of_several_files(desk: Path) -> None:
    ended = call(
        *("build", "metadata/part-0.parquet", "metadata/part-1.parquet"),
        *("--patient-id", "19045", "--patient-id", "19046", "--since", "365d"),
        *("--level", "study", "-o", "gs-ready.txt"),
    )

    assert (ended.status, ended.out) == (0, "gs-ready.txt\n")
    assert lines(desk / "gs-ready.txt") == ["/studies/1.1"]


def test_the_shell_expands_files_or_dicomfilter_does(desk: Path) -> None:
    for number, pattern in enumerate(("metadata/*.parquet", "'metadata/*.parquet'")):
        command = f"{shlex.quote(PROGRAM)} build {pattern} --all -q -o {number}.txt"
        subprocess.run(["sh", "-c", command], check=True, cwd=desk)  # noqa: S607
    assert sorted(lines(desk / "0.txt")) == sorted(lines(desk / "1.txt"))
    assert len(lines(desk / "0.txt")) == 18


def test_identifiers_out_of_a_file_and_what_matched_nothing(desk: Path) -> None:
    ended = call(
        *("build", "metadata.parquet", "--ids", "cohort.csv", "--column", "PatientID"),
        *("-o", "cohort.txt"),
    )

    assert (ended.status, ended.out) == (0, "cohort.txt\n")
    assert sorted(lines(desk / "cohort.txt")) == instances(1, 1, 2)
    assert (desk / "cohort.txt.unmatched.csv").read_text().splitlines()[1:] == [
        '"PatientID","unheard-of"'
    ]
    assert "warning: 1 of 2 values of PatientID matches no row of the table\n" in ended.err
    assert "beside   cohort.txt.unmatched.csv\n" in ended.err


@pytest.mark.cloud
def test_a_patient_out_of_bigquery(desk: Path, load_table: LoadTable) -> None:
    columns = (
        "PatientID STRING, StudyInstanceUID STRING, SeriesInstanceUID STRING, "
        "SOPInstanceUID STRING, Modality STRING, BlobStorageSize INT64"
    )
    table = load_table(
        columns, *({k: v for k, v in row.items() if k != "StudyDate"} for row in rows())
    )
    asked = ["build", table, "--where", "PatientID = '19045'"]

    plan = call(*asked, "--dry-run")
    assert plan.status == 0
    assert "19045" not in plan.out
    assert f"reads {table}; scans " in plan.err

    ended = call(*asked, "-o", "f.txt", "--json")
    assert ended.object["counts"]["lines"] == 6
    assert ended.object["uri"] == "f.txt"
    assert sorted(lines(desk / "f.txt")) == instances(1, 1, 2)


def test_the_one_json_object_is_true_of_the_file(desk: Path) -> None:
    built = call("build", "metadata.parquet", "--where", "Modality = 'CT'", "-o", "f", "--json")

    data = (desk / "f").read_bytes()
    checksum = google_crc32c.value(data).to_bytes(4, "big")
    assert built.object["size_bytes"] == len(data)
    assert built.object["sha256"] == hashlib.sha256(data).hexdigest()
    assert built.object["crc32c"] == b64encode(checksum).decode()
    assert (
        built.object["counts"] | {"lines": 9, "studies": 3, "size_bytes": 900}
        == (built.object["counts"])
    )
    assert built.object["manifest"] == "f.manifest.json"
    assert built.object["rejected"] is None
    assert built.object["warnings"] == []


def test_a_shell_can_take_the_name_of_the_file(desk: Path) -> None:
    script = (
        f'f=$({shlex.quote(PROGRAM)} build metadata.parquet --all -o "a b.txt") && wc -l < "$f"'
    )
    done = subprocess.run(
        ["sh", "-c", script],  # noqa: S607
        cwd=desk,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "18"


def test_quiet_says_nothing_but_the_name_of_the_file(desk: Path) -> None:
    assert call(*ALL, "--quiet").err == ""
    assert call(*ALL, "-q", "--overwrite").out == "f.txt\n"
    widened = call("build", "metadata.parquet", "--where", "Modality = 'CT'", "-q", "-o", "g.txt",
                   "--level", "study")  # fmt: skip
    assert widened.err == "warning: 9 instances matched; whole studies cover 18\n"
    assert (desk / "f.txt").exists()


def test_standard_output_takes_the_lines_and_nothing_else(desk: Path) -> None:
    there = contents(desk)
    ended = run("build", "metadata.parquet", "--patient-id", "19045", "-o", "-", cwd=desk)

    assert ended.status == 0
    assert sorted(ended.out.splitlines()) == instances(1, 1, 2)
    assert ended.out.endswith("\n")
    assert "lines    6 (6 instances)" in ended.err
    assert "manifest" not in ended.err
    assert contents(desk) == there


def test_the_lines_on_standard_output_can_have_a_manifest(desk: Path) -> None:
    ended = run("build", "metadata.parquet", "--all", "-o", "-", "--manifest", "m.json", cwd=desk)

    said = json.loads((desk / "m.json").read_text())
    assert said["filter"]["size_bytes"] == len(ended.out)
    assert said["filter"]["sha256"] == hashlib.sha256(ended.out.encode()).hexdigest()


def test_a_dry_run_prints_the_query_without_values_and_writes_nothing(desk: Path) -> None:
    there = contents(desk)
    asked = ["build", "metadata.parquet", "--where", "PatientID = '19045'", "--dry-run"]
    ended = call(*asked)

    assert ended.status == 0
    assert ended.out.startswith("SELECT\n")
    assert "PatientID = @p1" in ended.out
    assert "19045" not in ended.out
    assert ended.err == "reads metadata.parquet; nothing was run or written\n"
    assert call(*asked, "-o", "f.txt", "--quiet").err == ""
    plan = call(*asked, "--json").object
    assert plan == {"sql": plan["sql"], "bytes_processed": None, "tables": ["metadata.parquet"]}
    assert plan["sql"] == ended.out.rstrip("\n")
    assert contents(desk) == there


def test_what_is_there_is_replaced_when_asked(desk: Path) -> None:
    (desk / "f.txt").write_text("old\n")
    refused = call(*ALL)
    assert (refused.status, (desk / "f.txt").read_text()) == (2, "old\n")
    assert "--overwrite" in refused.err
    assert call(*ALL, "--overwrite").status == 0
    assert len(lines(desk / "f.txt")) == 18


def test_compacted_lines_say_what_they_take_in_later(desk: Path) -> None:
    ended = call(*ALL, "--compact")
    assert "lines    3 (3 studies)\n" in ended.err
    assert "warning: instances that arrive later in a compacted study" in ended.err
    assert sorted(lines(desk / "f.txt")) == ["/studies/1.1", "/studies/1.2", "/studies/1.3"]


def test_rows_that_make_no_line_stop_the_build_or_are_listed(desk: Path) -> None:
    stopped = call("build", "bad.parquet", "--all", "-o", "f.txt")
    assert stopped.status == 2
    assert stopped.err.startswith("error[unusable-uid]: 2 selected rows have ")
    assert not (desk / "f.txt").exists()

    ended = call("build", "bad.parquet", "--all", "-o", "f.txt", "--skip-bad-uids")
    assert ended.status == 0
    assert "beside   f.txt.rejected.csv\n" in ended.err
    assert "warning: 2 selected rows have a NULL or unusable UID and were left out\n" in ended.err
    assert len((desk / "f.txt.rejected.csv").read_text().splitlines()) == 3
    assert len(lines(desk / "f.txt")) == 18


def test_a_manifest_is_replayed_with_the_values_it_does_not_hold(desk: Path) -> None:
    call("build", "metadata.parquet", "--where", "PatientID = '19045'", "-o", "f.txt")
    again = ["build", "--from-manifest", "f.txt.manifest.json", "-o", "again.txt"]

    asked = call(*again)
    assert asked.status == 2
    assert "@p1" in asked.err
    assert "--param p1:STRING:VALUE" in asked.err
    ended = call(*again, "--param", "p1::19045")
    assert (ended.status, ended.out) == (0, "again.txt\n")
    assert sorted(lines(desk / "again.txt")) == sorted(lines(desk / "f.txt"))


def test_a_replay_says_what_has_changed_since(desk: Path) -> None:
    call(*ALL)
    (desk / "metadata.parquet").write_bytes((desk / "bad.parquet").read_bytes())
    ended = call(
        *("build", "--from-manifest", "f.txt.manifest.json", "-o", "again.txt"), "--skip-bad-uids"
    )
    assert ended.status == 0
    assert "changed: " in ended.err


def test_nothing_matched_is_status_3_and_no_file(desk: Path) -> None:
    there = contents(desk)
    ended = call("build", "metadata.parquet", "--where", "Modality = 'XA'", "-o", "f.txt")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.splitlines() == [
        "error[empty-filter]: the predicate matched nothing; no filter file was written",
        "hint: see which clause emptied it with `dicomfilter count … --attrition`",
    ]
    assert contents(desk) == there


def test_the_table_can_come_from_the_environment(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICOMFILTER_TABLE", "metadata.parquet")
    assert call("build", "--all", "-o", "f.txt").status == 0
    assert len(lines(desk / "f.txt")) == 18


def test_parameters_are_bound_by_name_and_type(desk: Path) -> None:
    ended = call(
        *("build", "metadata.parquet", "--where", "PatientID IN UNNEST(@ids)"),
        *("--where", "StudyDate >= @start", "--param", "start:DATE:2020-01-01"),
        *("--param", 'ids:ARRAY<STRING>:["19045", "00123"]', "-o", "f.txt", "--level", "study"),
    )
    assert ended.status == 0
    assert sorted(lines(desk / "f.txt")) == ["/studies/1.1", "/studies/1.3"]
