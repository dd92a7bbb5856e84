"""Checks of folders and files: what is read, and where results go."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from dicomfilter.proof.doctor.checks import Check, Status, tried


def of_folder_store(path: str) -> list[Check]:
    """Check a folder that is a store."""
    return [tried("store.there", "the file system", partial(_store, path))]


def of_destination(path: str) -> list[Check]:
    """Check a folder that images are to go to."""
    return [tried("destination.write", "the file system", partial(_destination, path))]


def of_file_table(uri: str) -> list[Check]:
    """Check a table of files."""
    return [tried("table.there", "its columns", partial(_table, uri))]


def _store(path: str) -> Check:
    if not os.access(path, os.R_OK | os.X_OK):
        return Check("", Status.FAIL, f"{path} is no folder that can be read", "", on=path)
    return Check("", Status.PASS, f"{path} is there and can be read", "", on=path)


def _destination(path: str) -> Check:
    place = Path(path)
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check("", Status.FAIL, f"{place} cannot be written", "", on=path)
    if Path(path).is_dir() and any(Path(path).iterdir()):
        return Check("", Status.WARN, f"{path} holds something already", "", on=path)
    return Check("", Status.PASS, f"{path} can be written", "", on=path)


def _table(uri: str) -> Check:
    from dicomfilter.notebook.table import open_table

    with open_table(uri) as table:
        seen = f"{uri} is there, with {len(table.schema.columns)} columns"
        return Check("", Status.PASS, seen, "", on=uri)
