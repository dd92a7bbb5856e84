"""A line of a filter file and its path are two forms of one thing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.errors import FilterFileError
from dicomfilter.paths import Level, ResourcePath

UIDS = st.text("0123456789.", min_size=1, max_size=70)
PATHS = st.one_of(
    st.builds(ResourcePath, UIDS),
    st.builds(ResourcePath, UIDS, UIDS),
    st.builds(ResourcePath, UIDS, UIDS, UIDS),
)


@given(PATHS)
def test_text_and_path_are_inverses(path: ResourcePath) -> None:
    assert ResourcePath.parse(str(path)) == path


@given(st.text("/studeracn0123456789.\n ", max_size=60))
def test_whatever_is_read_is_written_the_same(line: str) -> None:
    try:
        path = ResourcePath.parse(line)
    except FilterFileError:
        return
    assert str(path) == line


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("/studies/1", Level.STUDY),
        ("/studies/1.2.840", Level.STUDY),
        ("/studies/1/series/2", Level.SERIES),
        ("/studies/1/series/2/instances/3", Level.INSTANCE),
        ("/studies/01..2", Level.STUDY),
        ("/studies/" + "1" * 65, Level.STUDY),
    ],
)
def test_a_line_is_of_a_level(line: str, level: Level) -> None:
    path = ResourcePath.parse(line)
    assert path.level is level
    assert str(path) == line
    assert str(path).count("/") == 2 * level.depth


@pytest.mark.parametrize(
    "line",
    [
        "",
        "/",
        "/studies",
        "/studies/",
        "studies/1",
        " /studies/1",
        "/studies/1 ",
        "/studies/1\n",
        "/studies/1\r",
        "/studies/1/",
        "/studies/1/series",
        "/studies/1/series/",
        "/studies//series/2",
        "/studies/1/series//instances/3",
        "/studies/1/series/2/instances/",
        "/studies/1/instances/3",
        "/series/2",
        "/Studies/1",
        "/studies/1/series/2/instances/3/frames/1",
        "/studies/1/studies/2",
        "//studies/1",
        "/studies/１",
        "/studies/1x",
        "/studies/1%2e2",
        '"/studies/1"',
        "/dicomWeb/studies/1",
        "\ufeff/studies/1",
        "StudyInstanceUID",
    ],
)
def test_what_is_no_line_is_refused_and_shown(line: str) -> None:
    with pytest.raises(FilterFileError, match=r"is not a (resource path|usable UID)") as caught:
        ResourcePath.parse(line)
    assert caught.value.exit_status == 2
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "uids", [("",), ("1", "2/3"), ("1", "2", "3\n"), ("1\n",), ("a", "2", "3")]
)
def test_a_path_of_unusable_uids_is_never_made(uids: tuple[str, ...]) -> None:
    with pytest.raises(FilterFileError, match="is not a usable UID"):
        ResourcePath(*uids)


def test_an_instance_without_its_series_is_refused() -> None:
    with pytest.raises(FilterFileError, match="'3' is named without its series"):
        ResourcePath("1", "", "3")


# Covering


@given(PATHS, PATHS)
def test_a_path_covers_what_begins_with_it(one: ResourcePath, other: ResourcePath) -> None:
    assert one.covers(other) == (f"{other}/".startswith(f"{one}/"))


@given(PATHS)
def test_a_path_covers_itself_and_is_covered_by_its_study(path: ResourcePath) -> None:
    study = ResourcePath(path.study)
    assert path.covers(path)
    assert study.covers(path)
    assert path.covers(study) == (path == study)


def test_covering_keeps_to_the_study() -> None:
    assert not ResourcePath("1", "2").covers(ResourcePath("9", "2", "3"))
    assert not ResourcePath("1", "2", "3").covers(ResourcePath("1", "2"))
    assert not ResourcePath("1").covers(ResourcePath("1.2"))


# Order


@given(st.lists(PATHS, max_size=8))
def test_paths_are_ordered_by_study_series_instance(paths: list[ResourcePath]) -> None:
    keys = [(path.study, path.series, path.instance) for path in sorted(paths)]
    assert keys == sorted(keys)


def test_a_study_stands_before_what_it_covers() -> None:
    series, study = ResourcePath("1.2", "1"), ResourcePath("1.2")
    assert sorted([series, study, ResourcePath("1.2.3")]) == [study, series, ResourcePath("1.2.3")]


# Levels


def test_levels_are_ordered_from_the_coarsest() -> None:
    assert [level.depth for level in Level] == [1, 2, 3]
    assert [str(level) for level in Level] == ["study", "series", "instance"]
    for one, other in itertools.product(Level, Level):
        assert one.covers(other) == (one.depth <= other.depth)


def test_a_level_is_read_by_its_name_alone() -> None:
    assert Level("series") is Level.SERIES
    assert Level("Series") is Level.SERIES
    for name in ("patient", "", "instances"):
        with pytest.raises(ValueError, match="is none of study, series, instance"):
            Level(name)
