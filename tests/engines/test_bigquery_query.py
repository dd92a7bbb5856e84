from __future__ import annotations

import pytest

from dicomfilter.engines.bigquery.query import bound, render
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.errors import ParameterError
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import Kind, SqlType

TABLES = {
    "metadata": BigQueryTable("p-1", "d", "t 1"),
    "stage": BigQueryTable("p-1", "_a", "b"),
}


def rendered(sql: str) -> str:
    import sqlglot

    tree = sqlglot.parse_one(sql, dialect="bigquery")
    before = tree.sql("bigquery")
    text = render(tree, TABLES)
    assert tree.sql("bigquery") == before, "the query was changed"
    return text


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            "SELECT PatientID FROM metadata",
            "SELECT PatientID FROM `p-1`.`d`.`t 1` AS `metadata`",
        ),
        (
            "SELECT metadata.a FROM metadata WHERE metadata.a = @p",
            "SELECT metadata.a FROM `p-1`.`d`.`t 1` AS `metadata` WHERE metadata.a = @p",
        ),
        (
            "SELECT m.PatientID FROM metadata AS m",
            "SELECT m.PatientID FROM `p-1`.`d`.`t 1` AS m",
        ),
        (
            "SELECT 1 FROM metadata WHERE EXISTS(SELECT 1 FROM stage)",
            (
                "SELECT 1 FROM `p-1`.`d`.`t 1` AS `metadata` "
                "WHERE EXISTS(SELECT 1 FROM `p-1`.`_a`.`b` AS `stage`)"
            ),
        ),
        (
            "SELECT 1 FROM metadata UNION ALL SELECT 1 FROM x.y",
            "SELECT 1 FROM `p-1`.`d`.`t 1` AS `metadata` UNION ALL SELECT 1 FROM x.y",
        ),
        (
            "SELECT s.a FROM metadata, UNNEST(metadata.Codes) AS s",
            "SELECT s.a FROM `p-1`.`d`.`t 1` AS `metadata` CROSS JOIN UNNEST(metadata.Codes) AS s",
        ),
    ],
)
def test_names_become_real_tables(written: str, sent: str) -> None:
    assert rendered(written) == sent


def test_a_common_table_expression_hides_the_table_but_not_in_itself() -> None:
    text = rendered("WITH metadata AS (SELECT a FROM metadata) SELECT a FROM metadata")
    assert text == (
        "WITH metadata AS (SELECT a FROM `p-1`.`d`.`t 1` AS `metadata`) SELECT a FROM metadata"
    )


def test_other_tables_are_left() -> None:
    assert rendered("SELECT a FROM p.d.metadata") == "SELECT a FROM p.d.metadata"


def test_comments_are_not_sent() -> None:
    assert "DOE" not in rendered("SELECT a /* DOE */ FROM metadata -- DOE")


def test_an_array_is_bound_with_its_element_type() -> None:
    parameter = Parameter("ids", SqlType.parse("ARRAY<INT64>"), (1, 2))
    assert bound(parameter).to_api_repr() == {
        "name": "ids",
        "parameterType": {"type": "ARRAY", "arrayType": {"type": "INT64"}},
        "parameterValue": {"arrayValues": [{"value": "1"}, {"value": "2"}]},
    }


@pytest.mark.parametrize(
    "kind",
    [kind for kind in Kind if kind not in (Kind.ARRAY, Kind.STRUCT, Kind.INTERVAL)],
)
def test_null_is_bound_with_its_type(kind: Kind) -> None:
    sent = bound(Parameter("p", SqlType(kind), None)).to_api_repr()
    assert sent["parameterType"] == {"type": kind}
    assert sent["parameterValue"]["value"] is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("STRUCT<a INT64>", None),
        ("INTERVAL", None),
        ("ARRAY<STRUCT<a INT64>>", ()),
        ("ARRAY<STRING>", None),
        ("ARRAY<STRING>", ("a", None)),
    ],
)
def test_what_bigquery_does_not_bind_is_refused_by_name(kind: str, value: object) -> None:
    with pytest.raises(ParameterError, match="@p "):
        bound(Parameter("p", SqlType.parse(kind), value))
