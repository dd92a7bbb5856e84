"""Queries that others have published, changed at random, over made rows of the tables they name.

A change takes another literal, column, function or sign, a NULL where a value was, an alias that is
a column's name, or another query around the whole.
"""

from __future__ import annotations

import random
import re
from contextlib import contextmanager
from datetime import date, time
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.lexer import Mark, tokens
from dicomfilter.schema import Column, Kind, SqlType, TableSchema
from tests.googlesql.dicom import GOLDEN, Table
from tests.googlesql.differential import Comparison, Verdict, compare
from tests.googlesql.idc_tables import idc_tables
from tests.googlesql.oracle import oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import duckdb

    from dicomfilter.googlesql.parse.lexer import Token

METADATA = "metadata"
_DICOM = "bigquery-public-data.idc_v25.dicom_all"
_INDEX = {
    **dict.fromkeys(
        (
            "SeriesInstanceUID StudyInstanceUID PatientID Modality BodyPartExamined collection_id"
            " SeriesDescription StudyDescription Manufacturer ManufacturerModelName PatientSex"
            " PatientAge SeriesNumber analysis_result_id PhotometricInterpretation sop_class_name"
            " series_aws_url source_DOI license_short_name"
        ).split(),
        "STRING",
    ),
    **dict.fromkeys("instanceCount PixelRepresentation".split(), "INT64"),
    **dict.fromkeys(("StudyDate", "SeriesDate"), "DATE"),
    "series_size_MB": "FLOAT64",
}
"""The columns of the index of NCI Imaging Data Commons that analysts' queries read."""
NOTEBOOKS = (
    # in the style of the notebooks of NCI Imaging Data Commons
    """SELECT collection_id, COUNT(DISTINCT SeriesInstanceUID) AS series, ROUND(SUM(instance_size)/1e6, 2) AS MB
    FROM dicom_all WHERE Modality IN ("CT", "MR") AND collection_id LIKE "tcga%" GROUP BY collection_id
    ORDER BY series DESC, collection_id""",
    """WITH selected AS (SELECT SeriesInstanceUID, StudyInstanceUID, Modality, SAFE_CAST(SliceThickness AS FLOAT64) AS thickness
    FROM dicom_all WHERE Modality = "CT" AND SOPClassUID = "1.2.840.10008.5.1.4.1.1.2")
    SELECT SeriesInstanceUID, COUNT(*) AS slices, MIN(thickness) AS low, MAX(thickness) AS high FROM selected
    GROUP BY SeriesInstanceUID HAVING slices > 1 AND low = high""",
    """SELECT DISTINCT PatientID, SeriesInstanceUID, segment.SegmentNumber AS n,
    segment.SegmentedPropertyTypeCodeSequence[SAFE_OFFSET(0)].CodeMeaning AS finding
    FROM dicom_all CROSS JOIN UNNEST(SegmentSequence) AS segment WHERE Modality = "SEG" """,
    """SELECT SOPInstanceUID, CAST(PixelSpacing[SAFE_OFFSET(0)] AS STRING) AS spacing, ARRAY_LENGTH(ImageType) AS n
    FROM dicom_all WHERE "AXIAL" IN UNNEST(ImageType) OR ImageType[SAFE_OFFSET(0)] = "ORIGINAL" """,
    """SELECT a.PatientID, a.SeriesInstanceUID AS ct, b.SeriesInstanceUID AS seg FROM dicom_all AS a
    JOIN dicom_all AS b ON a.StudyInstanceUID = b.StudyInstanceUID WHERE a.Modality = "CT" AND b.Modality = "SEG" """,
    """SELECT SeriesInstanceUID FROM dicom_all WHERE SAFE_CAST(REGEXP_EXTRACT(PatientAge, r"^([0-9]+)Y") AS INT64) > 60
    AND PatientSex IN ("F", "M") GROUP BY SeriesInstanceUID""",
    """SELECT EXTRACT(YEAR FROM StudyDate) AS year, Manufacturer, COUNT(DISTINCT StudyInstanceUID) AS studies
    FROM dicom_all GROUP BY year, Manufacturer ORDER BY studies DESC, year, Manufacturer LIMIT 20""",
    """SELECT SeriesInstanceUID, STRING_AGG(DISTINCT SOPClassUID, "," ORDER BY SOPClassUID) AS classes,
    COUNTIF(TransferSyntaxUID = "1.2.840.10008.1.2.1") AS plain FROM dicom_all GROUP BY SeriesInstanceUID""",
    """WITH counts AS (SELECT StudyInstanceUID, Modality, COUNT(*) AS n FROM dicom_all GROUP BY 1, 2),
    best AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY StudyInstanceUID ORDER BY n DESC, Modality) AS place FROM counts)
    SELECT StudyInstanceUID, Modality, n FROM best WHERE place = 1""",
    """SELECT SOPInstanceUID, position, value FROM dicom_all, UNNEST(ImagePositionPatient) AS value WITH OFFSET AS position
    WHERE SAFE_CAST(value AS FLOAT64) < 0""",
    """SELECT SOPInstanceUID, ARRAY(SELECT SAFE_CAST(x AS FLOAT64) FROM UNNEST(ImageOrientationPatient) AS x WITH OFFSET o
    ORDER BY o)[SAFE_OFFSET(1)] AS second FROM dicom_all WHERE EXISTS (SELECT 1 FROM UNNEST(ImageType) t WHERE t LIKE "%LOCALIZER%") """,
    """SELECT CONCAT("s3://", aws_bucket, "/", crdc_series_uuid, "/*") AS url, IF(instance_size > 1000000, "large", "small") AS size
    FROM dicom_all WHERE StudyDate BETWEEN DATE "2000-01-01" AND DATE_ADD(DATE "2000-01-01", INTERVAL 20 YEAR)""",
    """SELECT PatientID FROM dicom_all WHERE Modality = "MR" INTERSECT DISTINCT SELECT PatientID FROM dicom_all WHERE Modality = "SEG" """,
    """SELECT SeriesInstanceUID, CASE WHEN Rows = 512 AND Columns = 512 THEN "full" WHEN Rows < 256 THEN "small" ELSE "other" END AS kind,
    Rows * Columns / 1024 AS kilo FROM dicom_all WHERE PhotometricInterpretation LIKE "MONO%" """.replace(
        "Rows", "`Rows`"
    ),
    """SELECT SeriesInstanceUID, FORMAT("%s/%d", Modality, COUNT(*)) AS label, AVG(SAFE_CAST(KVP AS FLOAT64)) AS kvp
    FROM dicom_all GROUP BY SeriesInstanceUID, Modality QUALIFY RANK() OVER (ORDER BY COUNT(*) DESC) < 4""",
)
"""Queries over `_DICOM`, which they call dicom_all."""
_TEXTS: tuple[str | None, ...] = (
    *(
        None,
        "",
        "CT",
        "MR",
        "SEG",
        "2.5",
        "1",
        "063Y",
        "a b",
        "é",
        "x/y",
        "-100.0",
        "ORIGINAL",
        "AXIAL",
    ),
    *("1.2.840.10008.5.1.4.1.1.2", "tcga_x", "30814", "2020-02-29", "nan", "F"),
)
_KEYS = {"SOPInstanceUID": 14, "SeriesInstanceUID": 6, "StudyInstanceUID": 4, "PatientID": 3}
_ROWS = 14
_LITERALS = {
    Mark.STRING: (
        "''",
        "'CT'",
        "'1.2'",
        "'%A%'",
        "NULL",
        "'2.5'",
        "7",
        "'é'",
        r"'\\d+'",
        "'2020-01-31'",
    ),
    Mark.INTEGER: ("0", "1", "-1", "2", "NULL", "9223372036854775807", "2.5", "'1'", "100"),
    Mark.FLOAT: ("0.0", "1e308", "-0.5", "2", "NULL", "1e309"),
}
_WORDS: dict[str, tuple[str, ...]] = {
    "MIN": ("MAX", "COUNT", "ANY_VALUE"),
    "MAX": ("MIN", "COUNT", "AVG"),
    "SUM": ("AVG", "MIN", "COUNT"),
    "AVG": ("SUM", "STDDEV"),
    "COUNT": ("MAX", "COUNTIF", "LOGICAL_OR"),
    "ANY_VALUE": ("MIN", "MAX", "COUNT", "ARRAY_AGG"),
    "CAST": ("SAFE_CAST",),
    "SAFE_CAST": ("CAST",),
    "OFFSET": ("SAFE_OFFSET", "ORDINAL"),
    "SAFE_OFFSET": ("OFFSET", "SAFE_ORDINAL"),
    "AND": ("OR",),
    "OR": ("AND",),
    "DESC": ("ASC", "DESC NULLS LAST"),
    "=": ("!=", "<", ">=", "IS DISTINCT FROM", "IN UNNEST"),
    "<": (">", "="),
    ">": ("<=", "="),
    "!=": ("=",),
    "LOWER": ("UPPER", "TRIM", "LENGTH"),
    "FLOAT64": ("INT64", "NUMERIC", "STRING", "BIGNUMERIC", "DATE"),
    "INT64": ("FLOAT64", "STRING", "BOOL", "NUMERIC"),
    "STRING": ("INT64", "BYTES", "DATE", "FLOAT64"),
    "NUMERIC": ("FLOAT64", "INT64"),
    "DISTINCT": ("", "ALL"),
    "ALL": ("DISTINCT",),
    "LEFT": ("INNER", "RIGHT", "FULL"),
    "INNER": ("LEFT",),
    "LIKE": ("=", "NOT LIKE", "LIKE ANY"),
    "IN": ("NOT IN",),
    "EXISTS": ("NOT EXISTS",),
    "WHERE": ("WHERE NOT", "WHERE TRUE AND", "WHERE NULL OR"),
    "HAVING": ("QUALIFY", "HAVING NOT"),
    "ROW_NUMBER": ("RANK", "DENSE_RANK"),
    "CONCAT": ("COALESCE", "GREATEST", "LEAST"),
    "COALESCE": ("IFNULL", "CONCAT", "NULLIF"),
    "IF": ("IFNULL", "COALESCE"),
    "ROUND": ("FLOOR", "TRUNC", "ABS"),
    "YEAR": ("MONTH", "DAYOFWEEK", "ISOWEEK"),
    "SELECT": ("SELECT DISTINCT", "SELECT AS STRUCT"),
    "NULLS": ("RESPECT NULLS",),
}
"""By word or sign, what takes its place."""
_AROUND = (
    "SELECT * FROM ({0})",
    "SELECT COUNT(*) AS n FROM ({0})",
    "WITH w_ AS ({0}) SELECT * FROM w_",
    "({0})",
    "({0}) UNION ALL ({0})",
    "SELECT DISTINCT * FROM ({0})",
    "SELECT w_.* FROM ({0}) AS w_ WHERE TRUE",
    "SELECT w_ FROM ({0}) AS w_",
    "WITH w_ AS (WITH v_ AS ({0}) SELECT * FROM v_) SELECT * FROM w_, (SELECT 1 AS one_)",
    "SELECT ARRAY_LENGTH(ARRAY(SELECT AS STRUCT * FROM ({0}))) AS n",
    "SELECT EXISTS ({0}) AS b",
    "SELECT * FROM ({0}) LIMIT 0",
)
_OF_COLUMN = (
    *(
        "NULLIF({0}, {0})",
        "IFNULL({0}, {0})",
        "({0})",
        "CAST({0} AS STRING)",
        "IF(FALSE, {0}, NULL)",
    ),
    *("SAFE_CAST({0} AS DATE)", "SAFE_CAST({0} AS INT64)", "COALESCE(NULL, {0})", "LOWER({0})"),
    *(
        "CONCAT({0}, '')",
        "CAST({0} AS FLOAT64)",
        "(SELECT {0})",
        "STRUCT({0} AS x).x",
        "[{0}][OFFSET(0)]",
    ),
    *("CAST(NULL AS STRING)", "SAFE_CAST({0} AS FLOAT64) + 1"),
)
HANGING = re.compile(r"ANY_VALUE|ARRAY_AGG|STRING_AGG|LIMIT|ROW_NUMBER|ARRAY\s*\(", re.IGNORECASE)
"""What may hang on an order that a text does not say."""


