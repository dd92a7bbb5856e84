"""Whole SELECTs: sources that are queries themselves, and what only a list of items can hold.

A text is written over sources that are marked; each mark then becomes a table, or a query over
further marks that gives the columns which the text names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.googlesql import grammar_subqueries as subqueries
from tests.googlesql.family import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.googlesql.grammar import Grammar

MARK = "\x01"
"""Stands for a source that is not written yet."""
_KEY = "SOPInstanceUID"
_DEPTH = 3
_SHADOWED = {
    "STRING": ["Modality", "PatientID", "PatientSex"],
    "INT64": ["SeriesNumber", "`Rows`"],
    "DATE": ["StudyDate"],
    "BOOL": ["IsPhantom"],
    "NUMERIC": ["KVP"],
}
"""Columns whose names aliases take, by type."""
_BARE = ("CAST(NULL AS INTERVAL)", "SAFE_CAST(NULL AS BIGNUMERIC)", "CAST(NULL AS ARRAY<INTERVAL>)")
_NUMBERS = ("INT64", "INT64", "FLOAT64", "NUMERIC")


def expanded(g: Grammar, text: str, columns: dict[str, str]) -> str:
    """Write the sources of a text.

    Args:
        g: The grammar.
        text: With marks.
        columns: The types of the columns of the tables, by name.

    Returns:
        The text without marks.
    """
    names = [name for name in columns if re.search(rf"\b{name}\b", text)]
    for depth in range(_DEPTH, -1, -1):
        while MARK in text:
            text = text.replace(MARK, f"\x02{_source(g, depth, names, columns)}", 1)
        text = text.replace("\x02", "").replace("\x03", MARK)
        if MARK not in text:
            break
    return text


def _source(g: Grammar, depth: int, names: Sequence[str], columns: dict[str, str]) -> str:
    """Write a source; the marks of its own sources are written the next time round."""
    if depth <= 0 or g.chance(0.45):
        return g.pick(["d", "d", "e", "void"])
    inner = "\x03 AS d"
    listed = ", ".join(_item(g, name, columns[name]) for name in [*names] if name != _KEY)
    listed = f"{_KEY}, {listed}" if listed else _KEY
    where = f" WHERE {g.condition(1)}" if g.chance(0.3) else ""
    limit = g.pick(["", "", f" ORDER BY {_KEY} LIMIT 7", f" ORDER BY {_KEY} DESC LIMIT 3 OFFSET 1"])
    plain = f"SELECT {listed} FROM {inner}{where}"
    if where:  # which may name further columns
        plain = f"SELECT {listed} FROM d{where}"
    makers = [
        f"({plain})",
        f"({plain}{limit})",
        f"(SELECT AS STRUCT {listed} FROM {inner})",
        f"(SELECT * FROM ({plain}))",
        f"(WITH q AS ({plain}) SELECT * FROM q)",
        f"(WITH q AS (SELECT AS STRUCT {listed} FROM {inner}) SELECT * FROM q)",
        f"(SELECT * EXCEPT (r_) FROM (SELECT {listed}, ROW_NUMBER() OVER (ORDER BY {_KEY}) AS r_"
        f" FROM {inner}) WHERE r_ < 6)",
        f"({plain} UNION ALL SELECT {listed} FROM {inner})",
        f"(SELECT x.* FROM ({plain}) AS x JOIN d AS y_ USING ({_KEY}))",
        f"(SELECT x.* FROM ({plain}) AS x LEFT JOIN (SELECT {_KEY} AS k_ FROM e) AS y_ ON"
        f" x.{_KEY} = y_.k_)",
    ]
    return g.pick(makers)


def _item(g: Grammar, name: str, of: str) -> str:
    """Write a column, or an expression in its place."""
    shown = f"`{name}`" if name in ("Rows", "Hash") else name
    if g.chance(0.2) and of in _SHADOWED:
        with g.sheltered():
            return f"{g.value(of, 1)} AS {shown}"
    return shown


def _shadowing(g: Grammar, _: int) -> str:
    """Group by an alias that is a column's name too."""
    of = g.pick(list(_SHADOWED))
    name = g.pick(_SHADOWED[of])
    key = g.value(g.pick(["STRING", "INT64", of]), 1)
    having = g.pick(
        [
            "",
            "",
            f" HAVING {name} IS NOT NULL",
            " HAVING COUNT(*) > 1",
            f" HAVING MAX({name}) IS NULL",
        ]
    )
    order = g.pick(["", f" ORDER BY {name}", f" ORDER BY n_, {name} DESC", " ORDER BY 2 DESC, 1"])
    group = g.pick([name, name, "1", key, "ALL"])
    return (
        f"SELECT {key} AS {name}, COUNT(*) AS n_ FROM {g.source()} GROUP BY {group}{having}{order}"
    )


