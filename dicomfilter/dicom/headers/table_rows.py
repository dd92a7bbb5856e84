"""A header as a row of the metadata table, as the service's export makes it.

One column an element that is there. What is private or not in the standard is gathered in
``OtherElements``; of binary data only the name stays, in ``DroppedTags``. A value that its type
does not allow is NULL, and noted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dicomfilter.dicom.headers.charsets import DEFAULT, charset_of
from dicomfilter.dicom.headers.conversion import WHOLE_NUMBERS, converted
from dicomfilter.dicom.headers.element_columns import (
    DROPPED_TAGS,
    KINDS,
    OTHER_ELEMENTS,
    TYPES,
    Column,
    Kind,
    dropped_column,
    other_column,
    plan_of,
    repeating_column,
    tag_name,
)
from dicomfilter.dicom.headers.elements import Items
from dicomfilter.dicom.headers.private import private_vr
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.scanning import items_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.dicom.headers.charsets import Charset
    from dicomfilter.dicom.headers.element_columns import Plan
    from dicomfilter.dicom.headers.elements import Element, Value

DEEPEST = 15
"""Levels of records that a table can hold: BigQuery's limit."""
_CHARSET, _REPRESENTATION = 0x00080005, 0x00280103
_TURNING = frozenset((_CHARSET, _REPRESENTATION))
"""Elements that say how those after them are to be read."""
_BINARY = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UV"))
_UNSAID = frozenset((b"", b"UN"))
_EITHER = b"US or SS"
_TAKEN = frozenset(vr.encode() for vr in KINDS)
_KNOWN_AT_MOST = 1 << 14
"""Values that are remembered, of elements that belong together."""

