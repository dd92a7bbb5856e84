"""The chain on a real project; and that nothing goes there unless it is asked to."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import dicomfilter as dcf
from tests.live import PREFIX, Live, NotNamedError

if TYPE_CHECKING:
    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.stack import Cloud

ROOT = Path(__file__).parents[1]
WAIT_S = 3600


@pytest.mark.live
@pytest.mark.timeout(2 * WAIT_S)
def test_the_chain_on_a_real_project(
    live: Live,
    live_folder: str,
    live_tables: LoadTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Metadata to a table, a cohort of one study, its filter, its images, read again."""
    from pydicom import dcmread

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store = dcf.open_store(live.store)
    uri = live_tables("any STRING")  # for its name, and to have it removed
    with live.bigquery() as client:
        client.delete_table(uri.removeprefix("bq://"))
    store.export_to_bigquery(uri, everything=True).wait(timeout_s=WAIT_S)
    with dcf.open_table(uri) as table:
        sizes = table.all().to_arrow(columns=["StudyInstanceUID"])["StudyInstanceUID"]
        smallest = min(sizes.value_counts().to_pylist(), key=lambda each: each["counts"])
        cohort = table.where("StudyInstanceUID = @study", study=smallest["values"])
        selected = cohort.to_arrow(columns=["SOPInstanceUID"])["SOPInstanceUID"].to_pylist()
        plan = cohort.plan()
        built = cohort.write_filter(f"{live_folder}/filter.txt")
    assert plan.bytes_processed
    outcome = store.export_to_gcs(f"{live_folder}/out/", filter=built).wait(timeout_s=WAIT_S)
    assert outcome.state.counters.success == len(set(selected)) == built.coverage.lines
    client = live.storage()
    prefix = f"{live_folder.removeprefix(f'gs://{live.bucket}/')}/out/"
    blobs = list(client.list_blobs(live.bucket, prefix=prefix))
    images = [dcmread(BytesIO(blob.download_as_bytes())) for blob in blobs]
    client.close()
    assert {image.SOPInstanceUID for image in images} == set(selected)
    for blob, image in zip(blobs, images, strict=True):
        uids = (image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
        assert blob.name == f"{prefix}{'/'.join(uids)}.dcm"


def pytest_run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.cloud
def test_live_tests_go_where_the_variables_lead(
    cloud: Cloud, dicom_store: str, bucket: str, dataset: str
) -> None:
    """The local cloud stands for the project, and a contract of each kind for all."""
    names = Live(dataset=dataset, bucket=bucket, store=dicom_store)
    chosen = "chain or what_is_written_is_what_is_read or rows_are_read or is_refused_everywhere"
    done = pytest_run(
        "--live",
        "tests/test_live.py",
        "tests/contract",
        "-k",
        chosen,
        **cloud.environment,
        **{PREFIX + part.upper(): getattr(names, part) for part in ("dataset", "bucket", "store")},
        DICOMFILTER_FIRST_WAIT_S="0.1",
    )
    assert done.returncode == 0, done.stdout
    assert " 10 passed" in f" {done.stdout.splitlines()[-1]}", done.stdout
    with cloud.bigquery.client() as client:
        assert list(client.list_tables(dataset)) == []
    with cloud.storage.client() as client:
        assert list(client.list_blobs(bucket)) == []


def test_live_tests_are_off_unless_asked_for(request: pytest.FixtureRequest) -> None:
    live = [item for item in request.session.items if item.get_closest_marker("live")]
    assert live == []


def test_a_project_that_is_not_named_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMFILTER_LIVE_BUCKET", "b")
    with pytest.raises(NotNamedError, match=r"LIVE_DATASET, DICOMFILTER_LIVE_STORE; see"):
        Live.of_environment()
