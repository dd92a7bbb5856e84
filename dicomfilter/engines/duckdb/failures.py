"""DuckDB's errors in our words.

Its texts quote cells, rows and whole lines. So none of them is passed on: what they are about is
recognized, and numbers of lines are read from them, nothing else. An error of ours has no cause and
no context, for a traceback shows these too.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dicomfilter.engines.duckdb.heads import head_of, lines_of, not_utf8, unreadable
from dicomfilter.errors import DicomFilterError, TableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dicomfilter.engines.duckdb.files import Files

_T = TypeVar("_T")
_CLASSES = {
    "Out of Memory": "OutOfMemoryException",
    "INTERRUPT": "InterruptException",
    "Conversion": "ConversionException",
    "Out of Range": "OutOfRangeException",
    "Permission": "PermissionException",
    "IO": "IOException",
}
"""DuckDB's errors by their first words, which are all that Arrow passes on."""
_Words = tuple[type[DicomFilterError], str, str]
_FULL: _Words = (
    DicomFilterError,
    "the query does not fit into the memory it may use",
    "give more with --memory-limit, or free space in the temporary folder",
)
_CLOSED: _Words = (UsageError, "{} is closed", "open the table again")
_INCOMPUTABLE: _Words = (
    UsageError,
    "a value cannot be converted or computed as the predicate asks",
    "use SAFE_CAST, SAFE_OFFSET or SAFE_DIVIDE, which give NULL instead",
)
_OUTSIDE: _Words = (
    TableError,
    "{} is a view over what lies outside of its file",
    "name the files behind it, or make it a table",
)
_PATTERNS = (
    "missing )",
    "missing ]",
    "missing argument to repetition",
    "unexpected )",
    "trailing \\",
    "no argument for repetition",
    "invalid ",
    "bad repetition operator",
    "pattern too large",
    "expression nests too deeply",
)
"""How RE2 begins to say that a text is no regular expression."""
_DAMAGE = (
    (r"Could not set lock", "another process has it open", "close it there, then run it again"),
    (r"No files found|No such file|does not exist", "it has gone", "run it again"),
    (r"Permission denied", "you are not allowed to", "ask for permission to read it"),
    (r"magic bytes|too small to be a Parquet", "it is no Parquet file", None),
    (r"[Ee]ncrypt", "it is encrypted", "write it without encryption"),
    (r"not a valid DuckDB|not a DuckDB|checksum", "it is no whole DuckDB file", None),
    (r"version number", "another version of DuckDB wrote it", "export its table to Parquet"),
    (r"GZIP|gzip|[Zz][Ss][Tt][Dd]|miniz", "it is not compressed as its name says", None),
)
_CSV_LINE = re.compile(r"[^\n]*CSV Error on Line: (\d+)")
_CSV_WIDTH = re.compile(r"\nExpected Number of Columns: (\d+) Found: (\d+)(?:\n|\Z)")
_ENDS = "CSV Parser state machine reached an invalid state"


def told(files: Files, work: Callable[[], _T]) -> _T:
    """Do work of DuckDB's, and say in our words why it fails.

    Args:
        files: What it reads.
        work: Takes nothing.

    Returns:
        What the work returns.

    Raises:
        DicomFilterError: It fails; without the original error, which may quote a value.
    """
    import duckdb

    try:
        return work()
    except duckdb.Error as error:
        ours = translated(error, files)
    raise ours


def arrived(error: OSError, files: Files) -> BaseException:
    """Say in our words what Arrow passes on of an error of DuckDB's: its text."""
    import duckdb

    text = str(error)
    kind = _CLASSES.get(text.partition(" Error:")[0], "InvalidInputException")
    return translated(getattr(duckdb, kind)(text), files)


