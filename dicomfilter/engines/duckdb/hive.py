"""Folders whose names say what their files have in common: ``Modality=CT``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlglot import exp

FILE = "dcf_file"
"""What the column of a row's own file is called while folders' names are read from it."""
_PAIR = re.compile(r"([^=?\n]+)=[^?\n]*")
_NULL = "__HIVE_DEFAULT_PARTITION__"


def folder_keys(paths: Iterable[str]) -> tuple[str, ...]:
    """List the columns that the folders of files name, where all files have the same.

    >>> folder_keys(["/a/Modality=CT/Site=7/x.parquet", "/a/Modality=MR/Site=8/y.parquet"])
    ('Modality', 'Site')
    >>> folder_keys(["/a/Modality=CT/x.parquet", "/a/x.parquet"])
    ()
    """
    found = {
        tuple(pair[1] for part in Path(path).parts[:-1] if (pair := _PAIR.fullmatch(part)))
        for path in paths
    }
    return tuple(dict.fromkeys(found.pop())) if len(found) == 1 else ()


def folder_value(key: str) -> exp.Expr:
    """Compose what the folder of a row's file says of a column."""
    from sqlglot import exp

    pattern = rf"[/\\]{re.escape(key)}=([^/\\]*)[/\\]"
    group = [exp.column(FILE), exp.Literal.string(pattern), exp.Literal.number(1)]
    found = exp.Anonymous(this="regexp_extract", expressions=group)
    decoded = exp.func("nullif", exp.func("url_decode", found), exp.Literal.string(_NULL))
    return decoded.as_(exp.to_identifier(key, quoted=True))
