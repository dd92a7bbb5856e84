"""JSONPath, as far as the functions on JSON take it.

Source: GoogleSQL reference, "JSON functions", JSONPath format.
"""

from __future__ import annotations

import re

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z0-9_]+)
      | \[(?P<place>0|[1-9][0-9]{0,8})\]
      | \."(?P<quoted>[^"\\*\#$]+)"
      | \['(?P<legacy>[^'"\\*\#$]+)'\]""",
    re.VERBOSE,
)
_KEY = re.compile(r"""[^"\\*#$]+""")
_PLACE = re.compile(r"0|[1-9][0-9]{0,8}")

Step = str | int
"""The name of a member, or a place in an array; a name of digits is a place in an array too."""


def read(path: str, *, legacy: bool) -> tuple[Step, ...] | None:
    r"""Take a path apart.

    Args:
        path: Begins with ``$``.
        legacy: Whether names are quoted as of JSON_EXTRACT, ``['a.b']``, or ``."a.b"``.

    Returns:
        The steps; None where the path is none, or not taken.

    >>> read('$.a."b c"[2]', legacy=False)
    ('a', 'b c', 2)
    >>> read("$.a['b c']", legacy=True)
    ('a', 'b c')
    """
    if not path.startswith("$"):
        return None
    steps: list[Step] = []
    position = 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or match["quoted" if legacy else "legacy"] is not None:
            return None
        if match["place"] is not None:
            steps.append(int(match["place"]))
        else:
            name = match["name"] or match["quoted"] or match["legacy"]
            steps.append(name)
        position = match.end()
    return tuple(steps)


def is_place(text: str) -> bool:
    """Tell whether a text is the number of a place.

    >>> is_place("0"), is_place("-1")
    (True, False)
    """
    return _PLACE.fullmatch(text) is not None


def is_key(name: str) -> bool:
    """Tell whether a member of this name can be asked for.

    >>> is_key("Manufacturer"), is_key('a"b')
    (True, False)
    """
    return _KEY.fullmatch(name) is not None
