"""Patterns of names, as an import takes them."""

from __future__ import annotations

import re

_WILDCARD = re.compile(r"\*\*|\*|\?")
_MEANINGS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def pattern(name: str) -> re.Pattern[str]:
    """Make what names are compared with in full.

    Args:
        name: A name or a pattern: ``*`` stands for anything but a slash, ``**`` for anything,
            ``?`` for one character that is no slash.

    Source:
        Discovery document of the Healthcare API, schema ``DicomGcsSource``.

    >>> bool(pattern("a/**.dcm").fullmatch("a/b/c.dcm"))
    True
    >>> bool(pattern("a/*.dcm").fullmatch("a/b/c.dcm"))
    False
    """
    text, at = "", 0
    for found in _WILDCARD.finditer(name):
        text += re.escape(name[at : found.start()]) + _MEANINGS[found[0]]
        at = found.end()
    return re.compile(text + re.escape(name[at:]), re.DOTALL)


def plain_start(name: str) -> str:
    """Give what stands before the first wildcard.

    >>> plain_start("scans/a*.dcm")
    'scans/a'
    """
    found = _WILDCARD.search(name)
    return name[: found.start()] if found else name
