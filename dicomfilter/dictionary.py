"""The DICOM dictionary: what a keyword means, and the column made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dicomfilter.schema import Kind, SqlType

_STRINGS = ("AE", "AS", "CS", "DS", "IS", "LO", "LT", "SH", "ST", "UC", "UI", "UR", "UT")
_INTEGERS = ("AT", "SL", "SS", "UL", "US", "US or SS")
_PARTS_OF_A_NAME = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_WRITINGS_OF_A_NAME = ("Alphabetic", "Ideographic", "Phonetic")


@dataclass(frozen=True, slots=True)
class Entry:
    """A data element of the standard.

    Args:
        keyword: As the standard spells it.
        tag: Group and element, eight hexadecimal digits; ``x`` where the standard leaves a
            digit open, as in the repeating groups.
        vr: Value representation; where the standard allows several, as it writes them
            (``US or SS``), and ``NONE`` for the delimiters of items.
        vm: Value multiplicity, for example ``1``, ``2-2n``.
        name: As the standard writes it for people.
    """

    keyword: str
    tag: str
    vr: str
    vm: str
    name: str


def find(keyword: str) -> Entry | None:
    """Find a data element by its keyword.

    Args:
        keyword: In any case.

    Returns:
        The element, or None where the standard has no such keyword.

    Source:
        DICOM PS3.6, sections 6 to 8, and PS3.7, annex E, retired elements included.

    >>> find("patientid")
    Entry(keyword='PatientID', tag='00100020', vr='LO', vm='1', name='Patient ID')
    """
    line = _lines().get(keyword.lower())
    return None if line is None else Entry(*line.split("\t"))


@cache
def entries() -> tuple[Entry, ...]:
    """List all data elements, by keyword; a few thousand."""
    return tuple(Entry(*line.split("\t")) for line in _lines().values())


@cache
def _lines() -> dict[str, str]:
    """Read the dictionary once: lines by lower-case keyword, split only when asked for."""
    text = Path(__file__).with_suffix(".tsv").read_text("utf-8")
    return {line[: line.index("\t")].lower(): line for line in text.splitlines()[1:]}


@cache
def service_type(entry: Entry) -> SqlType | None:
    """Say which type the service's metadata export gives to an element's column.

    A table's own schema comes first: the standard changes a multiplicity now and then.

    Args:
        entry: The element.

    Returns:
        Its type, where the fields of a sequence are left open; None where the export makes no
        column (binary data), where its type is not known (64-bit integers, several binary
        representations) and for repeating groups, which are gathered in another shape.

    Source:
        Cloud Healthcare API, "Working with the DICOM BigQuery schema".

    >>> str(service_type(find("StudyDate"))), str(service_type(find("PixelSpacing")))
    ('DATE', 'ARRAY<STRING>')
    """
    if "x" in entry.tag:
        return None
    if entry.vr == "SQ":
        return SqlType(Kind.ARRAY, SqlType(Kind.STRUCT))
    one = _types().get(entry.vr)
    if one is None or entry.vm == "1":
        return one
    return SqlType(Kind.ARRAY, one)


@cache
def _types() -> dict[str, SqlType]:
    """Map the value representations that become columns to the type of one value."""
    text = SqlType(Kind.STRING)
    name = SqlType(Kind.STRUCT, fields=tuple((part, text) for part in _PARTS_OF_A_NAME))
    return {
        **dict.fromkeys(_STRINGS, text),
        **dict.fromkeys(_INTEGERS, SqlType(Kind.INT64)),
        **dict.fromkeys(("FL", "FD"), SqlType(Kind.FLOAT64)),
        "DA": SqlType(Kind.DATE),
        "DT": SqlType(Kind.TIMESTAMP),
        "TM": SqlType(Kind.TIME),
        "PN": SqlType(Kind.STRUCT, fields=tuple((way, name) for way in _WRITINGS_OF_A_NAME)),
    }
