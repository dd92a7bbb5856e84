"""How a file, a folder or something in the cloud is named: text or path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike


def named(place: str | PathLike[str]) -> str:
    """Write down what a place is called, ``~`` as the folder that it stands for.

    Args:
        place: A text or a path; what is no path, as ``gs://`` or ``idc``, stays as it is.

    Returns:
        The text.

    >>> from pathlib import Path
    >>> named(Path("scans/ct.parquet")), named("gs://bucket/~x"), named("idc")
    ('scans/ct.parquet', 'gs://bucket/~x', 'idc')
    """
    text = os.fspath(place)
    return os.path.expanduser(text) if text.startswith("~") else text  # noqa: PTH111 - a pattern, or FILE::TABLE, is no path
