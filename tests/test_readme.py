"""README.md and docs/ are true: their commands, tables, examples, statuses and variables are the package's."""

from __future__ import annotations

import ast
import datetime as dt
import os
import re
import shlex
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGPIPE, SIGTERM
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pydicom
import pytest
import typer
from pyarrow import parquet

import dicomfilter as dcf
from dicomfilter import errors
from dicomfilter.cli import app
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import functions
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import SqlType
from tests.cli.running import call
from tests.documents import (
    PAGES,
    README,
    ROOT,
    cells,
    codes,
    examples,
    fenced,
    indented,
    part,
    shell,
    table_below,
)
from tests.localcloud.dicom import write_instances
from tests.stores.folder.images import files, image, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.localcloud.stack import Cloud

COLUMNS = {
    "PatientID": "STRING",
    "PatientName": "STRUCT<Alphabetic STRING>",
    "StudyInstanceUID": "STRING",
    "SeriesInstanceUID": "STRING",
    "SOPInstanceUID": "STRING",
    "StudyDate": "DATE",
    "StudyTime": "TIME",
    "Modality": "STRING",
    "SeriesNumber": "INT64",
    "SeriesDescription": "STRING",
    "SliceThickness": "FLOAT64",
    "BurnedIn": "BOOL",
    "ImageType": "ARRAY<STRING>",
}
ARROW = pa.schema(
    {
        "PatientID": pa.string(),
        "PatientName": pa.struct({"Alphabetic": pa.string()}),
        "StudyInstanceUID": pa.string(),
        "SeriesInstanceUID": pa.string(),
        "SOPInstanceUID": pa.string(),
        "StudyDate": pa.date32(),
        "StudyTime": pa.time64("us"),
        "Modality": pa.string(),
        "SeriesNumber": pa.int64(),
        "SeriesDescription": pa.string(),
        "SliceThickness": pa.float64(),
        "BurnedIn": pa.bool_(),
        "ImageType": pa.list_(pa.string()),
    }
)
ROWS: tuple[dict[str, Any], ...] = (
    {
        "PatientID": "19045",
        "PatientName": {"Alphabetic": "DOE^JANE"},
        "StudyDate": dt.date(2021, 1, 31),
        "StudyTime": dt.time(8, 0),
        "Modality": "CT",
        "SeriesNumber": 3,
        "SeriesDescription": "CHEST 5.0",
        "SliceThickness": 2.25,
        "BurnedIn": False,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    },
    {},
    {
        "PatientID": "P1",
        "PatientName": {"Alphabetic": None},
        "StudyDate": dt.datetime.now(dt.UTC).date(),
        "StudyTime": dt.time(20, 15),
        "Modality": "OT",
        "SeriesNumber": 4,
        "SeriesDescription": "chest",
        "SliceThickness": float("nan"),
        "BurnedIn": True,
        "ImageType": ["DERIVED"],
    },
    {"PatientID": "P2", "Modality": "MR", "SeriesDescription": "T2", "SliceThickness": 1.5},
)
TEXTS = {"README": README, **PAGES}
FOLLOWED = {"recipes", "api"}
"""Pages that ``test_recipes.py`` follows."""
IDS = ["P1", "P3"]
TAKEN = [code for row in cells(part("taken")) for code in codes(row[1])]
REFUSED = [(codes(what)[0], codes(instead)[0]) for what, instead in cells(part("refused"))]
ALIKE = [pair for pair in REFUSED if "OFFSET" not in pair[0]]  # which looks at one place only
MEANING = [(codes(what)[0], has, chosen) for what, has, chosen in cells(part("meaning"))]
ORACLE = (pytest.mark.oracle, pytest.mark.timeout(300))


def with_blocks(language: str) -> list[str]:
    """List the pages that have blocks of a language, but for those that are followed elsewhere."""
    return [name for name in sorted(TEXTS.keys() - FOLLOWED) if fenced(language, TEXTS[name])]