@cache
def corpus() -> tuple[str, ...]:
    """Read the queries: those of idc-index-data, analysts' of the index, and in notebooks' style."""
    folder = files("idc_index_data")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in names]
    texts = [text for text in texts if "DECLARE" not in text]
    lines = (GOLDEN / "idc_queries.sql").read_text(encoding="utf-8").splitlines()
    texts += [line for line in lines if not line.startswith("--")]
    texts += [re.sub(r"\bdicom_all\b", f"`{_DICOM}`", text) for text in NOTEBOOKS] * 4
    return tuple(text.rstrip().rstrip(";") for text in texts)


@cache
def tables() -> dict[str, TableSchema]:
    """Give the schemas of the tables that the queries name."""
    index = TableSchema(tuple(Column(n, SqlType.parse(of)) for n, of in _INDEX.items()))
    return {**idc_tables(), METADATA: index}


def held(text: str) -> dict[str, Table]:
    """Make the tables that a query names, with the columns that it names."""
    words = set(re.findall(r"\w+", text.lower()))
    found: dict[str, Table] = {}
    for name, schema in tables().items():
        if name not in text:
            continue
        columns = [column for column in schema if column.name.lower() in words]
        narrow = TableSchema(tuple(columns or schema))
        chance = random.Random(name)
        found[name] = Table(narrow, [_row(narrow, number, chance) for number in range(_ROWS)])
    return found


