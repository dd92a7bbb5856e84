"""Values stay with the person who typed them: no file, name, log or message has them unasked."""

from __future__ import annotations

import json
import logging
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests import tables
from tests.cli.running import call, contents, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.bigquery import LoadTable

PATIENT, ACCESSION, WARD = "Zyx^Wvut", "ACC-7391", "Qq-ward"
STUDY = "1.2.840.99887766"
SECRETS = (PATIENT, ACCESSION, WARD, STUDY)
SELECTION = [
    *(
        "--where",
        f"PatientID != '{WARD}'",
        "--where",
        "Modality = @m",
        "--param",
        f"m::{ACCESSION}",
    ),
    *("--patient-id", PATIENT, "--study-uid", STUDY, "--ids", "ids.txt", "--column", "PatientID"),
]


@pytest.fixture
def private(desk: Path) -> Path:
    """Make a table and a list with values that nothing else has."""
    row = tables.instance(STUDY, "1.2.3", "1.2.3.4", ACCESSION, PatientID=PATIENT)
    tables.write(desk / "private.parquet", tables.INSTANCES, [row])
    (desk / "ids.txt").write_text(f"PatientID\n{PATIENT}\nnobody-{ACCESSION}\n")
    return desk


def leaks(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [secret for secret in SECRETS if secret.encode() in data]


def made(private: Path, *arguments: str) -> dict[str, bytes]:
    """Build, and give the files that were made."""
    there = contents(private)
    ended = call("build", "private.parquet", *SELECTION, "-o", "f.txt", *arguments)
    assert ended.status == 0, ended.err
    assert leaks(ended.err) == []
    assert ended.out == "f.txt\n"
    return {name: data for name, data in contents(private).items() if name not in there}


def test_a_manifest_has_names_and_types_and_no_values(private: Path) -> None:
    files = made(private)
    assert sorted(files) == ["f.txt", "f.txt.manifest.json", "f.txt.unmatched.csv"]
    assert leaks(files["f.txt.manifest.json"]) == []
    said = json.loads(files["f.txt.manifest.json"])
    assert {p["type"] for p in said["selection"]["parameters"]} == {"STRING", "ARRAY<STRING>"}
    assert all(set(p) == {"name", "type"} for p in said["selection"]["parameters"])
    assert leaks(files["f.txt"]) == [STUDY]  # which is what it is for


def test_a_manifest_has_the_values_where_they_are_asked_for(private: Path) -> None:
    files = made(private, "--record-values")
    assert leaks(files["f.txt.manifest.json"]) == list(SECRETS)


def test_sidecars_are_for_their_owner_alone(private: Path) -> None:
    made(private)
    for name in ("f.txt.manifest.json", "f.txt.unmatched.csv"):
        assert (private / name).stat().st_mode & 0o777 == 0o600


def test_a_query_that_is_shown_has_no_values(private: Path) -> None:
    ended = call("build", "private.parquet", *SELECTION, "--dry-run")
    assert ended.status == 0
    assert leaks(ended.out + ended.err) == []
    ended = call("build", "private.parquet", *SELECTION, "--dry-run", "--json")
    assert leaks(ended.out + ended.err) == []
    assert (private / "ids.txt").exists()


@pytest.mark.usefixtures("private")
def test_nothing_is_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with caplog.at_level(logging.DEBUG):
        assert call("build", "private.parquet", *SELECTION, "-o", "f.txt").status == 0
        assert call("count", "private.parquet", *SELECTION, "--attrition").status == 0
    assert leaks(caplog.text) == [], tmp_path


def test_names_and_contents_of_temporary_files_have_no_values(private: Path) -> None:
    """What a killed build leaves is looked at: files are made, and none is removed."""
    temporary = private / "tmp"
    temporary.mkdir()
    script = (
        "import os, shutil, sys\n"
        "from dicomfilter import cli\n"
        "from dicomfilter.storage.local.draft import Draft\n"
        "Draft.discard = lambda self: None\n"
        "shutil.rmtree = lambda *_, **__: None\n"
        "sys.argv[0] = 'dicomfilter'\n"
        "cli.main()\n"
    )
    import subprocess
    import sys

    subprocess.run(
        [sys.executable, "-c", script, "build", "private.parquet", *SELECTION, "-o", "f.txt"],
        cwd=private,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        check=True,
    )
    names = [str(path.relative_to(private)) for path in private.rglob("*")]
    assert any(name.startswith("tmp/dicomfilter-") for name in names)
    assert leaks("\n".join(names)) == []
    assert leaks(b"".join(contents(temporary).values())) == []


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--where", f"PatientID = '{PATIENT}x'"], 3),
        (["--where", f"CAST(PatientID AS INT64) = 7 AND PatientID = '{PATIENT}'"], 2),
        (["--ids", "ids.txt", "--column", "AccessionNumber"], 2),
        (["--ids", "ids.txt", "--column", "Modality"], None),
        (
            ["--where", f"PatientID = '{PATIENT}'", "--strict-uids", "--maximum-bytes-billed", "1"],
            0,
        ),
    ],
    ids=["empty", "not-a-number", "no-such-column", "another-column", "fine"],
)
def test_messages_have_no_values_of_the_table_or_of_a_list(
    arguments: list[str], status: int | None
) -> None:
    ended = call("build", "private.parquet", *arguments, "-o", "f.txt")
    assert status is None or ended.status == status, ended.err
    assert leaks(ended.err) == []


@pytest.mark.usefixtures("private")
def test_a_person_sees_what_that_person_typed() -> None:
    ended = call("build", "private.parquet", "--where", f"PatientID = '{PATIENT}", "-o", "f.txt")
    assert leaks(ended.err) == [PATIENT]


def test_the_environment_of_a_failing_process_is_not_shown(private: Path) -> None:
    ended = run("build", "none.parquet", "--all", "-o", "f", cwd=private, TOKEN=PATIENT)
    assert leaks(ended.out + ended.err) == []


@pytest.mark.cloud
def test_bigquery_is_given_values_as_parameters_only(
    private: Path, load_table: LoadTable, bigquery_server: object
) -> None:
    columns = "PatientID STRING, StudyInstanceUID STRING, SeriesInstanceUID STRING"
    row = {"PatientID": PATIENT, "StudyInstanceUID": STUDY, "SeriesInstanceUID": "1.2.3"}
    table = load_table(columns, row)
    ended = call("build", table, "--where", f"PatientID = '{PATIENT}'", "-o", "f.txt")
    assert ended.status == 0, ended.err
    assert leaks(ended.err) == []
    assert leaks((private / "f.txt.manifest.json").read_bytes()) == []
    assert re.search(r'"sql": "[^"]*PatientID = @p1', (private / "f.txt.manifest.json").read_text())
    assert bigquery_server
