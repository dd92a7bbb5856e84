"""JSON: members, places, and what the functions make of them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pytest

from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import bind
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.googlesql.metadata import canonical, lifted, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2020, 3, 1)
SCHEMA = TableSchema((Column("j", SqlType.parse("JSON")),))
DOCUMENT = r"""
{"Manufacturer": "GE", "dose": 12.50, "n": 3, "one": 1.0, "large": 1e22, "long": 1e15,
 "wide": 1234567890123456.5, "small": 0.00001, "big": 9007199254740993, "minus": -0,
 "huge": 18446744073709551615, "tags": ["a", 1, 2.0, null], "scalars": ["a", 1, 2.0, true], "nested": {"x": {"y": true}},
 "mixed": [1, [2]], "nothing": null, "a.b": "dotted", "two words": "spaced",
 "00100020": {"Value": ["P1"]}, "7": "seven", "s": "\u00e9\ud83d\ude00\"\\", "empty": [],
 "text": "2.5", "yes": "TRUE", "twice": 1, "twice": 2}
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("CREATE TABLE t (j JSON)")
        opened.execute("INSERT INTO t VALUES (?)", [DOCUMENT])
        yield opened


def value(connection: duckdb.DuckDBPyConnection, expression: str) -> object:
    """Evaluate an expression over the document."""
    checked = check_query(f"SELECT {expression} AS x FROM t", {"t": SCHEMA})
    values = bind(checked.parameters, today=TODAY)
    (row,) = connection.execute(to_duckdb(checked.tree), values).fetchall()
    return row[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("JSON_VALUE(j, '$.Manufacturer')", "GE"),
        ("JSON_VALUE(j, '$.manufacturer')", None),
        ("JSON_VALUE(j, '$.dose')", "12.5"),
        ("JSON_VALUE(j, '$.n')", "3"),
        ("JSON_VALUE(j, '$.one')", "1.0"),
        ("JSON_VALUE(j, '$.large')", "1e+22"),
        ("JSON_VALUE(j, '$.long')", "1e+15"),
        ("JSON_VALUE(j, '$.small')", "1e-05"),
        ("JSON_VALUE(j, '$.big')", "9007199254740993"),
        ("JSON_VALUE(j, '$.huge')", "18446744073709551615"),
        ("JSON_VALUE(j, '$.minus')", "0"),
        ("JSON_VALUE(j, '$.nothing')", None),
        ("JSON_VALUE(j, '$.nested')", None),
        ("JSON_VALUE(j, '$.nested.x.y')", "true"),
        ("JSON_VALUE(j, '$.tags[1]')", "1"),
        ("JSON_VALUE(j, '$.tags.1')", "1"),
        ("JSON_VALUE(j, '$.tags[9]')", None),
        ("JSON_VALUE(j, '$[7]')", "seven"),
        ("JSON_VALUE(j, '$.00100020.Value[0]')", "P1"),
        ("JSON_VALUE(j, '$.\"a.b\"')", "dotted"),
        ("JSON_EXTRACT_SCALAR(j, \"$['two words']\")", "spaced"),
        ("JSON_VALUE(j, '$.s')", 'é😀"\\'),
        ("JSON_VALUE(j, '$.twice')", "1"),
        ("JSON_VALUE(j)", None),
        ("JSON_VALUE(j.Manufacturer)", "GE"),
        ("JSON_VALUE(j['two words'])", "spaced"),
        ("JSON_VALUE(j.nested.x.y)", "true"),
        ("JSON_VALUE(j.tags[0])", "a"),
        ("JSON_VALUE(j['tags'][0])", "a"),
        ("JSON_VALUE(j.tags['0'])", None),
        ("JSON_VALUE(j[7])", None),
        ("JSON_VALUE(JSON_QUERY(j, '$.nested').x.y)", "true"),
        ("JSON_QUERY(j, '$.nested.x')", '{"y":true}'),
        ("JSON_QUERY(j, '$.nothing')", "null"),
        ("JSON_QUERY(j, '$.missing') IS NULL", True),
        ("j.nothing IS NULL", False),
        ("JSON_VALUE_ARRAY(j, '$.scalars')", ["a", "1", "2.0", "true"]),
        ("JSON_VALUE_ARRAY(j, '$.tags')[SAFE_OFFSET(2)]", "2.0"),
        ("ARRAY_LENGTH(JSON_VALUE_ARRAY(j, '$.mixed'))", None),
        ("ARRAY_LENGTH(JSON_QUERY_ARRAY(j, '$.mixed'))", 2),
        ("ARRAY_LENGTH(JSON_EXTRACT_ARRAY(j, '$.empty'))", 0),
        ("ARRAY_LENGTH(JSON_QUERY_ARRAY(j, '$.n'))", None),
        ("'a' IN UNNEST(JSON_VALUE_ARRAY(j, '$.tags'))", True),
        ("JSON_TYPE(j)", "object"),
        ("JSON_TYPE(j.tags)", "array"),
        ("JSON_TYPE(j.dose)", "number"),
        ("JSON_TYPE(j.big)", "number"),
        ("JSON_TYPE(j.nothing)", "null"),
        ("JSON_TYPE(j.nested.x.y)", "boolean"),
        ("JSON_TYPE(j.missing)", None),
        ("STRING(j.Manufacturer)", "GE"),
        ("INT64(j.n)", 3),
        ("INT64(j.one)", 1),
        ("INT64(j.big)", 9007199254740993),
        ("FLOAT64(j.big)", 9007199254740992.0),
        ("BOOL(j.nested.x.y)", True),
        ("INT64(j.missing)", None),
        ("LAX_STRING(j.one)", "1"),
        ("LAX_STRING(j.tags)", None),
        ("LAX_INT64(j.text)", 3),
        ("LAX_INT64(j.huge)", None),
        ("LAX_INT64(j.nested.x.y)", 1),
        ("LAX_FLOAT64(j.text)", 2.5),
        ("LAX_FLOAT64(j.nested.x.y)", None),
        ("LAX_BOOL(j.yes)", True),
        ("LAX_BOOL(j.minus)", False),
        ("SAFE_CAST(JSON_VALUE(j, '$.dose') AS FLOAT64)", 12.5),
        ("SAFE_CAST(JSON_VALUE(j, '$.one') AS INT64)", None),
        ("SAFE_CAST(JSON_VALUE(j, '$.wide') AS FLOAT64)", 1234567890123456.5),
        ("FORMAT('%s', JSON_VALUE(j, '$.n'))", "3"),
        ("SAFE.INT64(j.dose)", None),
        ("SAFE.STRING(j.Manufacturer)", "GE"),
        ("SAFE.BOOL(j.n)", None),
    ],
)
def test_json_is_read_as_bigquery_reads_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    found = value(connection, expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "STRING(j.n)",
        "STRING(j.nothing)",
        "INT64(j.dose)",
        "INT64(j.huge)",
        "INT64(j.large)",
        "INT64(j.text)",
        "FLOAT64(j.text)",
        "BOOL(j.yes)",
        "BOOL(j)",
        "JSON_VALUE_ARRAY(j, '$.tags')",
    ],
)
def test_json_of_another_type_and_an_array_with_null_fail(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("condition", "message", "at"),
    [
        ("JSON_VALUE(PatientID, '$.a') = 'a'", "JSON_VALUE of a text", "PatientID"),
        ("JSON_EXTRACT_SCALAR(NULL, '$.a') = 'a'", "JSON_EXTRACT_SCALAR of a text", "NULL"),
        ("JSON_VALUE(Extra, '$.*') = 'a'", "the JSONPath $.*", "'$.*'"),
        ("JSON_VALUE(Extra, 'a') = 'a'", "the JSONPath a", "'a'"),
        ("JSON_VALUE(Extra, \"$['a']\") = 'a'", "the JSONPath $['a']", '"$'),
        ("JSON_EXTRACT_SCALAR(Extra, '$.\"a\"') = 'a'", "the JSONPath", "'$."),
        ("JSON_VALUE(Extra, '$[-1]') = 'a'", "the JSONPath $[-1]", "'$[-1]'"),
        ("JSON_VALUE(Extra, PatientID) = 'a'", "a JSONPath that is no literal", "PatientID"),
        ("JSON_VALUE(Extra, 1) = 'a'", "No matching signature", "Extra"),
        ("JSON_QUERY(Extra) IS NULL", "No matching signature", "Extra"),
        ("JSON_TYPE(PatientID) = 'a'", "No matching signature", "PatientID"),
        ("FLOAT64(Extra, 'exact') = 1", "FLOAT64 with a mode", "FLOAT64"),
        ("TO_JSON_STRING(Extra) = 'a'", "TO_JSON_STRING", "TO_JSON"),
        ("JSON_KEYS(Extra) IS NULL", "JSON_KEYS", "JSON_KEYS"),
        ('Extra.`a"b` IS NULL', "a member of the name", '`a"b`'),
        ("Extra.`1` IS NULL", "a member of the name 1", "`1`"),
        ("Extra[-1] IS NULL", "a place in JSON", "-1"),
        ("Extra[`Rows`] IS NULL", "a place in JSON", "`Rows`"),
        ("Extra[1.5] IS NULL", "Subscript access using [FLOAT64]", "1.5"),
        ("Extra[OFFSET(0)] IS NULL", "Subscript access", "0"),
        ("JSON_TYPE(JSON '1') = 'number'", "a literal of type JSON", "JSON '1'"),
        ("Extra = 'a'", "No matching signature for operator =", "Extra"),
        ("Extra.a = 1", "No matching signature for operator =", "Extra"),
    ],
)
def test_what_is_not_taken_is_named_with_its_place(condition: str, message: str, at: str) -> None:
    refused(condition, message, at)


def test_a_path_stays_a_literal_as_googlesql_wants_it() -> None:
    condition = "JSON_VALUE(Extra, '$.Manufacturer') = 'GE' AND JSON_VALUE(Extra.tags[0]) = 'x'"
    assert canonical(condition) == (
        "JSON_VALUE(Extra, '$.Manufacturer') = @p1 AND JSON_VALUE(Extra.tags[0]) = @p2"
    )
    assert [given for _, _, given in lifted(condition)] == ["GE", "x"]
    assert canonical(canonical(condition).replace("@p1", "'a'").replace("@p2", "'b'")) == (
        canonical(condition)
    )
