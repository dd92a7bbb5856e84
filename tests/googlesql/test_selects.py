"""Whole queries: what is taken, what comes out, and what is said of the rest."""

from __future__ import annotations

import pytest

from dicomfilter.googlesql import check_condition, check_query, to_duckdb, to_googlesql
from dicomfilter.googlesql.types.parameters import Parameter
from tests.googlesql.metadata import (
    PARAMETERS,
    SCHEMA,
    TABLES,
    canonical_query,
    marked,
    query_problem,
)


def columns(sql: str) -> list[tuple[str, str]]:
    return [(c.name, str(c.type)) for c in check_query(sql, TABLES, parameters=PARAMETERS).schema]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM metadata",
        "SELECT * EXCEPT (Extra, ImageType) FROM metadata",
        "SELECT *, `Rows` + @p1 AS more FROM metadata",
        "SELECT m.* FROM metadata AS m",
        "SELECT DISTINCT Modality FROM metadata WHERE Modality IS NULL",
        "SELECT Modality AS m, COUNT(*) AS n FROM metadata GROUP BY Modality HAVING n > @p1",
        "SELECT LOWER(Modality) AS m, COUNT(DISTINCT PatientID) FROM metadata GROUP BY 1",
        "SELECT * FROM (SELECT PatientID FROM metadata) AS x WHERE x.PatientID = @p1",
        "WITH x AS (SELECT PatientID FROM metadata) SELECT PatientID FROM x LIMIT 10",
        "SELECT t FROM metadata CROSS JOIN UNNEST(ImageType) AS t",
        "SELECT Modality FROM metadata UNION ALL SELECT PatientID FROM metadata",
        "SELECT Modality FROM metadata QUALIFY ROW_NUMBER() OVER (PARTITION BY PatientID ORDER BY"
        " StudyDate DESC, Modality ASC NULLS LAST) = @p1",
        "SELECT LOGICAL_AND(IsPhantom) OVER (PARTITION BY Modality) AS x FROM metadata",
        "SELECT COUNTIF(IsPhantom), SUM(`Rows`), MAX(StudyDate) FROM metadata",
        "SELECT STRING_AGG(DISTINCT Modality, @p1 ORDER BY Modality DESC) FROM metadata",
        "SELECT Modality FROM metadata LIMIT @n",
    ],
)
def test_a_canonical_query_reads_back_as_itself(sql: str) -> None:
    literals = [
        Parameter.of("p1", "x" if ("= @p1" in sql and "ROW" not in sql) or "AGG" in sql else 1)
    ]
    given = [*PARAMETERS, *literals]
    assert canonical_query(sql, given) == sql
    checked = check_query(sql, TABLES, parameters=given)
    again = check_query(checked.tree, TABLES, parameters=checked.parameters)
    assert again.parameters == checked.parameters
    assert again.schema == checked.schema
    assert to_duckdb(again.tree) == to_duckdb(checked.tree)


def test_columns_have_bigquerys_names_and_types() -> None:
    assert columns(
        "SELECT modality, `Rows` + 1, PatientName.Alphabetic.FamilyName, `Rows` * 1.5 AS x,"
        " SliceThickness > 1, ImageType FROM metadata"
    ) == [
        ("Modality", "STRING"),
        ("f0_", "INT64"),
        ("FamilyName", "STRING"),
        ("x", "FLOAT64"),
        ("f1_", "BOOL"),
        ("ImageType", "ARRAY<STRING>"),
    ]


def test_a_star_brings_all_columns_but_those_left_out() -> None:
    names = [name for name, _ in columns("SELECT * EXCEPT (extra), 1 AS one FROM metadata")]
    assert names == [c.name for c in SCHEMA if c.name != "Extra"] + ["one"]


def test_the_literals_of_a_composed_tree_stay_and_are_checked() -> None:
    from sqlglot import exp

    condition = check_condition("Modality = 'CT'", SCHEMA)
    line = exp.func("CONCAT", exp.Literal.string("/studies/"), exp.column("StudyInstanceUID"))
    tree = exp.select(line.as_("line")).from_("metadata").where(condition.tree).limit(5)
    checked = check_query(tree, TABLES, parameters=condition.parameters, first=2)
    assert checked.parameters == condition.parameters
    assert to_googlesql(checked.tree) == (
        "SELECT CONCAT('/studies/', StudyInstanceUID) AS line FROM metadata"
        " WHERE Modality = @p1 LIMIT 5"
    )
    assert to_duckdb(checked.tree) == (
        """SELECT (CASE WHEN ("StudyInstanceUID" IS NULL) THEN NULL"""
        """ ELSE CONCAT('/studies/', "StudyInstanceUID") END) AS "line" FROM "metadata\""""
        """ WHERE "Modality" = CAST($p1 AS TEXT) LIMIT 5"""
    )


def test_a_tree_is_denied_what_a_text_is_denied() -> None:
    from sqlglot import exp

    tree = exp.select(exp.func("GENERATE_UUID").as_("x")).from_("metadata")
    with pytest.raises(ValueError, match="GENERATE_UUID"):
        check_query(tree, TABLES)