def _row(schema: TableSchema, number: int, chance: random.Random) -> list[Any]:
    return [_key(column, number) or _cell(column.type, chance) for column in schema]


def _key(column: Column, number: int) -> str | None:
    count = _KEYS.get(column.name)
    return None if count is None else f"1.2.{number % count + 1}"


def _cell(of: SqlType, chance: random.Random) -> Any:
    if of.kind is Kind.ARRAY and of.element is not None:
        size = chance.choice([0, 1, 1, 2, 3])
        made = [_cell(of.element, chance) for _ in range(size)]
        return [item if item is not None else _present(of.element) for item in made]
    if of.kind is Kind.STRUCT:
        return {name: _cell(field, chance) for name, field in of.fields}
    return chance.choice(_CELLS[of.kind])


def _present(of: SqlType) -> Any:
    return next(cell for cell in _CELLS[of.kind] if cell is not None)


_CELLS: dict[Kind, tuple[Any, ...]] = {
    Kind.STRING: _TEXTS,
    Kind.INT64: (None, 0, 1, 512, -1, 2**63 - 1, 3, 100),
    Kind.FLOAT64: (None, 0.5, float("nan"), float("inf"), -0.0, 2.5, 1e308, 101.5),
    Kind.DATE: (None, date(2000, 2, 29), date(1, 1, 1), date(9999, 12, 31), date(2019, 12, 30)),
    Kind.TIME: (None, time(0, 0), time(23, 59, 59, 999999), time(8, 30)),
}


