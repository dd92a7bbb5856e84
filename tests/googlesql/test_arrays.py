"""Arrays and structs: places, literals, functions, comparison field by field."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.googlesql.dicom import TODAY, run, value
from tests.googlesql.metadata import canonical, marked, problem


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("ImageType[OFFSET(0)]", "ORIGINAL"),
        ("ImageType[ORDINAL(3)]", "AXIAL"),
        ("ImageType[1]", "PRIMARY"),
        ("ImageType[SAFE_OFFSET(3)]", None),
        ("ImageType[SAFE_OFFSET(-1)]", None),
        ("ImageType[SAFE_OFFSET(9223372036854775807)]", None),
        ("ImageType[SAFE_ORDINAL(0)]", None),
        ("ImageType[OFFSET(NULL)]", None),
        ("d.ImageType[safe_offset(ARRAY_LENGTH(ImageType) - 1)]", "AXIAL"),
        ("ProcedureCodeSequence[SAFE_OFFSET(0)].CodeValue", "24627-2"),
        ("ProcedureCodeSequence[SAFE_OFFSET(7)].codevalue", None),
        ("[1, 2.5]", [1.0, 2.5]),
        ("[]", []),
        ("ARRAY<STRING>[]", []),
        ("ARRAY<FLOAT64>[1, 2]", [1.0, 2.0]),
        ("['2020-01-01', DATE '2020-01-02']", [date(2020, 1, 1), date(2020, 1, 2)]),
        ("CAST([] AS ARRAY<STRING>) || ['a']", ["a"]),
        ("'CT' IN UNNEST(['CT', NULL])", True),
        ("'x' IN UNNEST(['CT', NULL])", None),
        ("'x' IN UNNEST(ARRAY<STRING>[])", False),
        ("ARRAY_LENGTH([NULL, NULL])", 2),
        ("ARRAY_CONCAT(ImageType, [], ['X'])", ["ORIGINAL", "PRIMARY", "AXIAL", "X"]),
        ("ARRAY_LENGTH(ARRAY_CONCAT([1], CAST(NULL AS ARRAY<INT64>)))", None),
        ("ARRAY_REVERSE([1, 2])", [2, 1]),
        ("ARRAY_FIRST(ImageType)", "ORIGINAL"),
        ("ARRAY_LAST(ImageType)", "AXIAL"),
        ("SAFE.ARRAY_LAST(ARRAY<INT64>[])", None),
        ("GENERATE_ARRAY(1, 5, 2)", [1, 3, 5]),
        ("GENERATE_ARRAY(5, 1)", []),
        ("ARRAY_LENGTH(SAFE.GENERATE_ARRAY(1, 100000000))", None),
        (
            "GENERATE_DATE_ARRAY('2020-02-28', '2020-03-01')",
            [date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 1)],
        ),
        (
            "GENERATE_DATE_ARRAY('2020-03-01', '2020-02-20', INTERVAL -1 WEEK)",
            [date(2020, 3, 1), date(2020, 2, 23)],
        ),
        ("RANGE_BUCKET(`Rows`, [0, 256, 512])", 3),
        ("IF(IsPhantom, ['a'], [])", []),
        ("STRUCT(1 AS a, 'x' AS b).B", "x"),
        ("[STRUCT(1 AS a, 'x' AS b), (2, 'y')][OFFSET(1)].b", "y"),
        ("STRUCT<a FLOAT64, DATE>(1, '2020-01-01')", {"a": 1.0, "_field_2": date(2020, 1, 1)}),
        ("(Modality, `Rows`)", {"_field_1": "CT", "_field_2": 512}),
        ("STRUCT(Modality, `Rows` AS r)", {"Modality": "CT", "r": 512}),
        ("(Modality, `Rows`) = ('CT', 512.0)", True),
        ("(Modality, NULL) = ('CT', 1)", None),
        ("(Modality, NULL) = ('MR', 1)", False),
        ("(Modality, NULL) != ('MR', 1)", True),
        ("(1, (2, 3)) = (1, STRUCT(2 AS x, 3 AS y))", True),
        ("(CAST('nan' AS FLOAT64), 1) = (CAST('nan' AS FLOAT64), 1)", False),
        ("(Modality, `Rows`) IN (('MR', 1), ('CT', 512))", True),
        ("PatientName = ('DOE^JOHN', NULL)", None),
        ("PatientName = ('X', NULL)", False),
        ("STRUCT(NULL AS a) IS NULL", False),
    ],
)
def test_an_expression_has_bigquerys_value(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    found = value(connection, expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "ImageType[OFFSET(3)]",
        "ImageType[OFFSET(-1)]",
        "ImageType[ORDINAL(0)]",
        "ImageType[3]",
        "PixelSpacing[OFFSET(9223372036854775807)]",
        "ProcedureCodeSequence[OFFSET(5)].CodeValue",
        "SAFE.LENGTH(ImageType[OFFSET(3)])",
        "ARRAY_FIRST(ARRAY<BYTES>[])",
        "GENERATE_ARRAY(1, 5, 0)",
        "GENERATE_ARRAY(1, 16001)",
        "RANGE_BUCKET(1, [2, 1])",
        "RANGE_BUCKET(1, [NULL])",
    ],
)
def test_where_bigquery_fails_the_query_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("Modality[OFFSET(0)] = 'C'", "Subscript access using [OFFSET(INT64)] is not supported"),
        ("ImageType['a'] = 'C'", "Array position in [] must be coercible to INT64 type"),
        ("ImageType[0, 1] = 'C'", 'Syntax error: Expected "]"'),
        ("ImageType[ = 'C'", 'Syntax error: "[" is never closed'),
        ("ImageType] = 'C'", 'Syntax error: Unexpected "]"'),
        ("[1, 'a'] IS NULL", "Array elements of types {INT64, STRING} do not have a common"),
        ("[[1]] IS NULL", "Cannot construct array with element type ARRAY<INT64>"),
        ("ARRAY<STRING>[1] IS NULL", "Array element type INT64 does not coerce to STRING"),
        ("ARRAY<NOPE>[1] IS NULL", "Type not found: NOPE"),
        ("[1] = [1]", "= is not defined for arguments of type ARRAY<INT64>"),
        ("ARRAY_CONCAT([1], [2.5]) IS NULL", "No matching signature for function ARRAY_CONCAT"),
        ("STRUCT(1 AS a).b = 1", "Field name b does not exist in STRUCT"),
        ("(1, 2) = (1, 2, 3)", "No matching signature for operator ="),
        ("(1, 2) < (1, 3)", "< is not defined"),
        ("(1, 2) BETWEEN (1, 2) AND (1, 3)", "BETWEEN is not defined"),
        ("([1], 2) = ([1], 2)", "operator = is not defined"),
        ("STRUCT<INT64>(1, 2) IS NULL", "STRUCT type has 1 fields but constructor call has 2"),
        ("`Rows`.x = 1", "Cannot access field x on a value with type INT64"),
    ],
)
def test_what_bigquery_rejects_is_rejected_in_its_words(sql: str, message: str) -> None:
    assert problem(sql).message.startswith(message)


@pytest.mark.parametrize(
    ("sql", "at"),
    [
        ("STRUCT() IS NULL", "STRUCT"),
        ("STRUCT(Modality, Modality) IS NULL", "STRUCT"),
        ("GENERATE_ARRAY(1.0, 2.0) IS NULL", "GENERATE_ARRAY"),
        ("GENERATE_DATE_ARRAY(StudyDate, StudyDate, INTERVAL 1 MONTH) IS NULL", "INTERVAL"),
        ("NULLIF((1, 2), (1, 2)) IS NULL", "NULLIF"),
        ("RANGE_BUCKET(1.5, [1.5]) = 1", "RANGE_BUCKET"),
    ],
)
def test_what_is_not_taken_is_marked_as_refused(sql: str, at: str) -> None:
    error = problem(sql)
    assert error.refused
    if at != "INTERVAL":
        assert marked(error, len(at)) == at


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ImageType[offset(0)] = 'x'", "ImageType[OFFSET(@p1)] = @p2"),
        ("ImageType[SAFE_ORDINAL(1)] = 'x'", "ImageType[SAFE_ORDINAL(@p1)] = @p2"),
        ("ImageType[0] = 'x'", "ImageType[@p1] = @p2"),
        ("Modality IN UNNEST(ARRAY<STRING>[])", "Modality IN UNNEST(ARRAY<STRING>[])"),
        ("Modality IN UNNEST(['a', NULL])", "Modality IN UNNEST([@p1, CAST(NULL AS STRING)])"),
        ("(Modality, `Rows`) = ('CT', 1)", "(Modality, `Rows`) = (@p1, @p2)"),
        ("STRUCT(Modality) = STRUCT('CT')", "STRUCT(Modality AS Modality) = STRUCT(@p1)"),
        (
            "ARRAY<STRUCT<a INT64, ARRAY<STRING>>>[] IS NULL",
            "ARRAY<STRUCT<a INT64, ARRAY<STRING>>>[] IS NULL",
        ),
    ],
)
def test_the_canonical_form_reads_back(sql: str, expected: str) -> None:
    assert canonical(sql) == expected


def test_a_row_without_an_element_is_left_out_and_not_an_error(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    sql = "SELECT SOPInstanceUID FROM d WHERE ProcedureCodeSequence[SAFE_OFFSET(0)].CodeValue = 'X'"
    assert run(connection, sql, today=TODAY).rows == [("1.2.840.3.8",)]
