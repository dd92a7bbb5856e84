"""Union, intersection, difference and comparison, against leaves counted one by one."""

from __future__ import annotations

import json
from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomfilter.errors import (
    DestinationError,
    EmptyFilterError,
    FilterFileError,
    ManifestError,
    SourceNotFoundError,
    TableError,
    UsageError,
)
from dicomfilter.filters.algebra import deriving
from dicomfilter.filters.algebra.comparing import diff
from dicomfilter.filters.algebra.deriving import Target, intersect, subtract, union
from dicomfilter.filters.algebra.few import Few
from dicomfilter.filters.lines import check
from dicomfilter.filters.manifest import Manifest
from dicomfilter.filters.replay import read_manifest
from dicomfilter.notebook.table import open_table
from dicomfilter.paths import ResourcePath
from tests.filters.algebra.trees import cut, is_normal, read, tree, write
from tests.tables import INSTANCES, SERIES_INDEX
from tests.tables import write as write_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dicomfilter.filters.algebra.picks import Pick

TREES = 1500
"""Random trees in one forest; every one of them is compared."""


@pytest.fixture(params=["few", "many"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Calculate without an engine, and with one."""
    if request.param == "many":
        monkeypatch.setattr(deriving, "_SMALL_BYTES", -1)
    return str(request.param)


class Forest:
    """Many trees at once, each with lines of its own in every file."""

    def __init__(self, seed: int, trees: int, files: int) -> None:
        random = Random(seed)
        self.trees = [tree(random, number) for number in range(1, trees + 1)]
        self.files: list[list[ResourcePath]] = []
        for _ in range(files):
            lines = [line for one in self.trees for line in one.lines(random, random.randint(0, 6))]
            random.shuffle(lines)
            self.files.append(lines)

    def write(self, folder: Path) -> list[Path]:
        return [write(folder / f"{n}.txt", lines) for n, lines in enumerate(self.files)]

    def split(self, lines: Iterable[ResourcePath]) -> dict[int, list[ResourcePath]]:
        found: dict[int, list[ResourcePath]] = defaultdict(list)
        for line in lines:
            found[int(line.study.split(".")[0])].append(line)
        return found

    def table(self, folder: Path, *, series: bool = False) -> str:
        rows: list[dict[str, object]] = []
        for one in self.trees:
            for leaf in one.known:
                row: dict[str, object] = {
                    "PatientID": leaf.study,
                    "StudyInstanceUID": leaf.study,
                    "SeriesInstanceUID": leaf.series,
                }
                if not series:
                    row |= {"SOPInstanceUID": leaf.instance, "BlobStorageSize": 10}
                rows.append(row)
        return write_table(folder / "metadata.parquet", SERIES_INDEX if series else INSTANCES, rows)


@pytest.mark.parametrize("files", [2, 3])
def test_union_and_intersection_are_those_of_the_leaves(
    way: str, files: int, tmp_path: Path
) -> None:
    del way
    forest = Forest(files, TREES, files)
    paths = forest.write(tmp_path)
    joined, common = (
        read_result(do(paths, tmp_path / "out.txt", overwrite=True)) for do in (union, intersect)
    )
    parts = [forest.split(lines) for lines in forest.files]
    both = forest.split(common)
    either = forest.split(joined)
    for number, one in enumerate(forest.trees, 1):
        leaves = [one.leaves(part[number]) for part in parts]
        assert one.leaves(either[number]) == set.union(*leaves)
        assert one.leaves(both[number]) == set.intersection(*leaves)
        assert is_normal(either[number])
        assert is_normal(both[number])


def read_result(derived: deriving.Derived) -> list[ResourcePath]:
    from pathlib import Path

    found = read(Path(derived.uri))
    assert len(found) == derived.levels.total
    return found


def test_a_difference_is_that_of_the_leaves_where_no_line_is_cut(way: str, tmp_path: Path) -> None:
    del way
    forest = Forest(11, TREES, 2)
    a, b = forest.files
    cut_lines = cut_by_tree(forest)
    b = [line for line in b if not any(one.covers(line) for one in cut_lines[number_of(line)])]
    forest.files = [a, b]
    paths = forest.write(tmp_path)
    left = forest.split(read_result(subtract(paths, tmp_path / "out.txt")))
    parts = [forest.split(lines) for lines in forest.files]
    for number, one in enumerate(forest.trees, 1):
        expected = one.leaves(parts[0][number]) - one.leaves(parts[1][number])
        assert one.leaves(left[number]) == expected
        assert is_normal(left[number])


def number_of(line: ResourcePath) -> int:
    return int(line.study.split(".")[0])


def cut_by_tree(forest: Forest) -> dict[int, set[ResourcePath]]:
    a, b = (forest.split(lines) for lines in forest.files)
    return {number: cut(a[number], b[number]) for number in range(1, len(forest.trees) + 1)}


def test_cut_lines_are_counted_and_refused_and_a_table_tells_what_is_left(
    way: str, tmp_path: Path
) -> None:
    del way
    forest = Forest(12, TREES, 2)
    paths = forest.write(tmp_path)
    count = sum(map(len, cut_by_tree(forest).values()))
    assert count > TREES / 10
    with pytest.raises(UsageError, match=f"{count:,} lines of the first filter") as refused:
        subtract(paths, tmp_path / "out.txt")
    assert "--against" in str(refused.value.hint)
    assert not (tmp_path / "out.txt").exists()
    with open_table(forest.table(tmp_path)) as table:
        derived = subtract(paths, tmp_path / "out.txt", against=table.engine)
        found = diff(*paths, against=table.engine)
    left = forest.split(read_result(derived))
    parts = [forest.split(lines) for lines in forest.files]
    for number, one in enumerate(forest.trees, 1):
        mine, other = (one.known_leaves(part[number]) for part in parts)
        assert one.known_leaves(left[number]) == mine - other
        assert not one.leaves(left[number]) & one.leaves(parts[1][number])
        assert is_normal(left[number])
    assert any("expanded" in text for text in derived.warnings)
    manifest = json.loads((tmp_path / "out.txt.manifest.json").read_text())
    assert manifest["derived"]["expanded_lines"] == count
    assert manifest["derived"]["against"]["digest"]
    leaves = [
        set().union(*(one.known_leaves(part[n]) for n, one in enumerate(forest.trees, 1)))
        for part in parts
    ]
    assert found.only_a.instances == len(leaves[0] - leaves[1])
    assert found.only_b.instances == len(leaves[1] - leaves[0])
    assert found.both.instances == len(leaves[0] & leaves[1])
    assert found.only_a.size_bytes == 10 * len(leaves[0] - leaves[1])
    assert found.exact


def test_a_comparison_tells_what_only_metadata_could_settle(way: str, tmp_path: Path) -> None:
    del way
    forest = Forest(13, TREES, 2)
    paths = forest.write(tmp_path)
    a, b = forest.files
    forest.files = [b, a]
    back = cut_by_tree(forest)
    forest.files = [a, b]
    there = cut_by_tree(forest)
    found = diff(*paths)
    assert found.partly == sum(map(len, there.values())) + sum(map(len, back.values()))
    assert not found.exact
    assert not found.same


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10**9))
def test_laws(seed: int) -> None:
    random = Random(seed)
    one = tree(random)
    a, b, c = (one.lines(random, random.randint(0, 7)) for _ in range(3))

    def joined(*sets: list[ResourcePath]) -> list[ResourcePath]:
        return paths_of(few(*sets).union())

    def common(*sets: list[ResourcePath]) -> list[ResourcePath]:
        return paths_of(few(*sets).common())

    def beyond(*sets: list[ResourcePath]) -> list[ResourcePath]:
        return paths_of(few(*sets).minus().kept)

    again = random.sample(a * 2, len(a) * 2)
    assert joined(a, b) == joined(b, a)
    assert common(a, b) == common(b, a)
    assert joined(a, again) == common(a, again) == joined(a)
    assert beyond(a, again) == []
    assert joined(a, b, c) == joined(joined(a, b), c)
    assert common(a, b, c) == common(a, common(b, c))
    assert beyond(a, b, c) == beyond(a, joined(b, c))
    if not cut(a, b):
        assert one.leaves([*common(a, b), *beyond(a, b)]) == one.leaves(a)


def few(*sets: list[ResourcePath]) -> Few:
    lines = [
        [(p.study.encode(), p.series.encode(), p.instance.encode()) for p in one] for one in sets
    ]
    return Few((), tuple(lines))


def paths_of(pick: Pick) -> list[ResourcePath]:
    data = b"".join(pick.blocks()).decode()
    return sorted(ResourcePath.parse(line) for line in data.splitlines())


def test_lines_are_read_as_a_check_reads_them(way: str, tmp_path: Path) -> None:
    del way
    windows = tmp_path / "windows.txt"
    windows.write_bytes(b"/studies/1\r\n/studies/2/series/3\r\n/studies/1")
    other = tmp_path / "other.txt"
    other.write_bytes(b"/studies/01..2\n/studies/2/series/3/instances/4\n")
    derived = union([windows, other], tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == (
        b"/studies/1\n/studies/2/series/3\n/studies/01..2\n"
    )
    assert check(derived.uri).ok


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf/studies/1\n",
        b"StudyInstanceUID\n/studies/1\n",
        b"/studies/1\n\n",
        b"/studies/1\n/studies/x\n",
        b"studies/1\n",
        b'"/studies/1"\n',
        b"/studies/1/series/2/\n",
        b"/studies/1/instances/2\n",
        b"/studies/1 \n",
        b"/studies/1\x00\n",
        "/studies/1\n".encode("utf-16"),
        b"\x1f\x8b\x08\x00",
        b"",
    ],
)
def test_an_input_with_errors_stops_it(way: str, data: bytes, tmp_path: Path) -> None:
    del way
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_bytes(b"/studies/9\n")
    bad.write_bytes(data)
    for inputs in ([good, bad], [bad, good]):
        with pytest.raises(FilterFileError, match="bad"):
            union(inputs, tmp_path / "out.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.txt", "good.txt"]


def test_what_cannot_be_an_input_or_an_output_is_refused(way: str, tmp_path: Path) -> None:
    del way
    a = write(tmp_path / "a.txt", [])
    a.write_text("/studies/1\n")
    b = tmp_path / "b.txt"
    b.write_text("/studies/1\n")
    link = tmp_path / "link.txt"
    link.symlink_to(a)
    with pytest.raises(UsageError, match="one file"):
        union([a, link], tmp_path / "out.txt")
    with pytest.raises(UsageError, match="named twice"):
        diff(a, a)
    with pytest.raises(UsageError, match="two filter files"):
        union([a], tmp_path / "out.txt")
    with pytest.raises(DestinationError, match="cannot be the output"):
        union([a, b], link, overwrite=True)
    with pytest.raises(DestinationError, match="cannot be the output"):
        diff(a, b, both=Target(str(b), overwrite=True))
    with pytest.raises(UsageError, match="one file"):
        diff(a, b, both=Target("x.txt"), only_a=Target("x.txt"))
    with pytest.raises(SourceNotFoundError):
        union([a, tmp_path / "none.txt"], tmp_path / "out.txt")
    with pytest.raises(EmptyFilterError):
        subtract([a, b], tmp_path / "out.txt")
    with pytest.raises(DestinationError):
        union([a, b], tmp_path / "no" / "out.txt")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_manifest_of_other_bytes_is_told(way: str, tmp_path: Path) -> None:
    del way
    a, b, out = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "out.txt"
    a.write_text("/studies/1\n")
    b.write_text("/studies/2\n")
    union([a, b], out)
    manifest = Manifest.parse((tmp_path / "out.txt.manifest.json").read_text())
    assert manifest.derived is not None
    assert manifest.derived["operation"] == "union"
    assert [one["uri"] for one in manifest.derived["inputs"]] == [str(a), str(b)]
    assert manifest.coverage.covered_instances is None
    with pytest.raises(ManifestError, match="union"):
        read_manifest(f"{out}.manifest.json")
    out.write_text("/studies/3\n")
    with pytest.raises(ManifestError, match="other bytes"):
        union([a, out], tmp_path / "more.txt")


def test_a_series_index_cannot_tell_instances(tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    forest = Forest(3, 1, 1)
    leaf = forest.trees[0].known[0]
    a.write_text(f"/studies/{leaf.study}\n")
    b.write_text(f"{leaf}\n")
    with (
        open_table(forest.table(tmp_path, series=True)) as table,
        pytest.raises(TableError, match="knows no instances"),
    ):
        subtract([a, b], tmp_path / "out.txt", against=table.engine)
    a.write_text("/studies/7777\n")
    b.write_text("/studies/7777/series/1\n")
    with (
        open_table(forest.table(tmp_path)) as table,
        pytest.raises(UsageError, match="does not know"),
    ):
        subtract([a, b], tmp_path / "out.txt", against=table.engine)
    assert not (tmp_path / "out.txt").exists()