def _shadowing_window(g: Grammar, _: int) -> str:
    of = g.pick(list(_SHADOWED))
    name = g.pick(_SHADOWED[of])
    value = g.pick(
        [
            g.value(of, 1),
            f"ROW_NUMBER() OVER (ORDER BY {_KEY})",
            f"MAX({name}) OVER (ORDER BY {_KEY})",
        ]
    )
    window = f"ROW_NUMBER() OVER (PARTITION BY PatientID ORDER BY {_KEY})"
    end = g.pick(
        [
            f"QUALIFY {window} = 1 AND {name} IS NOT NULL",
            f"QUALIFY {window} > 1 OR {name} IS NULL",
            f"ORDER BY {name}, {_KEY}",
            f"ORDER BY {name} DESC, {_KEY} LIMIT 4",
        ]
    )
    return f"SELECT {_KEY}, {value} AS {name} FROM {g.source()} {end}"


def _struct_query(g: Grammar, _: int) -> str:
    """A STRUCT made by a query for each row, or an array of them."""
    item, order = (
        g.value("STRING", 0),
        g.pick(["k", "k DESC", "n", "n DESC, k", "2, 1", "ABS(n), k"]),
    )
    rows = f"SELECT AS STRUCT t AS k, COUNT(*) AS n FROM UNNEST(ImageType) AS t GROUP BY {g.pick(['k', '1', 't', 'ALL'])}"
    having = g.pick(["", " HAVING n > 1", " HAVING k IS NOT NULL"])
    made = g.pick(
        [
            f"ARRAY({rows}{having} ORDER BY {order})",
            f"({rows}{having} ORDER BY {order}{'' if order.endswith('k') or '2' in order else ', k'} LIMIT 1)",
            f"({rows}{having} ORDER BY n DESC, k LIMIT 1).k",
            f"(SELECT AS STRUCT {item} AS a, `Rows` AS b)",
            f"(SELECT AS STRUCT {item} AS a, ImageType AS b).b",
            f"(SELECT AS STRUCT d.{_KEY} AS a, COUNT(*) AS c FROM UNNEST(ImageType) AS t GROUP BY ALL)",
            "ARRAY(SELECT AS STRUCT t, o FROM UNNEST(ImageType) AS t WITH OFFSET AS o ORDER BY o DESC)",
            "ARRAY(SELECT AS STRUCT c.*, 1 AS one FROM UNNEST(ProcedureCodeSequence) AS c WITH OFFSET AS o ORDER BY o)",
        ]
    )
    return f"SELECT {_KEY}, {made} AS v FROM {g.source()}"