@pytest.mark.parametrize(
    ("sql", "message", "at"),
    [
        ("SELECT nix FROM metadata", "Unrecognized name: nix", "nix"),
        ("SELECT Modality FROM nix", "Table not found: nix", "nix"),
        (
            "SELECT Modality FROM metadat",
            "Table not found: metadat; Did you mean metadata?",
            "metadat",
        ),
        ("SELECT Modality, COUNT(*) FROM metadata", "neither grouped nor aggregated", "Modality"),
        ("SELECT * FROM metadata GROUP BY Modality", "neither grouped nor aggregated", "*"),
        (
            "SELECT COUNT(*) FROM metadata HAVING Modality = 'x'",
            "HAVING clause expression",
            "Modality",
        ),
        ("SELECT Modality AS m FROM metadata WHERE m = 'x'", "Unrecognized name: m", "m ="),
        ("SELECT Modality FROM metadata HAVING TRUE", "requires GROUP BY", "TRUE"),
        ("SELECT Modality FROM metadata QUALIFY TRUE", "requires a window function", "TRUE"),
        (
            "SELECT COUNT(*) AS n FROM metadata WHERE COUNT(*) > 1",
            "not allowed in WHERE",
            "COUNT(*) >",
        ),
        ("SELECT COUNT(*) FROM metadata GROUP BY 2", "is not the place", "2"),
        ("SELECT COUNT(*) FROM metadata GROUP BY 1", "not allowed in GROUP BY", "1"),
        (
            "SELECT Modality FROM metadata ORDER BY ImageType",
            "ORDER BY does not support",
            "ImageType",
        ),
        (
            "SELECT DISTINCT Modality FROM metadata ORDER BY PatientID",
            "SELECT DISTINCT",
            "PatientID",
        ),
        ("SELECT Modality, modality FROM metadata", "Duplicate column names", "SELECT"),
        ("SELECT a.* FROM metadata", "Unrecognized name: a", "a"),
        ("SELECT * EXCEPT (nix) FROM metadata", "does not exist", "nix"),
        ("SELECT ROW_NUMBER() FROM metadata", "requires an OVER clause", "ROW_NUMBER"),
        (
            "SELECT SUM(Modality) FROM metadata",
            "No matching signature for function SUM",
            "Modality",
        ),
        ("SELECT MAX(ImageType) FROM metadata", "MAX is not defined", "ImageType"),
        ("SELECT t FROM metadata, UNNEST(Modality) AS t", "must be arrays", "Modality)"),
        (
            "SELECT Modality FROM metadata UNION ALL SELECT 1 FROM metadata",
            "incompatible types",
            "SELECT 1",
        ),
        (
            "SELECT Modality FROM metadata UNION ALL SELECT * FROM metadata",
            "column count",
            "SELECT *",
        ),
        ("SELECT Modality FROM metadata LIMIT -1", "LIMIT wants", "-1"),
        ("SELECT Modality FROM metadata LIMIT @start", "LIMIT expects an integer", "@start"),
        ("SELECT Modality FROM `p.d.t`", "Table not found: p.d.t", "`p.d.t`"),
        ("SELECT Modality FROM p.d.t", "Table not found: p.d.t", "p.d"),
        ("SELECT Modality FROM [p:d.t]", "legacy SQL", "[p:d.t]"),
        ("SELECT Modality FROM read_csv('/etc/passwd')", "Syntax error", "("),
        ("SELECT Modality FROM '/etc/passwd'", "Syntax error", "'"),
        ("SELECT Modality FROM metadata; SELECT 1", 'Unexpected ";"', ";"),
        ("DELETE FROM metadata", "Expected keyword SELECT", "DELETE"),
        ("SELECT Modality FROM metadata GROUP BY ROLLUP(Modality)", "GROUP BY ROLLUP", "ROLLUP"),
        ("SELECT Modality FROM metadata ORDER BY 1 OFFSET 2", "Expected end of input", "OFFSET"),
    ],
)
def test_a_refusal_says_why_and_where(sql: str, message: str, at: str) -> None:
    error = query_problem(sql)
    assert message in error.message
    assert marked(error, max(1, len(at)))[: len(at)] == at


def test_an_alias_wins_over_a_column_in_order_by() -> None:
    sql = "SELECT Modality, COUNT(*) AS `Rows` FROM metadata GROUP BY Modality ORDER BY `Rows` DESC"
    assert canonical_query(sql).endswith("ORDER BY 2 DESC")


def test_a_group_by_an_item_with_literals_becomes_its_place() -> None:
    sql = "SELECT IFNULL(Modality, 'x') AS m, COUNT(*) FROM metadata GROUP BY IFNULL(Modality, 'x')"
    assert canonical_query(sql).endswith("GROUP BY 1")
    alone = "SELECT COUNT(*) FROM metadata GROUP BY IFNULL(Modality, 'x')"
    assert canonical_query(alone).endswith("GROUP BY IFNULL(Modality, @p1)")


def test_a_name_of_with_hides_a_table() -> None:
    sql = "WITH metadata AS (SELECT PatientID AS only FROM metadata) SELECT * FROM metadata"
    assert columns(sql) == [("only", "STRING")]


def test_the_bigquery_text_can_be_spread_over_lines() -> None:
    checked = check_query("SELECT Modality FROM metadata WHERE IsPhantom", TABLES)
    assert to_googlesql(checked.tree, pretty=True).count("\n") > 3
