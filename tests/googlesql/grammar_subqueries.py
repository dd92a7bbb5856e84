"""Queries as values: EXISTS, IN, ARRAY and single values, over arrays and over tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.googlesql.grammar import Grammar

_NULLS = ("", "", " NULLS FIRST", " NULLS LAST")


def direction(g: Grammar) -> str:
    """Say how a key is ordered, or leave it open."""
    return g.pick(["", " ASC", " DESC"]) + g.pick(_NULLS)


def other(g: Grammar) -> str:
    """Name a table of the same columns."""
    return g.pick(["d", "d", "e"])


def _texts(g: Grammar) -> tuple[str, str]:
    """Name the elements of an array of texts, and where they come from."""
    return g.pick(
        [
            ("t", "UNNEST(ImageType) AS t"),
            ("t", "UNNEST(d.ImageType) t"),
            ("t", "d.ImageType AS t"),
            ("c.CodeValue", "UNNEST(ProcedureCodeSequence) AS c"),
            ("CodeMeaning", "UNNEST(ProcedureCodeSequence)"),
            ("c.codevalue", "d.ProcedureCodeSequence c"),
        ]
    )


def _of_element(g: Grammar, element: str, depth: int) -> str:
    return g.pick(
        [
            f"{element} = {g.value('STRING', depth)}",
            f"{element} != {g.literal('STRING')}",
            f"{element} IN ('PRIMARY', 'ORIGINAL', '24627-2')",
            f"{element} LIKE {g.pick(['%A%', '2%', '_'])!r}",
            f"{element} IS {g.pick(['', 'NOT '])}NULL",
            f"{element} > {g.column('STRING')}",
            f"LENGTH({element}) > 2",
            f"({g.condition(0)}) AND {element} < 'P'",
        ]
    )


def exists(g: Grammar, depth: int) -> str:
    """Ask whether an array has an element."""
    negated = g.pick(["", "NOT "])
    with g.sheltered():
        if g.chance(0.3):
            order = g.pick(["o = 0", "o > 0", "o = 1 AND t = 'PRIMARY'", "t = 'M' OR o = `Rows`"])
            source = "UNNEST(ImageType) AS t WITH OFFSET AS o"
            return f"{negated}EXISTS (SELECT 1 FROM {source} WHERE {order})"
        element, source = _texts(g)
        listed = g.pick(["1", "*", element])
        where = f" WHERE {_of_element(g, element, depth)}" if g.chance(0.9) else ""
        return f"{negated}EXISTS (SELECT {listed} FROM {source}{where})"


def counted(g: Grammar, depth: int) -> str:
    """Count elements."""
    element, source = _texts(g)
    with g.sheltered():
        where = f" WHERE {_of_element(g, element, depth)}" if g.chance(0.7) else ""
        count = g.pick(["COUNT(*)", f"COUNT({element})", f"COUNT(DISTINCT {element})"])
        return f"(SELECT {count} FROM {source}{where})"


def least(g: Grammar, depth: int) -> str:
    """Take the least or greatest element."""
    element, source = _texts(g)
    with g.sheltered():
        where = f" WHERE {_of_element(g, element, depth)}" if g.chance(0.5) else ""
        if g.chance(0.5):
            return f"(SELECT {g.pick(['MIN', 'MAX'])}({element}) FROM {source}{where})"
        order = f" ORDER BY {element}{direction(g)}"
        skip = g.pick(["", "", " OFFSET 1"])
        return f"(SELECT {element} FROM {source}{where}{order} LIMIT 1{skip})"


def at_place(g: Grammar, _: int) -> str:
    """Take the element at a place."""
    place = g.number(0, 3)
    return f"(SELECT t FROM UNNEST(ImageType) t WITH OFFSET WHERE offset = {place})"


def number(g: Grammar, _: int) -> str:
    """Take the least, greatest or mean number."""
    name = g.pick(["MIN", "MAX", "AVG"])
    where = g.pick(["", " WHERE x > 0.5", " WHERE x < SliceThickness", " WHERE FALSE"])
    where = " WHERE x BETWEEN 0 AND 9" if name == "AVG" else where
    return f"(SELECT {name}(x) FROM UNNEST(PixelSpacing) AS x{where})"


def array(g: Grammar, depth: int) -> str:
    """Make an array of elements."""
    element, source = _texts(g)
    value = g.pick([element, f"LOWER({element})", f"CONCAT({element}, 'x')"])
    with g.sheltered():
        where = f"{element} IS NOT NULL AND ({_of_element(g, element, depth)})"
    if g.chance(0.3):
        return (
            f"ARRAY(SELECT DISTINCT {value} FROM {source} WHERE {where} ORDER BY 1{direction(g)})"
        )
    if g.chance(0.2):
        order = f"COUNT(*){direction(g)}, {element}"
        return (
            f"ARRAY(SELECT {element} FROM {source} WHERE {where} GROUP BY {element}"
            f" ORDER BY {order})"
        )
    order = g.pick(["", f" ORDER BY {element}{direction(g)}", " ORDER BY 1", " ORDER BY 1 DESC"])
    limit = g.pick(["", " LIMIT 2", " LIMIT 1 OFFSET 1"]) if order else ""
    return f"ARRAY(SELECT {value} FROM {source} WHERE {where}{order}{limit})"


def placed_array(g: Grammar, _: int) -> str:
    """Make an array of elements, by their places."""
    order = g.pick(["", " ORDER BY o", " ORDER BY o DESC", " ORDER BY t, o"])
    where = g.pick(["", " WHERE o > 0", " WHERE o != 1", " WHERE t = 'PRIMARY'"])
    return f"ARRAY(SELECT t FROM UNNEST(ImageType) t WITH OFFSET o{where}{order})"


def number_array(g: Grammar, _: int) -> str:
    """Make an array of numbers."""
    order = g.pick(["", f" ORDER BY x{direction(g)}"])
    value = g.pick(["x", "x * 2", "-x"])
    return f"ARRAY(SELECT {value} FROM UNNEST(PixelSpacing) x WHERE x IS NOT NULL{order})"


def in_query(g: Grammar, depth: int) -> str:
    """Look up in what a query gives."""
    negated = g.pick(["", " NOT"])
    with g.sheltered():
        if g.chance(0.4):
            element, source = _texts(g)
            where = f" WHERE {_of_element(g, element, depth)}" if g.chance(0.5) else ""
            return f"{g.value('STRING', 0)}{negated} IN (SELECT {element} FROM {source}{where})"
        of = g.kind()
        column = g.column(of).replace("d.", "y.")
        column = column if "." in column or not g.chance(0.5) else f"y.{column}"
        where = g.pick(
            [
                "",
                f" WHERE {column} IS NOT NULL",
                " WHERE y.Modality = 'CT'",
                " WHERE y.StudyDate > d.StudyDate",
                " WHERE y.SOPInstanceUID != d.SOPInstanceUID",
                " WHERE FALSE",
            ]
        )
        union = g.pick(["", "", f" UNION ALL SELECT {column} FROM d AS y"])
        return f"{g.value(of, 0)}{negated} IN (SELECT {column} FROM {other(g)} AS y{where}{union})"


def _related(g: Grammar) -> str:
    return g.pick(
        [
            "y.PatientID = d.PatientID",
            "y.StudyInstanceUID = d.StudyInstanceUID AND y.SOPInstanceUID != d.SOPInstanceUID",
            "y.`Rows` > d.Columns",
            "y.SliceThickness = d.SliceThickness",
            "y.SliceThickness < d.SliceThickness",
            "y.Modality = 'CT' AND d.StudyDate >= y.StudyDate",
            "y.PatientID = d.PatientID OR y.Modality = d.Modality",
            "EXISTS (SELECT 1 FROM UNNEST(y.ImageType) AS t WHERE t = d.Modality OR t = 'AXIAL')",
        ]
    )


def exists_row(g: Grammar, _: int) -> str:
    """Ask whether a table has a related row."""
    with g.sheltered():
        negated = g.pick(["", "NOT "])
        return f"{negated}EXISTS (SELECT 1 FROM {other(g)} AS y WHERE {_related(g)})"


def count_rows(g: Grammar, _: int) -> str:
    """Count related rows."""
    with g.sheltered():
        count = g.pick(["COUNT(*)", "COUNT(DISTINCT y.Modality)", "COUNTIF(y.IsPhantom)"])
        return f"(SELECT {count} FROM {other(g)} AS y WHERE {_related(g)})"


def row_value(g: Grammar, _: int) -> str:
    """Take a value of related rows."""
    with g.sheltered():
        column = g.pick(["Modality", "SOPInstanceUID", "PatientID"])
        picked = g.pick(["MAX", "MIN"])
        return f"(SELECT {picked}(y.{column}) FROM {other(g)} y WHERE {_related(g)})"
