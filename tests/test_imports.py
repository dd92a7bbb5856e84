"""What loads what: SDKs late, modules one way, and TAB completion none of them."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import typer

from dicomfilter import cli
from dicomfilter.cli.commands import COMMANDS as COMMANDS_LISTED
from tests.tables import INSTANCES, instance, write

PACKAGE = Path(__file__).parents[1] / "dicomfilter"
SDKS = {
    "duckdb",
    "google",
    "google_crc32c",
    "googleapiclient",
    "idc_index_data",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pydicom",
    "sqlglot",
}
RINGS = (
    {"errors", "faces", "named", "paths", "schema", "uids", "version", "visible"},
    {"counts", "dictionary", "google_errors", "googlesql", "leftovers", "locks"},
    {"engines", "storage"},
    {"dicom", "pictures"},
    {"cohorts"},
    {"filterfile", "filters"},
    {"stores"},
    {"operations"},
    {"notebook", "proof"},
    {"__main__", "cli"},
)
"""The package's modules from the innermost out: each imports its own ring and those before it."""
PURE = (
    *("paths", "schema", "googlesql.types.parameters", "googlesql.query", "googlesql.pieces"),
    *("cohorts.selection", "cohorts.unit_rows", "cohorts.cover"),
)
EDGES = {"engines", "storage", "stores.healthcare"}
HOMES = {
    "PIL": ("dicom.pixels.rendering",),
    "google": ("engines.bigquery", "google_errors", "storage.gcs", "stores."),
    "googleapiclient": ("stores.",),
    "httplib2": ("stores.",),
    "idc_index_data": ("engines.duckdb.files",),
    "imagecodecs": ("dicom.pixels.decoding", "dicom.pixels.encoding"),
    "pandas": ("cohorts.display",),
    "pydicom": ("dicom.",),
    "rich": ("cli.",),
    "typer": ("cli",),
}
"""Where each package that only one part needs may be imported."""
COMMANDS = (
    "build count columns query queries sql check summary upload union intersect subtract diff split doctor freshness index "
    "export import set-storage-class deidentify operations verify handoff log report"
).split()
ENGINE = {"duckdb", "google_crc32c", "numpy", "pyarrow", "sqlglot"}
"""What may be loaded where rows or very many lines are worked with."""
RECORD = """
import json, sys
sys.argv[0] = "dicomfilter"
try:
    {code}
except SystemExit:
    pass
finally:
    sys.stdout.flush()
    print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})), file=sys.stderr)
"""