def translated(error: Exception, files: Files) -> BaseException:
    """Say an error of DuckDB's in our words.

    Args:
        error: Theirs.
        files: What was read.

    Returns:
        Ours, not yet raised; a KeyboardInterrupt where one was heard.
    """
    import duckdb

    if isinstance(error, duckdb.InterruptException):
        return KeyboardInterrupt()
    for kind, (ours, message, hint) in {
        duckdb.OutOfMemoryException: _FULL,
        duckdb.ConnectionException: _CLOSED,
        duckdb.DataError: _INCOMPUTABLE,
        duckdb.PermissionException: _OUTSIDE,
    }.items():
        if isinstance(error, kind):
            return ours(message.format(files.name), hint=hint)
    is_plain = type(error) is duckdb.Error  # what its Parquet reader says of broken files
    is_input = isinstance(error, duckdb.InvalidInputException)
    if is_plain or is_input or isinstance(error, duckdb.IOException):
        return _unreadable(str(error), files, is_file=not is_input)
    return DicomFilterError(
        f"DuckDB cannot do what it was asked for over {files.name} ({type(error).__name__})",
        hint="report it, with the command and the types that `dicomfilter columns` shows",
    )


def _unreadable(text: str, files: Files, *, is_file: bool) -> DicomFilterError:
    path = files.called(next((path for path in files.paths if path in text), files.name))
    if _CSV_LINE.match(text) or _ENDS in text:
        return _of_csv(text, path)
    first = text.partition("\n")[0].partition(" Error: ")[2]
    if first.startswith(_PATTERNS):
        return UsageError(
            "a text that the predicate uses as a pattern is no regular expression",
            hint="write the pattern as a literal, or escape what it is made of",
        )
    if "JSON" in text:
        return _of_json(files)
    for pattern, why, hint in _DAMAGE:
        if re.search(pattern, first or text):
            return unreadable(path, why, hint=hint) if hint else unreadable(path, why)
    if is_file or "arquet" in text:
        return unreadable(path, "it is damaged")
    return TableError(
        f"a row of {files.name} cannot be read, or cannot be computed as the predicate asks",
        hint="check that the file is whole, and compute with functions that give NULL (SAFE_…)",
    )


def _of_csv(text: str, path: str) -> DicomFilterError:
    found = _CSV_LINE.match(text)
    if found is None:
        return unreadable(path, "its lines end in two ways", hint="write it anew with `dos2unix`")
    line, widths = int(found[1]), _CSV_WIDTH.findall(text)
    if widths:
        expected, width = map(int, widths[-1])
        return TableError(
            f"line {line:,} of {path} has {width:,} column{'s' * (width != 1)}, not {expected:,}",
            hint="write every row with the columns of the first; a footer is no row",
        )
    if "Invalid unicode" in text:
        return not_utf8(path, line)
    if "Maximum line size" in text:
        return unreadable(path, f"line {line:,} is too long", hint="is a quote left open?")
    return unreadable(
        path,
        f"a quote is left open in line {line:,}, or text follows it",
        hint='write a quote within a quoted cell twice: "a ""b"" c"',
    )


def _of_json(files: Files) -> DicomFilterError:
    """Find what is wrong with JSON by reading it again, with Python's own reader."""
    for path in files.paths:
        if (found := _fault(path, files.called(path))) is not None:
            return found
    return unreadable(
        files.name,
        "a value is not of the type that others of its key have, or is too large",
        hint="write numbers of more than 18 digits as texts",
    )


def _fault(path: str, name: str) -> TableError | None:
    try:
        is_array = head_of(path, name).lstrip().startswith("[")
    except TableError as error:
        return error
    if is_array:
        return unreadable(
            name,
            "it begins as an array of JSON objects and is none",
            hint="check that the file is whole",
        )
    for number, line in enumerate(lines_of(path), 1):
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            return not_utf8(name, number)
        twice: list[str] = []
        try:
            if text.strip():
                json.loads(text, object_pairs_hook=partial(_once, twice))
        except (ValueError, RecursionError):
            return unreadable(
                name,
                f"line {number:,} is no JSON object",
                hint="write one whole object a line, or all of them as one array",
            )
        if twice:
            return unreadable(
                name,
                f"line {number:,} has the key {twice[0]} twice",
                hint="write each key of an object once",
            )
    return None


def _once(twice: list[str], pairs: Iterable[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            twice.append(key)
        seen.add(key)
