"""CSV as tables: the header decides, and each cell is the text that stands there.

DuckDB's sniffer looks for the reading that fits most rows, and passes over a header where a later
row is ragged. Here the header decides, and a row that does not fit it is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.engines.delimited import REJECTED, UNMATCHED, Header, header
from dicomfilter.engines.duckdb.heads import head_of
from dicomfilter.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dicomfilter.engines.duckdb.files import Files

_EXACTLY = {
    "auto_detect": False,
    "header": True,
    "quote": '"',
    "escape": '"',
    "comment": "",
    "nullstr": "",
    "allow_quoted_nulls": False,  # "" is a text of no characters, nothing is NULL
    "strict_mode": True,
    "null_padding": False,
}


def csv_forms(files: Files) -> list[tuple[list[str], dict[str, object]]]:
    """Tell how CSV files are read: those alike together.

    Args:
        files: The table's.

    Returns:
        Paths, and the options of DuckDB's reader, which hold the columns' names; files without
        any text are left away.

    Raises:
        TableError: A header names a column twice, or all files are empty.
    """
    alike: dict[Header, list[str]] = {}
    for path in files.paths:
        found = header(head_of(path, files.called(path)))
        if found is not None:
            alike.setdefault(found, []).append(path)
    if not alike:
        raise TableError(
            f"{files.name} is empty: it has no column", hint="name a file with a header"
        )
    return [(found, _options(form, files.called(found[0]))) for form, found in alike.items()]


def is_sidecar(names: Iterable[str]) -> bool:
    """Tell whether a header is that of a sidecar, whose cells may be marked."""
    found = tuple(names)
    *lines, _ = REJECTED
    return found == UNMATCHED or found in {
        (*lines[:depth], REJECTED[-1]) for depth in range(1, len(REJECTED))
    }


def _options(form: Header, file: str) -> dict[str, object]:
    columns: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for number, text in enumerate(form.names):
        name = text.strip() or f"column{number}"  # a DataFrame's index has no name
        if (other := spelled.setdefault(name.lower(), name)) != name or name in columns:
            raise TableError(
                f"{file} has two columns of one name: {other} and {name}",
                hint="rename one of them; GoogleSQL does not tell capitals from small letters",
            )
        columns[name] = "VARCHAR"
    return {**_EXACTLY, "delim": form.delimiter, "skip": form.skipped, "columns": columns}
