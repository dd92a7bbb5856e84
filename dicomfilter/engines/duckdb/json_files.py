"""JSON as tables: an object a line, or an array of them as bq writes it.

DuckDB guesses at columns by renaming keys that differ in case alone, and at dates in texts. Here
the keys are those that stand in the files, and a text stays a text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dicomfilter.engines.duckdb.heads import head_of
from dicomfilter.errors import TableError

if TYPE_CHECKING:
    from dicomfilter.engines.duckdb.files import Files

_MOST_KEYS = 1_000
"""Of an object in an object: one with more holds values as its keys, and is read as JSON."""
_TYPES = {"NULL": "VARCHAR", "UBIGINT": "BIGINT"}
"""DuckDB's names of what is in JSON, where a column is to have another type."""


def json_forms(files: Files) -> list[tuple[list[str], dict[str, object]]]:
    """Tell how JSON files are read: those alike together.

    Args:
        files: The table's.

    Returns:
        Paths, and options of DuckDB's reader; files without any text are left away.

    Raises:
        TableError: All files are empty.
    """
    alike: dict[str, list[str]] = {}
    for path in files.paths:
        text = head_of(path, files.called(path)).lstrip()
        if text:
            form = "array" if text.startswith("[") else "newline_delimited"
            alike.setdefault(form, []).append(path)
    if not alike:
        raise TableError(
            f"{files.name} is empty: it has no column", hint="name a file of JSON objects"
        )
    return [(found, {"format": form}) for form, found in alike.items()]


def json_columns(structure: str | None, name: str) -> dict[str, str]:
    """Tell the columns of JSON files.

    Args:
        structure: What DuckDB's ``json_group_structure`` says of their objects.
        name: The table as it was named.

    Returns:
        DuckDB's types by name.

    Raises:
        TableError: They hold what is no object, or keys that differ in case alone.

    >>> json_columns('{"Modality":"VARCHAR","Rows":"UBIGINT","n":[{"x y":"NULL"}]}', "t.ndjson")
    {'Modality': 'VARCHAR', 'Rows': 'BIGINT', 'n': 'STRUCT("x y" VARCHAR)[]'}
    """
    found = json.loads(structure or "null")
    if not isinstance(found, dict) or not found or "" in found:
        what = "a key of no characters" if isinstance(found, dict) and found else "no objects alone"
        raise TableError(
            f"{name} holds {what} and is no table of columns",
            hint="write one JSON object a row, with the columns' names as keys",
        )
    return {key: _type(value, name) for key, value in _apart(found, name).items()}


def _type(found: Any, name: str) -> str:  # noqa: ANN401 - of JSON
    if isinstance(found, list):
        return f"{_type(found[0], name)}[]"
    if not isinstance(found, dict):
        return _TYPES.get(str(found), str(found))
    if not found or "" in found or len(found) > _MOST_KEYS:
        return "JSON"
    parts = (
        '"' + key.replace('"', '""') + f'" {_type(value, name)}'
        for key, value in _apart(found, name).items()
    )
    return f"STRUCT({', '.join(parts)})"


def _apart(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Make sure that keys differ in more than their case."""
    spelled: dict[str, str] = {}
    for key in found:
        if (other := spelled.setdefault(key.lower(), key)) != key:
            raise TableError(
                f"{name} spells one key in two ways: {other} and {key}",
                hint="write it in one way; GoogleSQL does not tell capitals from small letters",
            )
    return found
