"""One export whatever happens to its name, and legitimate work that nothing stops."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import AlreadyRunningError, DicomFilterError, RemoteError
from dicomfilter.filters.lines import check
from dicomfilter.notebook.asking import StartOptions
from dicomfilter.notebook.store import Launched, open_store
from dicomfilter.operations.journal import Event, Journal
from dicomfilter.storage import open_storage
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    StorageClass,
)
from tests.cli.running import PROGRAM, call
from tests.localcloud.proxy import Edit, Reset, When

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.notebook.store import Store
    from dicomfilter.stores.requests import Request
    from tests.localcloud.healthcare import Control, Stored
    from tests.localcloud.proxy import FaultProxy

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


@pytest.fixture
def store(dicom_store: str) -> Store:
    return open_store(dicom_store)


@pytest.fixture
def chosen(hc_control: Control, dicom_store: str) -> list[Stored]:
    return hc_control.instances(dicom_store)[3:40:4]


def put(uri: str, chosen: list[Stored]) -> str:
    with open_storage(uri).writer(uri, overwrite=True) as writer:
        writer.write("".join(f"{each.path}\n" for each in chosen).encode())
    return uri


@pytest.fixture
def arguments(dicom_store: str, bucket: str, chosen: list[Stored]) -> list[str]:
    uri = put(f"gs://{bucket}/f.txt", chosen)
    return ["export", "gcs", dicom_store, "--filter", uri, "--gcs-uri-prefix", f"gs://{bucket}/o/"]


def run(arguments: list[str], out: object) -> tuple[int, str]:
    """Run the command with its standard output somewhere; its status, and what it says."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=90,
    )
    return done.returncode, done.stderr


WAYS = {"waiting": [], "async": ["--async"], "json": ["--json"]}


@pytest.mark.parametrize("way", WAYS)
def test_an_export_whose_name_found_no_room_is_taken_up_by_the_next_call(
    arguments: list[str], hc_control: Control, dicom_store: str, way: str
) -> None:
    for _ in range(2):
        with FULL.open("w") as full:
            status, said = run([*arguments, *WAYS[way]], full)
        assert status == 2, said
        assert "standard output cannot be written" in said
        (started,) = hc_control.operations(dicom_store)
        assert f"resume   dicomfilter operations wait {started['name']}" in said
    found = call(*arguments, *WAYS[way])
    assert found.status == 0, found.err
    assert started["name"] in found.out
    assert len(hc_control.operations(dicom_store)) == 1
    assert call(*arguments, *WAYS[way]).status == 0  # heard by now: who repeats it means it
    assert len(hc_control.operations(dicom_store)) == 2


