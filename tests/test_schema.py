"""Types and columns are GoogleSQL's, in any case, and a table's shape follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.errors import TableError, UsageError
from dicomfilter.paths import Level
from dicomfilter.schema import Column, Kind, Shape, SqlType, TableSchema

SIMPLE = [kind for kind in Kind if kind not in (Kind.ARRAY, Kind.STRUCT)]
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
TYPES = st.recursive(
    st.sampled_from(SIMPLE).map(SqlType),
    lambda inner: st.one_of(
        inner.map(lambda of: SqlType(Kind.ARRAY, of)),
        st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3).map(
            lambda fields: SqlType(Kind.STRUCT, fields=tuple(fields))
        ),
    ),
    max_leaves=6,
)


def schema(**types: str) -> TableSchema:
    return TableSchema(tuple(Column(name, SqlType.parse(of)) for name, of in types.items()))


UIDS = {"StudyInstanceUID": "STRING", "SeriesInstanceUID": "STRING"}
INSTANCE = UIDS | {"SOPInstanceUID": "STRING"}


# Types


@given(TYPES)
def test_a_type_reads_back(of: SqlType) -> None:
    assert SqlType.parse(str(of)) == of


@given(TYPES)
def test_case_and_blanks_do_not_matter(of: SqlType) -> None:
    spaced = str(of).replace("<", " < ").replace(">", " > ").replace(",", " ,\n")
    assert str(SqlType.parse(spaced)) == str(of)
    if of.kind not in (Kind.STRUCT, Kind.ARRAY):
        assert SqlType.parse(str(of).lower()) == of


@pytest.mark.parametrize(
    ("text", "kind"),
    [("float", Kind.FLOAT64), ("Integer", Kind.INT64), ("BOOLEAN", Kind.BOOL)],
)
def test_the_older_names_of_types_are_known(text: str, kind: Kind) -> None:
    assert SqlType.parse(text) == SqlType(kind)
    assert str(SqlType.parse(f"ARRAY<{text}>")) == f"ARRAY<{kind}>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TEXT",
        "INT",
        "STRING STRING",
        "STRING(10)",
        "ARRAY",
        "ARRAY<>",
        "ARRAY<STRING",
        "ARRAY<STRING>>",
        "ARRAY STRING",
        "STRUCT",
        "STRUCT<>",
        "STRUCT<a>",
        "STRUCT<a STRING",
        "STRUCT<a STRING,>",
        "STRUCT<a STRING b STRING>",
        "<STRING>",
        "STRING;",
    ],
)
def test_what_is_no_type_is_refused_and_shown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        SqlType.parse(text)
    assert f"{text!r} is not a GoogleSQL type" in str(caught.value)


def test_a_field_is_found_in_any_case() -> None:
    of = SqlType.parse("STRUCT<Alphabetic STRUCT<FamilyName STRING>, Rank INT64>")
    assert of.field("rank") == ("Rank", SqlType(Kind.INT64))
    assert of.field("Nope") is None
    assert SqlType(Kind.STRING).field("a") is None


# Columns


def test_a_column_is_found_in_any_case_and_keeps_its_spelling() -> None:
    table = schema(**INSTANCE, Modality="STRING")
    for name in ("Modality", "modality", "MODALITY"):
        found = table.find(name)
        assert found is not None
        assert found.name == "Modality"
    assert table.find("Nope") is None
    assert [column.name for column in table] == [*INSTANCE, "Modality"]


def test_columns_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(TableError, match="differ only in case: A, Ab"):
        schema(A="STRING", Ab="STRING", a="STRING", aB="STRING")


def test_missing_columns_are_listed_as_they_were_asked_for() -> None:
    table = schema(**UIDS)
    assert table.missing("studyinstanceuid", "Nope", "SOPInstanceUID") == ("Nope", "SOPInstanceUID")
    assert table.missing() == ()


def test_the_nearest_names_are_told_best_first() -> None:
    table = schema(**INSTANCE, StudyDate="DATE", StudyID="STRING")
    assert table.nearest("studydat")[0] == "StudyDate"
    assert table.nearest("StudyInstanceUid", 1) == ("StudyInstanceUID",)
    assert len(table.nearest("StudyInstanceUI")) <= 3
    assert table.nearest("zzz") == ()


# Shapes


@pytest.mark.parametrize(
    ("types", "shape", "finest", "is_versioned"),
    [
        (INSTANCE, Shape.FLATTENED, Level.INSTANCE, False),
        (UIDS, Shape.SERIES_INDEX, Level.SERIES, False),
        (INSTANCE | {"Metadata": "JSON"}, Shape.JSON, Level.INSTANCE, False),
        (INSTANCE | {"Metadata": "STRING"}, Shape.FLATTENED, Level.INSTANCE, False),
        (INSTANCE | {"LastUpdated": "TIMESTAMP"}, Shape.FLATTENED, Level.INSTANCE, True),
        (INSTANCE | {"type": "STRING"}, Shape.FLATTENED, Level.INSTANCE, True),
        (UIDS | {"Type": "STRING"}, Shape.SERIES_INDEX, Level.SERIES, False),
        ({n.lower(): t for n, t in INSTANCE.items()}, Shape.FLATTENED, Level.INSTANCE, False),
    ],
)
def test_a_shape_follows_from_the_columns(
    types: dict[str, str], shape: Shape, finest: Level, *, is_versioned: bool
) -> None:
    table = schema(**types)
    assert (table.shape, table.finest, table.is_versioned) == (shape, finest, is_versioned)


# UIDs


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ({"StudyInstanceUID": "STRING"}, "t has no column SeriesInstanceUID"),
        (
            {"SOPInstanceUID": "STRING"},
            "t has no column StudyInstanceUID and no column SeriesInstanceUID",
        ),
        (UIDS | {"SeriesInstanceUID": "INT64"}, "SeriesInstanceUID of t is INT64, not STRING"),
        (INSTANCE | {"SOPInstanceUID": "BYTES"}, "SOPInstanceUID of t is BYTES, not STRING"),
        (UIDS | {"StudyInstanceUID": "ARRAY<STRING>"}, "is ARRAY<STRING>, not STRING"),
    ],
)
def test_a_table_without_uids_is_no_table_of_ours(types: dict[str, str], said: str) -> None:
    with pytest.raises(TableError) as caught:
        schema(**types).require_uids("t")
    assert said in str(caught.value)
    assert caught.value.hint


def test_a_table_with_uids_of_any_case_is_one_of_ours() -> None:
    schema(**UIDS).require_uids("t")
    schema(**{name.upper(): of for name, of in INSTANCE.items()}).require_uids("t")
