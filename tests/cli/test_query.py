"""``dicomfilter query`` and ``queries``: rows in every form, and what a query needs."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import duckdb
import pytest
from idc_index_data import IDC_INDEX_PARQUET_FILEPATH
from pyarrow import csv, parquet

from dicomfilter.cohorts.named_queries import named_queries
from tests.cli.running import PROGRAM, call, run

if TYPE_CHECKING:
    from pathlib import Path

RECENT = ["query", "recent-studies", "metadata.parquet", "--param", "n:INT64:2"]


def test_the_recent_studies_of_idc_are_the_most_recent() -> None:
    ended = call("query", "recent-studies", "idc", "--param", "n:INT64:10", "--format", "json")
    rows = json.loads(ended.out)
    dates = duckdb.sql(
        f"SELECT DISTINCT StudyInstanceUID, max(StudyDate) FROM '{IDC_INDEX_PARQUET_FILEPATH}' "
        "GROUP BY ALL ORDER BY 2 DESC NULLS LAST LIMIT 10"
    ).fetchall()
    assert [row["LatestStudyDate"] for row in rows] == [str(date) for _, date in dates]


def test_a_patient_of_idc_by_dicomweb_paths() -> None:
    ended = call("query", "patient", "idc", "--param", "patient_id::TCGA-AA-3697")
    expected = duckdb.sql(
        "SELECT '/dicomWeb/studies/' || StudyInstanceUID || '/series/' || SeriesInstanceUID "
        f"FROM '{IDC_INDEX_PARQUET_FILEPATH}' WHERE PatientID = 'TCGA-AA-3697'"
    ).fetchall()
    assert ended.err == ""
    assert sorted(ended.out.splitlines()[2:]) == sorted(path for (path,) in expected)


@pytest.mark.usefixtures("desk")
def test_all_forms_hold_the_same_rows() -> None:
    rows = json.loads(call(*RECENT, "--format", "json").out)
    assert [row["PatientID"] for row in rows] == ["19045", "00123"]

    of_csv = csv.read_csv(
        io.BytesIO(call(*RECENT, "--format", "csv").out.encode()),
        convert_options=csv.ConvertOptions(column_types={"PatientID": "string"}),
    )
    assert of_csv.column("PatientID").to_pylist() == ["19045", "00123"]
    shown = call(*RECENT).out.splitlines()
    assert [line.split()[1] for line in shown[2:]] == ["19045", "00123"]
    assert shown[0].split() == list(rows[0])


def test_parquet_goes_into_a_pipe(desk: Path) -> None:
    import subprocess

    done = subprocess.run(
        [PROGRAM, *RECENT, "--format", "parquet"], cwd=desk, capture_output=True, check=True
    )
    assert parquet.read_table(io.BytesIO(done.stdout)).column("PatientID").to_pylist() == [
        "19045",
        "00123",
    ]
    assert done.stderr == b""


@pytest.mark.usefixtures("desk")
def test_a_table_in_a_pipe_is_never_cut(tmp_path: Path) -> None:
    path = "/dicomWeb/studies/1.1/series/1.1.1"
    ended = run(
        *("query", "patient", "metadata.parquet", "--param", "patient_id::19045"), COLUMNS="20"
    )
    assert any(line.startswith(path) for line in ended.out.splitlines()), tmp_path


def test_every_query_is_listed_with_what_it_takes() -> None:
    listed = call("queries").out.splitlines()[2:]
    assert [line.split()[0] for line in listed] == [query.name for query in named_queries()]
    assert next(line for line in listed if line.startswith("recent-")).endswith("n:INT64")


def test_one_query_is_shown_as_it_can_be_pasted() -> None:
    ended = call("queries", "recent-studies")
    assert ended.out.startswith("-- ")
    assert "FROM" in ended.out
    assert "@n" in ended.out


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["nothing", "metadata.parquet"], "there is no query called 'nothing'", "queries"),
        (["recent-studies", "metadata.parquet"], "recent-studies needs @n", "--param n:INT64:"),
        (
            ["recent-studies", "metadata.parquet", "--param", "n:STRING:2"],
            "@n of recent-studies is INT64, not STRING",
            "--param n:INT64:",
        ),
        (
            ["recent-studies", "metadata.parquet", "--param", "n:INT64:two"],
            "'two' is not of type INT64",
            "write a whole number",
        ),
        (
            ["recent-studies", "no-uids.csv", "--param", "n:INT64:2"],
            "needs PatientID, StudyInstanceUID, SeriesInstanceUID, StudyDate",
            "columns no-uids.csv",
        ),
        (["recent-studies"], "no TABLE is named", "idc or files"),
        (
            ["recent-studies", "metadata.parquet", "--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'table', 'json', 'csv', 'parquet'",
            "query --help",
        ),
    ],
)
def test_what_a_query_lacks_is_said(arguments: list[str], error: str, hint: str) -> None:
    ended = call("query", *arguments)
    said, hinted = ended.err.splitlines()
    assert (ended.status, ended.out) == (2, "")
    assert error in said
    assert hint in hinted
