from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from dicomfilter.filterfile import check, chunks
from dicomfilter.filterfile.findings import MAX_LINES_SHOWN
from tests.filterfile.files import ANY_FILES, GOOD_FILES
from tests.filterfile.reference import expected


def assert_agrees(data, path):
    path.write_bytes(data)
    report, wanted = check(path), expected(data)
    found = {str(f.kind): (f.count, f.first_lines) for f in report.findings}
    counted = {
        kind: (len(lines), tuple(lines[:MAX_LINES_SHOWN]) if lines[0] else ())
        for kind, lines in wanted.found.items()
    }
    assert found == counted
    assert report.lines == wanted.lines
    assert report.levels.total == len(wanted.paths)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=ANY_FILES)
def test_any_file_is_classified_as_line_by_line(data, tmp_path):
    assert_agrees(data, tmp_path / "f.txt")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=ANY_FILES)
def test_blocks_of_any_size_give_the_same_lines(data, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "_BLOCK_BYTES", 7)
        assert_agrees(data, tmp_path / "f.txt")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=GOOD_FILES)
def test_well_formed_lines_are_compared_as_line_by_line(data, tmp_path):
    assert_agrees(data, tmp_path / "f.txt")
