"""DICOM metadata as rows of BigQuery: one column a tag, or all in one column of JSON."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from pydicom.datadict import keyword_for_tag

from dicomfilter.dicom.headers.element_columns import Column
from dicomfilter.dicom.headers.element_values import NAME_FORMS
from dicomfilter.dicom.headers.header import elements_of, is_little
from dicomfilter.dicom.headers.table_rows import Flattener

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom import Dataset
    from pydicom.dataelem import DataElement

_DROPPED = {"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW", "SV", "UV"}
_NUMBERS: dict[str, type] = {
    **dict.fromkeys(("FL", "FD", "DS"), float),
    **dict.fromkeys(("SL", "SS", "UL", "US", "IS"), int),
}


def described(column: Column, name: str) -> dict[str, Any]:
    """Describe a column as BigQuery's API does."""
    mode = "REPEATED" if column.repeated else "NULLABLE"
    found: dict[str, Any] = {"name": name, "type": column.type, "mode": mode}
    if column.fields:
        found["fields"] = [described(inner, n) for n, inner in column.fields.items()]
    return found


def filled(column: Column, value: Any) -> Any:
    """Give what BigQuery stores: an empty array where one is missing."""
    if column.repeated:
        one = Column(column.type, fields=column.fields)
        return [filled(one, each) for each in value or ()]
    if column.type != "RECORD" or value is None:
        return value
    return {name: filled(inner, value.get(name)) for name, inner in column.fields.items()}


def flattened(dataset: Dataset) -> tuple[dict[str, Column], dict[str, Any]]:
    """Flatten an instance, as an index of a folder does.

    Args:
        dataset: Without its pixels.

    Returns:
        The columns that it needs, and its values as JSON has them.
    """
    flattener = Flattener()
    elements = [*elements_of(getattr(dataset, "file_meta", {})), *elements_of(dataset)]
    values = flattener.row(elements, little=is_little(dataset))
    return flattener.columns, _written(values)


def _written(value: Any) -> Any:
    """Write dates and times as a load job reads them."""
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_written(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else value


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
        forms = zip(NAME_FORMS, str(value).split("="), strict=False)
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


def _many(element: DataElement) -> list[Any]:
    value = element.value
    if value is None or (isinstance(value, str) and not value):
        return []
    return list(value) if element.VM > 1 else [value]


def merged(columns: Iterable[dict[str, Column]]) -> Column:
    """Make the schema that many instances need."""
    whole = Column("RECORD")
    for each in columns:
        whole.take_in(Column("RECORD", fields=each))
    return whole.ordered()
