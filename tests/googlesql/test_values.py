"""Text as values: exactly the forms that GoogleSQL reads."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from dicomfilter.googlesql.types.values import INT64_MAX, INT64_MIN, read, read_number
from dicomfilter.schema import Kind


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.STRING, "NULL", "NULL"),
        (Kind.INT64, "10", 10),
        (Kind.INT64, "-0x10", -16),
        (Kind.INT64, str(INT64_MIN), INT64_MIN),
        (Kind.FLOAT64, "1e3", 1000.0),
        (Kind.FLOAT64, "-inf", -math.inf),
        (Kind.NUMERIC, "1.25", Decimal("1.25")),
        (Kind.NUMERIC, "1e3", Decimal(1000)),
        (Kind.BOOL, "TRUE", True),
        (Kind.DATE, "2020-2-9", date(2020, 2, 9)),
        (Kind.TIME, "8:5:0.5", time(8, 5, 0, 500_000)),
        (Kind.DATETIME, "2020-02-29", datetime(2020, 2, 29)),  # noqa: DTZ001 - DATETIME has none
        (Kind.DATETIME, "2020-02-29T08:30:00.25", datetime(2020, 2, 29, 8, 30, 0, 250_000)),  # noqa: DTZ001
        (Kind.TIMESTAMP, "2020-02-29 00:30:00+01", datetime(2020, 2, 28, 23, 30, tzinfo=UTC)),
        (Kind.TIMESTAMP, "2020-02-29 00:30:00-05:30", datetime(2020, 2, 29, 6, 0, tzinfo=UTC)),
        (Kind.TIMESTAMP, "2020-02-29T00:30:00Z", datetime(2020, 2, 29, 0, 30, tzinfo=UTC)),
        (Kind.TIMESTAMP, "2020-02-29 1:2:3 UTC", datetime(2020, 2, 29, 1, 2, 3, tzinfo=UTC)),
        (
            Kind.TIMESTAMP,
            "2020-02-29 19:30:00 America/New_York",
            datetime(2020, 3, 1, 0, 30, tzinfo=UTC),
        ),
        (  # in the hour that the clocks leave out
            Kind.TIMESTAMP,
            "2020-03-08 02:30:00 America/New_York",
            datetime(2020, 3, 8, 7, 30, tzinfo=UTC),
        ),
        (Kind.BYTES, "YWI=", b"ab"),
        (Kind.JSON, '{"a": 1}', '{"a": 1}'),
    ],
)
def test_a_text_is_read(kind: Kind, text: str, value: object) -> None:
    assert read(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.INT64, ""),
        (Kind.INT64, "1.0"),
        (Kind.INT64, "1_000"),
        (Kind.INT64, "\u0661"),
        (Kind.INT64, str(INT64_MAX + 1)),
        (Kind.INT64, "9" * 5000),
        (Kind.FLOAT64, "1_0"),
        (Kind.FLOAT64, "0x10"),
        (Kind.NUMERIC, "1e30"),
        (Kind.NUMERIC, "0.0000000001"),
        (Kind.NUMERIC, "nan"),
        (Kind.BOOL, "yes"),
        (Kind.BOOL, "1"),
        (Kind.DATE, "2020-02-30"),
        (Kind.DATE, "20200229"),
        (Kind.DATE, "2020/02/29"),
        (Kind.DATE, "2020-02-29\n"),
        (Kind.DATE, "0000-01-01"),
        (Kind.DATE, "12020-01-01"),
        (Kind.TIME, "12:00"),
        (Kind.TIME, "24:00:00"),
        (Kind.TIME, "12:00:00.1234567"),
        (Kind.TIME, "12:00:00."),
        (Kind.DATETIME, "2020-02-29 12:00:00+01"),
        (Kind.TIMESTAMP, "2020-02-29 12:00:00+15"),
        (Kind.TIMESTAMP, "2020-02-29 12:00:00+14:01"),
        (Kind.TIMESTAMP, "2020-02-29 12:00:00 +01"),
        (Kind.TIMESTAMP, "2020-02-29 12:00:00 Z"),
        (Kind.TIMESTAMP, "2020-02-29 UTC"),
        (Kind.TIMESTAMP, "2020-02-29 12:00:00 Nowhere/Land"),
        (Kind.TIMESTAMP, "1960-02-29 12:00:00 Europe/Berlin"),
        (Kind.TIMESTAMP, "2020-02-29 12:00:00 ../etc/passwd"),
        (Kind.TIMESTAMP, "0001-01-01 00:00:00+01"),
        (Kind.BYTES, "not base64!"),
        (Kind.JSON, "{"),
        (Kind.STRUCT, "x"),
        (Kind.INTERVAL, "1 DAY"),
    ],
)
def test_another_form_is_no_value(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(kind, text)


def test_numbers_convert_without_loss_or_not_at_all() -> None:
    assert read_number(Kind.NUMERIC, 1.25) == Decimal("1.25")
    assert read_number(Kind.INT64, Decimal(5)) == 5
    assert read_number(Kind.FLOAT64, 9007199254740993) == 9007199254740992.0
    for kind, number in ((Kind.INT64, Decimal("1.5")), (Kind.NUMERIC, 1e30)):
        with pytest.raises(ValueError, match="range"):
            read_number(kind, number)
