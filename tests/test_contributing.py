"""CONTRIBUTING.md is true: its targets, rings, budget and dependencies; and no GPL for users."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import (
    PackageNotFoundError,
    metadata,
    packages_distributions,
    requires,
)
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from tests.documents import CONTRIBUTING, ROOT, cells, codes, part, table_below
from tests.test_imports import HOMES, RINGS, modules, others

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
SHIPPED = [*PROJECT["project"]["dependencies"], *(line for of in EXTRAS.values() for line in of)]
GROUPS = [line for group in PROJECT["dependency-groups"].values() for line in group]
ROWS = cells(part("dependencies", CONTRIBUTING))
LICENSES = {name: row[2] for row in ROWS for name in codes(row[0])}
COPYLEFT = re.compile(r"GPL|GNU|Affero", re.IGNORECASE)


def named(lines: Iterable[str]) -> set[str]:
    return {Requirement(line).name for line in lines} - {"dicomfilter"}


def license_of(package: str) -> str:
    """Read what a package says of its license; not the license itself, which may name others."""
    told = metadata(package)
    said = [told.get("License-Expression"), *(told.get("License") or "").splitlines()[:1]]
    said += [line for line in told.get_all("Classifier") or () if line.startswith("License")]
    return " ".join(filter(None, said))


def installed_by(packages: Iterable[str]) -> set[str]:
    """Follow what packages require, and what these require, on this machine."""
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            lines = requires(name) or ()
        except PackageNotFoundError:
            continue  # of another platform
        found.add(name)
        needed = map(Requirement, lines)
        waiting += [r.name for r in needed if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


def test_every_dependency_has_its_reason() -> None:
    assert set(LICENSES) == named(SHIPPED) | named(GROUPS)
    assert all(reason for _, reason, _ in ROWS)


@pytest.mark.parametrize("package", sorted(LICENSES))
def test_a_license_is_the_one_that_the_package_names(package: str) -> None:
    try:
        said = license_of(package)
    except PackageNotFoundError:
        groups = PROJECT["dependency-groups"]
        assert package in named([*groups["bench"], *groups["docs"]])
        pytest.skip(f"{package} is for the benchmarks or the site, and not installed")
    assert any(license_name in said for license_name in LICENSES[package].split(", ")), said


def test_nothing_that_a_user_installs_is_under_the_gpl() -> None:
    packages = installed_by(named(SHIPPED))
    assert packages >= {"duckdb", "google-auth", "numpy", "pydantic-core"}
    assert {name for name in packages if COPYLEFT.search(license_of(name))} == set()


def test_every_package_has_a_lower_bound_or_a_pin() -> None:
    for line in SHIPPED:
        wanted = Requirement(line)
        operators = {specifier.operator for specifier in wanted.specifier}
        assert operators & {">=", "=="} or wanted.name == "dicomfilter", line


def test_the_rings_are_those_that_imports_follow() -> None:
    shown = [set(codes(row[0])) for row in cells(part("rings", CONTRIBUTING))]
    assert shown == list(RINGS)


def test_every_target_is_told() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (targets,) = re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    told = {
        codes(row[0])[0].removeprefix("make ") for row in table_below("| target |", CONTRIBUTING)
    }
    assert told == set(targets.split()) - {"clean"}
    for target in told:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_budget_adds_up() -> None:
    minutes = [float(row[1]) for row in cells(part("budget", CONTRIBUTING))]
    assert sum(minutes) == 15


def test_files_that_are_named_are_there() -> None:
    roots = r"(?:benchmarks|cli|engines|examples|googlesql|notebooks|sql|storage|tests|tools|\.ci)"
    for name in codes(CONTRIBUTING):
        if re.fullmatch(rf"{roots}/[\w./]*", name) and name != "sql/name.sql":
            assert (ROOT / name).exists() or (ROOT / "dicomfilter" / name).exists(), name


def test_whatever_the_package_imports_is_among_what_it_depends_on() -> None:
    always = named(PROJECT["project"]["dependencies"])
    with_extras = installed_by(named(SHIPPED))
    providers = packages_distributions()
    optional = [sdk for sdk in HOMES if not always & set(providers.get(sdk, ()))]
    edges = ("stores.", *(home for sdk in optional for home in HOMES[sdk]))
    for module in modules():
        for name in others(module) - set(sys.stdlib_module_names):
            allowed = with_extras if module.startswith(edges) else always
            assert allowed & set(providers.get(name, ())), f"{module} imports {name}, undeclared"
