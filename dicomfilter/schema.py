"""The columns a table has, their GoogleSQL types, and its shape."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import TableError, UsageError
from dicomfilter.paths import Level

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(StrEnum):
    """The kinds of GoogleSQL types that metadata tables use."""

    STRING = "STRING"
    BYTES = "BYTES"
    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    NUMERIC = "NUMERIC"
    BIGNUMERIC = "BIGNUMERIC"
    BOOL = "BOOL"
    DATE = "DATE"
    TIME = "TIME"
    DATETIME = "DATETIME"
    TIMESTAMP = "TIMESTAMP"
    INTERVAL = "INTERVAL"
    JSON = "JSON"
    ARRAY = "ARRAY"
    STRUCT = "STRUCT"


@dataclass(frozen=True, slots=True)
class SqlType:
    """A GoogleSQL type; ``str()`` and ``parse()`` are inverses.

    Args:
        kind: The kind of type.
        element: The element type of an ARRAY.
        fields: Names and types of a STRUCT's fields, in order.

    >>> str(SqlType.parse("array<struct<CodeValue string, Rank int64>>"))
    'ARRAY<STRUCT<CodeValue STRING, Rank INT64>>'
    """

    kind: Kind
    element: SqlType | None = None
    fields: tuple[tuple[str, SqlType], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a type as GoogleSQL writes it.

        Args:
            text: For example ``STRING`` or ``ARRAY<STRUCT<a INT64>>``, in any case.

        Returns:
            The type.

        Raises:
            UsageError: The text is no GoogleSQL type.
        """
        tokens = re.findall(r"[A-Za-z_][A-Za-z0-9_]*|[<>,]|\S", text)
        parsed, rest = cls._read(tokens, text)
        if rest:
            raise UsageError(f"{text!r} is not a GoogleSQL type")
        return parsed

    @classmethod
    def _read(cls, tokens: list[str], text: str) -> tuple[Self, list[str]]:
        word = tokens[0].upper() if tokens else ""
        word = {"FLOAT": "FLOAT64", "INTEGER": "INT64", "BOOLEAN": "BOOL"}.get(word, word)
        if word not in Kind.__members__:
            raise UsageError(
                f"{text!r} is not a GoogleSQL type",
                hint="use one of " + ", ".join(k for k in Kind if k != Kind.STRUCT),
            )
        kind, rest = Kind(word), tokens[1:]
        if kind not in (Kind.ARRAY, Kind.STRUCT):
            return cls(kind), rest
        if rest[:1] != ["<"]:
            raise UsageError(f"{text!r} is not a GoogleSQL type", hint="write ARRAY<STRING>")
        rest = rest[1:]
        if kind is Kind.ARRAY:
            element, rest = cls._read(rest, text)
            if rest[:1] != [">"]:
                raise UsageError(f"{text!r} is not a GoogleSQL type")
            return cls(kind, element), rest[1:]
        fields: list[tuple[str, SqlType]] = []
        while True:
            is_named = rest[1:2] not in (["<"], [">"], [","])
            name, rest = (rest[0] if rest else "", rest[1:]) if is_named else ("", rest)
            of, rest = cls._read(rest, text)
            fields.append((name, of))
            if rest[:1] == [">"]:
                return cls(kind, fields=tuple(fields)), rest[1:]
            if rest[:1] != [","]:
                raise UsageError(f"{text!r} is not a GoogleSQL type")
            rest = rest[1:]

    def field(self, name: str) -> tuple[str, SqlType] | None:
        """Find a field of a STRUCT by name, in any case.

        Returns:
            The field's own spelling and its type, or None.
        """
        wanted = name.lower()
        return next(((n, t) for n, t in self.fields if n.lower() == wanted), None)

    def __str__(self) -> str:
        if self.kind is Kind.ARRAY:
            return f"ARRAY<{self.element}>"
        if self.kind is Kind.STRUCT:
            return f"STRUCT<{', '.join(f'{n} {t}'.strip() for n, t in self.fields)}>"
        return str(self.kind)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a metadata table.

    Args:
        name: As the table spells it.
        type: Its GoogleSQL type.
        description: What the table's owner says of it.
        is_stored: Whether the table has it; others are made of its JSON when they are named.
    """

    name: str
    type: SqlType
    description: str = ""
    is_stored: bool = True


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that a table has and that no query can name.

    Args:
        name: As the table spells it.
        type: Its type in the table's own words: one that GoogleSQL does not have, or with values
            that GoogleSQL's does not hold exactly.
    """

    name: str
    type: str

    def __str__(self) -> str:
        return (
            f"{self.name} is left out: no type of GoogleSQL holds its values exactly ({self.type})"
        )


