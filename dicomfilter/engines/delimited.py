"""Text files of columns as spreadsheets save them, read as text alone."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from dicomfilter.errors import IdListError

if TYPE_CHECKING:
    import pyarrow as pa

_DELIMITERS = ",;\t|"
_NONE = "\x1f"
"""Stands for no delimiter: a control character that no list of identifiers holds."""
_FORMULA = r"'*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""How a text begins that a spreadsheet computes, behind marks that it has already; of RE2."""
MARKED = f"^'({_FORMULA})"
"""How a marked text begins, as a regular expression of RE2; its first group stays."""
UNMATCHED = ("column", "value")
"""The header of the list of identifiers that match nothing."""
REJECTED = ("study", "series", "instance", "row_count")
"""The header of the list of rows that were left out; coarser tables lack some of it."""
_SAMPLE_CHARACTERS = 1 << 16
_SAMPLE_ROWS = 20
_BLOCK_BYTES = 1 << 24
_BINARY = {
    b"PK\x03\x04": ("an Excel workbook or another archive", "open it and save it as CSV"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "open it and save it as CSV"),
    b"\x1f\x8b": ("compressed", "unpack it first with `gunzip`"),
    b"%PDF": ("a PDF", "save the list as CSV"),
}


@dataclass(frozen=True, slots=True)
class Delimited:
    """A text file, decoded, whose columns are known but not yet read.

    Args:
        source: How messages name the file.
        content: Its text in UTF-8, without a byte order mark.
        delimiter: What separates columns.
        sample: The first rows.
        skipped: How many rows of the file stand before the content.
        findings: What was unusual about its encoding.
    """

    source: str
    content: bytes
    delimiter: str
    sample: tuple[tuple[str, ...], ...]
    skipped: int
    findings: tuple[str, ...]

    @classmethod
    def parse(cls, raw: bytes, source: str) -> Delimited:
        """Decode a file and find out what separates its columns.

        Args:
            raw: The whole file.
            source: How messages name it.

        Returns:
            The file, ready to read a column of.

        Raises:
            IdListError: It holds no text.
        """
        text, findings = _decode(raw, source)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise IdListError(f"{source} is empty", hint="give a file of identifiers")
        text, skipped, hint = _begun(text)
        delimiter, sample = _sniff(text, hint)
        return cls(source, text.encode(), delimiter, sample, skipped, findings)

    def column(self, index: int, *, has_header: bool) -> Column:
        """Read one column as text.

        Args:
            index: Which one, from 0.
            has_header: Whether the first row holds names.

        Returns:
            The column.

        Raises:
            IdListError: A row has more or fewer columns than the first, or a quote is left open.
        """
        import pyarrow as pa
        from pyarrow import compute as pc
        from pyarrow import csv as pa_csv

        names = [str(number) for number in range(len(self.sample[0]))]
        blank: list[int] = []
        ragged: list[tuple[int, int]] = []

        def skip(row: pa_csv.InvalidRow) -> str:
            number = row.number + self.skipped
            if row.text.strip():
                ragged.append((number, row.actual_columns))
            else:
                blank.append(number)
            return "skip"

        try:
            table = pa_csv.read_csv(
                pa.BufferReader(self.content),
                read_options=pa_csv.ReadOptions(
                    column_names=names,
                    skip_rows_after_names=int(has_header),
                    block_size=_BLOCK_BYTES,
                    use_threads=False,  # so that rows are numbered
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=b'"' in self.content,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                convert_options=pa_csv.ConvertOptions(
                    include_columns=[names[index]],
                    column_types={names[index]: pa.string()},
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:  # it quotes the row
            table = None
        if table is None:
            raise IdListError(
                f"{self.source} cannot be cut into rows and columns", hint="is a quote left open?"
            )
        if ragged:
            number, width = ragged[0]
            raise IdListError(
                f"row {number:,} of {self.source} has {width:,} column{'s' * (width != 1)},"
                f" not {len(names):,}",
                hint="write every row with the columns of the first",
            )
        column = Column(table.column(0), 1 + self.skipped + int(has_header), tuple(blank))
        broken = pc.index(pc.match_substring(column.values, "\n"), pa.scalar(value=True)).as_py()
        if broken >= 0:
            raise IdListError(
                f"an identifier in row {column.row(broken):,} of {self.source} has a line break",
                hint="is a quote left open?",
            )
        return column


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file, as it stands there.

    Args:
        values: One text a row; a file of several columns may lack its rows of mere whitespace.
        first_row: The number in the file of the first of them, counted from 1.
        blank_rows: The numbers in the file of the rows that are lacking, in order.
    """

    values: pa.ChunkedArray
    first_row: int = 1
    blank_rows: tuple[int, ...] = ()

    def row(self, index: int) -> int:
        """Tell the number in the file of a value's row, as a spreadsheet shows it.

        >>> Column(None, first_row=2, blank_rows=(3, 4)).row(1)
        5
        """
        number = index + self.first_row
        for blank in self.blank_rows:
            if blank > number:
                break
            number += 1
        return number


def _decode(raw: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    for magic, (what, hint) in _BINARY.items():
        if raw.startswith(magic):
            raise IdListError(f"{source} is {what}", hint=hint)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in raw[:4096]:
        # Text in UTF-16 without its mark has a zero beside most letters.
        sample = raw[:4096]
        encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
        if sample.count(0) * 3 < len(sample):
            raise IdListError(f"{source} is no text", hint="give a CSV, a text or a Parquet file")
    else:
        encoding = "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise IdListError(f"{source} is no text", hint="save it as UTF-8") from error
        return _decode_western(raw), ("the file is not UTF-8 and was read as Windows-1252",)
    return text, () if encoding == "utf-8-sig" else ("the file was read as UTF-16",)


def _decode_western(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:  # five bytes are not given out; every one is a letter of Latin-1
        return raw.decode("latin-1")


def marked(values: pa.Array) -> pa.Array:
    """Mark texts that a spreadsheet would compute, so that it shows them as they are.

    Args:
        values: Texts.

    Returns:
        The same with an apostrophe before those; `unmarked` is the inverse, for texts that begin
        with an apostrophe too.
    """
    from pyarrow import compute as pc

    return pc.replace_substring_regex(values, pattern=f"^({_FORMULA})", replacement=r"'\1")


def unmarked(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take the marks of `marked` off again."""
    from pyarrow import compute as pc

    return pc.replace_substring_regex(values, pattern=MARKED, replacement=r"\1")


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a text file of columns.

    Args:
        names: What it calls them.
        delimiter: What separates them.
        skipped: How many lines stand before it.
    """

    names: tuple[str, ...]
    delimiter: str
    skipped: int


def header(text: str) -> Header | None:
    r"""Read the first row of a file that has a header: whatever separates most names.

    Args:
        text: The file's beginning.

    Returns:
        The header; None where there is nothing but whitespace.

    >>> header("sep=;\nPatientID;Notes, etc.\n")
    Header(names=('PatientID', 'Notes, etc.'), delimiter=';', skipped=1)
    """
    rest, skipped, delimiter = _begun(text.replace("\r\n", "\n").replace("\r", "\n"))
    if not rest.strip():
        return None
    rows = [(_sample(rest, one)[0], one) for one in delimiter or _DELIMITERS]
    names, delimiter = max(rows, key=lambda row: len(row[0]))
    return Header(names, delimiter, skipped)


def _begun(text: str) -> tuple[str, int, str | None]:
    """Leave away what stands before the first row: how many lines, and what they tell."""
    skipped, delimiter = 0, None
    if text[:4].lower() == "sep=" and text[5:6] in ("\n", ""):  # written by Excel, for Excel
        skipped, delimiter, text = 1, text[4], text[6:]
    start = re.match(r"(?:[ \t]*\n)*", text).end()  # type: ignore[union-attr] # takes anything
    return text[start:], skipped + text.count("\n", 0, start), delimiter


def _sniff(text: str, hint: str | None) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Choose the delimiter that makes most columns, and as many of all first rows.

    A first row of words only is a header, and its delimiter stands though a row is ragged.
    """
    if hint is not None:
        return hint, _sample(text, hint)
    best, best_sample = _NONE, _sample(text, _NONE)
    for delimiter in _DELIMITERS:
        sample = _sample(text, delimiter)
        widths = {len(row) for row in sample}
        is_header = not any(map(str.isdigit, "".join(sample[0])))
        if (len(widths) == 1 or is_header) and len(sample[0]) > len(best_sample[0]):
            best, best_sample = delimiter, sample
    return best, best_sample


def _sample(text: str, delimiter: str) -> tuple[tuple[str, ...], ...]:
    lines = io.StringIO(text[:_SAMPLE_CHARACTERS], newline="\n").readlines()
    if len(text) > _SAMPLE_CHARACTERS and len(lines) > 1:
        del lines[-1]  # it is cut off
    rows = (row for row in csv.reader(lines, delimiter=delimiter) if any(map(str.strip, row)))
    return tuple(map(tuple, islice(rows, _SAMPLE_ROWS)))
