"""``dicomfilter export``: named at once, waited for, and never by accident of the whole store."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.storage import open_storage
from tests.cli.running import PROGRAM, call
from tests.localcloud.proxy import Reset, Status, When

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

    from tests.localcloud.healthcare import Control, Stored
    from tests.localcloud.proxy import FaultProxy

STORE = "projects/p/locations/l/datasets/d/dicomStores/s"


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


@pytest.fixture
def chosen(hc_control: Control, dicom_store: str) -> list[Stored]:
    """Choose some instances."""
    return hc_control.instances(dicom_store)[3:40:4]


@pytest.fixture
def filter_uri(bucket: str, chosen: list[Stored]) -> str:
    """Put a filter of them into the cloud."""
    uri = f"gs://{bucket}/filter.txt"
    with open_storage(uri).writer(uri, overwrite=True) as writer:
        writer.write("".join(f"{each.path}\n" for each in chosen).encode())
    return uri


@pytest.fixture
def arguments(dicom_store: str, bucket: str, filter_uri: str) -> list[str]:
    """Ask for the export of them."""
    prefix = f"gs://{bucket}/out/"
    return ["export", "gcs", dicom_store, "--filter", filter_uri, "--gcs-uri-prefix", prefix]


def two_lines(err: str) -> tuple[str, str]:
    error, hint = err.splitlines()[-2:]
    assert error.startswith("error[")
    assert hint.startswith("hint: ")
    return error, hint


def test_an_export_names_its_operation_and_says_how_it_ended(
    arguments: list[str], bucket: str, gcs_client: storage.Client, chosen: list[Stored]
) -> None:
    ended = call(*arguments)
    assert ended.status == 0, ended.err
    name = ended.out.strip()
    assert "/operations/" in name
    assert ended.out.count("\n") == 1
    assert f"resume   dicomfilter operations wait {name}" in ended.err
    assert f"done     {len(chosen)} succeeded, 0 failed" in ended.err
    assert "logs     http" in ended.err
    assert len(list(gcs_client.list_blobs(bucket, prefix="out/"))) == len(chosen)


def test_one_object(arguments: list[str], chosen: list[Stored]) -> None:
    found = call(*arguments, "--json").object
    assert "/operations/" in found["operation"]
    assert (found["done"], found["success"], found["failure"]) == (True, len(chosen), 0)
    assert found["error"] is None
    assert found["findings"] == []


def test_the_operation_is_named_before_it_is_waited_for(
    arguments: list[str], hc_control: Control
) -> None:
    hc_control.hold(1)
    with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "/operations/" in running.stdout.readline()
        assert running.poll() is None
        hc_control.release()
        assert running.wait(20) == 0


def test_async_returns_at_once(arguments: list[str], hc_control: Control) -> None:
    hc_control.hold(0)
    ended = call(*arguments, "--async")
    assert ended.status == 0
    name = ended.out.strip()
    assert f"operations wait {name}" in ended.err
    again = call(*arguments, "--async", "--json")
    assert again.object == {"operation": name, "done": False}
    assert "it is the same, and is taken up" in again.err


def test_a_wait_that_is_too_long_ends_with_8_and_says_how_to_go_on(
    arguments: list[str], hc_control: Control
) -> None:
    hc_control.hold(1)
    ended = call(*arguments, "--timeout-s", "0.2")
    assert ended.status == 8
    error, hint = two_lines(ended.err)
    assert error.startswith("error[still-running]")
    assert f"dicomfilter operations wait {ended.out.strip()}" in hint
    hc_control.release()
    assert call("operations", "wait", ended.out.strip()).status == 0


def interrupted(arguments: list[str]) -> tuple[int, str, str]:
    with subprocess.Popen(
        [PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        name = running.stdout.readline().strip()
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
        return running.returncode, name, err


def state(name: str) -> Any:
    return call("operations", "describe", name, "--json").object


def test_ctrl_c_leaves_it_running_and_says_how_to_go_on(
    arguments: list[str], hc_control: Control
) -> None:
    hc_control.hold(1)
    status, name, err = interrupted(arguments)
    assert status == 130
    assert f"hint: wait for it with `dicomfilter operations wait {name}`" in err
    assert "Traceback" not in err
    assert state(name)["verdict"] == "running"


def test_ctrl_c_cancels_where_that_was_asked_for(arguments: list[str], hc_control: Control) -> None:
    hc_control.hold(1)
    status, name, err = interrupted([*arguments, "--cancel-on-interrupt"])
    assert status == 130
    assert "was asked to cancel" in err
    assert state(name)["verdict"] in {"cancelling", "cancelled"}


def test_failures_end_with_6(arguments: list[str], hc_control: Control) -> None:
    hc_control.set(fail=2)
    ended = call(*arguments)
    assert ended.status == 6
    assert "warning: " in ended.err
    assert "2 of 10 failed" in ended.err
    assert json.loads(call(*arguments, "--json").out)["failure"] == 2


def test_an_error_ends_with_5(arguments: list[str], hc_control: Control) -> None:
    hc_control.set(refuse_operation=7)
    ended = call(*arguments)
    assert ended.status == 5
    error, hint = two_lines(ended.err)
    assert "PERMISSION_DENIED" in error
    assert "gcp-sa-healthcare" in error
    assert "gcloud storage buckets add-iam-policy-binding" in hint


def test_a_server_that_ignores_the_filter_is_stopped_with_5(
    arguments: list[str], hc_control: Control
) -> None:
    hc_control.set(ignores_filter=True)
    hc_control.hold(3)
    ended = call(*arguments)
    assert ended.status == 5
    assert two_lines(ended.err)[0].startswith("error[tripwire]")
    assert state(ended.out.strip())["verdict"] in {"cancelling", "cancelled"}


def test_a_refusal_ends_with_4(arguments: list[str], hc_control: Control) -> None:
    hc_control.set(refuse_start=7)
    ended = call(*arguments)
    assert (ended.status, ended.out) == (4, "")
    error, hint = two_lines(ended.err)
    assert "healthcare.dicomStores.export" in error
    assert "gcloud healthcare datasets add-iam-policy-binding" in hint


def test_a_lost_answer_is_found_again(
    arguments: list[str], hc_faults: FaultProxy, chosen: list[Stored]
) -> None:
    hc_faults.add("POST .*:export", Reset(When.AFTER))
    ended = call(*arguments)
    assert ended.status == 0, ended.err
    assert "the one operation that it can have started" in ended.err
    assert f"done     {len(chosen)} succeeded" in ended.err


def test_an_unclear_start_ends_with_4_until_a_person_decides(
    arguments: list[str], hc_faults: FaultProxy
) -> None:
    hc_faults.add("POST .*:export", Reset(When.BEFORE))
    for _ in range(2):
        ended = call(*arguments, "--timeout-s", "0.1")
        assert (ended.status, ended.out) == (4, "")
        error, hint = two_lines(ended.err)
        assert error.startswith("error[start-unclear]")
        (line,) = re.findall(r"run `dicomfilter (export .* --start-again)`", hint)
        assert line.split()[:3] == [str(each) for each in arguments[:3]]
    assert call(*arguments, "--start-again").status == 0


def test_looks_that_fail_are_told_and_repeated(arguments: list[str], hc_faults: FaultProxy) -> None:
    hc_faults.add("GET .*/operations/", Status(503), times=3)
    ended = call(*arguments)
    assert ended.status == 0
    assert ended.err.count("a look at the operation failed") == 1


def test_quiet_says_only_what_must_be_known(arguments: list[str]) -> None:
    ended = call(*arguments, "--quiet")
    assert ended.err.splitlines() == [f"resume   dicomfilter operations wait {ended.out.strip()}"]


def test_a_local_filter_is_staged(
    dicom_store: str, bucket: str, chosen: list[Stored], tmp_path: Path
) -> None:
    path = tmp_path / "ct.txt"
    path.write_text("".join(f"{each.path}\n" for each in chosen))
    to = ["--gcs-uri-prefix", f"gs://{bucket}/out/", "--staging", f"gs://{bucket}/staged/"]
    ended = call("export", "gcs", dicom_store, "--filter", path, *to)
    assert ended.status == 0, ended.err
    assert f"{path} is staged as gs://{bucket}/staged/dicomfilter-" in ended.err


def test_the_environment_may_name_the_store(
    arguments: list[str], dicom_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICOMFILTER_STORE", dicom_store)
    arguments.remove(dicom_store)
    assert call(*arguments).status == 0


def test_a_mime_type_is_sent(arguments: list[str]) -> None:
    ended = call(*arguments, "--mime-type", "application/dicom; transfer-syntax=*")
    assert ended.status == 0, ended.err


# What needs no service


def test_the_request_is_printed_and_nothing_sent(tmp_path: Path) -> None:
    ended = call(
        *("export", "gcs", "s", "--dataset", "d", "--location", "l", "--project", "p"),
        *("--filter-config-gcs-uri", "gs://b/f.txt", "--gcs-uri-prefix", "gs://b/out/"),
        *("--mime-type", "image/png", "--print-request"),
    )
    assert ended.status == 0, ended.err
    url, body = ended.out.split("\n", 1)
    assert url == f"POST https://healthcare.googleapis.com/v1beta1/{STORE}:export"
    assert json.loads(body) == {
        "gcsDestination": {"uriPrefix": "gs://b/out/", "mimeType": "image/png"},
        "filterConfig": {"resourcePathsGcsUri": "gs://b/f.txt"},
    }
    assert not (tmp_path / "state").exists()


def test_the_request_of_a_table_is_printed_as_one_object() -> None:
    found = call(
        *("export", "bq", STORE, "--all", "--bq-table", "bq://q.d.t", "--schema", "json"),
        *("--write-disposition", "write-append", "--include-source-store"),
        *("--print-request", "--json"),
    ).object
    assert found["url"].endswith(f"/v1/{STORE}:export")
    assert found["body"] == {
        "bigqueryDestination": {
            "tableUri": "bq://q.d.t",
            "writeDisposition": "WRITE_APPEND",
            "schemaJson": {},
            "includeSourceStore": True,
        }
    }


def test_the_version_may_be_chosen() -> None:
    ended = call(
        *("export", "gcs", STORE, "--filter", "gs://b/f.txt", "--gcs-uri-prefix", "gs://b/"),
        *("--api-version", "v1", "--print-request"),
    )
    assert "/v1/" in ended.out


GCS = ["export", "gcs", STORE, "--gcs-uri-prefix", "gs://bucket/out/"]
TABLE = ["export", "bq", STORE, "--bq-table"]
MISUSED = {
    "neither a filter nor all": (GCS, "no filter is named", "--all"),
    "no filter for a table": ([*TABLE, "bq://p.d.t"], "no filter is named", "--all"),
    "both": ([*GCS, "--all", "--filter", "gs://b/f"], "and the whole store", "drop one"),
    "no destination": (["export", "gcs", STORE, "--all"], "--gcs-uri-prefix", "--help"),
    "a disposition for files": (
        [*GCS, "--all", "--write-disposition", "write-empty"],
        "--write-disposition",
        "--help",
    ),
    "an unknown disposition": (
        [*TABLE, "bq://p.d.t", "--all", "--write-disposition", "overwrite"],
        "overwrite",
        "--help",
    ),
    "an unknown type": ([*GCS, "--all", "--mime-type", "image/gif"], "image/gif", "write for"),
    "a bad store": (["export", "gcs", "a/b", *GCS[3:], "--all"], "a/b", "projects/PROJECT"),
    "a short store": (["export", "gcs", "s", *GCS[3:], "--all"], "--dataset", "add --dataset"),
    "no store": (["export", "gcs", *GCS[3:], "--all"], "STORE", "--help"),
    "a bad table": ([*TABLE, "bq://d.t", "--all"], "bq://d.t", "bq://PROJECT"),
    "a bad prefix": (["export", "gcs", STORE, "--gcs-uri-prefix", "out", "--all"], "out", "gs://"),
    "a bad bucket": ([*GCS, "--filter", "gs://B!/f.txt"], "B!", "gs://"),
    "a local filter unstaged": ([*GCS, "--filter", "f.txt"], "local file", "--staging"),
    "a local staging": ([*GCS, "--filter", "f.txt", "--staging", "x"], "--staging x", "gs://"),
}


@pytest.mark.parametrize("name", MISUSED)
def test_misuse_is_two_lines_and_status_2_before_anything_is_read_or_sent(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.txt").write_text("/studies/1.2\n")
    monkeypatch.setenv("DICOMFILTER_HEALTHCARE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    arguments, words, advice = MISUSED[name]
    ended = call(*arguments)
    assert (ended.status, ended.out) == (2, "")
    error, hint = two_lines(ended.err)
    assert words in error
    assert advice in hint
    assert not (tmp_path / "state").exists()


def test_missing_credentials_are_one_hint() -> None:
    ended = call(*GCS, "--all")
    assert (ended.status, ended.out) == (4, "")
    assert two_lines(ended.err)[1] == "hint: log in with `gcloud auth application-default login`"


def test_a_proxy_without_pysocks_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMFILTER_HEALTHCARE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    ended = call(*GCS, "--all")
    assert ended.status == 2
    assert "PySocks" in two_lines(ended.err)[0]


def test_a_terminal_shows_how_far_it_is(arguments: list[str], hc_control: Control) -> None:
    hc_control.set(step_s=0.05)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            shown += piece
        assert running.wait(20) == 0
    os.close(ours)
    assert b"running" in shown
    assert b"pending" in shown
    assert b"10 succeeded, 0 failed" in shown