def test_a_reader_that_has_gone_does_not_lose_the_name(
    arguments: list[str], hc_control: Control, dicom_store: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    status, said = run(arguments, writing)
    os.close(writing)
    assert status == 141, said
    (started,) = hc_control.operations(dicom_store)
    assert started["name"] in said
    assert call(*arguments).out.strip() == started["name"]


def test_a_journal_without_room_for_the_name_says_it(
    arguments: list[str], hc_control: Control, dicom_store: str, tmp_path: Path
) -> None:
    assert call(*arguments).status == 0
    path = tmp_path / "state" / "dicomfilter" / "operations.jsonl"
    sizes = [len(line) for line in path.read_bytes().splitlines(keepends=True)]
    room = sum(sizes) + sizes[0] + 300  # for an intent, and not for what comes of it

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [PROGRAM, *arguments],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # which the limit would cut off
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 2, done.stderr
    started = {each["name"] for each in hc_control.operations(dicom_store)}
    assert len(started) == 2
    assert any(f"{name} was started, but" in done.stderr for name in started)
    again = call(*arguments)
    assert again.status == 0, again.err
    assert again.out.strip() in started
    assert len(hc_control.operations(dicom_store)) == 2


def test_two_processes_at_once_start_one_export(
    arguments: list[str], hc_control: Control, dicom_store: str
) -> None:
    running = [
        subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outs = [each.communicate(timeout=90) for each in running]
    assert [each.returncode for each in running] == [0, 0, 0], outs
    assert len({out for out, _ in outs}) == 1
    assert len(hc_control.operations(dicom_store)) == 1


# What must go on


def prefix(bucket: str) -> str:
    return f"gs://{bucket}/o/"


def launched(store: Store, bucket: str, uri: str | None) -> Launched:
    request = ExportToGcs(prefix(bucket))
    return store.launch(request, uri, everything=uri is None)


@pytest.mark.parametrize("is_running", [True, False])
def test_another_set_to_one_destination_is_started_whatever_became_of_the_first(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored], *, is_running: bool
) -> None:
    sets = {
        "yesterday": chosen[:5],
        "grown": chosen,
        "part 1": chosen[:2],
        "part 2": chosen[2:4],
        "part 3": chosen[4:6],
        "retry": chosen[1:2],
        "second cohort": chosen[6:8],
    }
    if is_running:
        hc_control.hold(0)
    operations = []
    for name, each in sets.items():
        found = launched(store, bucket, put(f"gs://{bucket}/{name}.txt", each))
        operations.append(found.operation)
        said = " ".join(found.warnings)
        assert ("to the same destination with" in said) == (is_running and len(operations) > 1)
    operations.append(launched(store, bucket, None).operation)
    hc_control.release()
    assert len({each.name for each in operations}) == len(sets) + 1
    for each in operations:
        assert each.wait(timeout_s=60).state.done


@pytest.mark.parametrize("where", ["gs", "local"])
def test_the_same_set_in_another_order_is_taken_up_while_it_runs(
    store: Store,
    bucket: str,
    hc_control: Control,
    chosen: list[Stored],
    *,
    where: str,
    tmp_path: Path,
) -> None:
    hc_control.hold(0)
    first = launched(store, bucket, put(f"gs://{bucket}/a.txt", chosen)).operation
    options = StartOptions(staging=f"gs://{bucket}/staged/")
    uri = f"gs://{bucket}/b.txt" if where == "gs" else str(tmp_path / "b.txt")
    put(uri, chosen[::-1])
    again = store.launch(ExportToGcs(f"gs://{bucket}/o"), uri, options=options)
    assert again.operation.name == first.name
    assert "runs since" in again.warnings[0]
    hc_control.release()
    assert again.operation.wait(timeout_s=60).state.done
    new = store.launch(ExportToGcs(prefix(bucket)), uri, options=options).operation
    assert new.name != first.name
    new.wait(timeout_s=60)


def twice(store: Store, bucket: str, uri: str) -> dict[str, tuple[Request, str | None]]:
    other = StoreName(store.name.parent, "other")  # type: ignore[arg-type, union-attr]
    return {
        "all": (ExportToGcs(prefix(bucket)), None),
        "import": (ImportFromGcs(f"gs://{bucket}/in/*.dcm"), None),
        "deidentify": (Deidentify(other), uri),
        "class": (SetStorageClass(StorageClass.COLDLINE), uri),
    }


@pytest.mark.parametrize("kind", ["all", "import", "deidentify", "class"])
def test_what_is_not_to_be_done_twice_stops_while_it_runs(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored], kind: str
) -> None:
    hc_control.add(f"{store.name.parent}/dicomStores/other")
    put(f"gs://{bucket}/in/a.dcm", chosen)
    hc_control.hold(0)
    uri = put(f"gs://{bucket}/f.txt", chosen)
    request, filter_uri = twice(store, bucket, uri)[kind]
    everything = kind == "all"
    name = store.launch(request, filter_uri, everything=everything).operation.name
    if kind == "class":  # sets what is set already
        assert store.launch(request, filter_uri).operation.name == name
        return
    with pytest.raises(AlreadyRunningError, match=name) as caught:
        store.launch(request, filter_uri, everything=everything)
    assert caught.value.exit_status == 4
    options = StartOptions(again=True)
    again = store.launch(request, filter_uri, everything=everything, options=options)
    assert again.operation.name != name


# Answers that no service gives

SHAPES = {"html": b"<html>Sign in</html>", "null": b"null", "list": b"[]", "text": b'"x"'}