def loaded(
    code: str, *arguments: str, folder: Path | None = None, **variables: str
) -> tuple[set[str], str]:
    """Run code in a process of its own; give the SDKs it loaded and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", RECORD.format(code=code), *arguments],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return SDKS & set(json.loads(done.stderr.splitlines()[-1])), done.stdout


def module_name(path: Path) -> str:
    """Name a file of the package without the package: ``engines.duckdb``; empty for itself."""
    return (
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        .removesuffix("__init__")
        .strip(".")
    )


@cache
def modules() -> dict[str, ast.Module]:
    return {module_name(path): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def imported(name: str, *, only_at_once: bool = False, types: bool = False) -> set[str]:
    """List what a module imports when it runs, in full, or for its types too."""
    tree = modules()[name]
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in tree.body if only_at_once else ast.walk(tree):
        if id(node) in for_types and not types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {n for n in named if n.removeprefix("dicomfilter.") in modules()}
            found |= submodules | ({node.module} if named - submodules else set())
    return found


def ours(name: str, *, only_at_once: bool = False, types: bool = False) -> set[str]:
    """List which modules of the package a module imports; the package itself is no module."""
    prefix = "dicomfilter."
    found = imported(name, only_at_once=only_at_once, types=types)
    return {n.removeprefix(prefix) for n in found if n.startswith(prefix)}


def others(name: str) -> set[str]:
    """List which other packages a module imports."""
    return {n.split(".", maxsplit=1)[0] for n in imported(name)} - {"dicomfilter"}


def ring(name: str) -> int:
    top = name.split(".", maxsplit=1)[0]
    found = [number for number, names in enumerate(RINGS) if top in names]
    assert len(found) == 1, f"give dicomfilter.{top} its one place in RINGS"
    return found[0]


def test_the_list_of_commands_says_what_they_say() -> None:
    for name, command in typer.main.get_command(cli.app).commands.items():
        assert COMMANDS_LISTED[name].sentence == command.help.partition("\n")[0]


def test_importing_the_package_loads_no_sdk() -> None:
    assert loaded("import dicomfilter")[0] == set()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["build", "--help"], ["query", "--help"], ["queries"]],
    ids=" ".join,
)
def test_looking_around_loads_no_sdk(arguments: list[str]) -> None:
    found, printed = loaded("from dicomfilter.cli import main; main()", *arguments)
    assert found == set()
    assert printed.strip()


@pytest.mark.parametrize(
    ("arguments", "sdks"),
    [
        ("check A", set()),
        ("check A --json", set()),
        ("check A --repair -o OUT", {"google_crc32c"}),
        ("summary A", {"google_crc32c"}),
        ("union A B -o OUT", {"google_crc32c"}),
        ("intersect A B -o OUT", {"google_crc32c"}),
        ("subtract B A -o OUT", {"google_crc32c"}),
        ("diff A B", {"google_crc32c"}),
        ("queries", set()),
        ("queries patient", set()),
        ("sql --check Modality='CT'", {"sqlglot"}),
        ("sql Modality='CT'", {"sqlglot"}),
        ("columns T.parquet", {"duckdb", "sqlglot"}),
        ("columns T.parquet Study --json", {"duckdb", "sqlglot"}),
        ("count T.parquet --all", ENGINE),
        ("count T.parquet --where Modality='CT' --attrition", ENGINE),
        ("build T.parquet --all -o OUT.parquet --dry-run", {"duckdb", "sqlglot"}),
        ("build T.parquet --all -o OUT", ENGINE),
        ("query recent-studies T.parquet --param n:INT64:3", ENGINE),
        ("split A -o OUT-{part} --parts 2", {*ENGINE, "pydantic"}),
        ("check A --against T.parquet", ENGINE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_loads_what_it_needs_and_nothing_else(
    tmp_path: Path, arguments: str, sdks: set[str]
) -> None:
    (tmp_path / "A").write_text("/studies/1/series/2/instances/3\n")
    (tmp_path / "B").write_text("/studies/1/series/2/instances/3\n/studies/4\n")
    write(tmp_path / "T.parquet", INSTANCES, [instance("1", "2", "3")])
    code = "from dicomfilter.cli import main; main()"
    found, _ = loaded(code, *arguments.split(), folder=tmp_path)
    assert found <= sdks


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dicomfilter ", set(COMMANDS)),
        ("dicomfilter build --whe", {"--where", "--where-file"}),
        ("dicomfilter build --level ", {"study", "series", "instance"}),
        ("dicomfilter query pat", {"patient"}),
        ("dicomfilter queries rec", {"recent-studies"}),
    ],
)
def test_tab_completes_and_loads_no_sdk(words: str, expected: set[str]) -> None:
    found, printed = loaded(
        "from dicomfilter.cli import main; main()",
        _DICOMFILTER_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
    )
    assert found == set()
    assert set(printed.split()) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to complete for")
def test_completion_installs_into_a_real_bash(tmp_path: Path) -> None:
    bin_folder = Path(sys.executable).parent
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    }

    def bash(script: str) -> str:
        return subprocess.run(
            ["bash", "-c", script],  # noqa: S607 - whichever bash the machine has
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    bash("dicomfilter --install-completion; true")  # `; true` keeps bash there to be recognised
    completed = bash(
        "source ~/.bashrc; COMP_WORDS=(dicomfilter query re); COMP_CWORD=2; "
        '_dicomfilter_completion dicomfilter; echo "${COMPREPLY[@]}"'
    )
    assert completed.split() == ["recent-studies"]


def test_no_module_loads_an_sdk_when_it_is_imported() -> None:
    # googlesql's own rooms are all trees: their package imports them inside functions only.
    names = [f"dicomfilter.{n}" for n in modules() if n and not n.startswith("googlesql.")]
    found, _ = loaded(f"import importlib; [importlib.import_module(n) for n in {names}]")
    assert found == set()


@pytest.mark.parametrize("name", [n for n in modules() if n])
def test_imports_run_one_way(name: str) -> None:
    outward = {other for other in ours(name, types=True) if ring(other) > ring(name)}
    assert not outward, f"{name} imports what is built on top of it"


def test_no_imports_run_in_a_circle() -> None:
    graph = {name: ours(name, types=True) & set(modules()) - {name} for name in modules()}
    waiting = set(graph)
    while free := {name for name in waiting if not graph[name] & waiting}:
        waiting -= free
    assert not waiting


@pytest.mark.parametrize("name", PURE)
def test_the_core_touches_no_edge(name: str) -> None:
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        new = ours(waiting.pop(), only_at_once=True) - reached
        reached |= new
        waiting += new
    assert not {
        r for r in reached if r.startswith(("engines", "storage", "cli", "cohorts.display"))
    }


def edge_of(name: str) -> str | None:
    return next((edge for edge in EDGES if f"{name}.".startswith(f"{edge}.")), None)


def test_edges_do_not_know_each_other() -> None:
    for name in modules():
        if edge_of(name):
            known = {edge_of(other) for other in ours(name, types=True)}
            assert not known - {edge_of(name), None}, name


def test_the_two_engines_do_not_know_each_other() -> None:
    for one, other in (("duckdb", "bigquery"), ("bigquery", "duckdb")):
        for name in modules():
            if name.startswith(f"engines.{one}."):
                assert not {n for n in ours(name) if n.startswith(f"engines.{other}")}, name


@pytest.mark.parametrize("sdk", HOMES)
def test_an_sdk_is_known_only_where_it_is_at_home(sdk: str) -> None:
    knowing = {name for name in modules() if sdk in others(name)}
    assert knowing
    assert all(name.startswith(HOMES[sdk]) for name in knowing), knowing
