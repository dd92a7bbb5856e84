"""Tables that hold metadata in one JSON column: its form, and what it names.

The service documents the columns of such a table but not what stands in ``Metadata``. A few
documents of the table itself tell: data elements go by tag (the DICOM JSON Model) or by keyword,
and a value stands beside its representation or plainly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from dicomfilter import dictionary
from dicomfilter.errors import TableError
from dicomfilter.googlesql.pieces import fragment
from dicomfilter.googlesql.query import METADATA
from dicomfilter.schema import Column, Kind, SqlType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlglot import exp

    from dicomfilter.dictionary import Entry

METADATA_COLUMN = "Metadata"
"""The column of JSON."""
SAMPLE_ROWS = 50
"""How many documents are looked at."""
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_HINT = "export the metadata in the flattened schema, which is the service's default"
_OF_A_CODE = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
_DEPTH = 3
"""How many sequences deep fields can be named: predicates seldom look deeper."""


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How documents name data elements and hold their values.

    Args:
        by_tag: The keys are tags, eight hexadecimal digits; otherwise DICOM keywords.
        is_lower: The digits of a tag are in lower case.
        wrapped: A value is an object with ``vr`` and a list ``Value``; otherwise it stands plainly.

    Source:
        DICOM PS3.18, annex F, "DICOM JSON Model"; Cloud Healthcare API, schema ``SchemaJSON``.
    """

    by_tag: bool = True
    is_lower: bool = False
    wrapped: bool = True

    @classmethod
    def of(cls, documents: Iterable[object], where: str) -> Self:
        """Tell the form from a few documents.

        Args:
            documents: As parsed; what is empty says nothing.
            where: The table, for the message.

        Returns:
            The form that they share; the DICOM JSON Model where none says anything.

        Raises:
            TableError: They have none that is known, or several.

        >>> JsonForm.of([{"00100020": {"vr": "LO", "Value": ["19045"]}}], "t").by_tag
        True
        >>> JsonForm.of([{"PatientID": "19045"}], "t")
        JsonForm(by_tag=False, is_lower=False, wrapped=False)
        """
        column = f"{METADATA_COLUMN} of {where}"
        forms: set[tuple[bool, bool]] = set()
        digits, strange = "", ""
        for document in documents:
            if document is not None and not isinstance(document, dict):
                kind = type(document).__name__
                raise TableError(
                    f"{column} holds no object of data elements, but a {kind}", hint=_HINT
                )
            for key, value in (document or {}).items():
                is_tag = _TAG.fullmatch(key) is not None
                if is_tag or _is_keyword(key):
                    forms.add((is_tag, isinstance(value, dict) and "vr" in value))
                    digits += key if is_tag else ""
                else:
                    strange = strange or key
        is_lower, is_upper = digits != digits.upper(), digits != digits.lower()
        if len(forms) > 1 or (is_lower and is_upper):
            raise TableError(f"{column} writes its data elements in several ways", hint=_HINT)
        if strange and not forms:
            raise TableError(
                f"{column} has keys that are neither tags nor DICOM keywords, such as {strange!r}",
                hint=_HINT,
            )
        by_tag, wrapped = next(iter(forms), (True, True))
        return cls(by_tag, is_lower, wrapped)

    def key(self, entry: Entry) -> str:
        """Tell the key of a data element."""
        if not self.by_tag:
            return entry.keyword
        return entry.tag.lower() if self.is_lower else entry.tag.upper()

    def items(self, value: object) -> Iterator[Mapping[str, Any]]:
        """Give the items of a sequence, as it stands in a document."""
        held = value.get("Value") if self.wrapped and isinstance(value, dict) else value
        for item in held if isinstance(held, list) else ():
            if isinstance(item, dict):
                yield item


def sample_query() -> exp.Query:
    """Compose the query of a few documents, for tables that cannot be listed."""
    from sqlglot import exp

    asked = exp.select(exp.column(METADATA_COLUMN)).from_(
        exp.to_table(METADATA, alias="dcf_stored")
    )
    return asked.where(fragment("Metadata IS NOT NULL"), copy=False).limit(SAMPLE_ROWS)


def json_schema(
    stored: TableSchema, form: JsonForm, documents: Sequence[Mapping[str, Any] | None]
) -> TableSchema:
    """Tell the columns of a table of JSON: its own, and one a DICOM keyword.

    Any keyword can be named, as a few documents do not show all that a table holds. The fields
    of a sequence are those of the documents and those of a coded entry.

    Args:
        stored: The table's own columns.
        form: How its documents are written.
        documents: A few of them.

    Returns:
        The columns; types as in the flattened schema, so that the same predicates fit both.
    """
    seen = [document for document in documents if document]
    columns = [
        Column(entry.keyword, of, is_stored=False)
        for entry in dictionary.entries()
        if stored.find(entry.keyword) is None and (of := _type(entry, form, seen)) is not None
    ]
    return TableSchema((*stored, *columns), stored.left_out, stored.notes)


def _type(
    entry: Entry, form: JsonForm, parents: Sequence[Mapping[str, Any]], depth: int = 1
) -> SqlType | None:
    """Tell the type of an element; a sequence has the fields of the items that are seen."""
    of = dictionary.service_type(entry)
    if entry.vr != "SQ" or of is None:
        return of
    key = form.key(entry)
    items = [item for parent in parents if key in parent for item in form.items(parent[key])]
    present = {key for item in items for key in item}
    fields: dict[str, SqlType] = {}
    for inner in _named(present, form):
        if depth < _DEPTH or inner.vr != "SQ":
            found = _type(inner, form, items, depth + 1)
            if found is not None:
                fields[inner.keyword] = found
    for keyword in _OF_A_CODE:
        fields.setdefault(keyword, SqlType(Kind.STRING))
    return SqlType(Kind.ARRAY, SqlType(Kind.STRUCT, fields=tuple(sorted(fields.items()))))


def _named(keys: set[str], form: JsonForm) -> list[Entry]:
    """Find the elements of the standard among keys."""
    if not keys:
        return []
    if not form.by_tag:
        found = (dictionary.find(key) for key in sorted(keys))
        return [entry for entry in found if entry is not None and entry.keyword in keys]
    return [entry for entry in dictionary.entries() if form.key(entry) in keys]


def _is_keyword(key: str) -> bool:
    """Tell whether a key is a keyword, as the standard spells it: JSON knows one case only."""
    entry = dictionary.find(key)
    return entry is not None and entry.keyword == key