class Mutations:
    """Random changes of the published queries.

    Args:
        seed: The same seed, the same texts.
    """

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)

    def texts(self, count: int) -> list[str]:
        """Change a query in several ways; it comes first, as it was published."""
        published = self._chance.choice(corpus())
        names = [column.name for table in held(published).values() for column in table.schema]
        columns = list(dict.fromkeys(names))
        return [published, *(self._text(published, columns) for _ in range(count))]

    def _text(self, published: str, columns: Sequence[str]) -> str:
        changed = published
        for _ in range(self._chance.choice([1, 1, 2, 3])):
            changed = self._changed(changed, columns)
        if self._chance.random() < 0.25:
            changed = self._chance.choice(_AROUND).replace("{0}", changed)
        return changed

    def _changed(self, text: str, columns: Sequence[str]) -> str:
        try:
            found = list(tokens(text))[:-1]
        except PredicateError:  # of a change before
            return text
        places = [
            place for place, token in enumerate(found) if self._options(found, place, columns)
        ]
        if not places:
            return text
        place = self._chance.choice(places)
        token = found[place]
        instead = self._chance.choice(self._options(found, place, columns))
        return text[: token.offset] + instead + text[token.offset + len(token.text) :]

    def _options(self, found: Sequence[Token], place: int, columns: Sequence[str]) -> Sequence[str]:
        token = found[place]
        if token.mark in _LITERALS:
            return _LITERALS[token.mark]
        if token.word in _WORDS:
            return _WORDS[token.word]
        before = found[place - 1].word if place else ""
        after = found[place + 1].word if place + 1 < len(found) else ""
        if token.mark not in (Mark.NAME, Mark.QUOTED) or after in (".", "("):
            return ()
        if before == "AS":
            return columns
        if token.text.strip("`") not in columns:
            return ()
        others = [f"`{name}`" for name in columns]
        if before == ".":
            return others
        return [*others, *(form.format(token.text) for form in _OF_COLUMN)]


@contextmanager
def asked(tables_: Mapping[str, Table]) -> Iterator[Callable[..., Any]]:
    """Make the evaluator ready for some tables."""
    with oracle().holding(tables_) as other:
        yield other.ask


def compared(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    tables_: Mapping[str, Table],
    ask: Callable[..., Any],
) -> Comparison:
    """Ask both, over the tables; what hangs on an order that is not said may differ."""
    found = compare(connection, sql, ask=ask, tables=tables_)
    values = found.verdict is Verdict.SILENT and not found.detail.startswith(("types", "names"))
    if values and HANGING.search(sql):
        return Comparison(sql, Verdict.UNKNOWN, "the answer hangs on an order that is not said")
    return found
