"""The house's own rules, kept by the tests: names, sizes, docstrings, errors, no leftovers."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

import dicomfilter
from dicomfilter import errors

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dicomfilter"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 600
MOST_CHARACTERS = 80
TREE_LINE = re.compile(
    r"^(?P<indent>[ │├└─]*)(?P<name>\w+Error)(?: \((?P<builtin>\w+)\))?"
    r"(?: +(?P<status>[0-9])(?=  ))?(?:  .*)?$"
)


@cache
def tracked() -> tuple[Path, ...]:
    """List the files of the repository, those not yet committed too."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git the machine has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def texts() -> dict[Path, str]:
    """Read the files of the repository that are text."""
    return {
        path: path.read_text("utf-8")
        for path in tracked()
        if path.suffix not in {".parquet", ".duckdb", ".png", ".gz"}
    }


def public_definitions() -> list[tuple[str, ast.AST, str | None]]:
    """List the package's public modules, classes, functions and methods with their docstrings."""
    found: list[tuple[str, ast.AST, str | None]] = []

    def walk(name: str, node: ast.Module | ast.ClassDef) -> None:
        for inner in node.body:
            kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            if not isinstance(inner, kinds) or inner.name.startswith("_"):
                continue
            found.append((f"{name}:{inner.name}", inner, ast.get_docstring(inner)))
            if isinstance(inner, ast.ClassDef):
                walk(f"{name}:{inner.name}", inner)

    for path in MODULES:
        tree = ast.parse(path.read_text())
        name = str(path.relative_to(ROOT))
        found.append((name, tree, ast.get_docstring(tree)))
        walk(name, tree)
    return found


def first_sentence(docstring: str) -> str:
    """Give a docstring's first line, up to its first full stop."""
    line = docstring.split("\n", maxsplit=1)[0]
    return line.split(". ", maxsplit=1)[0]


def error_classes() -> dict[str, type[errors.DicomFilterError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.DicomFilterError)
    }


def drawn_tree() -> dict[str, tuple[str | None, str | None, int | None]]:
    """Read the tree in the docstring: of each error its parent, builtin and status."""
    assert errors.__doc__ is not None
    found: dict[str, tuple[str | None, str | None, int | None]] = {}
    above: list[tuple[int, str]] = []
    for line in errors.__doc__.split("::", maxsplit=1)[1].splitlines():
        match = TREE_LINE.match(line.removeprefix("    "))
        if match is None:
            continue
        depth = len(match["indent"])
        above = [(d, name) for d, name in above if d < depth]
        status = int(match["status"]) if match["status"] else None
        found[match["name"]] = (above[-1][1] if above else None, match["builtin"], status)
        above.append((depth, match["name"]))
    return found


def test_the_public_names_are_all_there() -> None:
    assert sorted(dicomfilter.__all__) == dicomfilter.__dir__()
    for name in dicomfilter.__all__:
        assert getattr(dicomfilter, name) is not None


def test_every_lazily_loaded_name_is_public() -> None:
    names = {*dicomfilter._HOMES, *dicomfilter._MODULES, "__version__"}
    assert names == set(dicomfilter.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dicomfilter.nothing


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_has_a_name_without_meaning(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "manager", "misc"}


def test_whatever_is_public_has_a_docstring_with_a_short_first_sentence() -> None:
    wrong = [
        name
        for name, _, docstring in public_definitions()
        if not docstring or len(first_sentence(docstring)) >= MOST_CHARACTERS
    ]
    assert not wrong


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = drawn_tree()
    assert set(drawn) == set(error_classes())
    for name, error in error_classes().items():
        parent, builtin, _ = drawn[name]
        bases = [base.__name__ for base in error.__bases__]
        assert bases == [parent or "Exception"] + ([builtin] if builtin else []), name


def test_the_statuses_in_the_tree_are_those_of_the_classes() -> None:
    drawn = drawn_tree()
    for name, error in error_classes().items():
        parent, _, status = drawn[name]
        inherited = error_classes()[parent].exit_status if parent else None
        assert error.exit_status == (inherited if status is None else status), name


def test_each_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in error_classes().values()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_no_file_names_a_machine() -> None:
    folders = "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "private/var"))
    place = re.compile(rf"(?<![\w.}}$])/(?:{folders})/\w")
    found = {str(path.relative_to(ROOT)) for path, text in texts().items() if place.search(text)}
    assert not found


def test_nothing_is_left_to_be_done_in_a_comment() -> None:
    mark = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = {str(path.relative_to(ROOT)) for path, text in texts().items() if mark.search(text)}
    assert not found


def test_text_ends_with_one_newline_and_holds_no_tab_or_carriage_return() -> None:
    for path, text in texts().items():
        if path.suffix in {".py", ".sql", ".md", ".toml"}:
            assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), path
            assert "\r" not in text, path
