"""Parameters: read as bq reads them, typed, bound, used."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.errors import ParameterError, UsageError
from dicomfilter.googlesql.types.parameters import Origin, Parameter, bind, require_used
from dicomfilter.schema import SqlType

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "of", "value"),
    [
        ("n:INT64:10", "INT64", 10),
        ("n:int64:-0x10", "INT64", -16),
        ("patient_id::19045", "STRING", "19045"),
        ("a:STRING:b:c", "STRING", "b:c"),
        ("a::", "STRING", ""),
        ("a::NULL", "STRING", "NULL"),
        ("a:INT64:NULL", "INT64", None),
        ("a:DATE:NULL", "DATE", None),
        ("a:FLOAT64:1e3", "FLOAT64", 1000.0),
        ("a:FLOAT:2.5", "FLOAT64", 2.5),
        ("a:NUMERIC:1.25", "NUMERIC", Decimal("1.25")),
        ("a:BOOL:True", "BOOL", True),
        ("a:DATE:2021-1-31", "DATE", date(2021, 1, 31)),
        ("a:TIME:08:30:00.5", "TIME", time(8, 30, 0, 500_000)),
        ("a:TIMESTAMP:2021-01-31 01:00:00+01", "TIMESTAMP", datetime(2021, 1, 31, tzinfo=UTC)),
        ("a:BYTES:YWI=", "BYTES", b"ab"),
        ('a:ARRAY<STRING>:["CT", "MR"]', "ARRAY<STRING>", ("CT", "MR")),
        ("a:ARRAY<INT64>:[1, 9007199254740993]", "ARRAY<INT64>", (1, 9007199254740993)),
        ("a:ARRAY<FLOAT64>:[0.1, 2]", "ARRAY<FLOAT64>", (0.1, 2.0)),
        ('a:ARRAY<DATE>:["2021-01-31"]', "ARRAY<DATE>", (date(2021, 1, 31),)),
        ("a:ARRAY<BOOL>:[true]", "ARRAY<BOOL>", (True,)),
        ("a:ARRAY<STRING>:[]", "ARRAY<STRING>", ()),
    ],
)
def test_a_parameter_is_read_and_written_back(text: str, of: str, value: object) -> None:
    parameter = Parameter.parse(text)
    assert str(parameter.type) == of
    assert parameter.value == value
    assert parameter.origin is Origin.USER
    assert Parameter.parse(str(parameter)) == parameter


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is not a parameter"),
        ("n", "is not a parameter"),
        ("n:INT64", "is not a parameter"),
        (":INT64:1", "is not a parameter"),
        ("1n:INT64:1", "is not a parameter"),
        ("a b::x", "is not a parameter"),
        ("n:INTEGRAL:1", "is not a GoogleSQL type"),
        ("n:INT64:ten", "'ten' is not of type INT64"),
        ("n:INT64:1.5", "not of type INT64"),
        ("n:INT64:9223372036854775808", "not of type INT64"),
        ("n:INT64:", "not of type INT64"),
        ("d:DATE:2021-02-30", "not of type DATE"),
        ("d:DATE:today", "not of type DATE"),
        ("b:BOOL:yes", "not of type BOOL"),
        ("n:NUMERIC:0.0000000001", "not of type NUMERIC"),
        ("a:ARRAY<STRING>:CT", "not of type ARRAY<STRING>"),
        ('a:ARRAY<STRING>:"CT"', "not of type ARRAY<STRING>"),
        ('a:ARRAY<INT64>:["x"]', "not of type ARRAY<INT64>"),
        ("a:ARRAY<STRING>:[null]", "not of type ARRAY<STRING>"),
        ("a:ARRAY<STRING>:[[1]]", "not of type ARRAY<STRING>"),
        ("s:STRUCT<a INT64>:1", "not of type STRUCT"),
    ],
)
def test_an_ill_typed_parameter_is_a_usage_error(text: str, part: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter.parse(text)
    assert part in caught.value.message
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("value", "of"),
    [
        ("x", "STRING"),
        (True, "BOOL"),
        (1, "INT64"),
        (0.5, "FLOAT64"),
        (Decimal("0.5"), "NUMERIC"),
        (b"x", "BYTES"),
        (date(2021, 1, 31), "DATE"),
        (time(8, 30), "TIME"),
        (datetime(2021, 1, 31), "DATETIME"),  # noqa: DTZ001 - DATETIME has no zone
        (datetime(2021, 1, 31, tzinfo=UTC), "TIMESTAMP"),
        (["a", "b"], "ARRAY<STRING>"),
        ({1}, "ARRAY<INT64>"),
        ([], "ARRAY<STRING>"),
    ],
)
def test_a_python_value_has_a_type(value: object, of: str) -> None:
    assert str(Parameter.of("a", value).type) == of


@pytest.mark.parametrize("value", [object(), 2**63, Decimal("1e30"), ["a", 1], None, {"a": 1}])
def test_a_python_value_without_a_type_is_a_usage_error(value: object) -> None:
    with pytest.raises(ParameterError):
        Parameter.of("a", value)


def test_a_name_is_a_googlesql_name() -> None:
    with pytest.raises(ParameterError, match="name"):
        Parameter.of("a b", 1)


def test_values_are_bound_by_name_and_the_clock_to_the_day_of_the_run() -> None:
    clock = Parameter("current_date", SqlType.parse("DATE"), origin=Origin.CLOCK)
    ids = Parameter.of("ids", ("a", "b"))
    bound = bind([clock, ids, Parameter.parse("n:INT64:NULL")], today=TODAY)
    assert bound == {"current_date": TODAY, "ids": ["a", "b"], "n": None}


def test_a_parameter_that_nothing_names_is_refused() -> None:
    mine, other = Parameter.parse("start::x"), Parameter.parse("END::y")
    require_used([mine, other], [Parameter.parse("Start::x"), other])
    with pytest.raises(ParameterError, match="unused parameter: @END") as caught:
        require_used([mine, other], [mine])
    assert "@END" in (caught.value.hint or "")


def test_a_value_is_not_in_the_repr() -> None:
    assert "19045" not in repr(Parameter.parse("patient_id::19045"))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_a_string(text: str) -> None:
    parameter = Parameter.of("a", text)
    assert Parameter.parse(str(parameter)) == parameter
    assert Parameter.parse(f"a::{text}").value == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_list_of_texts_is_an_array(texts: list[str]) -> None:
    parameter = Parameter.of("a", texts)
    assert Parameter.parse(str(parameter)) == parameter


@given(st.floats())
def test_any_float_comes_back(number: float) -> None:
    back = Parameter.parse(str(Parameter.of("a", number))).value
    assert back == number or (math.isnan(number) and math.isnan(float(str(back))))


@given(st.datetimes(timezones=st.just(UTC)) | st.datetimes() | st.dates() | st.times())
def test_any_moment_comes_back(moment: object) -> None:
    parameter = Parameter.of("a", moment)
    assert Parameter.parse(str(parameter)) == parameter
