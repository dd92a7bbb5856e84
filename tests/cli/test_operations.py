"""``dicomfilter operations``: list, describe, wait, cancel."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.healthcare import Control

DATASET = "projects/p/locations/l/datasets/d"


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


@pytest.fixture
def operation(dicom_store: str, bucket: str, hc_control: Control) -> str:
    """Start an export that stands still after three instances."""
    hc_control.hold(3)
    to = f"gs://{bucket}/out/"
    ended = call("export", "gcs", dicom_store, "--all", "--gcs-uri-prefix", to, "--async")
    assert ended.status == 0, ended.err
    name = ended.out.strip()
    deadline = time.monotonic() + 20
    while call("operations", "describe", name, "--json").object["success"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return name


def listed(*arguments: str) -> Any:
    ended = call("operations", "list", *arguments, "--json")
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def test_operations_of_a_store_are_listed(operation: str, dicom_store: str) -> None:
    found = listed("--store", dicom_store)
    assert found["source"] == "service"
    (entry,) = [each for each in found["operations"] if each["operation"] == operation]
    assert entry["verdict"] == "running"
    assert entry["method"].endswith("ExportDicomData")
    ended = call("operations", "list", "--store", dicom_store)
    assert operation.rpartition("/")[2] in ended.out
    assert ended.err == ""


def test_a_dataset_is_enough_to_list(operation: str, dicom_store: str) -> None:
    dataset = dicom_store.split("/dicomStores/", maxsplit=1)[0]
    assert operation in {e["operation"] for e in listed("--dataset", dataset)["operations"]}


def test_without_the_right_to_list_the_journal_tells_and_says_so(
    operation: str, dicom_store: str, hc_control: Control, bucket: str
) -> None:
    hc_control.set(refuse_list=7)
    found = listed("--store", dicom_store)
    assert found["source"] == "journal"
    assert [entry["operation"] for entry in found["operations"]] == [operation]
    assert found["operations"][0]["place"] == f"gs://{bucket}/out/"
    ended = call("operations", "list", "--store", dicom_store)
    assert "healthcare.operations.list is needed" in ended.err
    assert "started from this machine" in ended.err
    assert operation.rpartition("/")[2] in ended.out


def test_an_operation_is_described(operation: str) -> None:
    ended = call("operations", "describe", operation)
    assert (ended.status, ended.err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert rows["operation"] == operation
    assert rows["state"] == "running"
    assert rows["counters"].startswith("3 succeeded, 0 failed")
    assert "error" not in rows


def test_an_operation_s_number_is_enough_with_its_store(operation: str, dicom_store: str) -> None:
    number = operation.rpartition("/")[2]
    found = call("operations", "describe", number, "--store", dicom_store, "--json").object
    assert found["operation"] == operation
    assert (found["done"], found["success"]) == (False, 3)


def test_an_operation_is_waited_for(operation: str, hc_control: Control) -> None:
    assert call("operations", "wait", operation, "--timeout-s", "0.1").status == 8
    hc_control.release()
    ended = call("operations", "wait", operation)
    assert ended.status == 0, ended.err
    assert ended.out.strip() == operation
    assert call("operations", "wait", operation, "--json").object["verdict"] == "done"


def test_an_operation_is_cancelled(operation: str, hc_control: Control) -> None:
    ended = call("operations", "cancel", operation)
    assert (ended.status, ended.out.strip()) == (0, operation)
    hc_control.release()
    ended = call("operations", "wait", operation)
    assert ended.status == 5
    assert "was cancelled" in ended.err
    assert call("operations", "describe", operation, "--json").object["verdict"] == "cancelled"


def test_a_cancellation_that_is_refused_ends_with_4(operation: str, hc_control: Control) -> None:
    hc_control.set(refuse_cancel=12)
    ended = call("operations", "cancel", operation)
    assert (ended.status, ended.out) == (4, "")


def test_an_operation_that_is_not_there_ends_with_4(operation: str) -> None:
    ended = call("operations", "describe", operation[:-3] + "000")
    assert (ended.status, ended.out) == (4, "")
    assert ended.err.startswith("error[remote-not-found]")


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("describe", "7"),
        ("describe", "a/b"),
        ("describe", f"{DATASET}/operations/"),
        ("wait", "7", "--dataset", "d"),
        ("list", "--dataset", "d", "--location", "l"),
        ("cancel",),
    ],
)
def test_misuse_is_two_lines(arguments: tuple[str, ...]) -> None:
    ended = call("operations", *arguments)
    assert (ended.status, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first.startswith("error[usage]: ")
    assert second.startswith("hint: ")
