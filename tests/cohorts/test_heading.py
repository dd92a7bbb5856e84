"""The column that holds the identifiers is found, named, or asked for; it is never guessed."""

from __future__ import annotations

import pytest

from dicomfilter import dictionary
from dicomfilter.cohorts.ids.heading import IDENTIFIERS, Choice, choose, keyword
from dicomfilter.errors import IdListError


def chosen(*sample: tuple[str, ...], column: str | None = None, **how: bool) -> Choice:
    return choose(sample, column=column, source="ids.csv", **how)


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_every_identifier_is_a_keyword_of_the_standard_and_found(name: str) -> None:
    entry = dictionary.find(name)

    assert entry is not None
    assert entry.keyword == name
    assert chosen(("x", name), ("1", "2")) == Choice(1, name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("patientid", "PatientID"),
        ("PATIENT ID", "PatientID"),
        ("patient-id:", "PatientID"),
        ("Study Instance UID", "StudyInstanceUID"),
        ("study_uid", "StudyInstanceUID"),
        ("series_description", "SeriesDescription"),
        (" collection_id ", "collection_id"),
        ("", ""),
    ],
)
def test_names_are_spelt_as_the_standard_does_where_it_knows_them(name, expected: str) -> None:
    assert keyword(name) == expected


@pytest.mark.parametrize("column", ["Nr", " nr ", "NR"])
def test_a_column_is_named_in_any_case(column: str) -> None:
    choice = chosen(("PatientID", "Nr"), ("1", "2"), column=column)

    assert (choice.index, choice.has_header) == (1, True)


def test_the_very_name_goes_before_a_like_one() -> None:
    assert chosen(("Patient ID", "PatientID"), ("1", "2"), column="patientid").index == 1
    assert chosen(("MRN", "Nr"), ("1", "2"), column="PatientID").index == 0


@pytest.mark.parametrize(
    "sample",
    [
        [("MRN",), ("1",)],
        [("Name of the patient",), ("P-1",), ("",), ("P-2",)],
        [("our ids",), ("1.2.3",)],
    ],
)
def test_words_over_values_with_digits_are_a_header(sample) -> None:
    choice = chosen(*sample, column="StudyID") if sample[0] != ("MRN",) else chosen(*sample)

    assert choice.has_header


@pytest.mark.parametrize(
    "sample",
    [
        [("P1",), ("P2",)],
        [("19045",), ("19046",)],
        [("DOE^JANE",), ("ROE^JIM",)],
        [("liver",), ("lung7",), ("skin",)],
        [("only",)],
        [("only",), ("",)],
        [("1.2.840",), ("1.2.841",)],
    ],
)
def test_anything_else_is_data(sample) -> None:
    assert chosen(*sample, column="PatientName") == Choice(0, "PatientName", has_header=False)


def test_a_header_is_not_looked_for_where_there_is_always_one() -> None:
    assert chosen(("7",), column="PatientID", is_header=True).has_header


@pytest.mark.parametrize(
    ("sample", "column", "message"),
    [
        ([("Nr", "Note"), ("1", "2")], None, "the header of ids.csv names no identifier, only Nr"),
        ([("1", "2"), ("3", "4")], None, "ids.csv has no header that names an identifier"),
        ([("StudyID", "MRN"), ("1", "2")], None, "several identifiers: StudyID, MRN\n"),
        ([("MRN", "Patient ID"), ("1", "2")], "PatientID", "has 2 columns PatientID"),
        ([("StudyID",), ("1",)], "PatientID", "no column PatientID: its header names StudyID"),
        ([("Nr", "Note"), ("1", "2")], "PatientID", "no column PatientID: its header names Nr"),
        ([("1", "2"), ("3", "4")], "PatientID", "it has 2 columns and no header"),
    ],
)
def test_where_it_cannot_be_told_the_question_says_what_was_seen(sample, column, message) -> None:
    with pytest.raises(IdListError, match=message) as refused:
        chosen(*sample, column=column)

    assert refused.value.hint


def test_data_is_not_shown_when_it_is_no_header() -> None:
    for column in (None, "PatientID"):
        with pytest.raises(IdListError) as refused:
            chosen(("19045", "A7"), ("19046", "A8"), column=column)
        assert "19045" not in str(refused.value)
