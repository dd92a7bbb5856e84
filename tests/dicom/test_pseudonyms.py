"""Stand-ins are the same under one key, others under another, and tell nothing."""

from __future__ import annotations

import stat
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from dicomfilter.dicom.deid.pseudonyms import Pseudonyms, parse_key, project_key
from dicomfilter.errors import DestinationError, SourceError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = Pseudonyms(bytes(32)), Pseudonyms(bytes([1]) * 32)
UIDS = st.from_regex(r"1\.[0-9]{1,3}(\.(0|[1-9][0-9]{0,8})){1,5}", fullmatch=True)


@given(UIDS, UIDS)
def test_uids_stand_for_one_uid_each(one: str, other: str) -> None:
    assert UID(ONE.uid(one)).is_valid
    assert (ONE.uid(one) == ONE.uid(other)) == (one == other)
    assert ONE.uid(one) != OTHER.uid(one)


def test_a_uid_is_that_of_a_uuid() -> None:
    number = int(ONE.uid("1.2.3").removeprefix("2.25."))
    assert (number >> 76) & 0xF == 8  # its version
    assert (number >> 62) & 0x3 == 2  # its variant


def test_no_uid_stands_for_no_uid() -> None:
    assert ONE.uid("") == ""


@given(st.text(max_size=70))
def test_patients_have_names_of_one_length(patient: str) -> None:
    assert len(ONE.patient(patient)) == 16
    assert ONE.patient(patient) != OTHER.patient(patient)


@given(st.dates(min_value=date(1900, 1, 1)), st.text(max_size=20))
def test_dates_move_back_by_one_to_a_thousand_days(day: date, patient: str) -> None:
    assert 1 <= (day - ONE.earlier(day, patient)).days <= 1000


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = project_key(tmp_path / "new")
    assert len(key) == 32
    assert project_key(tmp_path / "new") == key
    assert project_key(tmp_path / "other") != key
    made = list((tmp_path / "new").iterdir())
    assert [path.name for path in made] == ["deidentify.key"]
    assert stat.S_IMODE(made[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "00" * 31, "zz" * 32, "00" * 33])
def test_what_is_no_key_is_refused_and_not_shown(text: str, tmp_path: Path) -> None:
    (tmp_path / "deidentify.key").write_text(text)
    with pytest.raises(SourceError, match="holds no key") as raised:
        project_key(tmp_path)
    assert not text or text not in str(raised.value)


def test_a_key_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DestinationError, match="cannot be made"):
        project_key(tmp_path / "file")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(UsageError, match="can be guessed"):
        Pseudonyms(b"secret")


def test_a_key_is_in_no_representation() -> None:
    key = parse_key("ab" * 32, "here")
    assert repr(key) not in repr(Pseudonyms(key))
    assert "ab" * 4 not in Pseudonyms(key).fingerprint