_MEANING = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "LastUpdated", "Type")
"""Columns that say what a row is, and whether it still counts."""


class Shape(StrEnum):
    """The known shapes of DICOM metadata tables."""

    FLATTENED = "flattened"
    """A column a tag, a row an instance: the default of the service's metadata export."""
    JSON = "json"
    """The UID columns and one ``Metadata`` JSON column, a row an instance."""
    SERIES_INDEX = "series-index"
    """A row a series, no ``SOPInstanceUID``."""


@dataclass(frozen=True)
class TableSchema:
    """The columns of a metadata table.

    Args:
        columns: In the table's order.
        left_out: Columns that the table has besides, and that no query can name.
        notes: What a person should know of how the table is read.

    Raises:
        TableError: Two columns differ only in case, which GoogleSQL does not tell apart; or one
            is left out that gives rows their meaning.
    """

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    _index: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {column.name.lower(): column for column in self.columns}
        if len(index) < len(self.columns):
            names = sorted(c.name for c in self.columns if index[c.name.lower()] is not c)
            raise TableError(f"column names differ only in case: {', '.join(names)}")
        for lost in self.left_out:
            if lost.name.lower() in map(str.lower, _MEANING):
                raise TableError(
                    f"{lost}, and without it rows would mean something else",
                    hint="write UIDs and Type as text, and LastUpdated in microseconds",
                )
        object.__setattr__(self, "_index", index)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a person should know of it: columns that are left out, and how it is read."""
        return (*map(str, self.left_out), *self.notes)

    def find(self, name: str) -> Column | None:
        """Find a column by name, in any case; None where there is none."""
        return self._index.get(name.lower())

    def missing(self, *names: str) -> tuple[str, ...]:
        """List those of the given columns that the table lacks."""
        return tuple(name for name in names if name.lower() not in self._index)

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """List the columns whose names are most like the given one, best first."""
        close = difflib.get_close_matches(name.lower(), self._index, n=count, cutoff=0.6)
        return tuple(self._index[found].name for found in close)

    @cached_property
    def shape(self) -> Shape:
        """Which of the known shapes the table has."""
        if self.find("SOPInstanceUID") is None:
            return Shape.SERIES_INDEX
        metadata = self.find("Metadata")
        if metadata is not None and metadata.type.kind is Kind.JSON:
            return Shape.JSON
        return Shape.FLATTENED

    @property
    def finest(self) -> Level:
        """The finest level that the table can name."""
        return Level.SERIES if self.shape is Shape.SERIES_INDEX else Level.INSTANCE

    @property
    def is_versioned(self) -> bool:
        """Whether rows of an instance supersede each other (``LastUpdated``, ``Type``)."""
        versions = ("LastUpdated", "Type")
        return self.finest is Level.INSTANCE and len(self.missing(*versions)) < len(versions)

    def require_uids(self, where: str) -> None:
        """Make sure that lines can be built from this table.

        Args:
            where: The table, for the message.

        Raises:
            TableError: UID columns are missing or are no STRING.
        """
        needed = ("StudyInstanceUID", "SeriesInstanceUID")
        if lacking := self.missing(*needed):
            raise TableError(
                f"{where} has no column {' and no column '.join(lacking)}",
                hint=f"run `dicomfilter columns {where}` to see what it has",
            )
        for name in (*needed, "SOPInstanceUID"):
            column = self.find(name)
            if column is not None and column.type.kind is not Kind.STRING:
                raise TableError(
                    f"{name} of {where} is {column.type}, not STRING",
                    hint="write UIDs as text when the table is made",
                )