Row = dict[str, Any]
Known = dict[Any, tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Note:
    """A value that is not in the table as it is in the file.

    Args:
        element: Its keyword, after those of the sequences that it is in.
        reason: What is wrong.
        detail: More of it, without the value.
    """

    element: str
    reason: Reason
    detail: str


@dataclass(slots=True)
class Flattener:
    """Makes rows, and gathers the columns that they need.

    Args:
        columns: The columns so far; rows add to them.
        notes: What was not taken of the row that was made last.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    _dropped: dict[str, None] = field(default_factory=dict)
    _known: dict[Any, Known] = field(default_factory=dict)
    lost: int = 0
    """Counts what was dropped or noted: what lost something is not remembered."""

    def row(self, elements: Sequence[Element], *, little: bool = True) -> Row:
        """Make the row of a header.

        Args:
            elements: Of the header.
            little: Whether numbers are in little-endian order.

        Returns:
            Values by column; a column that is missing has none.
        """
        self.notes.clear()
        self._dropped.clear()
        values = _Record(self, self.columns, _Inside(little)).take(elements)
        if self._dropped:
            self.columns.setdefault(DROPPED_TAGS, dropped_column())
            values[DROPPED_TAGS] = [{"TagName": name} for name in self._dropped]
        return values

    def known_in(self, columns: dict[str, Column], inside: _Inside) -> Known:
        """Give what was converted before, for the same columns and in the same sense."""
        key = id(columns), inside.charset, inside.little, inside.signed
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = {}
        elif len(known) > _KNOWN_AT_MOST:
            known.clear()
        return known

    def drop(self, name: str) -> None:
        """Name an element that is not in the table."""
        self.lost += 1
        self._dropped[name] = None

    def note(self, element: str, reason: Reason, detail: str) -> None:
        """Note a value that is not in the table as it is in the file."""
        self.lost += 1
        self.notes.append(Note(element, reason, detail))


@dataclass(frozen=True, slots=True)
class _Inside:
    """What holds for the elements of a record, by itself or by what it is in."""

    little: bool
    charset: Charset = DEFAULT
    signed: bool = False
    where: str = ""
    depth: int = 1


@dataclass(slots=True)
class _Record:
    """A row, or an item of a sequence, that is being made."""

    whole: Flattener
    columns: dict[str, Column]
    inside: _Inside
    values: Row = field(default_factory=dict)
    creators: dict[int, bytes] = field(default_factory=dict)
    known: Known = field(default_factory=dict)

    def take(self, elements: Sequence[Element]) -> Row:
        """Convert elements."""
        whole, values = self.whole, self.values
        known = self.known = whole.known_in(self.columns, self.inside)
        last = -1
        for element in elements:
            if element[0] == last:
                twice = self.inside.where + plan_of(last).name
                whole.note(twice, Reason.BAD_VALUE, "is there twice; the last counts")
            last = element[0]
            # Most of a series is the same in each of its files.
            found = known.get(element)
            if found is not None:
                values[found[0]] = found[1]
                continue
            tag, vr, value = element
            if tag in _TURNING:
                self._turn(tag, value)
                known = self.known
            lost = whole.lost
            name = self._add(tag, vr, value)
            if (
                name is not None
                and whole.lost == lost
                and tag not in _TURNING
                and (isinstance(value, bytes) or value.kept)
            ):
                known[element] = name, values[name]
        return values

    def _turn(self, tag: int, value: Value) -> None:
        """Read what comes after as an element says."""
        if not isinstance(value, bytes):
            return
        if tag == _CHARSET:
            self.inside = replace(self.inside, charset=charset_of(value))
        else:
            self.inside = replace(self.inside, signed=1 in value)
        self.known = self.whole.known_in(self.columns, self.inside)

    def _add(self, tag: int, vr: bytes, value: Value) -> str | None:
        """Convert an element; name the column that is made of it alone."""
        plan = plan_of(tag)
        if plan.kind is Kind.IGNORED:
            return None
        if plan.kind is Kind.OTHER:
            self._other(tag, vr, value)
            return None
        if plan.kind is Kind.REPEATING:
            self._repeating(tag, plan, vr, value)
            return None
        if plan.kind is Kind.SEQUENCE:
            return self._sequence(plan.name, vr, value)
        return self._plain(plan, vr, value)

    def _plain(self, plan: Plan, vr: bytes, value: Value) -> str | None:
        name, kind = plan.name, plan.kind
        vr = self._representation(plan, vr)
        if kind is Kind.DROPPED:
            if vr not in WHOLE_NUMBERS:
                self.whole.drop(name)
                return None
            kind = Kind.INTEGER  # a table of numbers, of which the standard leaves the form open
        if name not in self.columns:
            own = plan.kind is kind
            self.columns[name] = plan.column() if own else Column(TYPES[kind], plan.repeated)
        found = self._converted(name, kind, vr, value)
        if plan.repeated:
            self.values[name] = found or []
            return name
        if found is not None and len(found) > 1:
            words = "several values, of which the first is kept"
            self.whole.note(self.inside.where + name, Reason.BAD_VALUE, words)
        self.values[name] = found[0] if found else None
        return name

    def _representation(self, plan: Plan, vr: bytes) -> bytes:
        """Choose the value representation of an element of the standard."""
        if vr in _UNSAID:
            vr = plan.vr
        if vr == _EITHER:
            return b"SS" if self.inside.signed else b"US"
        return vr

    def _sequence(self, name: str, vr: bytes, value: Value) -> str | None:
        inside = self.inside
        if inside.depth >= DEEPEST:
            self.whole.drop(name)
            return None
        if isinstance(value, bytes):
            items = items_of(value) if vr in _UNSAID else None
            if items is None:
                words = f"{_shown(vr)}, not SQ"
                self.whole.note(inside.where + name, Reason.BAD_VALUE, words)
                items = Items()
            value = items
        column = self.columns.get(name)
        if column is None:
            column = self.columns[name] = Column("RECORD", repeated=True)
        where = f"{inside.where}{name}."
        below = _Inside(inside.little, inside.charset, inside.signed, where, inside.depth + 1)
        whole, fields = self.whole, column.fields
        self.values[name] = [_Record(whole, fields, below).take(item) for item in value]
        return name

    def _repeating(self, tag: int, plan: Plan, vr: bytes, value: Value) -> None:
        """Gather an element of a repeating group with those of the other groups."""
        data = self._data(plan.name, self._representation(plan, vr), value)
        if data is None:
            self.whole.drop(plan.name)
            return
        if plan.name not in self.columns:
            self.columns[plan.name] = repeating_column()
        each = {"Id": f"{tag >> 16:04X}", "Value": data}
        self.values.setdefault(plan.name, []).append(each)

    def _other(self, tag: int, vr: bytes, value: Value) -> None:
        """Gather an element that is private, or not in the standard."""
        block = tag >> 16 << 8
        if not tag & 0xFF00 and isinstance(value, bytes):
            self.creators[block | tag & 0xFF] = value
        creator = self.creators.get(block | tag >> 8 & 0xFF)
        key = creator, tag, vr, value
        known = self.known.get(key)
        if known is not None:
            self.values.setdefault(OTHER_ELEMENTS, []).append(known[1])
            return
        name = tag_name(tag)
        told = vr not in _UNSAID
        if not told:
            vr = private_vr(tag, creator)
        if vr == b"SQ":
            self._sequence(name, vr if told else b"", value)
            return
        lost = self.whole.lost
        data = self._data(name, vr, value)
        if data is None:
            self.whole.drop(name)
            return
        if OTHER_ELEMENTS not in self.columns:
            self.columns[OTHER_ELEMENTS] = other_column()
        each = {"Tag": name, "Data": data}
        self.values.setdefault(OTHER_ELEMENTS, []).append(each)
        if self.whole.lost == lost:
            self.known[key] = name, each

    def _data(self, name: str, vr: bytes, value: Value) -> list[str] | None:
        """Give an element's values as text; None where it is dropped."""
        if vr not in _TAKEN or not isinstance(value, bytes):
            return None
        return self._converted(name, Kind.TEXT, vr, value) or []

    def _converted(self, name: str, kind: Kind, vr: bytes, value: Value) -> list[Any] | None:
        """Convert a value; None where that cannot be done, which is noted."""
        if not value and vr not in _BINARY:
            return []
        where, shown = self.inside.where + name, _shown(vr)
        if not isinstance(value, bytes):
            self.whole.note(where, Reason.BAD_VALUE, shown)
            return None
        try:
            return converted(kind, vr, value, self.inside.charset, little=self.inside.little)
        except UnicodeError:
            self.whole.note(where, Reason.BAD_CHARACTERS, shown)
        except (ValueError, OverflowError, struct.error):
            self.whole.note(where, Reason.BAD_VALUE, shown)
        return None


def _shown(vr: bytes) -> str:
    """Name a value representation; one that is none may be anything."""
    return vr.decode() if vr.isalpha() and vr.isascii() else "no value representation"
