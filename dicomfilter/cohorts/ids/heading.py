"""The header of a list of identifiers: which column is meant, by what name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dicomfilter import dictionary
from dicomfilter.errors import IdListError

IDENTIFIERS = (
    "PatientID",
    "AccessionNumber",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "StudyID",
    "FrameOfReferenceUID",
    "ClinicalTrialSubjectID",
)
"""The keywords that a header may hold without being named by ``--column``."""

_SPELLINGS = {
    "patientidentifier": "PatientID",
    "mrn": "PatientID",
    "accession": "AccessionNumber",
    "accessionno": "AccessionNumber",
    "studyuid": "StudyInstanceUID",
    "seriesuid": "SeriesInstanceUID",
    "instanceuid": "SOPInstanceUID",
    "sopuid": "SOPInstanceUID",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The column of a file that holds the identifiers."""

    index: int
    keyword: str
    has_header: bool = True
    findings: tuple[str, ...] = ()


def choose(
    sample: tuple[tuple[str, ...], ...],
    *,
    column: str | None,
    source: str,
    is_header: bool | None = None,
) -> Choice:
    """Choose the column of a file that holds the identifiers.

    Args:
        sample: The first rows of the file, the first of which may be its header.
        column: The column as the user names it; None for the only one that is known.
        source: How messages name the file.
        is_header: Whether the first row is a header; None to find out.

    Returns:
        Where the identifiers are, and which column of the metadata they are to match.

    Raises:
        IdListError: There is no such column, or several.
    """
    header = tuple(name.strip() for name in sample[0])
    if is_header is None:
        is_header = _is_header(sample)
    keywords = [keyword(name) for name in header]
    if column is None:
        return _only(header, keywords, source, is_header=is_header)
    wanted = keyword(column)
    named = [i for i, name in enumerate(header) if name.lower() == column.strip().lower()]
    named = named or [i for i, name in enumerate(keywords) if name == wanted]
    if len(named) == 1:
        return Choice(named[0], wanted)
    if named:
        raise IdListError(
            f"{source} has {len(named)} columns {column}", hint="leave only one of them"
        )
    if len(header) > 1 or (is_header and dictionary.find(keywords[0])):
        what = f"its header names {', '.join(header)}"
        raise IdListError(
            f"{source} has no column {column}: "
            + (what if is_header else f"it has {len(header)} columns and no header"),
            hint="name the column in the header as the metadata does",
        )
    if is_header:
        said = "the first row was taken for a header and left out"
        return Choice(0, wanted, findings=(said,))
    return Choice(0, wanted, has_header=False)


def _only(header: tuple[str, ...], keywords: list[str], source: str, *, is_header: bool) -> Choice:
    """Choose the only column whose name is known."""
    known = [index for index, name in enumerate(keywords) if name in IDENTIFIERS]
    if len(known) == 1:
        return Choice(known[0], keywords[known[0]])
    if known:
        what = "names several identifiers: " + ", ".join(header[index] for index in known)
    else:
        what = "names no identifier, only " + ", ".join(header)
    raise IdListError(
        f"the header of {source} {what}"
        if known or is_header
        else f"{source} has no header that names an identifier",
        hint="say which with --column, as in --column AccessionNumber",
    )


def _is_header(sample: tuple[tuple[str, ...], ...]) -> bool:
    """Tell a row of names: one is known, or words stand over values with digits."""
    if any(dictionary.find(keyword(name)) for name in sample[0]):
        return True
    columns = zip(*(row for row in sample if len(row) == len(sample[0])), strict=True)
    return any(
        re.search(r"[^\W\d]", head)
        and not re.search(r"\d", head)
        and rest
        and all(re.search(r"\d", value) for value in rest if value.strip())
        and any(map(str.strip, rest))
        for head, *rest in columns
    )


def keyword(name: str) -> str:
    """Spell a column as the standard does where it is known there, else as it is.

    Args:
        name: As a person or a spreadsheet spells it.

    Returns:
        The keyword, or the name without whitespace around.

    >>> keyword("accession_number"), keyword("Study UID"), keyword(" LastUpdated ")
    ('AccessionNumber', 'StudyInstanceUID', 'LastUpdated')
    """
    plain = re.sub(r"[\W_]", "", name).lower()
    entry = dictionary.find(_SPELLINGS.get(plain, plain))
    return name.strip() if entry is None else entry.keyword
