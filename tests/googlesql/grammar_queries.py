"""Whole queries: joins, set operations, windows, grouping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.googlesql import grammar_subqueries as subqueries
from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.grammar import Grammar

_KEYS = ("STRING", "INT64", "DATE", "BOOL", "NUMERIC", "FLOAT64", "TIME", "DATETIME", "TIMESTAMP")
_SPREAD = ("STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP")
_EDGES = ("UNBOUNDED PRECEDING", "2 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING")
_JOINS = ("JOIN", "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN", "RIGHT JOIN", "FULL JOIN")
_PLAIN = "SOPInstanceUID, PatientID, Modality, `Rows`, SliceThickness, StudyDate"


def _where(g: Grammar) -> str:
    return f" WHERE {g.condition(1)}" if g.chance(0.4) else ""


def _joined(g: Grammar, _: int) -> str:
    condition = g.pick(
        [
            "a.PatientID = b.PatientID",
            "a.StudyInstanceUID = b.StudyInstanceUID AND a.SOPInstanceUID < b.SOPInstanceUID",
            "a.`Rows` = b.Columns",
            "a.SliceThickness = b.SliceThickness",
            "a.SliceThickness > b.SliceThickness AND a.Modality = b.Modality",
            "a.StudyDate = b.StudyDate AND b.Modality != 'CT'",
            "a.KVP = b.`Rows`",
            "TRUE",
            "FALSE",
        ]
    )
    listed = "a.SOPInstanceUID AS s, b.SOPInstanceUID AS o, b.SliceThickness, a.ImageType"
    join = g.pick(_JOINS)
    where = g.pick(["", " WHERE b.Modality IS NULL", " WHERE a.PatientID = 'LUNG1-001'"])
    order = g.pick(["", " ORDER BY a.SOPInstanceUID, b.SOPInstanceUID DESC"])
    return f"SELECT {listed} FROM d AS a {join} {subqueries.other(g)} AS b ON {condition}{where}{order}"


def _using(g: Grammar, _: int) -> str:
    column = g.pick(["PatientID", "StudyInstanceUID, Modality", "StudyDate", "KVP"])
    first = column.split(",")[0]
    listed = g.pick(
        [
            f"{first}, a.SOPInstanceUID, b.Modality AS m",
            f"COUNT(*), {first}",
            f"a.{first}, b.SOPInstanceUID AS s",
            "*",
        ]
    )
    group = f" GROUP BY {first}" if "COUNT" in listed else ""
    sources = f"(SELECT {_PLAIN}, KVP FROM d) a"
    join = g.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN"])
    other = "(SELECT SOPInstanceUID AS other, PatientID, StudyInstanceUID, Modality, KVP, StudyDate"
    listed = "* EXCEPT (Modality, KVP, StudyDate, PatientID)" if listed == "*" else listed
    other = other.replace(" AS other", "") if "b.SOP" in listed else other
    return f"SELECT {listed} FROM {sources} {join} {other} FROM d) b USING ({column}){group}"


def _three(g: Grammar, _: int) -> str:
    join = g.pick(["JOIN", "LEFT JOIN"])
    return (
        f"SELECT a.SOPInstanceUID, b.Modality, t, o FROM d a {join} d b ON a.PatientID ="
        f" b.PatientID, UNNEST(a.ImageType) t WITH OFFSET o WHERE o < 2 {g.pick(['', 'AND t > b.Modality'])}"
    )


def _unnested(g: Grammar, _: int) -> str:
    source = g.source()
    return g.pick(
        [
            f"SELECT SOPInstanceUID, t, o FROM {source}, UNNEST(ImageType) t WITH OFFSET o",
            f"SELECT SOPInstanceUID, CodeValue, c FROM {source}, d.ProcedureCodeSequence c",
            f"SELECT SOPInstanceUID, c.* FROM {source} CROSS JOIN UNNEST(ProcedureCodeSequence) c",
            f"SELECT SOPInstanceUID, t FROM {source} LEFT JOIN UNNEST(ImageType) AS t",
            f"SELECT SOPInstanceUID, t, o FROM {source} LEFT JOIN UNNEST(ImageType) t WITH OFFSET"
            f" AS o ON o = {g.number(0, 2)}",
            f"SELECT SOPInstanceUID, t FROM {source} JOIN d.ImageType t ON t = Modality OR t = ''",
            f"SELECT t, COUNT(*) AS n FROM {source}, UNNEST(ImageType) t{_where(g)} GROUP BY t"
            " ORDER BY n DESC, t",
            f"SELECT DISTINCT t, x FROM {source}, UNNEST(ImageType) t, UNNEST(PixelSpacing) x",
            f"SELECT SOPInstanceUID, u FROM {source}, UNNEST(ARRAY(SELECT UPPER(t) FROM"
            " UNNEST(ImageType) t)) u",
            "SELECT x, offset FROM UNNEST([3, 1, 2]) AS x WITH OFFSET ORDER BY x DESC",
        ]
    )


def _aggregate(g: Grammar) -> str:
    of = g.kind()
    number = g.pick(["INT64", "FLOAT64", "NUMERIC"])
    tame = g.pick(["`Rows`", "Columns", "SeriesNumber", "KVP", "SliceThickness"])
    text = g.value("STRING", 1)
    return g.pick(
        [
            "COUNT(*)",
            f"COUNT({g.value(of, 1)})",
            f"COUNT(DISTINCT {g.value(of, 0)})",
            f"COUNTIF({g.condition(1)})",
            f"SUM({g.pick(['', 'DISTINCT '])}{tame})",
            f"AVG({g.pick(['', 'DISTINCT '])}{_finite(tame)})",
            f"{g.pick(['MIN', 'MAX'])}({g.value(of, 1)})",
            f"{g.pick(['LOGICAL_AND', 'LOGICAL_OR'])}({g.condition(1)})",
            f"{g.pick(_SPREAD)}({tame})",
            f"STRING_AGG({text}, '|' ORDER BY {g.value(number, 1)}{subqueries.direction(g)}, SOPInstanceUID)",
            f"STRING_AGG(DISTINCT Modality ORDER BY Modality{subqueries.direction(g)} LIMIT 2)",
            f"ARRAY_AGG({g.value(of, 1)} IGNORE NULLS ORDER BY {g.value(number, 0)}"
            f"{subqueries.direction(g)}, SOPInstanceUID{g.pick(['', ' LIMIT 2'])})",
            f"ARRAY_AGG(DISTINCT {g.pick(['Modality', 'SliceThickness', 'StudyDate'])} IGNORE NULLS"
            " ORDER BY 1)".replace("1)", "x)"),
            f"ARRAY_LENGTH(ARRAY_AGG({g.column(of)}))",
        ]
    )


def _grouped(g: Grammar, _: int) -> str:
    key = g.value(g.pick(_KEYS), 1)
    items = ", ".join(f"{_fixed(_aggregate(g))} AS a{n}" for n in range(2))
    group = g.pick(["k", "1", key, "ALL", None])
    where = _where(g)
    if group is None:
        return f"SELECT {items} FROM {g.source()}{where}"
    having = g.pick(["", " HAVING COUNT(*) > 1", " HAVING a0 IS NOT NULL", " HAVING k IS NULL"])
    order = g.pick(["", " ORDER BY k", " ORDER BY 1 DESC NULLS FIRST", " ORDER BY COUNT(*), k"])
    return f"SELECT {key} AS k, {items} FROM {g.source()}{where} GROUP BY {group}{having}{order}"


def _finite(column: str) -> str:
    """Leave infinities out, of which the average is not defined."""
    finite = f"IF({column} BETWEEN -1e9 AND 1e9, {column}, NULL)"
    return finite if column == "SliceThickness" else column


def _fixed(text: str) -> str:
    """Have ARRAY_AGG(DISTINCT x) ordered by x."""
    if text.startswith("ARRAY_AGG(DISTINCT"):
        return text.replace("ORDER BY x", f"ORDER BY {text.split()[1]}")
    return text


def _frame(g: Grammar) -> str:
    if g.chance(0.4):
        return ""
    if g.chance(0.3):
        return g.pick(
            [
                " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
                " RANGE UNBOUNDED PRECEDING",
                " ROWS 1 PRECEDING",
            ]
        )
    first, last = g.number(0, 3), g.number(1, 4)
    return f" ROWS BETWEEN {_EDGES[first]} AND {_EDGES[last]}"


def _windowed(g: Grammar, _: int) -> str:
    partition = g.pick(["", f"PARTITION BY {g.value(g.pick(_KEYS), 1)} ", "PARTITION BY Modality "])
    key = g.value(g.kind(), 1)
    order = f"ORDER BY {key}{subqueries.direction(g)}, SOPInstanceUID"
    loose = f"ORDER BY {g.column(g.kind())}{subqueries.direction(g)}"
    of = g.kind()
    tame = g.pick(["`Rows`", "Columns", "KVP", "SliceThickness"])
    window = g.pick(
        [
            f"ROW_NUMBER() OVER ({partition}{order})",
            f"RANK() OVER ({partition}{loose})",
            f"DENSE_RANK() OVER ({partition}{loose})",
            f"PERCENT_RANK() OVER ({partition}{loose})",
            f"CUME_DIST() OVER ({partition}{loose})",
            f"NTILE({g.number(1, 4)}) OVER ({partition}{order})",
            f"LAG({g.value(of, 1)}) OVER ({partition}{order})",
            f"LEAD({g.value(of, 1)}, 2) OVER ({partition}{order})",
            f"LAG({g.column('STRING')}, {g.number(0, 2)}, 'none') OVER ({partition}{order})",
            f"FIRST_VALUE({g.value(of, 0)}{g.pick(['', ' IGNORE NULLS'])}) OVER ({partition}{order}"
            f"{_frame(g)})",
            f"LAST_VALUE({g.value(of, 0)}{g.pick(['', ' IGNORE NULLS'])}) OVER ({partition}{order}"
            f"{_frame(g)})",
            f"NTH_VALUE({g.value(of, 0)}, 2) OVER ({partition}{order}{_frame(g)})",
            f"{g.pick(['SUM', 'MIN', 'MAX'])}({tame}) OVER ({partition}{order}{_frame(g)})",
            f"AVG({_finite(tame)}) OVER ({partition}{order}{_frame(g)})",
            f"COUNT(*) OVER ({partition}{order}{_frame(g)})",
            f"COUNT({g.column(of)}) OVER ({partition}{loose})",
            f"COUNTIF({g.condition(0)}) OVER ({partition}{order}{_frame(g)})",
            f"{g.pick(['MIN', 'MAX'])}({g.value(of, 0)}) OVER ({partition.strip()})",
            f"LOGICAL_OR({g.condition(0)}) OVER ({partition}{order}{_frame(g)})",
            f"COUNT(*) OVER ({partition}ORDER BY `Rows`{subqueries.direction(g)} RANGE BETWEEN 300 PRECEDING"
            " AND 10 FOLLOWING)",
            f"{g.pick(_SPREAD)}({tame}) OVER ({partition.strip()})",
        ]
    )
    source, where = g.source(), _where(g)
    return g.pick(
        [
            f"SELECT SOPInstanceUID, {window} AS w FROM {source}{where}",
            f"SELECT SOPInstanceUID FROM {source}{where} QUALIFY {window} IS NOT NULL",
            f"SELECT SOPInstanceUID FROM {source}{where} QUALIFY ROW_NUMBER() OVER w = 1"
            f" WINDOW w AS ({partition}{order})",
            f"SELECT SOPInstanceUID, MAX(`Rows`) OVER (w ROWS 1 PRECEDING) AS x, {window} AS w"
            f" FROM {source}{where} WINDOW w AS ({partition}{order})",
            f"SELECT Modality, COUNT(*) AS n, RANK() OVER (ORDER BY COUNT(*){subqueries.direction(g)}) AS r"
            f" FROM {source}{where} GROUP BY Modality",
        ]
    )


def _set_operation(g: Grammar, _: int) -> str:
    kinds = [g.kind(), g.pick(["STRING", "INT64", "FLOAT64"])]
    mixes = {"INT64": ["FLOAT64", "NUMERIC"], "NUMERIC": ["FLOAT64"], "DATE": ["DATETIME"]}
    others = [g.pick(mixes.get(of, [of])) if g.chance(0.3) else of for of in kinds]
    word = g.pick(
        ["UNION ALL", "UNION ALL", "UNION DISTINCT", "INTERSECT DISTINCT", "EXCEPT DISTINCT"]
    )
    first = ", ".join(f"{g.value(of, 1)} AS x{n}" for n, of in enumerate(kinds))
    second = ", ".join(g.value(of, 1) for of in others)
    if g.chance(0.2):
        second = ", ".join(g.pick([g.literal(of), "NULL"]) for of in others)
        right = f"SELECT {second}"
    else:
        right = f"SELECT {second} FROM {g.source()}{_where(g)}"
    order = g.pick(["", " ORDER BY 1, 2", " ORDER BY x0 DESC, x1 NULLS LAST"])
    limit = g.pick(["", " LIMIT 3 OFFSET 1"]) if order else ""
    third = f" {word} {right}" if g.chance(0.2) else ""
    return f"SELECT {first} FROM {g.source()}{_where(g)} {word} {right}{third}{order}{limit}"


def _distinct(g: Grammar, _: int) -> str:
    kinds = [g.pick(_KEYS) for _ in range(g.number(1, 2))]
    items = ", ".join(f"{g.value(of, 1)} AS x{n}" for n, of in enumerate(kinds))
    order = ", ".join(f"x{n}{subqueries.direction(g)}" for n in range(len(kinds)))
    limit = g.pick(["", " LIMIT 4", " LIMIT 3 OFFSET 2"])
    return f"SELECT DISTINCT {items} FROM {g.source()}{_where(g)} ORDER BY {order}{limit}"


def _named(g: Grammar, _: int) -> str:
    inner = g.pick(
        [
            f"SELECT *, `Rows` * 2 AS twice FROM d{_where(g)}",
            f"SELECT * EXCEPT (Extra) REPLACE (LOWER(Modality) AS Modality) FROM d{_where(g)}",
            "SELECT a.SOPInstanceUID, a.Modality, b.`Rows` FROM d a JOIN d b USING (SOPInstanceUID)",
            "SELECT Modality, SOPInstanceUID, 1 AS `Rows` FROM d UNION ALL"
            " SELECT 'x', 'y', `Rows` FROM d",
        ]
    )
    outer = g.pick(
        [
            "SELECT Modality, COUNT(*) FROM q GROUP BY 1",
            "SELECT q.Modality AS m FROM q WHERE q.`Rows` > 100 ORDER BY SOPInstanceUID LIMIT 3",
            "SELECT d.SOPInstanceUID FROM d WHERE d.Modality NOT IN (SELECT Modality FROM q)",
            "SELECT x.SOPInstanceUID FROM q AS x WHERE EXISTS (SELECT 1 FROM q AS y WHERE"
            " y.Modality = x.Modality AND y.SOPInstanceUID > x.SOPInstanceUID)",
            "SELECT * FROM (SELECT SOPInstanceUID, Modality m FROM q) WHERE m > 'C'",
            "SELECT d.SOPInstanceUID, q.Modality FROM d LEFT JOIN q ON d.Modality = q.Modality",
        ]
    )
    return f"WITH q AS ({inner}) {outer}"


def _alone(g: Grammar, _: int) -> str:
    return f"SELECT {g.literal(g.kind())}, (SELECT COUNT(*) FROM d{_where(g)}) AS n"


def _ordered(g: Grammar, _: int) -> str:
    of = g.kind()
    order = g.pick(["1", "v", f"{g.value(of, 1)}"])
    last = g.pick(["SOPInstanceUID", "SOPInstanceUID DESC"])
    limit = g.pick(["", " LIMIT 4", " LIMIT 3 OFFSET 2"])
    return (
        f"SELECT {g.value(of, 1)} AS v, SOPInstanceUID FROM {g.source()}{_where(g)}"
        f" ORDER BY {order}{subqueries.direction(g)}, {last}{limit}"
    )


FAMILY = Family(
    values={
        "STRING": [subqueries.least, subqueries.at_place, subqueries.row_value],
        "INT64": [subqueries.counted, subqueries.counted, subqueries.count_rows],
        "FLOAT64": [subqueries.number],
        "ARRAY<STRING>": [subqueries.array, subqueries.array, subqueries.placed_array],
        "ARRAY<FLOAT64>": [subqueries.number_array],
        "BOOL": [subqueries.exists],
    },
    conditions=[subqueries.exists, subqueries.exists, subqueries.in_query, subqueries.exists_row],
    queries=[
        _joined,
        _using,
        _three,
        _unnested,
        _unnested,
        _grouped,
        _grouped,
        _grouped,
        _windowed,
        _windowed,
        _windowed,
        _set_operation,
        _set_operation,
        _distinct,
        _named,
        _alone,
        _ordered,
    ],
)
