"""``dicomfilter upload``, and filter files in Cloud Storage wherever a path is taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dicomfilter.storage import open_storage
from tests.cli.running import call, run
from tests.localcloud.proxy import Status

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

    from tests.localcloud.proxy import FaultProxy

GOOD = "/studies/1.1/series/1.1.1\n/studies/1.2\n"
BROKEN = "path\n/studies/1.1\n/studies/1.1\n"
WHERE = ("--where", "Modality = 'CT'")


@pytest.fixture
def folder(desk: Path) -> Path:
    (desk / "good.txt").write_text(GOOD)
    (desk / "broken.txt").write_text(BROKEN)
    return desk


@pytest.fixture
def uri(request: pytest.FixtureRequest, bucket: str) -> str:
    request.getfixturevalue("folder")
    return f"gs://{bucket}/filters/ct.txt"


def content(uri: str) -> str:
    with open_storage(uri).reader(uri) as file:
        return file.read().decode()


def names(client: storage.Client, bucket: str) -> list[str]:
    return [blob.name for blob in client.list_blobs(bucket)]


def test_the_uri_is_the_result_and_the_rest_is_said_beside(uri: str) -> None:
    ended = call("upload", "good.txt", uri)

    assert (ended.status, ended.out) == (0, f"{uri}\n")
    generation = open_storage(uri).stat(uri).generation
    assert ended.err.splitlines() == [
        "lines    2 (1 study + 1 series)",
        f"object   39 bytes, CRC32C {open_storage(uri).stat(uri).crc32c}, generation {generation}",
    ]
    assert content(uri) == GOOD


def test_quiet_says_nothing_but_the_uri(uri: str) -> None:
    ended = call("upload", "good.txt", uri, "--quiet")
    assert (ended.status, ended.out, ended.err) == (0, f"{uri}\n", "")


def test_json_is_one_object(uri: str) -> None:
    found = call("upload", "good.txt", uri, "--json", "--quiet").object
    stat = open_storage(uri).stat(uri)

    assert found["uri"] == uri
    assert (found["lines"], found["levels"]) == (2, {"study": 1, "series": 1, "instance": 0})
    assert (found["size_bytes"], found["crc32c"], found["generation"]) == (
        stat.size_bytes,
        stat.crc32c,
        stat.generation,
    )


def test_what_is_not_usable_is_two_lines_and_status_2(
    uri: str, gcs_client: storage.Client, bucket: str
) -> None:
    ended = call("upload", "broken.txt", uri)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "error[filter-file]: broken.txt is not usable as it is, and was not uploaded: "
        "header-line, line 1; duplicate, line 3",
        "hint: put it right with `dicomfilter check broken.txt --repair -o FIXED`",
    ]
    assert names(gcs_client, bucket) == []


def test_what_is_there_is_replaced_only_with_overwrite(uri: str) -> None:
    call("upload", "good.txt", uri)
    again = call("upload", "good.txt", uri)

    assert (again.status, again.out) == (2, "")
    assert again.err.startswith(f"error[exists]: {uri} exists already\nhint: use --overwrite")
    assert call("upload", "good.txt", uri, "--overwrite").status == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("destination", "words"),
    [
        ("gs://Clinic/x", "error[usage]: 'gs://Clinic/x' cannot be in Cloud Storage"),
        ("gs://clinic", "error[usage]: gs://clinic is a bucket"),
        ("gs://clinic/a/", "error[usage]: gs://clinic/a/ is a folder"),
        ("there.txt", "error[usage]: there.txt is not in Cloud Storage"),
    ],
)
def test_a_malformed_destination_is_two_lines(destination: str, words: str) -> None:
    ended = call("upload", "good.txt", destination)

    assert (ended.status, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first.startswith(words)
    assert second.startswith("hint: ")


@pytest.mark.usefixtures("folder")
def test_a_missing_bucket_is_two_lines_and_status_2(bucket: str) -> None:
    ended = call("upload", "good.txt", f"gs://{bucket}-not/ct.txt")

    assert (ended.status, ended.out) == (2, "")
    assert f"there is no bucket {bucket}-not" in ended.err
    assert ended.err.count("\n") == 2


def test_a_refusal_is_two_lines_and_status_4(uri: str, gcs_faults: FaultProxy) -> None:
    words = "ana@clinic.org does not have storage.objects.create access"
    gcs_faults.add("POST /upload/", Status(403, words))
    ended = call("upload", "good.txt", uri)

    assert (ended.status, ended.out) == (4, "")
    first, second = ended.err.splitlines()
    assert first.startswith("error[remote-permission]: Cloud Storage does not let you use")
    assert "gcloud storage buckets add-iam-policy-binding" in second
    assert "--member=user:ana@clinic.org" in second


def test_the_installed_command_carries_standard_input(uri: str) -> None:
    ended = run("upload", "-", uri, stdin=GOOD)

    assert (ended.status, ended.out) == (0, f"{uri}\n")
    assert content(uri) == GOOD


def test_build_writes_into_cloud_storage_and_leaves_nothing_beside(
    uri: str, gcs_client: storage.Client, bucket: str
) -> None:
    ended = call("build", "metadata.parquet", *WHERE, "-o", uri)
    local = call("build", "metadata.parquet", *WHERE, "-o", "ct.txt", "--json").object

    assert (ended.status, ended.out) == (0, f"{uri}\n"), ended.err
    assert names(gcs_client, bucket) == ["filters/ct.txt"]
    assert sorted(content(uri).splitlines()) == sorted(open_lines("ct.txt"))
    assert open_storage(uri).stat(uri).size_bytes == local["size_bytes"]
    assert "manifest" not in ended.err


def open_lines(path: str) -> list[str]:
    with open_storage(path).reader(path) as file:
        return file.read().decode().splitlines()


@pytest.mark.parametrize("cloud", [True, False])
def test_build_writes_the_manifest_where_it_is_asked_for(uri: str, *, cloud: bool) -> None:
    manifest = f"{uri}.manifest.json" if cloud else "ct.manifest.json"
    arguments = ("bad.parquet", "--all", "--skip-bad-uids", "-o", uri, "--manifest", manifest)
    ended = call("build", *arguments, "--json")
    said = json.loads(content(manifest))

    assert ended.object["manifest"] == manifest
    assert ended.object["rejected"] == manifest.replace(".manifest.json", ".rejected.csv")
    assert len(content(ended.object["rejected"]).splitlines()) == 3  # a header and two rows
    assert said["filter"]["uri"] == uri
    assert said["filter"]["generation"] == open_storage(uri).stat(uri).generation
    assert said["filter"]["crc32c"] == open_storage(uri).stat(uri).crc32c


def test_build_does_not_replace_an_object_unasked_and_finds_out_first(uri: str) -> None:
    call("upload", "good.txt", uri)
    ended = call("build", "metadata.parquet", *WHERE, "-o", uri)

    assert (ended.status, ended.out) == (2, "")
    assert content(uri) == GOOD
    assert call("build", "metadata.parquet", *WHERE, "-o", uri, "--overwrite").status == 0


def test_a_build_of_nothing_writes_no_object(
    uri: str, gcs_client: storage.Client, bucket: str
) -> None:
    ended = call("build", "metadata.parquet", "--where", "Modality = 'XX'", "-o", uri)

    assert ended.status == 3
    assert names(gcs_client, bucket) == []


def test_a_build_can_be_replayed_from_a_manifest_in_cloud_storage(uri: str) -> None:
    manifest = f"{uri}.manifest.json"
    call("build", "metadata.parquet", *WHERE, "-o", uri, "--manifest", manifest, "--record-values")
    ended = call("build", "--from-manifest", manifest, "-o", "again.txt")

    assert ended.status == 0, ended.err
    assert sorted(open_lines("again.txt")) == sorted(content(uri).splitlines())


def test_check_and_repair_read_and_write_objects(uri: str, bucket: str) -> None:
    with open_storage(uri).writer(uri, overwrite=False) as out:
        out.write(BROKEN.encode())
    found = call("check", uri)
    fixed = f"gs://{bucket}/filters/fixed.txt"
    repaired = call("check", uri, "--repair", "-o", fixed)

    assert found.status == 6
    assert f"hint: put it right with `dicomfilter check {uri} --repair" in found.err
    assert (repaired.status, repaired.out) == (0, f"{fixed}\n"), repaired.err
    assert content(fixed) == "/studies/1.1\n"
    assert call("check", fixed).out == f"{fixed}: 1 lines (1 study): ok\n"


def test_repair_does_not_replace_an_object_by_itself(uri: str) -> None:
    call("upload", "good.txt", uri)
    ended = call("check", uri, "--repair", "-o", uri, "--overwrite")

    assert ended.status == 2
    assert "is read here and cannot be the output too" in ended.err


def test_check_asks_a_table_about_an_object(uri: str) -> None:
    call("build", "metadata.parquet", *WHERE, "-o", uri)

    assert call("check", uri, "--against", "metadata.parquet").status == 0
    call("upload", "good.txt", uri, "--overwrite")
    assert "not-in-metadata" in call("check", uri, "--against", "sizeless.parquet").out


def test_summary_reads_an_object_and_the_manifest_beside_it(uri: str) -> None:
    manifest = f"{uri}.manifest.json"
    call("build", "metadata.parquet", *WHERE, "-o", uri, "--manifest", manifest)
    found = call("summary", uri, "--json").object

    assert (found["uri"], found["lines"], found["manifest"]) == (uri, 9, manifest)
    assert found["matches_manifest"] is True
    assert found["crc32c"] == open_storage(uri).stat(uri).crc32c


@pytest.mark.parametrize("command", ["check", "summary"])
def test_an_object_that_is_not_there_is_two_lines(uri: str, command: str) -> None:
    ended = call(command, uri)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"error[source-not-found]: {uri} does not exist\nhint: ")


@pytest.mark.parametrize("command", ["check", "summary"])
def test_without_credentials_the_hint_is_how_to_log_in(
    uri: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    ended = call(command, uri)

    assert (ended.status, ended.out) == (4, "")
    assert ended.err.endswith("hint: log in with `gcloud auth application-default login`\n")
