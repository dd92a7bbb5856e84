"""A table of JSON answers as the same table does when it is flattened."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts.attrition import count
from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.named_queries import find_query, run_query
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import rows as flagged
from dicomfilter.engines import open_engine
from dicomfilter.engines.bigquery.documents import JsonForm
from dicomfilter.engines.protocol import Engine, EngineOptions
from dicomfilter.errors import CostLimitError, PredicateError, TableError
from dicomfilter.filters.build import BuildOptions, build, plan
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.notebook.table import open_table
from dicomfilter.paths import Level
from dicomfilter.schema import Shape
from tests.cli.running import call
from tests.engines.test_bigquery import query
from tests.localcloud.edits import of_json
from tests.localcloud.proxy import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.proxy import FaultProxy

pytestmark = pytest.mark.cloud
COLUMNS = """
    StudyInstanceUID STRING, SeriesInstanceUID STRING, SOPInstanceUID STRING, Metadata JSON,
    DroppedTags ARRAY<STRING>, BlobStorageSize INT64, LastUpdated TIMESTAMP, Type STRING
"""
FLATTENED = """
    StudyInstanceUID STRING, SeriesInstanceUID STRING, SOPInstanceUID STRING,
    PatientID STRING, Modality STRING, StudyDate DATE, StudyTime TIME,
    AcquisitionDateTime TIMESTAMP, ImageType ARRAY<STRING>, SliceThickness STRING,
    Rows INT64, EchoTrainLength STRING, FrameIncrementPointer ARRAY<INT64>,
    DiffusionBValue FLOAT64,
    PatientName STRUCT<Alphabetic STRUCT<FamilyName STRING, GivenName STRING>,
                       Ideographic STRUCT<FamilyName STRING, GivenName STRING>>,
    OperatorsName ARRAY<STRUCT<Alphabetic STRUCT<FamilyName STRING, GivenName STRING>>>,
    ProcedureCodeSequence ARRAY<STRUCT<CodeValue STRING, CodeMeaning STRING>>,
    RequestAttributesSequence ARRAY<STRUCT<RequestedProcedureID STRING,
        RequestedProcedureCodeSequence ARRAY<STRUCT<CodeValue STRING>>>>,
    BlobStorageSize INT64, LastUpdated TIMESTAMP, Type STRING
