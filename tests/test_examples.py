"""The examples run, and do what they say, also on a bad day."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.proxy import Reset, Status, When

if TYPE_CHECKING:
    from google.cloud import storage

    from tests.localcloud.healthcare import Control
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.stack import Cloud

FOLDER = Path(__file__).parents[1] / "examples"
SCRIPT = FOLDER / "cohort_export.sh"
RUN = "2026-11-21"
MR = "Modality = 'MR'"
pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="the script locks as Linux does"),
]


@dataclass(frozen=True)
class Night:
    """Where the script is run, over and over again.

    Args:
        variables: What it finds in the environment.
        bucket: Its bucket.
        state: Where it keeps what was done.
        client: Of Cloud Storage.
    """

    variables: dict[str, str]
    bucket: str
    state: Path
    client: storage.Client

    def call(self, predicate: str = MR, **variables: str) -> tuple[int, str]:
        """Run the script; its status, and what it says."""
        done = subprocess.run(
            [SCRIPT, "mr", predicate],
            env=self.variables | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == ""  # cron would mail it
        return done.returncode, done.stderr

    def lines(self) -> set[str]:
        blob = self.client.bucket(self.bucket).blob(f"filters/mr-{RUN}.txt")
        return set(blob.download_as_text().splitlines())

    def images(self) -> set[str]:
        """List what was exported, as lines of a filter."""
        prefix = f"exports/mr-{RUN}/"
        names = (b.name.removeprefix(prefix) for b in self.client.list_blobs(self.bucket))
        uids = (name.removesuffix(".dcm").split("/") for name in names if "filters/" not in name)
        return {f"/studies/{a}/series/{b}/instances/{c}" for a, b, c in uids}


@pytest.fixture
def night(
    cloud: Cloud, dicom_store: str, bucket: str, gcs_client: storage.Client, tmp_path: Path
) -> Night:
    table = cloud.export_metadata(dicom_store, cloud.make_dataset())
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DICOMFILTER_TABLE": table,
        "DICOMFILTER_STORE": dicom_store,
        "DICOMFILTER_FIRST_WAIT_S": "0.1",
        "BUCKET": bucket,
        "RUN": RUN,
        "STATE": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
    }
    return Night(dict(os.environ) | own, bucket, tmp_path / f"mr-{RUN}", gcs_client)


def exports(control: Control, store: str) -> int:
    """Count the exports to Cloud Storage that were ever started."""
    return len(control.operations(store)) - 1  # the other one made the table


def test_a_call_exports_the_cohort_and_the_next_ones_do_nothing(
    night: Night, dicom_store: str, hc_control: Control
) -> None:
    status, said = night.call()
    assert status == 0, said
    assert f"exported to gs://{night.bucket}/exports/mr-{RUN}/" in said
    assert night.images() == night.lines() != set()
    assert night.call() == (0, f"cohort_export mr {RUN}: done before\n")
    assert exports(hc_control, dicom_store) == 1


def test_an_export_that_still_runs_is_taken_up_by_the_next_call(
    night: Night, dicom_store: str, hc_control: Control
) -> None:
    hc_control.hold(after=1)
    status, said = night.call(TIMEOUT_S="0.2")
    assert status == 8, said
    assert "still running: projects/" in said
    hc_control.release()
    status, said = night.call()
    assert status == 0, said
    assert night.images() == night.lines() != set()
    assert exports(hc_control, dicom_store) == 1


def test_nothing_is_exported_where_nothing_matches(
    night: Night, dicom_store: str, hc_control: Control
) -> None:
    status, said = night.call("Modality = 'XX'")
    assert status == 0, said
    assert "nothing matched" in said
    assert exports(hc_control, dicom_store) == 0
    assert night.images() == set()


def test_what_was_not_started_is_started_by_the_next_call(
    night: Night, dicom_store: str, hc_control: Control
) -> None:
    status, said = night.call("Modalitee = 'MR'")
    assert status == 2
    assert "error[predicate]" in said
    hc_control.set(refuse_start=7)
    status, said = night.call()
    assert status == 4, said
    hc_control.set(refuse_start=0)
    assert exports(hc_control, dicom_store) == 0
    status, said = night.call()
    assert status == 0, said
    assert night.images() == night.lines() != set()


def test_a_start_of_which_nobody_heard_is_found_by_the_next_call(
    night: Night, dicom_store: str, hc_control: Control, hc_faults: FaultProxy
) -> None:
    hc_faults.add(r"POST .*:export", Reset(When.AFTER))
    hc_faults.add(r"GET .*/operations\?", Status(403), skip=1, times=None)
    status, said = night.call()
    assert status == 4, said
    assert "error[start-unclear]" in said
    hc_faults.clear()
    status, said = night.call()
    assert status == 0, said
    assert night.images() == night.lines() != set()
    assert exports(hc_control, dicom_store) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_name_that_finds_no_room_is_no_reason_for_a_second_export(
    night: Night, dicom_store: str, hc_control: Control
) -> None:
    night.state.mkdir()
    name = night.state / "operation"
    name.symlink_to("/dev/full")
    for _ in range(3):
        status, said = night.call()
        assert status == 2, said
        assert "operations wait projects/" in said
    assert exports(hc_control, dicom_store) == 1
    name.unlink()
    status, said = night.call()
    assert status == 0, said
    assert night.images() == night.lines() != set()
    assert exports(hc_control, dicom_store) == 1


def test_a_disk_that_is_full_before_the_filter_is_built_exports_nothing(
    night: Night, dicom_store: str, hc_control: Control
) -> None:
    night.state.mkdir()
    (night.state / "filter").symlink_to("/dev/full")
    for _ in range(3):
        assert night.call()[0] == 2
    assert exports(hc_control, dicom_store) == 0


@pytest.mark.parametrize(("trouble", "expected"), [({"refuse_operation": 9}, 5), ({"fail": 1}, 6)])
def test_what_failed_stays_in_sight(
    night: Night, hc_control: Control, trouble: dict[str, int], expected: int
) -> None:
    hc_control.set(**trouble)
    status, said = night.call()
    assert status == expected, said
    assert "look at projects/" in said
    assert night.call()[0] == expected


def test_two_calls_at_once_do_not_meet(night: Night) -> None:
    import fcntl

    night.state.mkdir()
    with (night.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert night.call() == (8, f"cohort_export mr {RUN}: another call is at work\n")
    assert night.images() == set()


def test_every_example_is_run_here() -> None:
    elsewhere = FOLDER / "local_chain.py"  # by tests/test_local_chain.py
    assert sorted(FOLDER.iterdir()) == sorted([SCRIPT, elsewhere])
