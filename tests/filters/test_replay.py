"""A filter file is made again from its manifest: the same lines, or what changed."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.errors import ManifestError, ParameterError, PredicateError, SourceNotFoundError
from dicomfilter.filters.build import BuildOptions, build
from dicomfilter.filters.manifest import SUFFIX
from dicomfilter.filters.replay import read_manifest, replay
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.paths import Level
from dicomfilter.schema import TableSchema
from tests.tables import INSTANCES, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.build import FilterBuilt

TODAY = date(2021, 11, 21)
ROWS = [
    instance("1", "1.1", "1.1.1", "CT", StudyDate=date(2021, 11, 20)),
    instance("1", "1.1", "1.1.2", "MR", StudyDate=date(2021, 11, 20)),
    instance("2", "2.1", "2.1.1", "CT", StudyDate=date(2021, 1, 1)),
    instance("3", "3.1", "3.1.1", "CT"),
]
CASES: dict[str, Callable[[Selection], Selection]] = {
    "a literal": lambda s: s.where("Modality = 'CT'"),
    "several clauses": lambda s: s.where("Modality = 'CT'").where("PatientID != 'patient-1'"),
    "a parameter": lambda s: s.where("Modality = @m", parameters=[Parameter.of("m", "CT")]),
    "an age": lambda s: s.since(30),
    "today in words": lambda s: s.where(
        "StudyDate >= DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY) OR Modality IN ('MR', 'US')"
    ),
    "a list": lambda s: s.where_in(IdList.of("PatientID", ["patient-1", "patient-3", "nobody"])),
    "joined": lambda s: s.where("Modality = 'CT'").either(s.where("PatientID = 'patient-1'")),
    "less": lambda s: s.without(s.since(30)),
    "everything": lambda s: s,
    "a date": lambda s: s.where("StudyDate BETWEEN '2020-12-31' AND DATE '2021-02-01'"),
    "odd text": lambda s: s.where(
        r"PatientID != 'it\'s \"@p1\"' AND REGEXP_CONTAINS(Modality, r'^C\w$')"
    ),
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_engine([write(tmp_path / "metadata.parquet", INSTANCES, ROWS)]) as opened:
        yield opened


def first(engine: Engine, selection: Selection, target: Path, **options: object) -> FilterBuilt:
    chosen = replace(BuildOptions(today=TODAY), **options)  # type: ignore[arg-type]
    return build(engine, selection, str(target), options=chosen)


def again(
    engine: Engine, target: Path, given: Sequence[Parameter] = (), *, record_values: bool = True
) -> FilterBuilt:
    """Build from a manifest, as the command does, into the file's name and ``-again``."""
    found = replay(read_manifest(f"{target}{SUFFIX}"), engine.schemas(), given)
    options = replace(found.options, record_values=record_values)
    return build(engine, found.selection, f"{target}-again", options=options)


def lines(path: str | Path) -> list[str]:
    return sorted(Path(path).read_text().splitlines())


@pytest.mark.parametrize("case", CASES)
def test_a_recorded_filter_is_made_again_and_again(
    engine: Engine, tmp_path: Path, case: str
) -> None:
    target = tmp_path / "f.txt"
    selection = CASES[case](Selection(engine.schema()))
    before = first(engine, selection, target, record_values=True)
    after = again(engine, target)
    assert lines(after.uri) == lines(target)
    assert before.manifest.changes(after.manifest) == ()
    assert after.manifest.current_date == "2021-11-21"
    third = again(engine, Path(after.uri))
    assert before.manifest.changes(third.manifest) == ()
    assert third.manifest.predicates == after.manifest.predicates
    assert third.manifest.sql == after.manifest.sql