def with_uids(rows: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    return [
        {name: row.get(name) for name in COLUMNS} | dict.fromkeys(uids, f"1.{n}")
        for n, row in enumerate(rows, start=1)
    ]


def open_rows(folder: Path, *rows: dict[str, Any]) -> dcf.Table:
    """Open rows as a table of the embedded engine."""
    path = folder / "metadata.parquet"
    parquet.write_table(pa.Table.from_pylist(with_uids(rows), schema=ARROW), path)
    return dcf.open_table(str(path))


def selected(table: dcf.Table, predicate: str) -> list[str]:
    """List the rows that dicomfilter selects."""
    values = {"ids": IDS} if "@ids" in predicate else {}
    found = table.where(predicate, **values).to_arrow(columns=["SOPInstanceUID"])
    return sorted(found.column(0).to_pylist())


def ask(predicate: str, *rows: dict[str, Any]) -> Any:
    """Let Google's evaluator select from rows; its answer or its refusal."""
    from tests.googlesql.oracle import oracle

    selects, given = [], [Parameter("ids", SqlType.parse("ARRAY<STRING>"), IDS)]
    for number, row in enumerate(with_uids(rows)):
        selects.append(", ".join(f"@{name}_{number} AS {name}" for name in COLUMNS))
        for name, of in COLUMNS.items():
            value = [] if row[name] is None and of.startswith("ARRAY") else row[name]
            given.append(Parameter(f"{name}_{number}", SqlType.parse(of), value))
    union = " UNION ALL ".join(f"SELECT {names}" for names in selects)
    return oracle().ask(f"SELECT SOPInstanceUID FROM ({union}) WHERE {predicate}", given)


def theirs(predicate: str, *rows: dict[str, Any]) -> list[str]:
    """List the rows that Google's evaluator selects."""
    answer = ask(predicate, *rows)
    return sorted(row[0] for row in answer.rows)


@cache
def commands() -> dict[str, Any]:
    """List the commands that there are, those of groups as ``export gcs``."""

    def walk(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(f"{prefix}{name} ", command)
            elif not command.hidden:
                yield f"{prefix}{name}", command

    return dict(walk("", typer.main.get_command(app)))


def words_of(parameter: Any, context: typer.Context) -> str:
    """Write an argument or option as a synopsis does, out of its line in the help."""
    line = parameter.get_help_record(context)[0]
    if not line.startswith("-"):
        name = line.split(" ")[0].strip("[].") + ("..." if parameter.nargs == -1 else "")
        return name if parameter.required else f"[{name}]"
    names = re.match(r"--?[a-z-]+(?:, --?[a-z-]+)*", line)[0]
    value = line.removeprefix(names).replace("<", "").replace(">", "")
    short = [name for name in names.split(", ") if len(name) == 2]
    name = short[0] if short and value else next(n for n in names.split(", ") if n not in short)
    text = f"{name}{value}" if parameter.required else f"[{name}{value}]"
    return text + ("..." if parameter.multiple else "")


def synopsis(name: str, command: Any) -> str:
    """Write what a command takes, as its help has it, in lines of at most 100 characters."""
    context = typer.Context(command)
    # TextWrapper breaks at spaces, which must not be those between an option and its value.
    words = [words_of(p, context).replace(" ", "\0") for p in command.params if not p.hidden]
    return textwrap.fill(
        " ".join((f"dicomfilter\0{name.replace(' ', chr(0))}", *words)),
        width=100,
        initial_indent=" " * 4,
        subsequent_indent=" " * 22,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace("\0", " ")


def test_the_table_of_commands_is_what_the_help_says() -> None:
    expected = "".join(f"{synopsis(name, command)}\n" for name, command in commands().items())
    if os.environ.get("UPDATE_GOLDEN"):
        page = PAGES["commands"].replace(part("commands"), expected)
        (ROOT / "docs/commands.md").write_text(page)
    assert part("commands", (ROOT / "docs/commands.md").read_text()) == expected


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_help_shows_each_option(name: str) -> None:
    shown = run("--help", command=name, cwd=ROOT)
    for parameter in commands()[name].params:
        if not parameter.hidden:
            line = parameter.get_help_record(typer.Context(commands()[name]))[0]
            assert line.split(" <")[0] in shown
    assert re.search(r"^ +Example: dicomfilter ", shown, flags=re.MULTILINE)


def run(*arguments: str, command: str, cwd: Path) -> str:
    """Run a command as a person would; all that a terminal would show."""
    program = Path(sys.executable).with_name("dicomfilter")
    return subprocess.run(
        [program, *command.split(), *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize("page", with_blocks("console"))
def test_the_console_shows_what_the_page_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for query in re.findall(
        r"^ {4}-- livers[.]sql.*(?:\n {4}.+)+", TEXTS[page], flags=re.MULTILINE
    ):
        (tmp_path / "livers.sql").write_text(query)
    for block in fenced("console", TEXTS[page]):
        for example in examples(block):
            program, *arguments = shlex.split(example.command)
            assert program == "dicomfilter"
            printed = call(*arguments, together=True).out
            assert example.shows(printed), f"{example.command}\n{printed}"


def test_the_console_shows_the_main_commands() -> None:
    shown = [example for block in fenced("console") for example in examples(block)]
    assert {shlex.split(e.command)[1] for e in shown} >= {"build", "count", "check", "summary"}


def test_a_manifest_makes_its_filter_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    where = "Modality = 'CT' AND BodyPartExamined = 'LIVER'"
    assert call("build", "idc", "--where", where, "-o", "liver-ct.txt").status == 0
    replayed = [line for line in indented("dicomfilter") if "--from-manifest" in line]
    assert replayed
    for line in replayed:
        assert call(*shlex.split(line)[1:]).out == "again.txt\n"
    again, first = ((tmp_path / name).read_text() for name in ("again.txt", "liver-ct.txt"))
    assert sorted(again.splitlines()) == sorted(first.splitlines())


def test_the_readme_is_short_and_types_what_the_tutorials_run() -> None:
    assert len(README.encode()) <= 8000
    tutorials = shell(PAGES["tutorial-folder"]) + shell(PAGES["tutorial-cloud"])
    for line in indented("dicomfilter", README):
        assert line in tutorials.splitlines()


def test_the_picture_is_what_the_command_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = [
        example.command
        for block in fenced("console", PAGES["tutorial-idc"])
        for example in examples(block)
        if "--attrition" in example.command
    ]
    assert call(*shlex.split(line)[1:], "--svg", "flow.svg").status == 0
    drawn, kept = tmp_path / "flow.svg", ROOT / "docs/flow.svg"
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(drawn.read_text())
    assert drawn.read_text() == kept.read_text()


def test_the_commands_on_files_of_ones_own_run(tmp_path: Path) -> None:
    today = dt.datetime.now(dt.UTC).date()
    rows = [
        {
            "PatientID": patient,
            "AccessionNumber": f"A{number}",
            "StudyDate": today - dt.timedelta(days=days),
            "StudyInstanceUID": f"1.{number}",
            "SeriesInstanceUID": f"1.{number}.1",
            "SOPInstanceUID": f"1.{number}.1.1",
        }
        for number, (patient, days) in enumerate((("19045", 3), ("19046", 500), ("7", 3)))
    ]
    (tmp_path / "metadata").mkdir()
    for path in ("metadata/part-1.parquet", "metadata.parquet"):
        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / path)
    (tmp_path / "cohort.csv").write_text("AccessionNumber\nA2\nA9\n")
    lines = [line for line in indented("dicomfilter build") if "metadata" in line]
    lines = [line for line in lines if "bq://" not in line]
    assert len(lines) == 2
    for line in lines:
        run(*shlex.split(line)[1:], command="", cwd=tmp_path)
    assert (tmp_path / "recent.txt").read_text() == "/studies/1.0\n"
    assert (tmp_path / "cohort.txt").read_text() == "/studies/1.2/series/1.2.1/instances/1.2.1.1\n"
    assert "A9" in (tmp_path / "cohort.txt.unmatched.csv").read_text()


def test_the_commands_on_a_folder_of_images_run(tmp_path: Path) -> None:  # ten of them
    lossy = pydicom.Dataset()
    lossy.CodeValue, lossy.CodingSchemeDesignator = "113040", "DCM"
    of = {"PatientName": "Lestrade^G", "StudyDate": "20170101"}
    chosen = [
        image("1.1", "1.1.1", f"1.1.1.{n}", DerivationCodeSequence=[lossy], **of) for n in (1, 2)
    ]
    others = [image("1.1", "1.1.2", "1.1.2.1", **of), image("1.2", "1.2.1", "1.2.1.1")]
    put(tmp_path / "scans", *chosen, *others)
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming/new.dcm").write_bytes(image("1.3", "1.3.1", "1.3.1.1").data)
    done = subprocess.run(
        ["sh", "-eu"],  # noqa: S607 - whichever shell the machine has
        input=shell(PAGES["tutorial-folder"]),
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_STATE_HOME": str(tmp_path / "state"),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (tmp_path / "lossy.txt").read_text().splitlines()
    assert sorted(lines) == [e.line.strip() for e in chosen]  # a filter has no order
    assert files(tmp_path / "out") == {each.name: each.data for each in chosen}
    pictures = {each.name.replace(".dcm", ".png") for each in chosen}
    assert set(files(tmp_path / "pictures")) == pictures
    assert len(files(tmp_path / "deidentified")) == 2
    assert parquet.read_table(tmp_path / "lossy.parquet").num_rows == 2
    assert (tmp_path / "scans/1.3/1.3.1/1.3.1.1.dcm").exists()
    assert done.stdout.count("/operations/") == 6


@pytest.mark.cloud
def test_the_commands_of_the_cloud_run(
    cloud: Cloud, dicom_store: str, bucket: str, dataset: str, tmp_path: Path
) -> None:
    control = cloud.healthcare.control
    anonymous = control.make_store(dataset=dicom_store.partition("/dicomStores/")[0])
    names = {
        "bq://my-project.imaging.": f"bq://{dataset}.",
        "gs://my-bucket/": f"gs://{bucket}/",
        "projects/my-project/locations/us/datasets/imaging/dicomStores/scans": dicom_store,
        "scans-deid": anonymous.rpartition("/")[2],
    }
    _, export, rest = shell(PAGES["tutorial-cloud"]).partition("export DICOMFILTER_STORE")
    typed = export + rest
    for name, ours in names.items():
        assert name in typed
        typed = typed.replace(name, ours)
    (tmp_path / "new").mkdir()
    new = write_instances(tmp_path / "new", 3, Modality="MR")
    with cloud.storage.client() as client:
        for uid in new:
            file = tmp_path / "new" / f"{uid}.dcm"
            client.bucket(bucket).blob(f"incoming/{uid}.dcm").upload_from_filename(file)
    done = subprocess.run(
        ["sh", "-eu"],  # noqa: S607 - whichever shell the machine has
        input=typed,
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_STATE_HOME": str(tmp_path),
            "DICOMFILTER_FIRST_WAIT_S": "0.1",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with cloud.storage.client() as client:
        written = client.bucket(bucket).blob("filters/mr.txt").download_as_text().splitlines()
        images = [blob.name for blob in client.list_blobs(bucket, prefix="out/")]
    instances = {line.rpartition("/")[2] for line in written}
    assert instances == {name.rpartition("/")[2].removesuffix(".dcm") for name in images}
    assert instances > set(new)
    assert len(control.instances(anonymous)) == len(instances)
    with cloud.bigquery.client() as client:
        rows = client.query(f"SELECT SOPInstanceUID AS uid FROM `{dataset}.mr`").result()
        assert {row["uid"] for row in rows} == instances
    assert done.stdout.count("/operations/") == 6  # of seven, one is kept in a variable
    assert "deidentify" in done.stdout.casefold()


@pytest.mark.parametrize("page", with_blocks("python"))
def test_the_python_example_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = fenced("python", TEXTS[page])
    names: dict[str, Any] = {}
    exec(compile(example, page, "exec"), names)  # noqa: S102 - our own example
    lines = (tmp_path / "recent-chest.txt").read_text().splitlines()
    assert capsys.readouterr().out.startswith(f"{len(lines)} ")
    assert list(names["steps"]["clause"])[1:] == [
        "Modality = 'CT' AND StudyDate >= @start",
        "PatientSex = 'F'",
    ]
    if page != "README":
        assert names["counts"].studies >= len(lines) > 0
        assert len(names["rows"]) == 5


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dcf.Table]:
    with open_rows(tmp_path_factory.mktemp("rows"), *ROWS) as opened:
        yield opened


@pytest.mark.parametrize("predicate", TAKEN)
def test_what_is_taken_selects_some_rows_and_not_others(predicate: str, table: dcf.Table) -> None:
    assert 0 < len(selected(table, predicate)) < len(ROWS)


@pytest.mark.parametrize("predicate", TAKEN, ids=str)
@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_what_is_taken_means_what_it_means_to_google(predicate: str, table: dcf.Table) -> None:
    assert selected(table, predicate) == theirs(predicate, *ROWS)


def test_the_functions_are_all_named() -> None:
    assert codes(part("functions")) == sorted(functions.NAMES)


@pytest.mark.parametrize(("predicate", "instead"), REFUSED)
def test_what_is_refused_has_a_way_round(predicate: str, instead: str, table: dcf.Table) -> None:
    with pytest.raises(PredicateError) as caught:
        selected(table, predicate)
    assert caught.value.refused
    selected(table, instead)


@pytest.mark.parametrize("predicate", [predicate for predicate, _ in REFUSED])
@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_what_is_refused_is_taken_by_google(predicate: str) -> None:
    assert getattr(ask(predicate, *ROWS), "at_run_time", True)


@pytest.mark.parametrize(("predicate", "instead"), ALIKE)
@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_the_way_round_leads_to_the_same_rows(
    predicate: str, instead: str, table: dcf.Table
) -> None:
    with_ids = predicate.replace("SELECT 'P1'", "SELECT id FROM UNNEST(@ids) AS id")
    assert theirs(with_ids, *ROWS) == selected(table, instead)


@pytest.mark.parametrize(
    "predicate", ["PatientID = 19045", "Modality", "Nothing = 1", "Modality = 'CT'; SELECT 1"]
)
@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_what_is_refused_everywhere_is(predicate: str, table: dcf.Table) -> None:
    with pytest.raises(PredicateError):
        table.where(predicate)
    assert not getattr(ask(predicate, *ROWS), "at_run_time", True)


def row_of(description: str) -> dict[str, Any]:
    """Read what a row has: ``no Modality``, ``Modality `CT ```, ``SliceThickness NaN``."""
    name = next(name for name in COLUMNS if name in description)
    if description == f"no {name}":
        return {}
    if description == f"{name} NaN":
        return {name: float("nan")}
    (value,) = codes(description)
    assert description == f"{name} `{value}`"
    return {name: value}


@pytest.mark.parametrize(("predicate", "has", "chosen"), MEANING)
def test_what_surprises_is_so(predicate: str, has: str, chosen: str, tmp_path: Path) -> None:
    with open_rows(tmp_path, row_of(has)) as table:
        assert len(selected(table, predicate)) == {"yes": 1, "no": 0}[chosen]


@pytest.mark.parametrize(("predicate", "has", "chosen"), MEANING)
@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_what_surprises_is_so_at_google_too(predicate: str, has: str, chosen: str) -> None:
    assert len(theirs(predicate, row_of(has))) == {"yes": 1, "no": 0}[chosen]


def test_the_statuses_are_those_of_the_errors() -> None:
    statuses = {
        value.exit_status
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.DicomFilterError)
    }
    shown = [int(row[0]) for row in table_below("| status |")]
    signals = {128 + signal.value for signal in (SIGHUP, SIGINT, SIGPIPE, SIGTERM)}
    assert shown == sorted({0} | signals | statuses)


def constants(tree: ast.Module) -> dict[str, str]:
    """List the texts that a module gives names to."""
    return {
        node.targets[0].id: str(node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def variables() -> set[str]:
    """Find the environment variables that the package reads: their names may be constants."""
    trees = [ast.parse(path.read_text()) for path in sorted((ROOT / "dicomfilter").rglob("*.py"))]
    everywhere = {name: text for tree in trees for name, text in constants(tree).items()}
    found = set()
    for tree in trees:
        known = everywhere | constants(tree)
        for node in ast.walk(tree):
            name: ast.expr | None = None
            if isinstance(node, ast.keyword) and node.arg == "envvar":
                name = node.value
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                name = node.slice
            elif isinstance(node, ast.Call) and re.match(
                r"os\.(environ\.\w+|getenv)$", ast.unparse(node.func)
            ):
                name = node.args[0]
            elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
                name = node.left
            if isinstance(name, ast.Constant):
                found.add(str(name.value))
            elif name is not None:
                found.add(known[ast.unparse(name).rsplit(".", maxsplit=1)[-1]])
    return found


def test_the_variables_are_those_that_the_code_reads() -> None:
    shown = {codes(row[0])[0] for row in table_below("| variable |")}
    by_google = {"GOOGLE_APPLICATION_CREDENTIALS"}
    for_others = {"OPENBLAS_NUM_THREADS", "PYDANTIC_DISABLE_PLUGINS"}
    by_shells = {"COMP_WORDS", "_TYPER_COMPLETE_ARGS"}
    assert shown == (variables() | by_google) - for_others - by_shells


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_files(page: str) -> None:
    folder = ROOT if page == "README" else ROOT / "docs"
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXTS[page]):
        assert target.startswith("https://") or (folder / target).exists(), target
