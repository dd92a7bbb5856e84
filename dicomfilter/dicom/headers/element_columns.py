"""The columns that data elements make: their names, types, modes and order."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache, lru_cache

from dicomfilter import dictionary
from dicomfilter.dicom.headers.element_values import NAME_FORMS, NAME_PARTS
from dicomfilter.errors import TableError

OTHER_ELEMENTS = "OtherElements"
DROPPED_TAGS = "DroppedTags"
_LAST = {OTHER_ELEMENTS: 1, DROPPED_TAGS: 2}
_PRIVATE = "Tag_"


class Kind(Enum):
    """What becomes of an element's values."""

    TEXT = auto()
    PERSON = auto()
    DATE = auto()
    TIME = auto()
    INSTANT = auto()
    INTEGER = auto()
    FLOAT = auto()
    SEQUENCE = auto()
    DROPPED = auto()
    REPEATING = auto()
    """An element of a repeating group: all of them share a column."""
    OTHER = auto()
    """Private, or not in the standard."""
    IGNORED = auto()
    """A length of a group, which is no data."""


KINDS = {
    **dict.fromkeys("AE AS CS DS IS LO LT SH ST UC UI UR UT".split(), Kind.TEXT),  # noqa: SIM905 - a list of words
    **dict.fromkeys(("SL", "SS", "UL", "US", "US or SS", "AT"), Kind.INTEGER),
    **dict.fromkeys(("FL", "FD"), Kind.FLOAT),
    "PN": Kind.PERSON,
    "DA": Kind.DATE,
    "TM": Kind.TIME,
    "DT": Kind.INSTANT,
    "SQ": Kind.SEQUENCE,
}
"""What becomes of a value representation; of all others no column is made."""
TYPES = {
    Kind.TEXT: "STRING",
    Kind.PERSON: "RECORD",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.INSTANT: "TIMESTAMP",
    Kind.INTEGER: "INTEGER",
    Kind.FLOAT: "FLOAT",
    Kind.SEQUENCE: "RECORD",
}


@dataclass(slots=True)
class Column:
    """A column of a metadata table, or a field of a record.

    Args:
        type: BigQuery's name of its type.
        repeated: Whether it is an array.
        fields: The fields of a record.
    """

    type: str
    repeated: bool = False
    fields: dict[str, Column] = field(default_factory=dict)

    def take_in(self, other: Column) -> None:
        """Add the fields of another column of the same name.

        Raises:
            TableError: A field of both has two types.
        """
        for name, inner in other.fields.items():
            mine = self.fields.get(name)
            if mine is None:
                self.fields[name] = inner.copied()
            elif (mine.type, mine.repeated) != (inner.type, inner.repeated):
                raise TableError(
                    f"column {name} is {mine.type} in one part and {inner.type} in another",
                    hint="index the folder anew with --overwrite",
                )
            else:
                mine.take_in(inner)

    def copied(self) -> Column:
        """Give a column that can be changed by itself."""
        fields = {name: inner.copied() for name, inner in self.fields.items()}
        return Column(self.type, self.repeated, fields)

    def ordered(self) -> Column:
        """Give the column with its fields by tag, and without records of nothing."""
        kept = {name: self.fields[name].ordered() for name in sorted(self.fields, key=place)}
        return Column(
            self.type,
            self.repeated,
            {n: c for n, c in kept.items() if c.type != "RECORD" or c.fields},
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the elements of a tag.

    Args:
        name: The column.
        kind: What its values are.
        vr: Value representation in the standard; empty where it has none.
        repeated: Whether it may have several values.
    """

    name: str
    kind: Kind
    vr: bytes = b""
    repeated: bool = False

    def column(self) -> Column:
        """Make the column."""
        if self.kind is Kind.PERSON:
            return person_column(repeated=self.repeated)
        return Column(TYPES[self.kind], self.repeated or self.kind is Kind.SEQUENCE)


@lru_cache(maxsize=1 << 16)
def plan_of(tag: int) -> Plan:
    """Say what becomes of a tag's elements.

    >>> plan_of(0x00100010).name, plan_of(0x60020010).name, plan_of(0x00191001).name
    ('PatientName', 'OverlayRows', 'Tag_00191001')
    """
    if not tag & 0xFFFF:
        return Plan("", Kind.IGNORED)
    entry = _by_tag().get(tag)
    if entry is not None:
        kind = KINDS.get(entry.vr, Kind.DROPPED)
        return Plan(entry.keyword, kind, entry.vr.encode(), entry.vm != "1")
    if not tag >> 16 & 1:
        for mask, bits, repeating in _repeating():
            if tag & mask == bits:
                return Plan(repeating.keyword, Kind.REPEATING, repeating.vr.encode())
    return Plan(tag_name(tag), Kind.OTHER)


def tag_name(tag: int) -> str:
    """Name an element that the standard does not name.

    >>> tag_name(0x00191001)
    'Tag_00191001'
    """
    return f"{_PRIVATE}{tag:08X}"


def person_column(*, repeated: bool) -> Column:
    """Make a column of names of persons."""
    parts = {part: Column("STRING") for part in NAME_PARTS}
    forms = {form: Column("RECORD", fields=dict(parts)) for form in NAME_FORMS}
    return Column("RECORD", repeated, forms)


def repeating_column() -> Column:
    """Make the column of a repeating group's element: a record a group."""
    fields = {"Id": Column("STRING"), "Value": Column("STRING", repeated=True)}
    return Column("RECORD", repeated=True, fields=fields)


def other_column() -> Column:
    """Make the column of elements without a column of their own."""
    fields = {"Tag": Column("STRING"), "Data": Column("STRING", repeated=True)}
    return Column("RECORD", repeated=True, fields=fields)


def dropped_column() -> Column:
    """Make the column that names what is not in the table."""
    return Column("RECORD", repeated=True, fields={"TagName": Column("STRING")})


def place(name: str) -> tuple[int, int, str]:
    """Give the place of a column among others: by tag, private ones at the end.

    >>> sorted(["OtherElements", "Tag_00191001", "PatientName", "Modality"], key=place)
    ['Modality', 'PatientName', 'Tag_00191001', 'OtherElements']
    """
    entry = dictionary.find(name)
    if entry is not None:
        return 0, int(entry.tag.replace("x", "0"), 16), name
    if name.startswith(_PRIVATE):
        return 1, 0, name
    # The fields of a record that is no item, such as a name's, stay as they are.
    return 2, _LAST.get(name, 0), ""


@cache
def _by_tag() -> dict[int, dictionary.Entry]:
    return {int(entry.tag, 16): entry for entry in dictionary.entries() if "x" not in entry.tag}


@cache
def _repeating() -> tuple[tuple[int, int, dictionary.Entry], ...]:
    """List the repeating groups: which bits of a tag count, and what they are."""
    return tuple(
        (
            int("".join("0" if digit == "x" else "F" for digit in entry.tag), 16),
            int(entry.tag.replace("x", "0"), 16),
            entry,
        )
        for entry in dictionary.entries()
        if "x" in entry.tag
    )
