"""GoogleSQL over a JSON column, evaluated by Google's own analyzer and evaluator."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter import dictionary
from dicomfilter.engines.bigquery.documents import JsonForm, json_schema
from dicomfilter.engines.bigquery.json_elements import JsonTable, element
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.googlesql import to_googlesql
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import Column, Kind, SqlType, TableSchema
from tests.engines.test_bigquery_json import FORMS, TAGS
from tests.googlesql.oracle import Answer, Oracle

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = SqlType(Kind.STRING)
STORED = TableSchema((Column("StudyInstanceUID", TEXT), Column("Metadata", SqlType(Kind.JSON))))


NAMES = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
VALUES: dict[str, Any] = {
    "PatientID": "P1",
    "StudyDate": date(2020, 1, 31),
    "StudyTime": time(13, 14, 15, 250_000),
    "AcquisitionDateTime": datetime(2020, 1, 31, 12, 14, 15, 250_000, tzinfo=UTC),
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "SliceThickness": "1.5",
    "Rows": 512,
    "DiffusionBValue": 1000.5,
    "FrameIncrementPointer": [0x00181063],
    "StudyDescription": None,
    "SoftwareVersions": [],
}
MADE = {
    "StudyDate": {
        "20200229": date(2020, 2, 29),
        "2020-02-29": date(2020, 2, 29),
        "1999.12.31": date(1999, 12, 31),
        "20190229": None,
        "2020": None,
        "": None,
        "today": None,
    },
    "StudyTime": {
        "08": time(8),
        "0830": time(8, 30),
        "083001": time(8, 30, 1),
        "083001.5": time(8, 30, 1, 500_000),
        "083001.000001": time(8, 30, 1, 1),
        "08:30:01": time(8, 30, 1),
        "083": None,
        "250000": None,
        "": None,
    },
    "AcquisitionDateTime": {
        "20200131": datetime(2020, 1, 31, tzinfo=UTC),
        "202001311314": datetime(2020, 1, 31, 13, 14, tzinfo=UTC),
        "20200131131415.25": datetime(2020, 1, 31, 13, 14, 15, 250_000, tzinfo=UTC),
        "20200131131415+0100": datetime(2020, 1, 31, 12, 14, 15, tzinfo=UTC),
        "20200131131415.000001-0530": datetime(2020, 1, 31, 18, 44, 15, 1, tzinfo=UTC),
        "2020": None,
        "20201301": None,
        "": None,
    },
    "Rows": {"512": 512, "5.5": None, "x": None},
    "DiffusionBValue": {"1e3": 1000.0, "x": None},
}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle()


def evaluated(oracle: Oracle, document: Mapping[str, Any], *, form: JsonForm, keyword: str) -> Any:
    """Give the value of a document's element, as GoogleSQL has it."""
    from sqlglot import exp

    entry = dictionary.find(keyword)
    assert entry is not None
    column = json_schema(STORED, form, [document]).find(keyword)
    assert column is not None
    value = element(exp.column("Metadata"), entry, column.type, form)
    sql = f"SELECT {to_googlesql(value)} AS v FROM (SELECT PARSE_JSON(@document) AS Metadata)"
    answer = oracle.ask(sql, [Parameter("document", TEXT, json.dumps(document))])
    assert isinstance(answer, Answer), answer
    assert answer.columns == [("v", str(column.type))]
    return answer.rows[0][0]


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_that_of_a_flattened_table(oracle: Oracle, form: str) -> None:
    documents = FORMS[form]
    told = JsonForm.of(documents, "t")
    found = {
        keyword: evaluated(oracle, documents[0], form=told, keyword=keyword) for keyword in VALUES
    }
    assert found == VALUES


@pytest.mark.parametrize("form", FORMS)
def test_names_and_sequences_have_their_fields(oracle: Oracle, form: str) -> None:
    document = FORMS[form][0]
    told = JsonForm.of(FORMS[form], "t")
    name = evaluated(oracle, document, form=told, keyword="PatientName")
    assert name["Alphabetic"] == dict(zip(NAMES, ("DOE", "JOHN", None, None, None), strict=True))
    assert name["Ideographic"]["FamilyName"] == "山田"
    names = evaluated(oracle, document, form=told, keyword="OperatorsName")
    assert [each["Alphabetic"]["GivenName"] for each in names] == [None, "EDGAR"]
    codes = evaluated(oracle, document, form=told, keyword="ProcedureCodeSequence")
    assert [(code["CodeValue"], code["CodeMeaning"]) for code in codes] == [
        ("A", None),
        ("B", "Head"),
    ]
    (requested,) = evaluated(oracle, document, form=told, keyword="RequestAttributesSequence")
    assert requested["RequestedProcedureID"] == "R1"
    inner = requested["RequestedProcedureCodeSequence"]
    assert [code["CodeValue"] for code in inner] == ["X", "Y"]
    assert evaluated(oracle, {}, form=told, keyword="PatientName") is None
    assert evaluated(oracle, {}, form=told, keyword="ProcedureCodeSequence") == []


@pytest.mark.parametrize("keyword", MADE)
def test_text_becomes_a_value_or_null(oracle: Oracle, keyword: str) -> None:
    form = JsonForm(by_tag=False, wrapped=False)
    for text, value in MADE[keyword].items():
        document = {keyword: text}
        assert evaluated(oracle, document, form=form, keyword=keyword) == value, text


@pytest.mark.parametrize(
    ("document", "keyword", "value"),
    [
        ({"ImageType": None}, "ImageType", []),
        ({"ImageType": "A"}, "ImageType", ["A"]),
        ({"ImageType": ["A", None, "B"]}, "ImageType", ["A", "B"]),
        ({"PatientID": ["P1"]}, "PatientID", "P1"),
        ({"PatientID": 19045}, "PatientID", "19045"),
        ({"PatientID": None}, "PatientID", None),
        ({"ProcedureCodeSequence": None}, "ProcedureCodeSequence", []),
    ],
)
def test_plain_values_may_stand_in_a_list_or_alone(
    oracle: Oracle, document: dict[str, Any], keyword: str, value: object
) -> None:
    form = JsonForm(by_tag=False, wrapped=False)
    assert evaluated(oracle, document, form=form, keyword=keyword) == value


def test_every_keyword_is_of_the_type_that_its_column_has(oracle: Oracle) -> None:
    """Ask for a keyword of each type at once; the analyzer tells the types."""
    for name in FORMS:
        form = JsonForm.of(FORMS[name], "t")
        schema = json_schema(STORED, form, FORMS[name])
        first = {str(c.type): c.name for c in schema if not c.is_stored}
        assert len(first) > 8
        for keyword in first.values():
            evaluated(oracle, {}, form=form, keyword=keyword)


def test_only_what_is_named_is_made() -> None:
    form = JsonForm()
    table = JsonTable(BigQueryTable("p", "d", "t"), json_schema(STORED, form, TAGS), form)
    assert to_googlesql(table.query({"patientid", "studyinstanceuid", "nothing"})) == (
        "SELECT `StudyInstanceUID`, "
        """JSON_VALUE(JSON_QUERY(`Metadata`, '$."00100020".Value[0]')) AS `PatientID` """
        "FROM `p`.`d`.`t` AS dcf_stored"
    )
    assert to_googlesql(table.query(set())) == "SELECT 1 AS dcf_row FROM `p`.`d`.`t` AS dcf_stored"
