"""Notebooks run from top to bottom, show what is kept in them, and agree with a plain query."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import nbformat
import pytest
from nbclient import NotebookClient

from tests.localcloud.process import is_stray
from tests.localcloud.stack import Cloud

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.localcloud.bigquery import BigQueryServer
    from tests.localcloud.healthcare import HealthcareServer
    from tests.localcloud.storage import StorageServer

FOLDER = Path(__file__).parents[1] / "notebooks"
FIRST = "01_cohort_to_filter.ipynb"
SECOND = "02_bigquery_to_export.ipynb"
TASKS = "03_twenty_tasks.ipynb"
"""Kept without what it shows: each cell is looked at, and folders have other names each time."""
UNITS = ("patients", "studies", "series", "instances")
CLAUSES = (
    "Modality = 'CT'",
    "BodyPartExamined IN ('CHEST', 'CHESTABDOMEN')",
    "try_cast(StudyDate AS DATE) >= DATE '2015-01-01'",
)
"""The cohort of the first notebook, as DuckDB would be asked for it by hand."""
CHEST = " AND ".join(CLAUSES)
TRIALS = "collection_id IN ('ldct_and_projection_data', 'mediastinal_lymph_node_seg')"
TELL = """
import json
from dataclasses import asdict

with dcf.open_table("idc") as table:
    def studies(*cohorts):
        return [dcf.Cohort(table, one.selection).counts().studies for one in cohorts]

    told = {
        "chest": asdict(dcf.Cohort(table, chest.selection).counts()),
        "steps": json.loads(steps.to_json(orient="records")),
        "studies": studies(chest & women, chest - women, chest & trials),
        "series": [stated.series, either.series],
        "whole": asdict(whole),
        "lines": (folder / "chest-ct.txt").read_text(),
        "study_lines": (folder / "chest-studies.txt").read_text(),
        "is_well": report.ok,
        "found": [finding.kind for finding in filterfile.check(broken).findings],
    }
_ = Path("told.json").write_text(json.dumps(told))
"""
"""Run after the last cell of the first notebook: its variables, for us to compare."""
TELL_SECOND = """
import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from pydicom import dcmread

with storage.Client() as client:
    blobs = list(client.list_blobs(bucket, prefix=f"exports/{run}/"))
    files = [dcmread(BytesIO(blob.download_as_bytes())) for blob in blobs]
images = [[f.StudyInstanceUID, f.SeriesInstanceUID, f.SOPInstanceUID] for f in files]

told = {
    "steps": json.loads(steps.to_json(orient="records")),
    "coverage": asdict(built.coverage),
    "lines": lines,
    "images": sorted(images),
    "kinds": sorted({f.Modality for f in files}),
    "first": min(f.StudyDate for f in files),
    "plan": plan.bytes_processed,
    "operation": operation.name,
    "filter": built.uri,
}
_ = Path("told.json").write_text(json.dumps(told))
"""
"""Likewise of the second: what it exported is read here with pydicom."""
pytestmark = pytest.mark.filterwarnings("ignore:::(jupyter_client|nbclient|traitlets|zmq)")


@dataclass(frozen=True, slots=True)
class Executed:
    """A notebook, run.

    Args:
        kept: As it lies in the repository.
        run: As it came out.
        told: What its variables were in the end.
    """

    kept: NotebookNode
    run: NotebookNode
    told: dict[str, Any]


def execute(name: str, folder: Path, tell: str, **variables: str) -> Executed:
    """Run a notebook in a kernel of its own that leaves nothing behind.

    Args:
        name: The notebook's file.
        folder: Where it runs.
        tell: Code that is run after its last cell and writes ``told.json``.
        **variables: Of the environment.
    """
    kept = nbformat.read(FOLDER / name, as_version=4)
    run = nbformat.read(FOLDER / name, as_version=4)
    run.cells.append(nbformat.v4.new_code_cell(tell))
    with pytest.MonkeyPatch.context() as environment:
        for variable in filter(is_stray, list(os.environ)):
            environment.delenv(variable)
        for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
            environment.setenv(variable, str(folder / variable.lower()))
            (folder / variable.lower()).mkdir()
        for variable, value in variables.items():
            environment.setenv(variable, value)
        NotebookClient(
            run,
            timeout=60,
            kernel_name="python3",
            coalesce_streams=True,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        ).execute()
    run.cells.pop()
    told = json.loads((folder / "told.json").read_text())
    for cell in filter(varies, run.cells):
        cell.outputs, cell.execution_count = [], None
    if os.environ.get("UPDATE_GOLDEN") and name != TASKS:
        run.metadata.language_info = kept.metadata.language_info
        nbformat.write(run, FOLDER / name)
        kept = run
    return Executed(kept, run, told)


def varies(cell: NotebookNode) -> bool:
    """Tell whether what a cell shows is another each time, and therefore not kept."""
    return "varies" in cell.metadata.get("tags", ())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Run the first notebook."""
    return execute(FIRST, tmp_path_factory.mktemp("notebook"), TELL)


