"""Only what is new: what was delivered in all is the cohort of now, and what has left it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import dicomfilter as dcf
from dicomfilter.proof.deliveries import NewBuilt, NewOptions, build_new
from tests.cli.running import call

Uids = tuple[str, str, str]
NOW = datetime.now(UTC).replace(microsecond=0)
NAMES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of one's own, with a state of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def uids(study: int, series: int, number: int) -> Uids:
    return f"1.{study}", f"1.{study}.{series}", f"1.{study}.{series}.{number}"


@dataclass
class World:
    """A streamed table, a destination, and what was delivered to it."""

    rows: list[tuple[Uids, str, str, datetime]] = field(default_factory=list)
    moment: datetime = NOW - timedelta(days=100)
    live: dict[Uids, str] = field(default_factory=dict)
    deliveries: list[str] = field(default_factory=list)

    def store(self, one: Uids, modality: str = "CT", kind: str = "CREATE") -> None:
        self.moment += timedelta(seconds=1)
        self.rows.append((one, kind, modality, self.moment))
        self.live.pop(one, None)
        if kind == "CREATE":
            self.live[one] = modality

    def write(self, late: int = 0) -> str:
        """Write the table; the latest rows may not have come yet."""
        rows = self.rows[: len(self.rows) - late]
        schema = pa.schema(
            [
                *((n, pa.string()) for n in (*NAMES, "Type", "Modality")),
                ("LastUpdated", pa.timestamp("us", "UTC")),
            ]
        )
        found = [
            {
                **dict(zip(NAMES, one, strict=True)),
                "Type": kind,
                "Modality": modality,
                "LastUpdated": when,
            }
            for one, kind, modality, when in rows
        ]
        parquet.write_table(pa.Table.from_pylist(found, schema=schema), "m.parquet")
        return "m.parquet"

    def build(self, name: str, level: str = "instance", **more: Any) -> NewBuilt:
        with dcf.open_table("m.parquet") as table:
            cohort = table.where("Modality = 'CT'")
            options = dcf.BuildOptions(level=dcf.Level(level), overwrite=True)
            return build_new(
                cohort, name, since=self.deliveries, options=options, new=NewOptions(**more)
            )

    def deliver(self, name: str, fail: int = 0) -> None:
        """Export what a filter names as of the table, but for some, and verify it."""
        wanted = sorted(one for one in self.live if covers(name, one))
        place = Path(f"{name}.out")
        place.mkdir()
        for one in wanted[fail:]:
            path = place / one[0] / one[1] / f"{one[2]}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"DICM")
        assert call("verify", name, place, "--against", "m.parquet").status in {0, 6}
        self.deliveries.append(name)


def lines(name: str) -> list[list[str]]:
    return [line.split("/")[2::2] for line in Path(name).read_text().splitlines()]


def covers(name: str, one: Uids) -> bool:
    return any(tuple(line) == one[: len(line)] for line in lines(name))


def arrived(world: World) -> set[Uids]:
    found: set[Uids] = set()
    for name in world.deliveries:
        path = Path(f"{name}.delivered.txt")
        if path.exists():
            found |= {(a, b, c) for a, b, c in lines(str(path))}
    return found


def gone(name: str = "gone.csv") -> dict[Uids, str]:
    rows = [line.replace('"', "").split(",") for line in Path(name).read_text().splitlines()[1:]]
    return {(a, b, c): reason for a, b, c, reason in rows}


@pytest.mark.parametrize("seed", range(6))
def test_all_deliveries_are_the_cohort_of_now_and_what_is_gone(seed: int) -> None:
    """Over random histories with late rows, deletions, re-creations and failed images."""
    chance = random.Random(seed)
    level = ("instance", "series", "study")[seed % 3]
    world = World()
    everything = [uids(a, b, c) for a in (1, 2, 3) for b in (1, 2) for c in (1, 2, 3)]
    for one in chance.sample(everything, 8):
        world.store(one)
    for run in range(5):
        for _ in range(chance.randrange(6)):
            one = chance.choice(everything)
            if one in world.live and chance.random() < 0.4:
                world.store(one, kind="DELETE")
            else:
                world.store(one, chance.choice(["CT", "CT", "CT", "MR"]))
        late = chance.randrange(3) if run < 4 else 0
        world.write(late=late if len(world.rows) > late else 0)
        name = f"{run}.txt"
        made = world.build(name, level, gone="gone.csv", changed="changed.txt", whole=seed % 2 == 1)
        assert (made.new is None) == (not Path(name).exists())
        if made.new is not None:
            world.write()
            world.deliver(name, fail=chance.randrange(3) if run < 3 else 0)
    # What came late or failed comes with the next ones, until nothing is new any more.
    for run in range(5, 9):
        world.write()
        made = world.build(f"{run}.txt", level, gone="gone.csv", whole=seed % 2 == 1)
        if made.new is None:
            break
        world.deliver(f"{run}.txt")
    else:
        pytest.fail("there is always something new")
    with dcf.open_table("m.parquet") as table:
        table.where("Modality = 'CT'").write_filter("full.txt", level=level)
    cohort = {one for one in world.live if covers("full.txt", one)}
    left = gone()
    assert arrived(world) == cohort | set(left)
    assert not cohort & set(left)
    for one, reason in left.items():
        assert reason == ("no longer matches" if one in world.live else "deleted")


def small() -> World:
    world = World()
    for number in (1, 2, 3):
        world.store(uids(1, 1, number))
    world.store(uids(2, 1, 1))
    world.write()
    return world


def test_the_first_delivery_is_everything_and_that_is_said() -> None:
    world = small()
    world.deliveries = ["nothing*.txt"]
    made = world.build("a.txt")
    assert len(lines("a.txt")) == 4
    assert "matches nothing" in made.warnings[0]


@pytest.mark.parametrize("level", ["instance", "series", "study"])
def test_what_arrives_later_in_a_study_is_new(level: str) -> None:
    world = small()
    world.build("a.txt", level)
    world.deliver("a.txt")
    world.store(uids(1, 1, 4))
    world.store(uids(3, 1, 1))
    world.write()
    world.build("b.txt", level)
    depth = {"instance": 3, "series": 2, "study": 1}[level]
    assert sorted(lines("b.txt")) == sorted([list(uids(1, 1, 4)), list(uids(3, 1, 1)[:depth])])


def test_a_study_that_has_grown_may_come_as_a_whole() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt")
    world.store(uids(1, 1, 4))
    world.write()
    world.build("b.txt", whole=True)
    assert sorted(lines("b.txt")) == [list(uids(1, 1, number)) for number in (1, 2, 3, 4)]


def test_images_that_failed_are_new_the_next_time() -> None:
    world = small()
    world.build("a.txt", "study")
    world.deliver("a.txt", fail=2)
    world.build("b.txt", "study")
    assert sorted(lines("b.txt")) == [list(uids(1, 1, 1)), list(uids(1, 1, 2))]


def test_nothing_new_is_status_3_and_the_lists_are_written() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt")
    world.moment = NOW + timedelta(hours=1)
    world.store(uids(1, 1, 1), kind="DELETE")
    world.store(uids(1, 1, 2), "MR")
    world.store(uids(1, 1, 3))
    world.write()
    arguments = ["--where", "Modality = 'CT'", "--new-since", "a.txt", "-o", "b.txt"]
    lists = ["--changed", "changed.txt", "--gone", "gone.csv"]
    ended = call("build", "m.parquet", *arguments, *lists)
    assert ended.status == 3
    assert not Path("b.txt").exists()
    assert gone() == {uids(1, 1, 1): "deleted", uids(1, 1, 2): "no longer matches"}
    assert lines("changed.txt") == [list(uids(1, 1, 3))]
    ended = call("build", "m.parquet", *arguments, *lists, "--overwrite", "--json")
    assert ended.status == 3
    found = json.loads(ended.out)
    assert found["uri"] is None
    assert found["changed"] == {"count": 1, "file": "changed.txt"}
    assert found["gone"]["reasons"] == {"deleted": 1, "no longer matches": 1}


def test_the_summary_says_what_became_of_the_rest() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt")
    world.store(uids(3, 1, 1))
    world.write()
    ended = call("build", "m.parquet", "--all", "--new-since", "a.txt", "-o", "b.txt")
    assert ended.status == 0
    assert ended.out == "b.txt\n"
    assert "new      1 lines (1 instance)" in ended.err
    assert "before   4 instances delivered" in ended.err
    manifest = json.loads(Path("b.txt.manifest.json").read_text())
    assert manifest["derived"]["operation"] == "new"
    assert [one["uri"] for one in manifest["derived"]["inputs"]] == ["a.txt.delivered.txt"]


def test_an_unverified_filter_counts_with_a_warning() -> None:
    world = small()
    world.build("a.txt")
    world.deliveries = ["a.txt"]
    world.store(uids(3, 1, 1))
    world.write()
    made = world.build("b.txt")
    assert "was never verified" in made.warnings[0]
    assert lines("b.txt") == [list(uids(3, 1, 1))]


def test_unverified_lines_of_studies_count_for_what_was_there() -> None:
    world = small()
    world.build("a.txt", "study")
    world.deliveries = ["a.txt"]
    world.moment = NOW + timedelta(hours=1)
    world.store(uids(1, 1, 4))
    world.write()
    made = world.build("b.txt", "study")
    assert lines("b.txt") == [list(uids(1, 1, 4))]
    assert "never verified" in " ".join(made.warnings)
    Path("hand.txt").write_text("/studies/1.1\n")
    world.deliveries = ["hand.txt"]
    world.build("c.txt", "study")
    assert sorted(lines("c.txt")) == [["1.1"], ["1.2"]]


def test_a_retry_that_was_not_verified_counts_for_nothing() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt", fail=1)
    assert Path("a.txt.retry.txt").exists()
    world.deliveries = ["a.txt", "a.txt.retry.txt"]
    made = world.build("b.txt")
    assert lines("b.txt") == [list(uids(1, 1, 1))]
    assert "counts for nothing" in " ".join(made.warnings)


def test_a_pattern_names_filters_and_not_what_lies_beside_them() -> None:
    world = small()
    world.build("d-1.txt")
    world.deliver("d-1.txt", fail=1)
    world.deliveries = ["d-*.txt"]
    made = world.build("b.txt")
    assert lines("b.txt") == [list(uids(1, 1, 1))]
    assert made.warnings == ()


def test_a_verification_of_other_bytes_counts_for_nothing() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt")
    Path("a.txt").write_text("/studies/1.2\n")
    Path("a.txt.manifest.json").unlink()
    made = world.build("b.txt")
    assert len(lines("b.txt")) == 4
    assert "verify it again" in made.warnings[0]


@pytest.mark.parametrize("name", ["a.txt.manifest.json", "a.txt.delivered.txt", "a.*"])
def test_a_delivery_has_several_names(name: str) -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt")
    world.deliveries = [name]
    assert world.build("b.txt").new is None


def test_a_name_that_does_not_exist_stops_it() -> None:
    small()
    arguments = ["--all", "--new-since", "none.txt", "-o", "b.txt"]
    assert call("build", "m.parquet", *arguments).status == 2


def test_what_goes_with_new_since_is_said() -> None:
    small()
    ended = call("build", "m.parquet", "--all", "--gone", "g.csv", "-o", "b.txt")
    assert ended.status == 2
    assert "--new-since" in ended.err


def test_a_table_without_times_tells_no_changes() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt")
    table = parquet.read_table("m.parquet").drop_columns(["LastUpdated", "Type"])
    parquet.write_table(table, "m.parquet")
    ended = call(
        "build",
        "m.parquet",
        "--all",
        "--new-since",
        "a.txt",
        "-o",
        "b.txt",
        "--changed",
        "c.txt",
        "--json",
    )
    assert ended.status == 3
    assert json.loads(ended.out)["changed"] == {"count": None, "file": None}
    assert "has no LastUpdated" in ended.err


def test_a_filter_of_which_nothing_arrived_is_not_taken_for_delivered() -> None:
    world = small()
    world.build("a.txt")
    world.deliver("a.txt", fail=4)
    made = world.build("b.txt")
    assert len(lines("b.txt")) == 4
    assert "nothing of a.txt arrived" in made.warnings[0]
