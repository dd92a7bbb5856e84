"""What a spreadsheet spoilt is recognised, and what only looks a little like it is left alone."""

from __future__ import annotations

import pytest

from dicomfilter.cohorts.ids.spreadsheet import DAMAGES, Finding, find_damage


def findings(*rows: str, is_uid: bool = False) -> list[Finding]:
    import pyarrow as pa

    array = pa.array(rows)
    return list(find_damage(array.unique(), rows=array, is_uid=is_uid))


@pytest.mark.parametrize(
    "identifier",
    [
        "1E5",  # typed so: a spreadsheet would write 1.00E+05
        "12E+4",
        "1.2e",
        "123456789012345",  # 15 digits are kept
        "1234567890123456",  # the 16th is none of its zeros
        "0123456789012345000",
        "19045.5",
        "1,23",
        "1234,567",
        "1.234",  # one point only: may be a version
        "#7",
        "N/A",
        "A=1",
        "2021-13-04",
        "2021-03-0004",
        "20210304",
        "03-2021-17",
        "12-34-56",
        "4-Marble",
        "X-2021-03-04",
        "TCGA-AA-3697",
        "1.3.6.1.4.1.14519.5.2.1",
    ],
)
def test_ordinary_identifiers_are_no_damage(identifier: str) -> None:
    assert findings("A1", identifier) == []


def test_each_kind_is_one_finding_with_its_count_and_first_row() -> None:
    found = findings("A1", "#N/A", "1.2E+5", "#REF!", "#N/A", "A2", "3.4E-7", "1.2E+5")

    assert [(f.what.split()[0], f.count, f.first) for f in found] == [
        ("scientific", 2, 2),
        ("an", 2, 1),
    ]


def test_a_value_is_found_at_its_first_row_among_repeats_and_chunks() -> None:
    import pyarrow as pa

    rows = pa.chunked_array([["A1", "A1"], ["A1", "=B2"], ["=B2"]])
    (found,) = find_damage(rows.unique(), rows=rows, is_uid=False)

    assert (found.count, found.first) == (1, 3)


def test_no_finding_shows_a_value() -> None:
    rows = ["#N/A", "9.9E+9", "77,777", "2001-02-03", "88.0", "999999999999999000", "=Z9"]

    assert len(findings(*rows)) == len(rows)
    for finding in findings(*rows):
        assert not any(row in finding.what for row in rows)


def test_every_kind_of_damage_has_a_pattern_of_its_own() -> None:
    assert len({damage.pattern for damage in DAMAGES}) == len(DAMAGES)
    assert len({damage.what for damage in DAMAGES}) == len(DAMAGES)


def test_among_uids_points_are_ordinary_and_letters_are_not() -> None:
    assert findings("1.2.3", "1.0", "1.234.567", "12.03.2021", is_uid=True) == []
    (found,) = findings("1.2.3", "1.2.3a", "P7", is_uid=True)
    assert (found.what, found.count, found.first) == ("characters that no UID holds", 2, 1)


def test_a_uid_that_became_a_number_is_rounded() -> None:
    (found,) = findings("1.2.3", "128401136190000000000", is_uid=True)

    assert found.what.startswith("only zeros after 15 digits")


@pytest.mark.parametrize("count", [1, 5, 8])
def test_in_a_short_list_any_shorter_number_is_suspected(count: int) -> None:
    (found,) = findings("1234567", *(str(n) for n in range(100, 100 + count)))

    assert (found.count, found.first) == (count, 1)
    assert found.what.startswith("numbers of fewer than 7 digits")


@pytest.mark.parametrize(("shorter", "suspected"), [(1, True), (10, True), (11, False)])
def test_in_a_long_list_most_must_have_kept_their_length(shorter: int, suspected: bool) -> None:  # noqa: FBT001 - a case of the table
    rows = [str(12_345 + n) for n in range(10)] + [str(1_000 + n) for n in range(shorter)]

    assert bool(findings(*rows)) == suspected
