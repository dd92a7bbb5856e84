"""Text as a person may see it: no character of it steers a terminal."""

from __future__ import annotations

import json
import unicodedata

_SPACES = "Zs"


def visible(text: str, *, keep: str = "") -> str:
    r"""Write characters of control, of direction and of no meaning as JSON escapes.

    Args:
        text: From wherever: a cell, a name, an answer of a service.
        keep: Characters of control that stay as they are.

    Returns:
        A text of letters, signs and blanks; in JSON it still means the same.

    >>> visible("DOE\x1b[2J \u202eNHOJ\n")
    'DOE\\u001b[2J \\u202eNHOJ\\n'
    """
    if text.isprintable():
        return text
    return "".join(c if _shows(c) or c in keep else _escaped(c) for c in text)


def _shows(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == _SPACES


def _escaped(character: str) -> str:
    found = json.dumps(character)[1:-1]
    return found if found.isprintable() else f"\\u{ord(character):04x}"