"""
TODAY = date(2026, 11, 21)
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def name(family: str, given: str | None = None) -> dict[str, Any]:
    return {"Alphabetic": {"FamilyName": family, "GivenName": given}}


INSTANCES: tuple[dict[str, Any], ...] = (
    {
        "PatientID": "P1",
        "Modality": "CT",
        "StudyDate": "2020-01-31",
        "StudyTime": "13:14:15.250000",
        "AcquisitionDateTime": "2020-01-31T12:14:15.25Z",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SliceThickness": "1.5",
        "Rows": 512,
        "DiffusionBValue": 1000.5,
        "FrameIncrementPointer": [0x00181063],
        "PatientName": name("DOE", "JOHN") | {"Ideographic": {"FamilyName": "山田"}},
        "OperatorsName": [name("ROE"), name("POE", "EDGAR")],
        "ProcedureCodeSequence": [{"CodeValue": "A"}, {"CodeValue": "B", "CodeMeaning": "Head"}],
        "RequestAttributesSequence": [
            {
                "RequestedProcedureID": "R1",
                "RequestedProcedureCodeSequence": [{"CodeValue": "X"}, {"CodeValue": "Y"}],
            }
        ],
    },
    {"PatientID": "P2", "Modality": "MR", "StudyDate": "1999-12-31", "ImageType": ["DERIVED"]},
    {"PatientID": None, "Modality": "CT", "SliceThickness": "3"},
    {"StudyTime": "08:30:00", "ProcedureCodeSequence": [{"CodeValue": "B"}]},
)
TAGS: tuple[dict[str, Any], ...] = (
    {
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00080020": {"vr": "DA", "Value": ["20200131"]},
        "00080030": {"vr": "TM", "Value": ["131415.25"]},
        "0008002A": {"vr": "DT", "Value": ["20200131131415.25+0100"]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "PRIMARY"]},
        "00180050": {"vr": "DS", "Value": [1.5]},
        "00280010": {"vr": "US", "Value": [512]},
        "00189087": {"vr": "FD", "Value": [1000.5]},
        "00280009": {"vr": "AT", "Value": ["00181063"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JOHN", "Ideographic": "山田"}]},
        "00081070": {"vr": "PN", "Value": [{"Alphabetic": "ROE"}, {"Alphabetic": "POE^EDGAR"}]},
        "00081032": {
            "vr": "SQ",
            "Value": [
                {"00080100": {"vr": "SH", "Value": ["A"]}},
                {
                    "00080100": {"vr": "SH", "Value": ["B"]},
                    "00080104": {"vr": "LO", "Value": ["Head"]},
                },
            ],
        },
        "00400275": {
            "vr": "SQ",
            "Value": [
                {
                    "00401001": {"vr": "SH", "Value": ["R1"]},
                    "00321064": {
                        "vr": "SQ",
                        "Value": [
                            {"00080100": {"vr": "SH", "Value": ["X"]}},
                            {"00080100": {"vr": "SH", "Value": ["Y"]}},
                        ],
                    },
                }
            ],
        },
        "00091001": {"vr": "LO", "Value": ["private"]},
    },
    {
        "00100020": {"vr": "LO", "Value": ["P2"]},
        "00080060": {"vr": "CS", "Value": ["MR"]},
        "00080020": {"vr": "DA", "Value": ["1999.12.31"]},
        "00080008": {"vr": "CS", "Value": ["DERIVED"]},
    },
    {
        "00100020": {"vr": "LO"},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00180050": {"vr": "DS", "Value": ["3"]},
    },
    {
        "00080030": {"vr": "TM", "Value": ["0830"]},
        "00081032": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["B"]}}]},
    },
)


def keyworded(document: dict[str, Any], *, wrapped: bool) -> dict[str, Any]:
    """Spell a document by keyword, its values plain or wrapped."""
    from dicomfilter import dictionary

    keywords = {entry.tag: entry for entry in dictionary.entries()}
    out: dict[str, Any] = {}
    for tag, held in document.items():
        entry = keywords.get(tag)
        if entry is None:
            continue
        values = held.get("Value", [])
        if entry.vr == "SQ":
            values = [keyworded(item, wrapped=wrapped) for item in values]
        if wrapped:
            out[entry.keyword] = {**held, "Value": values}
            continue
        if entry.vr == "PN":
            values = ["=".join(v.get(w, "") for w in ("Alphabetic", "Ideographic")) for v in values]
        single = len(values) == 1 and entry.vr != "SQ"
        out[entry.keyword] = values[0] if single else values or None
    return out


def lowered(document: dict[str, Any]) -> dict[str, Any]:
    return {tag.lower(): value for tag, value in document.items()}


FORMS = {
    "tags": TAGS,
    "lower tags": tuple(map(lowered, TAGS)),
    "keywords": tuple(keyworded(each, wrapped=False) for each in TAGS),
    "wrapped keywords": tuple(keyworded(each, wrapped=True) for each in TAGS),
}
PREDICATES = {
    "Modality = 'CT'": [1, 3],
    "patientid IN ('P1', 'P2')": [1, 2],
    "PatientID IS NULL": [3, 4],
    "StudyDate >= '2000-01-01'": [1],
    "StudyDate = '1999-12-31'": [2],
    "StudyTime > '12:00:00'": [1],
    "StudyTime = '08:30:00'": [4],
    "AcquisitionDateTime = '2020-01-31 12:14:15.25+00'": [1],
    "'PRIMARY' IN UNNEST(ImageType)": [1],
    "NOT 'PRIMARY' IN UNNEST(ImageType)": [2, 3, 4],
    "ARRAY_LENGTH(ImageType) = 2": [1],
    "SAFE_CAST(SliceThickness AS FLOAT64) < 2": [1],
    "SliceThickness = '3'": [3],
    "`Rows` = 512": [1],
    "DiffusionBValue > 1000": [1],
    "1577059 IN UNNEST(FrameIncrementPointer)": [1],
    "PatientName.Alphabetic.FamilyName = 'DOE' AND PatientName.Alphabetic.GivenName = 'JOHN'": [1],
    "PatientName.Ideographic.FamilyName = '山田'": [1],
    "ARRAY_LENGTH(ProcedureCodeSequence) = 0": [2, 3],
}
DEEPER = {
    "EXISTS(SELECT 1 FROM UNNEST(OperatorsName) AS n WHERE n.Alphabetic.GivenName = 'EDGAR')": [1],
    "EXISTS(SELECT 1 FROM UNNEST(ProcedureCodeSequence) AS s WHERE s.CodeValue = 'B')": [1, 4],
    "EXISTS(SELECT 1 FROM UNNEST(ProcedureCodeSequence) AS s WHERE s.CodeMeaning = 'Head')": [1],
    "EXISTS(SELECT 1 FROM UNNEST(RequestAttributesSequence) AS r WHERE EXISTS(SELECT 1 FROM "
    "UNNEST(r.RequestedProcedureCodeSequence) AS c WHERE c.CodeValue = 'Y'))": [1],
    "ImageType[SAFE_OFFSET(0)] = 'ORIGINAL'": [1],
}


def instance(number: int, **rest: Any) -> dict[str, Any]:
    return {
        "StudyInstanceUID": f"1.{number}",
        "SeriesInstanceUID": f"1.{number}.1",
        "SOPInstanceUID": f"1.{number}.1.1",
        "BlobStorageSize": 10,
        "LastUpdated": OLD,
        "Type": "CREATE",
        **rest,
    }


def rows(documents: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [instance(number, Metadata=each) for number, each in enumerate(documents, start=1)]


def selected(engine: Engine, predicates: Iterable[str]) -> dict[str, list[int]]:
    """Ask for predicates at once: which studies does each select?"""
    selection = Selection(engine.schema(), all_versions=True)
    for predicate in predicates:
        selection = selection.where(predicate)
    flags = {f"flag_{n}": clause.tree for n, clause in enumerate(selection.clauses)}
    asked = Query(flagged(selection, flags), selection.parameters)
    answer = engine.rows(asked).read_all().to_pylist()
    return {
        predicate: sorted(int(row["study"][2:]) for row in answer if row[flag])
        for predicate, flag in zip(predicates, flags, strict=True)
    }


def selected_deeper(engine: Engine) -> dict[str, list[int]]:
    """Ask likewise for what queries can say and predicates cannot."""
    conditions = ", ".join(f"{sql} AS flag_{n}" for n, sql in enumerate(DEEPER))
    asked = query(f"SELECT StudyInstanceUID AS study, {conditions} FROM metadata")
    answer = engine.rows(asked).read_all().to_pylist()
    return {
        sql: sorted(int(row["study"][2:]) for row in answer if row[f"flag_{n}"])
        for n, sql in enumerate(DEEPER)
    }


@pytest.fixture
def table(load_table: LoadTable) -> str:
    return load_table(COLUMNS, *rows(TAGS))


def test_predicates_on_keywords_select_what_they_do_of_a_flattened_table(
    load_table: LoadTable,
) -> None:
    made = [instance(number, **each) for number, each in enumerate(INSTANCES, start=1)]
    for uri in (load_table(FLATTENED, *made, name="flat"), load_table(COLUMNS, *rows(TAGS))):
        with open_engine([uri]) as engine:
            assert selected(engine, PREDICATES) == PREDICATES
            assert selected_deeper(engine) == DEEPER


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_documents_is_read(load_table: LoadTable, form: str) -> None:
    some = {text: rows for text, rows in PREDICATES.items() if "Patient" not in text}
    with open_engine([load_table(COLUMNS, *rows(FORMS[form]))]) as engine:
        assert selected(engine, some) == some
        family = Selection(engine.schema()).where("PatientName.Alphabetic.FamilyName = 'DOE'")
        found = engine.rows(Query(flagged(family), family.parameters)).read_all()
    assert found["study"].to_pylist() == ["1.1"]


def test_the_schema_lists_what_is_stored_and_every_keyword(table: str) -> None:
    with open_engine([table]) as engine:
        schema = engine.schema()
    assert schema.shape is Shape.JSON
    stored = [column.name for column in schema if column.is_stored]
    assert stored[:4] == ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Metadata"]
    types = {column.name: str(column.type) for column in schema}
    assert (types["StudyDate"], types["Rows"], types["SliceThickness"]) == (
        "DATE",
        "INT64",
        "STRING",
    )
    assert types["ContrastBolusAgent"] == "STRING"  # no document has it
    assert "RequestedProcedureID STRING" in types["RequestAttributesSequence"]
    assert "PixelData" not in types


def test_a_build_follows_the_current_state_and_scans_the_table_once(
    load_table: LoadTable, tmp_path: Path
) -> None:
    ct, mr = (
        {"00080060": {"vr": "CS", "Value": ["CT"]}},
        {"00080060": {"vr": "CS", "Value": ["MR"]}},
    )
    uri = load_table(
        COLUMNS,
        instance(1, Metadata=ct),
        instance(1, Metadata=mr, LastUpdated=NEW),
        instance(2, Metadata=ct),
        instance(3, Metadata=ct),
        instance(3, Type="DELETE", LastUpdated=NEW),
    )
    with open_engine([uri]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        built = build(engine, selection, str(tmp_path / "f.txt"))
        shown = plan(engine, selection, BuildOptions()).engine_sql
    assert (tmp_path / "f.txt").read_text() == "/studies/1.2/series/1.2.1/instances/1.2.1.1\n"
    assert (built.coverage.lines, built.coverage.size_bytes) == (1, 10)
    assert shown.count("dcf_stored") == 1
    assert shown.count("JSON_QUERY") == 1


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES])
def test_lines_of_coarser_levels_come_from_json_too(
    table: str, tmp_path: Path, level: Level
) -> None:
    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where("PatientID = 'P1'")
        build(engine, selection, str(tmp_path / "f.txt"), options=BuildOptions(level=level))
    assert (tmp_path / "f.txt").read_text().startswith("/studies/1.1")


def test_counts_and_identifiers_and_named_queries_work(table: str) -> None:
    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where_in(IdList.of("PatientID", ["P1", "P2", "P9"]))
        tallied = count(engine, selection, today=TODAY)
        asked = find_query("recent-studies")
        days = [Parameter(name, of, 30_000) for name, of in asked.parameters]
        recent = run_query(engine, asked, parameters=days, today=TODAY).read_all()
    assert (tallied.counts.studies, tallied.counts.patients) == (2, 2)
    assert set(recent["StudyInstanceUID"].to_pylist()) >= {"1.1"}


def test_all_columns_of_a_frame_are_the_stored_ones(table: str) -> None:
    with open_table(table) as opened:
        read = opened.where("Modality = 'MR'").to_arrow()
        chosen = opened.where("Modality = 'MR'").to_arrow(columns=["PatientID", "StudyDate"])
    assert "Metadata" in read.column_names
    assert "PatientID" not in read.column_names
    assert chosen["PatientID"].to_pylist() == ["P2"]


def test_the_form_is_looked_at_once_and_for_nothing(table: str, bq_faults: FaultProxy) -> None:
    with open_engine([table]) as engine:
        engine.schema()
        engine.schema()
        assert bq_faults.count("/tables/metadata/data") == 1
        assert not bq_faults.count("POST .*/jobs")


def test_a_view_is_looked_at_by_one_query_within_the_limit(
    table: str, bq_faults: FaultProxy
) -> None:
    a_view = Edit(of_json(lambda answer: answer.update(type="VIEW")))
    bq_faults.add(r"GET .*/tables/metadata\?", a_view, times=None)
    with open_engine([table]) as engine:
        engine.schema()
        asked = bq_faults.count("POST .*/jobs")
        assert selected(engine, ["Modality = 'MR'"]) == {"Modality = 'MR'": [2]}
        assert bq_faults.count("POST .*/jobs") == asked + 2  # a look, and the query
    assert not bq_faults.count("/tables/metadata/data")
    options = EngineOptions(maximum_bytes_billed=1)
    with open_engine([table], options=options) as engine, pytest.raises(CostLimitError):
        engine.schema()


@pytest.mark.parametrize("words", ["columns TABLE", "check f.txt --against TABLE"])
def test_the_limit_stops_what_only_looks(
    table: str,
    bq_faults: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.txt").write_text("/studies/1\n")
    a_view = Edit(of_json(lambda answer: answer.update(type="VIEW")))
    bq_faults.add(r"GET .*/tables/metadata\?", a_view, times=None)
    command = words.replace("TABLE", table).split()
    ended = call(*command, "--maximum-bytes-billed", "1")
    assert ended.status == CostLimitError.exit_status
    assert "over the limit of 1; nothing ran" in ended.err
    assert bq_faults.count("POST .*/jobs") == 1  # the look
    assert call(*command).status in {0, 6}


def test_a_table_without_documents_selects_nothing(load_table: LoadTable) -> None:
    for number, made in enumerate([[], [instance(1), instance(2, Metadata={})]]):
        with open_engine([load_table(COLUMNS, *made, name=f"empty{number}")]) as engine:
            selection = Selection(engine.schema()).where("Modality = 'CT'")
            found = engine.rows(Query(flagged(selection), selection.parameters))
            assert found.read_all().num_rows == 0


def test_an_unknown_keyword_is_said_with_the_nearest_one(table: str) -> None:
    with open_engine([table]) as engine:
        selection = Selection(engine.schema())
    with pytest.raises(PredicateError, match=r"Unrecognized name: Modalitee; .* Modality\?"):
        selection.where("Modalitee = 'CT'")


BAD_FORMS = {
    "text": ("{}", "holds no object of data elements, but a str"),
    "other keys": ({"patient_id": "P1"}, "neither tags nor DICOM keywords, such as 'patient_id'"),
    "wrong case": ({"patientid": "P1"}, "neither tags nor DICOM keywords"),
    "both": ({"00100020": {"vr": "LO"}, "PatientID": "P1"}, "in several ways"),
    "half wrapped": ({"Modality": {"vr": "CS"}, "PatientID": "P1"}, "in several ways"),
    "both cases": ({"0008002A": {"vr": "DT"}, "0008002a": {"vr": "DT"}}, "in several ways"),
}


@pytest.mark.parametrize("case", BAD_FORMS)
def test_an_unknown_form_is_said(case: str) -> None:
    document, words = BAD_FORMS[case]
    with pytest.raises(TableError, match=words) as caught:
        JsonForm.of([None, {}, document], "bq://p.d.t")
    assert "Metadata of bq://p.d.t" in caught.value.message
    assert "P1" not in caught.value.message
    assert "flattened" in str(caught.value.hint)


def test_an_unknown_form_of_a_table_stops_before_anything_runs(load_table: LoadTable) -> None:
    uri = load_table(COLUMNS, instance(1, Metadata={"patient_id": "P1"}))
    with open_engine([uri]) as engine, pytest.raises(TableError, match="such as 'patient_id'"):
        engine.schema()


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_documents_is_told(form: str) -> None:
    told = JsonForm.of(FORMS[form], "t")
    assert told.by_tag == ("tags" in form)
    assert told.is_lower == (form == "lower tags")
    assert told.wrapped == (form != "keywords")
