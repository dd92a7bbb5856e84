from __future__ import annotations

import pytest

from dicomfilter.filters.lines import Finding, Kind, LevelCounts, Report, Severity
from dicomfilter.filters.lines.findings import in_order

REFUSED = {
    Kind.NO_PATHS,
    Kind.NUL,
    Kind.NON_ASCII,
    Kind.MIXED_STORES,
    Kind.WRONG_SHAPE,
    Kind.UNUSABLE_UID,
    Kind.SERIES_IN_TWO_STUDIES,
    Kind.INSTANCE_IN_TWO_SERIES,
    Kind.NOT_IN_METADATA,
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_explains_itself(kind):
    assert len(kind.explanation) > 5
    assert not kind.explanation.endswith(".")
    assert Finding(kind, 1).explanation == kind.explanation


def test_what_the_format_allows_is_a_notice():
    notices = {kind for kind in Kind if kind.severity is Severity.NOTICE}
    assert notices == {Kind.IRREGULAR_UID, Kind.CRLF, Kind.NO_FINAL_NEWLINE}


def test_what_has_no_single_meaning_is_not_repairable():
    errors = {kind for kind in Kind if kind.severity is Severity.ERROR}
    assert {kind for kind in errors if not kind.repairable} == REFUSED


@pytest.mark.parametrize(
    ("count", "lines", "words"),
    [
        (1, (7,), "line 7"),
        (2, (7, 8), "lines 7, 8"),
        (9, (1, 2, 3, 4, 5), "lines 1, 2, 3, 4, 5 and 4 more"),
        (1, (), "the whole file"),
    ],
)
def test_a_finding_says_where_it_is(count, lines, words):
    assert Finding(Kind.BLANK, count, lines).where == words


@pytest.mark.parametrize(
    ("counts", "total", "mixed"),
    [
        (LevelCounts(), 0, False),
        (LevelCounts(series=3), 3, False),
        (LevelCounts(1, 0, 2), 3, True),
        (LevelCounts(1, 1, 0), 2, True),
    ],
)
def test_levels_know_whether_lines_can_cover_each_other(counts, total, mixed):
    assert (counts.total, counts.mixed) == (total, mixed)


def test_notices_block_nothing():
    report = Report("f", 3, LevelCounts(3), (Finding(Kind.CRLF, 3, (1, 2, 3)),))
    assert report.ok
    assert report.errors == ()
    assert [finding.kind for finding in report.notices] == [Kind.CRLF]


def test_a_report_is_repairable_where_all_its_errors_are():
    blank, shape = Finding(Kind.BLANK, 1, (2,)), Finding(Kind.WRONG_SHAPE, 1, (3,))
    assert Report("f", 3, LevelCounts(), (blank,)).repairable
    assert not Report("f", 3, LevelCounts(), (blank, shape)).repairable
    assert not Report("f", 3, LevelCounts(), (blank,)).ok


def test_a_finding_is_looked_up_by_its_kind():
    blank = Finding(Kind.BLANK, 1, (2,))
    report = Report("f", 3, LevelCounts(), (blank,))
    assert report.find(Kind.BLANK) is blank
    assert report.find(Kind.NUL) is None


def test_findings_come_in_the_order_of_kinds():
    findings = [Finding(kind, 1) for kind in Kind]
    assert in_order(*reversed(findings)) == tuple(findings)