# A list is asked for five times, 10 s in all: polls go the same way with every shape.
@pytest.mark.parametrize(
    ("what", "shape"), [("list", "html"), *((w, s) for w in ("poll", "start") for s in SHAPES)]
)
def test_a_healthcare_api_that_answers_something_else_is_a_remote_error(
    arguments: list[str], hc_faults: FaultProxy, *, what: str, shape: str
) -> None:
    patterns = {"list": r"GET .*/operations\?", "poll": r"GET .*/operations/\d", "start": ":export"}
    times = {"list": 5, "poll": 1, "start": 1}[what]
    hc_faults.add(patterns[what], Edit(lambda _: SHAPES[shape]), times=times)
    ended = call(*arguments, "--timeout-s", "20")
    assert ended.status == (4 if what == "list" else 0), ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cloud_storage_that_answers_something_else_is_a_remote_error(
    bucket: str, chosen: list[Stored], gcs_faults: FaultProxy, shape: str
) -> None:
    uri = put(f"gs://{bucket}/f.txt", chosen)
    gcs_faults.add("GET /storage/", Edit(lambda _: SHAPES[shape]), times=None)
    for work in (lambda: check(uri), lambda: put(f"gs://{bucket}/g.txt", chosen)):
        with pytest.raises(DicomFilterError) as caught:
            work()
        assert caught.value.exit_status == 4, caught.value


@pytest.mark.parametrize("shape", SHAPES)
def test_a_bigquery_that_answers_something_else_is_a_remote_error(
    bq_faults: FaultProxy,
    load_table: Callable[..., str],
    short_retries: None,
    shape: str,
) -> None:
    from dicomfilter.notebook.table import open_table

    assert short_retries is None
    columns = ("StudyInstanceUID STRING", "SeriesInstanceUID STRING", "SOPInstanceUID STRING")
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "SOPInstanceUID": "1.1.1"}
    uri = load_table(", ".join(columns), uids)
    for pattern in (r"GET .*/tables/", r"(POST|GET) .*/(jobs|queries)"):
        bq_faults.clear()
        bq_faults.add(pattern, Edit(lambda _: SHAPES[shape]), times=None)
        with pytest.raises(DicomFilterError) as caught, open_table(uri) as table:
            table.where("StudyInstanceUID = '1'").counts()
        assert isinstance(caught.value, RemoteError), caught.value


# Counters

COUNTED = [
    ("half", None, 6, "deleted since, or not exported"),
    ("nothing", None, 6, "cannot tell"),
    ("instances", None, 0, ""),
    ("instances", "image/png", 6, "cannot tell"),
    ("frames", "image/png", 6, "cannot tell"),
    ("nothing", "image/png", 6, "cannot tell"),
]


@pytest.mark.parametrize(("counts", "mime", "status", "told"), COUNTED)
@pytest.mark.parametrize("zeros", [True, False])
def test_counters_are_compared_with_what_the_filter_covers(
    arguments: list[str],
    hc_control: Control,
    *,
    counts: str,
    mime: str | None,
    status: int,
    told: str,
    zeros: bool,
) -> None:
    hc_control.assume(counts=counts, zero_counters_absent=zeros)
    ended = call(*arguments, *(["--mime-type", mime] if mime else []))
    if mime and "failed" in ended.err:  # not every file that pydicom tests with can be drawn
        assert ended.status == 6
    assert ended.status == status, ended.err
    assert told in ended.err
    name = ended.out.strip()
    assert call("operations", "wait", name).status == status


def test_a_start_without_faults_asks_no_more_than_it_has_to(
    arguments: list[str], hc_faults: FaultProxy, gcs_faults: FaultProxy
) -> None:
    for _ in range(3):
        hc_faults.log.clear()
        gcs_faults.log.clear()
        assert call(*arguments, "--async").status == 0
        assert [event.line.split()[0] for event in hc_faults.log] == ["GET", "POST"]
        assert len(gcs_faults.log) <= 6, [event.line for event in gcs_faults.log]
        time.sleep(0.5)


def test_what_is_journaled_says_when_the_answer_was_given_up(
    arguments: list[str], hc_faults: FaultProxy
) -> None:
    hc_faults.add("POST .*:export", Reset(When.AFTER))
    assert call(*arguments).status == 0
    entries = Journal.of_user().entries()
    events = [Event.INTENT, Event.LOST, Event.ADOPTED, Event.SHOWN, Event.HEARD, Event.ENDED]
    assert sorted(entry.event for entry in entries) == sorted(events)
    assert json.loads(entries[1].line())["clock"] >= json.loads(entries[0].line())["clock"]
