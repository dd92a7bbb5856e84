"""``--sql FILE`` of build, count and query, and ``dicomfilter sql``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import call, contents

pytestmark = pytest.mark.usefixtures("desk")
RECENT = """-- the newest study of each patient in an arm
SELECT StudyInstanceUID, SeriesInstanceUID
FROM metadata JOIN arms USING (PatientID)
WHERE arms.Arm = @arm
QUALIFY RANK() OVER (PARTITION BY PatientID ORDER BY StudyDate DESC) = 1;
"""
ASKED = ("metadata.parquet", "--sql", "recent.sql", "--table", "arms=cohort.csv")


@pytest.fixture(autouse=True)
def _recent(desk: Path) -> None:
    (desk / "recent.sql").write_text(RECENT)


def test_a_select_becomes_a_filter_file() -> None:
    ended = call("build", *ASKED, "--param", "arm::A", "-o", "f.txt")
    assert (ended.status, ended.out) == (0, "f.txt\n")
    lines = sorted(Path("f.txt").read_text().splitlines())
    assert lines == ["/studies/1.1/series/1.1.1", "/studies/1.1/series/1.1.2"]
    manifest = json.loads(Path("f.txt.manifest.json").read_text())
    assert manifest["selection"]["tables"] == {"arms": "cohort.csv"}
    (statement,) = manifest["selection"]["statements"]
    assert "@arm" in statement


def test_its_manifest_makes_it_again_and_wants_the_value() -> None:
    call("build", *ASKED, "--param", "arm::A", "-o", "f.txt")
    missing = call("build", "--from-manifest", "f.txt.manifest.json", "-o", "g.txt")
    assert missing.status == 2
    assert "--param arm:STRING:VALUE" in missing.err
    again = ("build", "--from-manifest", "f.txt.manifest.json", "-o", "g.txt")
    ended = call(*again, "--param", "arm::A", "--param", "p1:INT64:1")
    assert ended.status == 0, ended.err
    assert sorted(Path("g.txt").read_text()) == sorted(Path("f.txt").read_text())


def test_count_and_attrition_take_a_select_like_a_clause() -> None:
    ended = call("count", *ASKED, "--param", "arm::A", "--where", "Modality = 'CT'", "--attrition")
    assert "the series is one of a SELECT's" in ended.out
    document = call("count", *ASKED, "--param", "arm::A", "--json").object
    assert (document["studies"], document["series"], document["instances"]) == (1, 2, 6)


def test_query_prints_the_rows_of_a_select() -> None:
    ended = call("query", *ASKED, "--param", "arm::A", "--format", "json")
    assert {row["StudyInstanceUID"] for row in json.loads(ended.out)} == {"1.1"}


def test_query_takes_its_table_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMFILTER_TABLE", "metadata.parquet")
    Path("one.sql").write_text("SELECT COUNT(*) AS n FROM metadata")
    assert call("query", "--sql", "one.sql", "--format", "csv").out == '"n"\n18\n'
    named = call("query", "--sql", "one.sql", "bad.parquet", "--format", "csv")
    assert named.out == '"n"\n20\n'


@pytest.mark.parametrize("form", ["csv", "table"])
def test_records_and_arrays_are_json_where_cells_are_text(form: str) -> None:
    Path("nested.sql").write_text("SELECT [STRUCT('a' AS x)] AS r, 1 AS n FROM metadata LIMIT 1")
    out = call("query", "--sql", "nested.sql", "metadata.parquet", "--format", form).out
    assert '[{"x": "a"}]' in out.replace('""', '"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "metadata.parquet", "--sql", "none.sql", "-o", "f"), "none.sql does not exist"),
        (
            ("query", "metadata.parquet", "--sql", "SELECT 1 AS n FROM metadata"),
            "is a SELECT itself",
        ),
        (("build", *ASKED, "-o", "f"), "Query parameter 'arm' not found"),
        (("build", *ASKED[:3], "-o", "f", "--param", "arm::A"), "Table not found: arms"),
        (("build", *ASKED, "-o", "f", "--all"), "--all and a selection exclude each other"),
        (("build", "metadata.parquet", "--all", "--table", "a=b", "-o", "f"), "--table goes with"),
        (("query", "patient", "metadata.parquet", "--table", "a=b.csv"), "--table goes with --sql"),
        (("query",), "no TABLE is named"),
        (("build", *ASKED[:3], "--table", "arms", "-o", "f"), "is not NAME=URI"),
        (("build", *ASKED[:3], "--table", "metadata=x.csv", "-o", "f"), "is a name in use"),
        (("build", *ASKED, "--table", "Arms=x.csv", "-o", "f"), "is a name in use"),
        (("build", *ASKED[:3], "--table", "arms=gone.csv", "-o", "f"), "no such file: gone.csv"),
        (("build", "metadata.parquet", "--sql", "metadata.parquet", "-o", "f"), "UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_said_in_two_lines(arguments: tuple[str, ...], said: str) -> None:
    before = contents(Path())
    ended = call(*arguments)
    assert ended.status == 2, ended.err
    assert said in ended.err
    assert ended.out == ""
    assert contents(Path()) == before


def test_an_input_is_never_the_output() -> None:
    ended = call("build", *ASKED, "--param", "arm::A", "-o", "recent.sql", "--overwrite")
    assert ended.status == 2
    ended = call("build", *ASKED, "--param", "arm::A", "-o", "cohort.csv", "--overwrite")
    assert ended.status == 2
    assert Path("recent.sql").read_text() == RECENT


def test_sql_explains_in_parts_that_can_be_pasted() -> None:
    ended = call("sql", "Modality LIKE 'C%' AND StudyDate > DATE '2020-01-01'", "metadata.parquet")
    assert ended.status == 0, ended.err
    titles = [line for line in ended.out.splitlines() if line.startswith("-- ") and line[3] != " "]
    assert titles[0] == "-- GoogleSQL"
    assert "-- what DuckDB runs" in titles
    assert "--   p1:STRING:C%" in ended.out
    explained = call("sql", "Modality LIKE 'C%' AND StudyDate > DATE '2020-01-01'",
                     "metadata.parquet", "--explain")  # fmt: skip
    assert explained.out == ended.out


def test_sql_check_says_whether_bigquery_would_take_it() -> None:
    assert call("sql", "--check", "StudyDate >= '2020-01-01'").out == "BigQuery takes it\n"
    ended = call("sql", "--check", "StudyDate >= 20200101")
    assert ended.status == 2
    assert "No matching signature" in ended.err
    whole = "SELECT PatientID, COUNT(*) AS n FROM metadata GROUP BY PatientID"
    document = call("sql", "--check", whole, "--json").object
    assert document["columns"] == {"PatientID": "STRING", "n": "INT64"}


@pytest.mark.parametrize(
    ("sql", "status", "verdict", "said"),
    [
        ("Modality = 'CT'", 0, "BigQuery takes it", ""),
        ("StudyDate >= 20200101", 2, "BigQuery refuses it", "No matching signature"),
        ("Modality == 'CT'", 2, "BigQuery refuses it", "Syntax error"),
        ("Modality", 2, "BigQuery refuses it", "should return type BOOL"),
        ("SELECT PatientID, COUNT(*) FROM metadata", 2, "BigQuery refuses it", "neither grouped"),
        ("ST_GEOGPOINT(1, 2) IS NULL", 6, "cannot tell", "not among the GoogleSQL"),
        ("my_function(PatientID) > 0", 6, "cannot tell", "unknown or not among"),
        ("REGEXP_CONTAINS(PatientID, '(')", 6, "cannot tell", "Cannot parse regular expression"),
        ("SELECT 1; SELECT 2", 6, "cannot tell", 'Unexpected ";"'),
        ("DELETE FROM metadata WHERE TRUE", 6, "cannot tell", "DELETE begins a statement"),
        ("FROM metadata |> WHERE TRUE", 6, "cannot tell", "pipe syntax"),
        ("(" * 300 + "TRUE" + ")" * 300, 6, "cannot tell", "nested deeper"),
        ("TRUE", 6, "cannot tell", "is a value"),
    ],
)
def test_sql_check_has_four_answers(sql: str, status: int, verdict: str, said: str) -> None:
    ended = call("sql", "--check", sql)
    assert (ended.status, ended.out.startswith(verdict)) == (status, True), ended.err
    assert said in ended.err
    again = call("sql", "--check", "--json", sql)
    document = json.loads(again.out)
    assert again.status == status
    assert said in document.get("message", "")
    assert ("message" in document) == bool(said)


@pytest.mark.parametrize(
    "sql", ["FARM_FINGERPRINT(PatientID) > 0", "TO_HEX(SHA512(PatientID)) LIKE '0%'"]
)
def test_sql_check_says_so_where_bigquery_takes_what_files_do_not(sql: str) -> None:
    ended = call("sql", "--check", sql)
    assert (ended.status, ended.out) == (0, "BigQuery takes it, and files do not\n")
    assert "has no translation for the embedded engine" in ended.err
    ran = call("count", "metadata.parquet", "--where", sql)
    assert (ran.status, ran.out) == (2, "")
    assert "BigQuery" not in ran.err


def test_a_column_that_the_standard_lacks_may_be_one_of_bigquerys() -> None:
    assert call("sql", "--check", "collection_id = 'x'").status == 6
    assert call("sql", "--check", "collection_id = 'x'", "metadata.parquet").status == 2


@pytest.mark.parametrize(
    "text",
    [
        "-- all CT\nModality = 'CT'",
        "--all CT\nModality = 'CT'",
        "--check = no\nModality = 'CT'",
        "-- one\n-- two\nSELECT 1 AS n FROM metadata",
        "-1 < SAFE_CAST(InstanceNumber AS INT64)",
        "- 1 < SAFE_CAST(InstanceNumber AS INT64)",
    ],
)
def test_a_text_that_begins_with_a_dash_is_sql(text: str) -> None:
    for arguments in ((text,), ("--check", text), (text, "--check"), ("--", text)):
        ended = call("sql", *arguments)
        assert ended.status == 0, ended.err
    assert call("sql", "--json", "--param", "x:STRING:-- y", f"{text} -- @x").status == 2
    assert call("count", "metadata.parquet", "--where", "-- all CT\nModality = 'CT'").status == 0


def test_an_option_with_a_slip_is_no_text() -> None:
    for slip in ("--chekc", "--param=x:STRING:a b", "-x"):
        assert call("sql", "TRUE = TRUE", slip).status == 2


PUBLISHED = "bigquery-public-data.idc_current.dicom_all"


@pytest.mark.parametrize(
    "name",
    [
        f"`{PUBLISHED}`",
        PUBLISHED,
        "`bigquery-public-data`.idc_current.dicom_all",
        "`bigquery-public-data.idc_current`.`dicom_all`",
        "idc_current.dicom_all",
        "dicom_all",
        "`dicom all`",
    ],
)
def test_one_name_stands_for_the_one_table_and_one_is_told(name: str) -> None:
    last = name.replace("`", "").rsplit(".", 1)[-1]
    column = f"`{last}`.Modality" if " " in last else f"{last}.Modality"
    Path("q.sql").write_text(f"SELECT COUNTIF({column} = 'CT') AS n FROM {name} -- all")
    ended = call("query", "--sql", "q.sql", "metadata.parquet", "--format", "csv")
    assert ended.out == call_metadata("q.sql", name, last)
    assert f"{name.replace('`', '')} in the SELECT stands for metadata.parquet\n" == ended.err
    Path("u.sql").write_text(f"SELECT {last if ' ' not in last else f'`{last}`'}.* FROM {name}")
    built = call("build", "metadata.parquet", "--sql", "u.sql", "-o", "f.txt")
    assert "stands for metadata.parquet" in built.err, built.err
    again = call("build", "--from-manifest", "f.txt.manifest.json", "-o", "g.txt")
    assert again.status == 0, again.err
    given = ("--table", f"{name}=metadata.parquet")
    named = call("query", "--sql", "q.sql", "metadata.parquet", *given, "--format", "csv")
    assert (named.out, named.err) == (ended.out, "")


def call_metadata(file: str, name: str, last: str) -> str:
    text = Path(file).read_text().replace(name, "metadata").replace(f"`{last}`", last)
    Path("m.sql").write_text(text.replace(f"{last}.", "metadata."))
    return call("query", "--sql", "m.sql", "metadata.parquet", "--format", "csv").out


@pytest.mark.parametrize(
    ("sql", "said", "hint"),
    [
        (
            "SELECT 1 FROM `p.d.a` JOIN `p.d.b` USING (PatientID)",
            "p.d.a and p.d.b are two tables, and one is given",
            "--table 'p.d.a=URI' --table 'p.d.b=URI'",
        ),
        ("SELECT 1 FROM a, (SELECT 1 FROM b)", "a and b are two tables", "--table 'a=URI'"),
        ("SELECT 1 FROM a WHERE PatientID IN (SELECT PatientID FROM metadata)",
         "Table not found: a", "add --table 'a=URI'"),
        ("WITH a AS (SELECT * FROM x) SELECT 1 FROM a UNION ALL SELECT 1 FROM y",
         "x and y are two tables", "--table 'y=URI'"),
        ("SELECT 1 FROM A UNION ALL SELECT 1 FROM a", "A and a are two tables", "--table 'A=URI'"),
    ],
)  # fmt: skip
def test_two_names_want_a_table_each(sql: str, said: str, hint: str) -> None:
    for ended in (call("sql", "--check", sql, "metadata.parquet"), call("sql", "--check", sql)):
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err
        assert hint in ended.err


@pytest.mark.parametrize("given", ["=x", "a b=x", "`a=x", "a..b=x", "``=x", "1a=x", "a='"])
def test_a_name_that_is_none_is_refused(given: str) -> None:
    assert call("sql", "TRUE = TRUE", "metadata.parquet", "--table", given).status == 2


def test_sql_refuses_what_contradicts_itself() -> None:
    assert call("sql", "TRUE", "--check", "--explain").status == 2
    assert call("sql", "Modality = 'CT'", "--table", "a=b.csv").status == 2
    assert call("sql", "Modality = 'CT'", "--param", "n:INT64:1").status == 2
