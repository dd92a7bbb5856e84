"""How callers name things: a place by text or path, a choice by one of its words."""

from __future__ import annotations

import os
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import UsageError

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


class Choice(StrEnum):
    """Words of which a caller names one, in any case.

    Another word is refused with all of these.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self:
        words = {str(member): member for member in cls}
        text = str(value)
        for word, member in words.items():
            if text.lower() in (word.lower(), member.name.lower()):
                return member
        near = get_close_matches(text.lower(), [word.lower() for word in words], 1)
        meant = [word for word in words if word.lower() in near]
        raise UsageError(
            f"{value!r} is none of {', '.join(words)}",
            hint=f"write {(meant or list(words))[0]!r}" + ("" if meant else ", or another of them"),
        )
