"""The wheel works alone: built, installed into an empty environment, and put to its main job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tables import INSTANCES, instance, write

ROOT = Path(__file__).parents[1]
SOURCES = ("dicomfilter", "sql", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
pytestmark = pytest.mark.timeout(300)  # an index may be slow; 20 to 40 s is usual


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command where nothing of the checkout can be imported by accident."""
    environment = {
        n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "DICOMFILTER"))
    }
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what it is made of, so that nothing else can slip in."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, source / name)
    (source / "tests").mkdir()
    (source / "tests" / "test_nothing.py").write_text("")
    (source / "notebooks").mkdir()
    (source / "notebooks" / "nothing.ipynb").write_text("{}")
    built = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    run(*pip, built, source, cwd=built)
    (path,) = built.iterdir()
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty environment with the wheel and what it depends on; its folder of commands."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    run(commands / "python", "-m", "pip", "install", "--quiet", "--no-compile", wheel, cwd=folder)
    return commands


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    rows = [instance("1", "1.1", "1.1.1"), instance("1", "1.2", "1.2.1", "MR")]
    write(tmp_path / "metadata.parquet", INSTANCES, rows)
    return tmp_path


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    ours = {n for n in names if not n.split("/")[0].endswith(".dist-info")}
    assert {n.split("/")[0] for n in ours} == {"dicomfilter"}
    for path in (ROOT / "dicomfilter").rglob("*.py"):
        assert path.relative_to(ROOT).as_posix() in ours
    assert {"dicomfilter/py.typed", "dicomfilter/dictionary.tsv"} <= ours
    for path in (ROOT / "sql").iterdir():
        assert f"dicomfilter/sql/{path.name}" in ours
    assert any(n.endswith(".dist-info/licenses/LICENSE") for n in names)


def test_the_installed_command_does_the_main_job(environment: Path, metadata: Path) -> None:
    command = environment / "dicomfilter"
    where = ["--where", "Modality = 'CT'"]
    done = run(command, "build", "metadata.parquet", *where, "-o", "ct.txt", cwd=metadata)
    assert done.stdout == "ct.txt\n"
    lines = (metadata / "ct.txt").read_text()
    assert lines == "/studies/1/series/1.1/instances/1.1.1\n"
    manifest = json.loads((metadata / "ct.txt.manifest.json").read_text())
    assert manifest["counts"]["lines"] == 1


def test_the_installed_command_finds_its_named_queries(environment: Path, metadata: Path) -> None:
    command = environment / "dicomfilter"
    listed = run(command, "queries", cwd=metadata).stdout
    for path in (ROOT / "sql").iterdir():
        assert path.stem.replace("_", "-") in listed
    shown = run(command, "queries", "study-instances", cwd=metadata).stdout
    assert shown == (ROOT / "sql" / "study_instances.sql").read_text()
    query = ["query", "study-instances", "metadata.parquet", "--param", "n:INT64:1"]
    answer = json.loads(run(command, *query, "--format", "json", cwd=metadata).stdout)
    assert answer == [{"StudyInstanceUID": "1", "SeriesCount": 2, "InstanceCount": 2}]


def test_the_installed_package_is_typed_and_comes_from_the_wheel(
    environment: Path, metadata: Path
) -> None:
    code = (
        "import dicomfilter; from importlib.resources import files;"
        "print(dicomfilter.__file__); print((files(dicomfilter) / 'py.typed').is_file())"
    )
    place, typed = run(environment / "python", "-c", code, cwd=metadata).stdout.split()
    assert Path(place).is_relative_to(environment.parent)
    assert typed == "True"


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["count", "idc"], "dicomfilter[demo]"),
        (["count", "bq://demo.dicom.metadata"], "dicomfilter[bigquery]"),
    ],
)
def test_what_an_extra_brings_is_named_where_it_is_missing(
    environment: Path, metadata: Path, arguments: list[str], extra: str
) -> None:
    done = run(environment / "dicomfilter", *arguments, cwd=metadata, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    first, hint = done.stderr.splitlines()
    assert first.startswith("error[")
    assert extra in hint


def test_a_dataframe_without_pandas_says_what_to_install(environment: Path, metadata: Path) -> None:
    code = (
        "import dicomfilter as dcf\n"
        "try: dcf.open_table('metadata.parquet').columns()\n"
        "except dcf.DicomFilterError as error: print(error.hint)"
    )
    assert "dicomfilter[notebook]" in run(environment / "python", "-c", code, cwd=metadata).stdout
