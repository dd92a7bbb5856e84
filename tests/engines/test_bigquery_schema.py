from __future__ import annotations

import pytest

from dicomfilter.engines.bigquery.schema import arrow_schema, arrow_type, sql_type, table_schema
from dicomfilter.schema import Kind, Shape, SqlType

NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


@pytest.mark.parametrize(
    ("legacy", "standard"),
    [
        ("STRING", "STRING"),
        ("INTEGER", "INT64"),
        ("INT64", "INT64"),
        ("FLOAT", "FLOAT64"),
        ("FLOAT64", "FLOAT64"),
        ("BOOLEAN", "BOOL"),
        ("BOOL", "BOOL"),
        ("NUMERIC", "NUMERIC"),
        ("BIGNUMERIC", "BIGNUMERIC"),
        ("BYTES", "BYTES"),
        ("DATE", "DATE"),
        ("TIME", "TIME"),
        ("DATETIME", "DATETIME"),
        ("TIMESTAMP", "TIMESTAMP"),
        ("JSON", "JSON"),
    ],
)
def test_legacy_type_names_become_googlesqls(legacy: str, standard: str) -> None:
    from google.cloud.bigquery import SchemaField

    assert str(sql_type(SchemaField("a", legacy))) == standard
    assert str(sql_type(SchemaField("a", legacy, mode="REPEATED"))) == f"ARRAY<{standard}>"
    assert str(sql_type(SchemaField("a", legacy, mode="REQUIRED"))) == standard


def test_a_persons_name_is_a_struct_of_structs() -> None:
    from google.cloud.bigquery import SchemaField

    parts = [SchemaField(name, "STRING") for name in NAME_PARTS]
    groups = [SchemaField(name, "RECORD", fields=parts) for name in ("Alphabetic", "Phonetic")]
    of = sql_type(SchemaField("PatientName", "RECORD", fields=groups))
    assert of is not None
    alphabetic = of.field("alphabetic")
    assert alphabetic is not None
    assert alphabetic[1].field("FamilyName") == ("FamilyName", SqlType(Kind.STRING))


def test_a_sequence_is_an_array_of_structs() -> None:
    from google.cloud.bigquery import SchemaField

    inner = [SchemaField("CodeValue", "STRING"), SchemaField("Values", "INTEGER", "REPEATED")]
    field = SchemaField("ProcedureCodeSequence", "RECORD", mode="REPEATED", fields=inner)
    assert str(sql_type(field)) == "ARRAY<STRUCT<CodeValue STRING, Values ARRAY<INT64>>>"


def test_descriptions_and_order_are_kept_and_unknown_types_left_out() -> None:
    from google.cloud.bigquery import SchemaField

    schema = table_schema(
        [
            SchemaField("SOPInstanceUID", "STRING", description="Uniquely identifies"),
            SchemaField("Where", "GEOGRAPHY"),
            SchemaField("Metadata", "JSON"),
        ]
    )
    assert [column.name for column in schema] == ["SOPInstanceUID", "Metadata"]
    assert [column.description for column in schema] == ["Uniquely identifies", ""]
    assert schema.shape is Shape.JSON


@pytest.mark.parametrize("mode", ["NULLABLE", "REPEATED"])
@pytest.mark.parametrize("unknown", ["GEOGRAPHY", "RANGE", "FOREIGN"])
def test_unknown_types_within_structs_are_named_by_their_path(unknown: str, mode: str) -> None:
    from google.cloud.bigquery import SchemaField

    odd, plain = SchemaField("Where", unknown, mode), SchemaField("CodeValue", "STRING")
    deep = SchemaField("Deep", "RECORD", mode, fields=[odd, plain])
    schema = table_schema(
        [
            SchemaField("SOPInstanceUID", "STRING"),
            SchemaField("One", "RECORD", mode, fields=[plain, odd]),
            SchemaField("Two", "RECORD", mode, fields=[plain, deep]),
            SchemaField("Only", "RECORD", mode, fields=[odd]),
        ]
    )
    assert [column.name for column in schema] == ["SOPInstanceUID", "One", "Two"]
    lost = [("One.Where", unknown), ("Two.Deep.Where", unknown), ("Only", "RECORD")]
    assert [(each.name, each.type) for each in schema.left_out] == lost
    assert schema.caveats[0].startswith("One.Where is left out: ")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.ARRAY, Kind.STRUCT)])
def test_every_kind_has_an_arrow_type(kind: Kind) -> None:
    assert arrow_type(SqlType(kind)) is not None


def test_arrow_columns_have_the_tables_names_and_types() -> None:
    import pyarrow as pa
    from google.cloud.bigquery import SchemaField

    fields = [SchemaField("At", "TIMESTAMP"), SchemaField("ImageType", "STRING", mode="REPEATED")]
    assert arrow_schema(table_schema(fields)) == pa.schema(
        [("At", pa.timestamp("us", tz="UTC")), ("ImageType", pa.list_(pa.string()))]
    )