@pytest.mark.parametrize("case", CASES)
def test_values_that_were_not_recorded_are_asked_for_one_by_one(
    engine: Engine, tmp_path: Path, case: str
) -> None:
    target = tmp_path / "f.txt"
    selection = CASES[case](Selection(engine.schema()))
    first(engine, selection, target)
    given: list[Parameter] = []
    for parameter in selection.parameters:
        if parameter.name == "current_date":
            continue
        with pytest.raises(ParameterError, match=rf"value of @{parameter.name} "):
            again(engine, target, given)
        given.append(Parameter(parameter.name, parameter.type, parameter.value))
    after = again(engine, target, given, record_values=False)
    assert lines(after.uri) == lines(target)
    # What was made again without values asks for them once more.
    if given:
        with pytest.raises(ParameterError, match="does not record"):
            again(engine, Path(after.uri))


def test_another_value_makes_another_filter(engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    selection = Selection(engine.schema()).where("Modality = 'CT'")
    before = first(engine, selection, target, record_values=True)
    after = again(engine, target, [Parameter.of("p1", "MR")])
    assert Path(after.uri).read_text() == "/studies/1/series/1.1/instances/1.1.2\n"
    assert "lines: 3, now 1" in before.manifest.changes(after.manifest)


@pytest.mark.parametrize(
    ("level", "compact"), [(Level.STUDY, False), (Level.SERIES, True), (Level.INSTANCE, True)]
)
def test_the_form_of_a_filter_is_that_of_the_first(
    engine: Engine, tmp_path: Path, *, level: Level, compact: bool
) -> None:
    target = tmp_path / "f.txt"
    selection = Selection(engine.schema()).where("Modality = 'CT'")
    first(engine, selection, target, record_values=True, level=level, compact=compact)
    found = replay(read_manifest(f"{target}{SUFFIX}"), engine.schemas(), [])
    assert (found.options.level, found.options.compact) == (level, compact)
    assert lines(again(engine, target).uri) == lines(target)


def test_rows_left_out_are_left_out_again(tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    path = write(tmp_path / "bad.parquet", INSTANCES, [*ROWS, instance("1", None, "1.1.9")])
    with open_engine([path]) as engine:
        first(engine, Selection(engine.schema()), target, skip_bad_uids=True)
        after = again(engine, target)
    assert after.coverage.rejected_rows == 1


def test_all_versions_are_all_versions_again(tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    deleted = instance("9", "9.1", "9.1.1", Type="DELETE")
    path = write(tmp_path / "streamed.parquet", STREAMED, [*ROWS, deleted])
    with open_engine([path]) as engine:
        first(engine, Selection(engine.schema(), all_versions=True), target)
        assert len(Path(again(engine, target).uri).read_text().splitlines()) == 5
        first(engine, Selection(engine.schema()), tmp_path / "g.txt")
        assert len(Path(again(engine, tmp_path / "g.txt").uri).read_text().splitlines()) == 4


def test_what_changed_since_is_said(engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    before = first(engine, Selection(engine.schema()), target)
    path = write(tmp_path / "metadata.parquet", INSTANCES, [*ROWS, instance("4", "4.1", "4.1.1")])
    os.utime(path, (2e9, 2e9))
    with open_engine([path]) as later:
        after = again(later, target)
    changed, *counts = before.manifest.changes(after.manifest)
    assert changed.startswith("the table has changed: modified 20")
    assert changed.endswith("now 2033-05-18T03:33:20+00:00")
    assert "lines: 4, now 5" in counts


def test_a_column_that_has_gone_is_said(engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    selection = Selection(engine.schema()).where("Modality = 'CT'")
    first(engine, selection, target, record_values=True)
    fewer = TableSchema(tuple(c for c in INSTANCES if c.name != "Modality"))
    with pytest.raises(PredicateError, match="Unrecognized name: Modality"):
        replay(read_manifest(f"{target}{SUFFIX}"), {"metadata": fewer}, [])


def test_a_manifest_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    for content in (b"/studies/1\n", b"\xff\xfe", b"{}"):
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=r"f\.txt") as caught:
            read_manifest(str(path))
        assert "not a manifest" in caught.value.message
    with pytest.raises(SourceNotFoundError):
        read_manifest(str(tmp_path / "none.json"))
