"""DICOM metadata as rows of BigQuery: one column a tag, or all in one column of JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydicom.datadict import (
    dictionary_has_tag,
    dictionary_VM,
    keyword_for_tag,
    repeater_has_tag,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom import Dataset
    from pydicom.dataelem import DataElement

_DROPPED = {"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW", "SV", "UV"}
_TYPES = {
    **dict.fromkeys(("SL", "SS", "UL", "US", "US or SS", "AT"), "INTEGER"),
    **dict.fromkeys(("FL", "FD"), "FLOAT"),
    "DA": "DATE",
    "TM": "TIME",
    "DT": "TIMESTAMP",
}
_NUMBERS: dict[str, type] = {
    **dict.fromkeys(("FL", "FD", "DS"), float),
    **dict.fromkeys(("SL", "SS", "UL", "US", "IS"), int),
}
_NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NAME_FORMS = ("Alphabetic", "Ideographic", "Phonetic")


@dataclass
class Column:
    """A column, or a field of a record."""

    type: str
    repeated: bool = False
    fields: dict[str, Column] = field(default_factory=dict)

    def merged(self, other: Column) -> Column:
        """Take in what another instance has."""
        for name, inner in other.fields.items():
            mine = self.fields.get(name)
            self.fields[name] = mine.merged(inner) if mine else inner
        return self

    def described(self, name: str) -> dict[str, Any]:
        """Describe it as BigQuery's API does."""
        mode = "REPEATED" if self.repeated else "NULLABLE"
        described: dict[str, Any] = {"name": name, "type": self.type, "mode": mode}
        if self.fields:
            described["fields"] = [c.described(n) for n, c in sorted(self.fields.items())]
        return described

    def filled(self, value: Any) -> Any:
        """Give what BigQuery stores: an empty array where one is missing."""
        if self.repeated:
            return [Column(self.type, fields=self.fields).filled(each) for each in value or ()]
        if self.type != "RECORD" or value is None:
            return value
        return {name: inner.filled(value.get(name)) for name, inner in self.fields.items()}


def record(*, repeated: bool = False, **fields: Column) -> Column:
    """Make a column of records."""
    return Column("RECORD", repeated, fields)


_OTHER = {"Tag": Column("STRING"), "Data": Column("STRING", repeated=True)}


def flattened(dataset: Dataset) -> tuple[dict[str, Column], dict[str, Any]]:
    """Flatten an instance, or an item of a sequence.

    Args:
        dataset: Without its pixels.

    Returns:
        The columns that it needs, and its values.
    """
    columns: dict[str, Column] = {}
    values: dict[str, Any] = {}
    for element in dataset:
        tag, keyword = element.tag, keyword_for_tag(element.tag)
        hexadecimal = f"Tag_{tag.group:04X}{tag.element:04X}"
        if element.VR in _DROPPED:
            columns["DroppedTags"] = record(repeated=True, TagName=Column("STRING"))
            values.setdefault("DroppedTags", []).append({"TagName": keyword or hexadecimal})
        elif element.VR == "SQ":
            name = keyword or hexadecimal
            columns[name], values[name] = _sequence(element)
        elif repeater_has_tag(tag):
            columns[keyword] = record(
                repeated=True, Id=Column("STRING"), Value=Column("STRING", repeated=True)
            )
            each = {"Id": f"{tag.group:04X}", "Value": [str(v) for v in _many(element)]}
            values.setdefault(keyword, []).append(each)
        elif not keyword or not dictionary_has_tag(tag):
            columns["OtherElements"] = Column("RECORD", repeated=True, fields=dict(_OTHER))
            each = {"Tag": hexadecimal, "Data": [str(v) for v in _many(element)]}
            values.setdefault("OtherElements", []).append(each)
        else:
            columns[keyword], values[keyword] = _plain(element, dictionary_VM(tag) != "1")
    return columns, values


def _sequence(element: DataElement) -> tuple[Column, list[Any]]:
    column, items = record(repeated=True), []
    for item in element.value or ():
        columns, values = flattened(item)
        column.merged(record(**columns))
        items.append(values)
    column.fields = column.fields or {"Empty": Column("STRING")}  # a record needs a field
    return column, items