@pytest.fixture(scope="module")
def second(
    gcs_server: StorageServer,
    bigquery_server: BigQueryServer,
    healthcare: HealthcareServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Executed:
    """Run the second notebook in the local cloud."""
    folder = tmp_path_factory.mktemp("notebook")
    cloud = Cloud(gcs_server, bigquery_server, healthcare)
    healthcare.control.reset()
    healthcare.control.services(bigquery=bigquery_server.url)
    store = cloud.make_store()
    return execute(
        SECOND,
        folder,
        TELL_SECOND,
        **cloud.environment,
        DICOMFILTER_TABLE=cloud.export_metadata(store, cloud.make_dataset()),
        DICOMFILTER_STORE=store,
        BUCKET=cloud.make_bucket(),
        DICOMFILTER_FIRST_WAIT_S="0.1",
        XDG_STATE_HOME=str(folder),
    )


def ask(sql: str) -> Any:
    """Ask DuckDB over the index's own Parquet file, without dicomfilter; the first row."""
    import idc_index_data

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_parquet(str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)).create_view("idc")
        return connection.execute(sql).fetchone()


@cache
def counted(condition: str = "true") -> dict[str, int]:
    found = ask(
        "SELECT count(DISTINCT PatientID), count(DISTINCT StudyInstanceUID), "
        "count(DISTINCT SeriesInstanceUID), sum(instanceCount), sum(series_size_MB) "
        f"FROM idc WHERE {condition}"
    )
    return dict(zip(UNITS, found, strict=False)) | {"size_bytes": round(found[-1] * 1_000_000)}


def words(output: NotebookNode) -> list[str]:
    """Read what an output says, whatever it looks like: the layout is pandas' own business."""
    data = output.get("data", {})
    text = data.get("text/html") or data.get("text/plain") or output.get("text", "")
    return re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL).split()


def lines_of(resource: str, condition: str) -> set[str]:
    found = ask(f"SELECT list(DISTINCT {resource}) FROM idc WHERE {condition}")
    return set(found[0])


@pytest.fixture(params=["first", pytest.param("second", marks=pytest.mark.cloud)])
def notebook(request: pytest.FixtureRequest) -> Executed:
    """Give each notebook, run."""
    executed = request.getfixturevalue(request.param)
    assert isinstance(executed, Executed)
    return executed


def test_a_notebook_shows_what_is_kept_in_it(notebook: Executed) -> None:
    assert len(notebook.kept.cells) == len(notebook.run.cells)
    for kept, run in zip(notebook.kept.cells, notebook.run.cells, strict=True):
        if kept.cell_type == "code":
            assert list(map(words, kept.outputs)) == list(map(words, run.outputs)), kept.source


def test_nothing_that_is_kept_names_a_machine_or_a_moment(notebook: Executed) -> None:
    text = json.dumps(notebook.kept)
    assert "/tmp" not in text  # noqa: S108 - looked for, not written to
    assert not re.search(r"20[2-9][0-9]-[0-9]{2}-[0-9]{2}T", text)


def test_the_counts_are_those_of_a_plain_query(first: Executed) -> None:
    expected = counted(CHEST)
    assert first.told["chest"] == pytest.approx(expected, rel=1e-12)
    assert expected["series"] > 1000


def test_the_attrition_is_that_of_plain_queries(first: Executed) -> None:
    steps = first.told["steps"]
    assert len(steps) == 1 + len(CLAUSES)
    for number, step in enumerate(steps):
        left = counted(" AND ".join(("true", *CLAUSES[:number])))
        alone = counted(CLAUSES[number - 1] if number else "true")
        for name, value in left.items():
            assert step[name] == pytest.approx(value, rel=1e-12)  # bytes are sums of floats
            assert step[f"alone_{name}"] == pytest.approx(alone[name], rel=1e-12)