def _values(g: Grammar, _: int) -> str:
    """SELECT AS STRUCT behind FROM and in WITH."""
    first, second = g.kind(), g.kind()
    rows = f"SELECT AS STRUCT {_KEY} AS k, {g.value(first, 1)} AS a, {g.value(second, 1)} AS b FROM {g.source()}"
    outer = g.pick(
        [
            "SELECT * FROM w",
            "SELECT w FROM w",
            "SELECT a, w.b FROM w WHERE k > '1.2.840.3.4'",
            "SELECT * EXCEPT (a) FROM w ORDER BY k",
            "SELECT x.a, COUNT(*) FROM w AS x GROUP BY x.a"
            if first != "FLOAT64"
            else "SELECT a FROM w",
            "SELECT y.k FROM w AS x JOIN w AS y ON x.k = y.k AND x.a IS NOT NULL",
            f"SELECT {_KEY} FROM d WHERE {_KEY} IN (SELECT k FROM w)",
            f"SELECT {_KEY} FROM d WHERE EXISTS (SELECT 1 FROM w WHERE k = {_KEY})",
            "SELECT MAX(k), COUNT(b) FROM w",
            "SELECT * FROM w UNION ALL SELECT * FROM w",
        ]
    )
    if g.chance(0.5):
        return (
            outer.replace("FROM w", f"FROM ({rows})", 1)
            if outer.count(" w") == 1 and "w." not in outer and "SELECT w" not in outer
            else f"WITH w AS ({rows}) {outer}"
        )
    return f"WITH w AS ({rows}) {outer}"


def _placed(g: Grammar, _: int) -> str:
    """Two arrays side by side."""
    value = g.pick(["x", "y", "CONCAT(x, '/', CAST(y AS STRING))", "COUNT(*)", "MAX(x)", "SUM(y)"])
    join = g.pick(["JOIN", "INNER JOIN", "LEFT JOIN"])
    inner = (
        f"FROM UNNEST(ImageType) AS x WITH OFFSET AS pos {join} UNNEST(PixelSpacing) AS y WITH OFFSET AS"
        " pos USING (pos)"
    )
    if value in ("x", "y", "CONCAT(x, '/', CAST(y AS STRING))"):
        made = f"ARRAY(SELECT {value} {inner} WHERE {value} IS NOT NULL ORDER BY pos)"
    else:
        made = f"(SELECT {value} {inner})"
    if g.chance(0.3):
        return (
            f"SELECT {_KEY}, x, y, pos FROM {g.source()}, UNNEST(ImageType) AS x WITH OFFSET AS pos"
            f" {join} UNNEST(PixelSpacing) AS y WITH OFFSET AS pos USING (pos)"
        )
    return f"SELECT {_KEY}, {made} AS v FROM {g.source()}"


def _in_rows(g: Grammar, _: int) -> str:
    """Several columns in a query."""
    of, other = g.pick(["STRING", "INT64", "DATE"]), g.pick(["STRING", "FLOAT64", "INT64", "TIME"])
    column, second = g.column(of), g.column(other)
    listed = g.pick(["AS STRUCT {0} AS p, {1} AS q", "({0}, {1})", "STRUCT({0} AS p, {1} AS q)"])
    word = g.pick(["IN", "IN", "IN", "NOT IN"])
    inner = listed.format(column.replace("d.", ""), second.replace("d.", ""))
    return (
        f"SELECT {_KEY} FROM {g.source()} WHERE ({column}, {second}) {word}"
        f" (SELECT {inner} FROM {g.pick(['d', 'e', 'void'])}{g.pick(['', ' WHERE FALSE'])})"
    )


def _structs_joined(g: Grammar, _: int) -> str:
    """STRUCTs with and without names in one column."""
    of, other = g.kind(), g.kind()
    first = f"STRUCT({g.value(of, 1)} AS p, {g.value(other, 1)} AS q)"
    second = g.pick(
        [
            f"STRUCT({g.literal(of)}, {g.literal(other)})",
            f"({g.literal(of)}, {g.value(other, 1)})",
            f"STRUCT({g.value(of, 1)} AS r, {g.value(other, 1)} AS s)",
            "NULL",
        ]
    )
    rows = f"SELECT {first} AS s FROM {g.source()} UNION ALL SELECT {second} FROM d"
    outer = g.pick(["s.p, s.q", "s", "s.q"])
    return f"SELECT {outer} FROM ({rows})"