def _plain(element: DataElement, repeated: bool) -> tuple[Column, Any]:  # noqa: FBT001 - its mode
    kind = _TYPES.get(element.VR, "STRING")
    column = Column(kind, repeated)
    if element.VR == "PN":
        parts = {part: Column("STRING") for part in _NAME_PARTS}
        column = record(repeated=repeated, **{f: record(**parts) for f in _NAME_FORMS})
    values = [v for v in (_value(element.VR, each) for each in _many(element)) if v is not None]
    return column, values if repeated else (values[0] if values else None)


def _many(element: DataElement) -> list[Any]:
    value = element.value
    if value is None or (isinstance(value, str) and not value):
        return []
    return list(value) if element.VM > 1 else [value]


def _value(representation: str, value: Any) -> Any:
    """Give a value in the form of BigQuery's type; None where it has none."""
    text = str(value).strip()
    if representation == "PN":
        return _person(text)
    if representation == "DA":
        found = re.fullmatch(r"(\d{4})[.]?(\d{2})[.]?(\d{2})", text)
        return "-".join(found.groups()) if found else None
    if representation == "TM":
        found = re.fullmatch(r"(\d{2}):?(\d{2})?:?(\d{2})?(\.\d{1,6})?", text)
        return (
            ":".join(part or "00" for part in found.groups()[:3]) + (found[4] or "")
            if found
            else None
        )
    if representation == "DT":
        return _instant(text)
    kind = _TYPES.get(representation, "STRING")
    if kind == "STRING":
        return text
    return int(value) if kind == "INTEGER" else float(value)


def _instant(text: str) -> str | None:
    found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})(\d{2})?(\d{2})?(\d{2})?(\.\d+)?([+-]\d{4})?", text)
    if not found:
        return None
    date, clock = (
        "-".join(found.groups()[:3]),
        ":".join(each or "00" for each in found.groups()[3:6]),
    )
    zone = f"{found[8][:3]}:{found[8][3:]}" if found[8] else "+00:00"
    return f"{date} {clock}{found[7] or ''}{zone}"


def _person(text: str) -> dict[str, Any] | None:
    forms = {}
    for form, written in zip(_NAME_FORMS, text.split("="), strict=False):
        parts = dict(zip(_NAME_PARTS, written.split("^"), strict=False))
        if any(parts.values()):
            forms[form] = {part: given for part, given in parts.items() if given}
    return forms or None


def as_json(dataset: Dataset, *, by_keyword: bool) -> tuple[dict[str, Any], list[str]]:
    """Give an instance as DICOM JSON, and the tags that were dropped."""
    kept = {e.tag: e for e in dataset if e.VR not in _DROPPED}
    dropped = [keyword_for_tag(e.tag) or str(e.tag) for e in dataset if e.VR in _DROPPED]
    whole = {f"{tag.group:04X}{tag.element:04X}": _json_element(e) for tag, e in kept.items()}
    if by_keyword:
        return {keyword_for_tag(int(t, 16)) or t: _unwrapped(e) for t, e in whole.items()}, dropped
    return whole, dropped


def _json_element(element: DataElement) -> dict[str, Any]:
    if element.VR == "SQ":
        items = [as_json(item, by_keyword=False)[0] for item in element.value or ()]
        return {"vr": "SQ", "Value": items}
    values: list[Any] = [_json_value(element.VR, each) for each in _many(element)]
    return {"vr": element.VR, **({"Value": values} if values else {})}


def _json_value(representation: str, value: Any) -> Any:
    if representation == "PN":
        forms = zip(_NAME_FORMS, str(value).split("="), strict=False)
        return {form: written for form, written in forms if written}
    kind = _NUMBERS.get(representation, str)
    try:
        return kind(value)
    except ValueError:  # a file that is irregular
        return str(value)


def _unwrapped(element: dict[str, Any]) -> Any:
    values = element.get("Value", [])
    if element["vr"] == "SQ":
        return [
            {keyword_for_tag(int(t, 16)) or t: _unwrapped(e) for t, e in v.items()} for v in values
        ]
    return values[0] if len(values) == 1 else values or None


def merged(columns: Iterable[dict[str, Column]]) -> Column:
    """Make the schema that many instances need."""
    whole = record()
    for each in columns:
        whole.merged(record(**each))
    return whole