def test_composed_cohorts_are_those_of_plain_queries(first: Executed) -> None:
    women = "coalesce(PatientSex = 'F', false)"
    conditions = (f"{CHEST} AND {women}", f"{CHEST} AND NOT {women}", f"{CHEST} AND {TRIALS}")
    assert first.told["studies"] == [counted(condition)["studies"] for condition in conditions]
    assert all(first.told["studies"])


def test_missing_values_are_left_out_as_a_plain_query_leaves_them_out(first: Executed) -> None:
    stated = counted("BodyPartExamined != 'CHEST'")["series"]
    missing = counted("BodyPartExamined IS NULL")["series"]
    assert first.told["series"] == [stated, stated + missing]


def test_the_lines_are_those_of_a_plain_query(first: Executed) -> None:
    lines = first.told["lines"].splitlines()
    series = "'/studies/' || StudyInstanceUID || '/series/' || SeriesInstanceUID"
    assert len(set(lines)) == len(lines)
    assert set(lines) == lines_of(series, CHEST)
    studies = first.told["study_lines"].splitlines()
    assert len(set(studies)) == len(studies)
    assert set(studies) == lines_of("'/studies/' || StudyInstanceUID", CHEST)


def test_a_widened_filter_covers_whole_studies(first: Executed) -> None:
    touched = f"StudyInstanceUID IN (SELECT StudyInstanceUID FROM idc WHERE {CHEST})"
    covered, matched, whole = counted(touched), counted(CHEST), first.told["whole"]
    assert whole["series"] == covered["series"] > matched["series"]
    assert whole["covered_instances"] == covered["instances"]
    assert whole["matched_instances"] == matched["instances"]


def test_the_check_is_clean_for_ours_and_finds_what_is_broken(first: Executed) -> None:
    assert first.told["is_well"]
    assert {"header-line", "duplicate", "unusable-uid"} <= set(first.told["found"])


@pytest.mark.cloud
def test_what_arrived_is_what_the_cohort_was(second: Executed) -> None:
    told = second.told
    named = [line.split("/")[2::2] for line in told["lines"]]
    assert sorted(named) == told["images"]
    assert len(named) == told["coverage"]["covered_instances"] == told["steps"][-1]["instances"] > 9
    assert told["kinds"] == ["CT", "MR"]
    assert told["first"] >= "20030101"
    assert told["steps"][0]["instances"] == 116
    assert "/operations/" in told["operation"]
    assert told["filter"].startswith("gs://")
    assert told["plan"] > 0


@pytest.mark.cloud
def test_what_varies_is_not_kept(second: Executed) -> None:
    assert len(list(filter(varies, second.kept.cells))) > 3
    assert not any(cell.outputs for cell in filter(varies, second.kept.cells))


def test_every_notebook_is_run_here() -> None:
    assert [path.name for path in sorted(FOLDER.glob("*.ipynb"))] == [FIRST, SECOND, TASKS]


TELL_TASKS = """
import json

told = {
    "thick": images.where("SAFE_CAST(SliceThickness AS FLOAT64) > 3").counts().instances,
    "train": sorted(set(parts["train"].to_arrow(columns=["PatientID"])["PatientID"].to_pylist())),
    "test": sorted(set(parts["test"].to_arrow(columns=["PatientID"])["PatientID"].to_pylist())),
    "verdict": dcf.verify("ctmr.txt", "out").verdict,
    "exported": len(list(Path("out").rglob("*.dcm"))),
}
Path(HOME, "told.json").write_text(json.dumps(told))
"""


def test_twenty_tasks_take_at_most_three_lines_each(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("tasks")
    tell = f"HOME = {str(folder)!r}\n{TELL_TASKS}"
    done = execute(TASKS, folder, tell, XDG_STATE_HOME=str(folder / "state"))
    heads = [cell.source for cell in done.kept.cells if cell.source.startswith("## ")]
    assert [head.split(".")[0] for head in heads] == [f"## {n}" for n in range(1, 21)]
    tasks = [cell for cell in done.run.cells[2:] if cell.cell_type == "code"]
    assert len(tasks) == 20
    for cell in tasks:
        assert len(cell.source.splitlines()) <= 3, cell.source
        assert cell.outputs, cell.source
        assert all(output.output_type != "error" for output in cell.outputs)
    assert not set(done.told["train"]) & set(done.told["test"])
    assert len(done.told["train"]) + len(done.told["test"]) == 20
    assert (done.told["thick"], done.told["exported"]) == (1, 2)
    assert done.told["verdict"] == "complete"