def _nested(g: Grammar, _: int) -> str:
    """Arrays of structs that hold arrays."""
    value = g.value("STRING", 0)
    array = (
        f"[STRUCT({value} AS name, ImageType AS items), STRUCT('b', {g.pick(['[]', 'ImageType'])})]"
    )
    return g.pick(
        [
            f"SELECT {_KEY}, x.name, y FROM {g.source()}, UNNEST({array}) AS x, x.items AS y",
            f"SELECT {_KEY}, {array} AS v FROM {g.source()}",
            f"SELECT {_KEY}, {array}[OFFSET(0)].items AS v FROM {g.source()}",
            f"SELECT {_KEY}, ARRAY_LENGTH({array}[SAFE_OFFSET(1)].items) AS v FROM {g.source()}",
            f"SELECT {_KEY}, STRUCT({value} AS name, IF(Modality = 'CT', NULL, ImageType) AS items) AS v FROM {g.source()}",
        ]
    )


def _edges(g: Grammar, _: int) -> str:
    """What types and literals can be at their ends."""
    made = g.pick(
        [
            g.pick(_BARE),
            f"{g.pick(['1e309', '-1e309', '1e400'])} AS a, {g.value('FLOAT64', 0)}",
            f"CAST({g.value('FLOAT64', 0)} IS NULL AS STRING)",
            f"SAFE_CAST({g.value('STRING', 0)} AS {g.pick(_NUMBERS)})",
            f"CAST({g.value('INT64', 0)} AS {g.pick(_NUMBERS)})",
            f"DATETIME({g.column('DATE')}, {g.pick([chr(39) + '12:00:00' + chr(39), 'StudyTime'])})",
            f"{g.value('STRING', 1)} LIKE {g.pick(['ANY', 'SOME', 'ALL'])} ({g.literal('STRING')}, NULL)",
            f"{g.value('STRING', 1)} LIKE {g.pick(['ANY', 'ALL'])} (NULL, 'C%', '%1')",
            f"FIRST_VALUE({g.value(g.kind(), 0)} IGNORE NULLS) OVER (ORDER BY {_KEY}{subqueries.direction(g)})",
            f"NTH_VALUE({g.value(g.kind(), 0)}, 2 IGNORE NULLS) OVER (PARTITION BY Modality ORDER BY {_KEY})",
            f"LAST_VALUE({g.value('STRING', 0)} IGNORE NULLS) OVER (ORDER BY {_KEY} ROWS BETWEEN 1"
            " PRECEDING AND 1 FOLLOWING)",
        ]
    )
    return f"SELECT {_KEY}, {made} AS v FROM {g.source()}"


def _parenthesised(g: Grammar, _: int) -> str:
    named = (
        f"WITH x AS (SELECT {_KEY}, {g.value(g.kind(), 1)} AS v FROM {g.source()}) SELECT * FROM x"
    )
    return g.pick(
        [
            f"({named})",
            f"WITH y AS (SELECT 1 AS b) ({named})",
            f"WITH x AS (SELECT '1' AS {_KEY}) ({named})",
            f"({named}) UNION ALL ({named})",
            f"SELECT {_KEY} FROM ({named}) WHERE v IS NULL",
            f"SELECT {_KEY} FROM d WHERE {_KEY} IN (SELECT {_KEY} FROM ({named}))",
            f"SELECT (SELECT COUNT(*) FROM ({named})) AS n",
        ]
    )


FAMILY = Family(
    queries=[
        _shadowing,
        _shadowing,
        _shadowing_window,
        _struct_query,
        _values,
        _values,
        _placed,
        _in_rows,
        _structs_joined,
        _nested,
        _edges,
        _edges,
        _parenthesised,
    ]
)
