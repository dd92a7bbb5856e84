"""Values: DA, TM, DT, PN and numbers, as columns hold them."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.valuerep import PersonName

from dicomfilter.dicom.headers.charsets import DEFAULT, charset_of
from dicomfilter.dicom.headers.conversion import converted
from dicomfilter.dicom.headers.element_columns import Kind
from dicomfilter.dicom.headers.element_values import clock, day, instant, numbers, person, texts

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = st.text(st.characters(exclude_characters="\\^=\0", exclude_categories=["C"]), max_size=8)


def refused(read: Callable[[str], object], text: str) -> bool:
    """Tell whether a text is none of what is read."""
    try:
        read(text)
    except ValueError:
        return True
    return False


@given(st.dates())
def test_a_date_is_read_as_it_was_written(value: date) -> None:
    assert day(value.strftime("%Y%m%d").rjust(8, "0")) == value


@pytest.mark.parametrize(
    "text",
    [
        "20210229",
        "2021",
        "2021-01-31",
        "20211301",
        "00000101",
        "20210101-20210131",
        "２０２１０１０１",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert refused(day, text)


@given(st.times(), st.integers(0, 6))
def test_a_time_is_read_as_precisely_as_it_was_written(value: time, digits: int) -> None:
    fraction = f"{value.microsecond:06}"[:digits]
    text = value.strftime("%H%M%S") + (f".{fraction}" if fraction else "")
    kept = value.replace(microsecond=int(fraction.ljust(6, "0") or 0))
    assert clock(text) == kept
    assert clock(text[:4]) == value.replace(second=0, microsecond=0)
    assert clock(text[:2]) == time(value.hour)


@pytest.mark.parametrize(
    "text", ["24", "2360", "235960", "1", "10:3", "103015.", "103015.1234567", "noon"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    assert refused(clock, text)


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - its zone comes after
    st.integers(-12 * 60, 14 * 60),
)
def test_an_instant_is_the_same_moment_in_utc(local: datetime, east: int) -> None:
    sign = "-" if east < 0 else "+"
    offset = f"{sign}{abs(east) // 60:02}{abs(east) % 60:02}"
    moment = local.replace(tzinfo=timezone(timedelta(minutes=east)))
    text = f"{local.year:04}{local:%m%d%H%M%S}.{local.microsecond:06}{offset}"
    assert instant(text) == moment
    assert instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021", datetime(2021, 1, 1, tzinfo=UTC)),
        ("202103", datetime(2021, 3, 1, tzinfo=UTC)),
        ("2021030112", datetime(2021, 3, 1, 12, tzinfo=UTC)),
        ("2021+0100", datetime(2020, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_an_instant_that_is_not_precise_is_the_earliest(text: str, moment: datetime) -> None:
    assert instant(text) == moment


@pytest.mark.parametrize(
    "text",
    ["00010101000000+1400", "20210101+1500", "20210101+0160", "20210101T10", "202101011", ""],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    assert refused(instant, text)


@given(st.lists(st.lists(PARTS, max_size=5), max_size=3))
def test_a_name_is_parted_as_pydicom_parts_it(forms: list[list[str]]) -> None:
    text = "=".join("^".join(parts) for parts in forms)
    found, name = person(text) or {}, PersonName(text)
    theirs = {
        "Alphabetic": [
            name.family_name,
            name.given_name,
            name.middle_name,
            name.name_prefix,
            name.name_suffix,
        ]
    }
    ours = found.get("Alphabetic", {})
    parts = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"]
    assert [ours.get(part, "") for part in parts] == [t.strip(" ") for t in theirs["Alphabetic"]]
    for form, given_parts in zip(["Alphabetic", "Ideographic", "Phonetic"], forms, strict=False):
        assert list(found.get(form, {}).values()) == [
            p.strip(" ") for p in given_parts if p.strip(" ")
        ]


@pytest.mark.parametrize("text", ["a^b^c^d^e^f", "a=b=c=d"])
def test_a_name_of_too_many_parts_is_refused(text: str) -> None:
    assert refused(person, text)


@pytest.mark.parametrize("order", ["<", ">"])
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=4))
def test_numbers_are_read_in_either_order(order: str, given_: list[int]) -> None:
    stored = struct.pack(f"{order}{len(given_)}i", *given_)
    assert list(numbers(b"SL", stored, little=order == "<")) == given_


def test_a_number_that_is_cut_off_is_refused() -> None:
    with pytest.raises(struct.error):
        numbers(b"UL", b"\1\0\0", little=True)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 2))
def test_a_decimal_string_stays_as_it_is_written(value: object, blanks: int) -> None:
    stored = f"{' ' * blanks}{value}{' ' * blanks}".encode()
    assert converted(Kind.TEXT, b"DS", stored, DEFAULT, little=True) == [str(value)]


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_integer_string_is_text_unless_the_column_holds_integers(value: int) -> None:
    stored = f"{value} ".encode()
    assert converted(Kind.TEXT, b"IS", stored, DEFAULT, little=True) == [str(value)]
    assert converted(Kind.INTEGER, b"IS", stored, DEFAULT, little=True) == [value]


def test_blanks_at_the_beginning_count_in_long_text_only() -> None:
    assert texts(b"LT", b"  a\\b \0", DEFAULT) == ["  a\\b"]
    assert texts(b"LO", b"  a\\b \0", DEFAULT) == ["a", "b"]


@pytest.mark.parametrize(
    ("charset", "stored", "text"),
    [
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
            "Yamada^Tarou=山田^太郎",
        ),
        # Characters whose bytes are those of = ^ and a backslash.
        (
            b"\\ISO 2022 IR 87",
            b"=\x1b$B=U\x1b(B^\x1b$B0\\\x1b(B",
            "=春^" + b"\x1b$B0\\\x1b(B".decode("iso2022_jp"),
        ),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde=\x1b$B;3ED\x1b(J", "ﾔﾏﾀﾞ=山田"),
        (b"\\ISO 2022 IR 159", b"\x1b$(D05\x1b(B", b"\x1b$(D05\x1b(B".decode("iso2022_jp_2")),
        (b"\\ISO 2022 IR 149", b"Hong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "Hong=洪^吉洞"),
        (b"\\ISO 2022 IR 58", b"Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "Zhang=张^小东"),
        (b"GB18030", "Wang=王^小东".encode("gb18030"), "Wang=王^小东"),
        (b"GBK", "=誠\\^".encode("gbk"), "=誠\\^"),
        (b"ISO_IR 192", "Wang=王^小東".encode(), "Wang=王^小東"),
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", b"\xc4\x1b-L\xbb", "ÄЛ"),
        (b"ISO-IR 100", b"\xc4", "Ä"),
        (b"", b"\xc4", "Ä"),
    ],
    ids=lambda value: repr(value) if isinstance(value, bytes) else "",
)
def test_text_is_read_in_the_character_set_that_is_named(
    charset: bytes, stored: bytes, text: str
) -> None:
    assert charset_of(charset).decode(stored) == text


@pytest.mark.parametrize(
    ("charset", "stored"),
    [(b"ISO_IR 192", b"\xff"), (b"KLINGON", b"\xc4"), (b"\\ISO 2022 IR 87", b"\x1b$Z\x21")],
)
def test_text_that_is_not_in_its_character_set_is_refused(charset: bytes, stored: bytes) -> None:
    with pytest.raises(UnicodeError):
        charset_of(charset).decode(stored)


def test_ascii_is_read_in_a_character_set_that_nobody_knows() -> None:
    assert charset_of(b"KLINGON").decode(b"Doe^Jane") == "Doe^Jane"
