"""What TAB completes: tables, their columns, storage classes.

Only what lies on this machine is opened: TAB asks no service, and bills nobody.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dicomfilter.cli.profiles import TABLE_VARIABLE
from dicomfilter.errors import DicomFilterError

if TYPE_CHECKING:
    from collections.abc import Iterable


def tables(incomplete: str) -> list[str]:
    """Complete a TABLE: names that stand for one, folders, and files that can be one."""
    from dicomfilter.engines.duckdb.files import IDC, is_named_as_table

    folder, slash, beginning = incomplete.rpartition("/")
    names = [IDC] if IDC.startswith(incomplete) else []
    try:
        entries = sorted(os.scandir(Path(folder + slash).expanduser()), key=lambda one: one.name)
    except OSError:
        return names
    for entry in entries:
        is_hidden = entry.name.startswith(".") and not beginning
        if is_hidden or not entry.name.startswith(beginning):
            continue
        if entry.is_dir():
            names.append(f"{folder}{slash}{entry.name}/")
        elif is_named_as_table(entry.name):
            names.append(f"{folder}{slash}{entry.name}")
    return names


def columns(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a column of the table that stands before it."""
    given = context.params.get("tables") or context.params.get("table")
    named = [given] if isinstance(given, str) else list(given or _typed())
    if not named and TABLE_VARIABLE in os.environ:
        named = [os.environ[TABLE_VARIABLE]]
    return [name for name in _columns(named) if name.lower().startswith(incomplete.lower())]


def _typed() -> list[str]:
    """List the tables in the line as the shell gives it.

    An option that has no value yet keeps the parser from reading what stands before it.
    """
    from dicomfilter.engines.duckdb.files import IDC, is_named_as_table

    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
    return [word for word in line.split() if word == IDC or is_named_as_table(word)]


def storage_classes(incomplete: str) -> list[str]:
    """Complete a storage class."""
    from dicomfilter.stores.requests import StorageClass

    return [name for name in StorageClass if name.startswith(incomplete.upper())]


def _columns(named: list[str]) -> Iterable[str]:
    from dicomfilter.engines import is_bigquery, open_engine

    if not named or any(map(is_bigquery, named)):
        return ()
    try:
        with open_engine(named) as engine:
            return [column.name for column in engine.schema()]
    except DicomFilterError:
        return ()
