"""Parts of a filter file: disjoint, together the whole, no unit in two."""

from __future__ import annotations

import json
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.shares import cuts, hashed
from dicomfilter.errors import DestinationExistsError, UsageError
from dicomfilter.filters.algebra.splitting import By, How, Unit, split
from dicomfilter.notebook.table import open_table
from dicomfilter.paths import ResourcePath
from tests.filters.algebra.trees import read
from tests.tables import INSTANCES, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.notebook.table import Table

STUDIES = 60


def rows() -> list[dict[str, object]]:
    """Two studies a patient; sizes differ widely."""
    return [
        {
            "PatientID": f"P{study // 2}",
            "StudyInstanceUID": f"1.{study}",
            "SeriesInstanceUID": f"1.{study}.{series}",
            "SOPInstanceUID": f"1.{study}.{series}.{n}",
            "BlobStorageSize": 1 + (study * 7919 + series * 31 + n) % 1000,
        }
        for study in range(STUDIES)
        for series in range(1 + study % 3)
        for n in range(1 + study % 5)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = {ResourcePath(f"1.{row['StudyInstanceUID']}"[2:]) for row in rows()}
    mixed = []
    for study in sorted(lines):
        number = int(study.study.split(".")[1])
        own = [row for row in rows() if row["StudyInstanceUID"] == study.study]
        depth = number % 3
        for row in own:
            uids = [str(row[f"{name}InstanceUID"]) for name in ("Study", "Series")]
            mixed.append(
                ResourcePath(*uids[: depth + 1], *[str(row["SOPInstanceUID"])][: depth == 2])
            )
    text = "".join(f"{line}\n" for line in reversed(dict.fromkeys(mixed)))
    (tmp_path / "f.txt").write_text(text)
    return tmp_path


@pytest.fixture
def table(folder: Path) -> Iterator[Table]:
    with open_table(write(folder / "metadata.parquet", INSTANCES, rows())) as opened:
        yield opened


def parts_of(made: object) -> dict[str, list[ResourcePath]]:
    return {part.name: read(Path(done.uri)) for part, done in made.parts}  # type: ignore[attr-defined]


def prove(folder: Path, parts: dict[str, list[ResourcePath]]) -> None:
    """Each line in one part, each study in one."""
    assert sorted(chain.from_iterable(parts.values())) == sorted(read(folder / "f.txt"))
    studies = [{line.study for line in lines} for lines in parts.values()]
    assert sum(map(len, studies)) == len(set().union(*studies))


@pytest.mark.parametrize("by", [By.LINES, By.SIZE, By.INSTANCES])
def test_parts_are_ranges_of_like_weight(folder: Path, table: Table, by: By) -> None:
    made = split(
        folder / "f.txt", f"{folder}/ct-{{part}}.txt", How(parts=4, by=by), against=table.engine
    )
    parts = parts_of(made)
    prove(folder, parts)
    weights = [part.weight for part, _ in made.parts]
    assert max(weights) < 1.3 * sum(weights) / 4
    ranges = [(min(lines), max(lines)) for lines in parts.values()]
    assert all(a[1] < b[0] for a, b in pairwise(ranges))
    size = sum(int(str(row["BlobStorageSize"])) for row in rows())
    assert sum(part.size_bytes or 0 for part, _ in made.parts) == size
    listed = json.loads((folder / "ct.parts.json").read_text())
    assert [part["uri"] for part in listed["parts"]] == [done.uri for _, done in made.parts]
    assert listed["parts"][0]["crc32c"] == made.parts[0][1].written.crc32c


def test_a_most_holds_but_for_a_single_unit(folder: Path, table: Table) -> None:
    made = split(
        folder / "f.txt", f"{folder}/{{part}}.txt", How(max_size=3000), against=table.engine
    )
    parts = parts_of(made)
    prove(folder, parts)
    large = [part for part, _ in made.parts if part.weight > 3000]
    assert all(part.units == 1 for part in large)
    assert bool(large) == bool(made.warnings)
    assert (folder / "parts.json").exists()


def test_a_patient_never_moves_and_is_in_one_part(folder: Path, table: Table) -> None:
    ratio = {"train": 0.7, "val": 0.15, "test": 0.15}
    how = How(ratio=ratio, unit=Unit.PATIENT, seed="key")
    made = split(folder / "f.txt", f"{folder}/{{part}}.txt", how, against=table.engine)
    parts = parts_of(made)
    prove(folder, parts)
    ends = dict(zip(ratio, cuts(ratio.values()), strict=True))
    for name, lines in parts.items():
        for line in lines:
            patient = f"P{int(line.study.split('.')[1]) // 2}"
            assert ends[name][0] <= hashed("key", patient) < ends[name][1]
    cohorts = table.all().split(by="PatientID", seed="key", **ratio)
    for name, cohort in cohorts.items():
        assert cohort.counts().studies == len({line.study for line in parts[name]})


def test_rows_without_a_patient_and_studies_of_two_stop_it(folder: Path) -> None:
    how = How(ratio={"a": 0.5, "b": 0.5}, unit=Unit.PATIENT)
    for change, told in (
        ({"PatientID": None}, "2 rows have no PatientID"),
        ({"PatientID": "X"}, "1 study is of two"),
    ):
        wrong = rows()
        count = 2 if change["PatientID"] is None else 1
        for row in [row for row in wrong if row["StudyInstanceUID"] == "1.4"][:count]:
            row.update(change)
        with (
            open_table(write(folder / "wrong.parquet", INSTANCES, wrong)) as table,
            pytest.raises(UsageError, match=told),
        ):
            split(folder / "f.txt", f"{folder}/{{part}}.txt", how, against=table.engine)
    assert not list(folder.glob("*.json"))


def test_what_cannot_be_is_refused_and_nothing_is_written(folder: Path) -> None:
    path, out = folder / "f.txt", f"{folder}/ct-{{part}}.txt"
    for wrong in (
        {},
        {"parts": 2, "max_lines": 5},
        {"parts": 0},
        {"ratio": {"a": 0.5, "b": 0.4}},
        {"ratio": {"a": 1.0}},
        {"ratio": {"a": 0.5, "A": 0.5}},
        {"ratio": {"a/b": 0.5, "c": 0.5}},
        {"ratio": {"a": 0.5, "b": 0.5}, "by": By.SIZE},
        {"max_lines": 5, "by": By.SIZE},
        {"parts": 2, "seed": "x"},
    ):
        with pytest.raises(UsageError):
            How(**wrong)  # type: ignore[arg-type]
    for name in ("ct.txt", "{part}/ct.txt", "{part}-{part}.txt"):
        with pytest.raises(UsageError, match="must hold"):
            split(path, f"{folder}/{name}", How(parts=2))
    with pytest.raises(UsageError, match="takes a table"):
        split(path, out, How(parts=2, by=By.SIZE))
    with pytest.raises(UsageError, match="takes a table"):
        split(path, out, How(parts=2, unit=Unit.PATIENT))
    with pytest.raises(UsageError, match="a unit of series would divide"):
        split(path, out, How(parts=2, unit=Unit.SERIES))
    (folder / "ct-9.txt").write_text("/studies/1\n")
    with pytest.raises(DestinationExistsError, match=r"ct-9\.txt"):
        split(path, out, How(parts=2), overwrite=True)
    assert sorted(p.name for p in folder.glob("*")) == ["ct-9.txt", "f.txt"]
