"""What a person sees of a text, an error, a hint.

Nothing of it steers a terminal or a page.
"""

from __future__ import annotations

import json
import re
import unicodedata

_SPACES = "Zs"
_LINE_END = "\n"
_WINDOW = 76
"""Columns of SQL that are shown around a caret, of the 80 of a terminal."""


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


def excerpt(sql: str, offset: int) -> tuple[str, int]:
    r"""Cut out the line of SQL that an error is in.

    Args:
        sql: The whole text.
        offset: The place, in characters from 0.

    Returns:
        The line, cut to a window around the place where it is long, free of control characters;
        and the column of the place in it, as a terminal counts.

    >>> excerpt("a = 1\nAND b == 2", 12)
    ('AND b == 2', 6)
    """
    start = sql.rfind("\n", 0, offset) + 1
    end = sql.find("\n", offset)
    line, place = [_shown(c) for c in sql[start : end if end >= 0 else len(sql)]], offset - start
    first, last = _window([_width(c) for c in line], place)
    before, after = "…" if first else "", "…" if last < len(line) else ""
    caret = len(before) + sum(_width(c) for c in line[first:place])
    return f"{before}{''.join(line[first:last])}{after}", caret


def _window(widths: list[int], place: int) -> tuple[int, int]:
    """Choose what of a line is shown: all, or what fits around the place and a mark each side."""
    if sum(widths) <= _WINDOW:
        return 0, len(widths)
    room = _WINDOW - 2
    first = last = min(place, len(widths))
    while first and sum(widths[first - 1 : last]) <= room // 2:
        first -= 1
    while last < len(widths) and sum(widths[first : last + 1]) <= room:
        last += 1
    while first and sum(widths[first - 1 : last]) <= room:
        first -= 1
    return first, last


def _shown(character: str) -> str:
    if character == "\t":
        return " "
    return character if character.isprintable() else "\ufffd"


def width(text: str) -> int:
    """Count the columns of a terminal that a text takes.

    >>> width("CT"), width("山田")
    (2, 4)
    """
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


_OPTION = re.compile(
    r"""
    (?P<shell> `(?:dicomfilter|gcloud|pip|python|bq)\ [^`]*`)  # a line for a shell stays one
    | (?P<all> ask\ with\ --all\b)
    | --param\ (?P<name> [A-Za-z_]\w*):\w+:(?P<value> VALUE|\.\.\.|\d+)
    | --table\ '(?P<table> [^'=]+)=URI'
    | --(?P<option> [a-z][a-z-]+)
      (?:[ =](?P<given> [a-z]+://[^\s,;]+ | [A-Z][\w.]* | \d\w* | _WORDS\b))?
    """.replace("_WORDS", "(?:study|series|instance|patient|flattened|json|urls|v1|v1beta1)"),
    re.VERBOSE,
)
_METHODS = {
    "where": "`where(...)`",
    "all": "everything=True",
    "sql": "`query(...)`",
    "param": "a keyword argument of its name",
    "json": "to_dict()",
}
_FLAGS = {
    "overwrite": "overwrite=True",
    "compact": "options=BuildOptions(compact=True)",
    "skip-bad-uids": "options=BuildOptions(skip_bad_uids=True)",
    "strict-uids": "options=BuildOptions(strict_uids=True)",
    "start-again": "options=StartOptions(again=True)",
    "retry-start": "options=StartOptions(retry=True)",
    "update": "update=True",
    "retain-uids": "retain_uids=True",
}
_GROUPS = {
    "maximum-bytes-billed": "EngineOptions",
    "memory-limit": "EngineOptions",
    "temp-dataset": "EngineOptions",
    "api-version": "StartOptions",
    "max-requests": "VerifyOptions",
}
_LINES = (
    (re.compile(r"`dicomfilter count [^`]*--attrition`"), "`attrition()`"),
    (re.compile(r"`dicomfilter columns [^`]*`"), "`table.columns()`"),
    (re.compile(r"`dicomfilter queries`"), "`dicomfilter queries` in a shell"),
)


def in_python(hint: str) -> str:
    """Say a hint as one says it in Python.

    Args:
        hint: In the words of the command line.

    Returns:
        The same, options as arguments; a whole line for a shell stays as it is.

    >>> in_python("use --overwrite to replace it, or --level series")
    'use overwrite=True to replace it, or level="series"'
    >>> in_python("put it right with `dicomfilter check f.txt --repair -o FIXED`")
    'put it right with `dicomfilter check f.txt --repair -o FIXED`'
    """
    for line, call in _LINES:
        hint = line.sub(call, hint)
    return _OPTION.sub(_argument, hint)


def _argument(found: re.Match[str]) -> str:
    if found["option"] is None:
        if found["name"]:
            return f"{found['name']}={found['value']}"
        if found["table"]:
            return f'others={{"{found["table"]}": URI}}'
        return "ask with `.all()`" if found["all"] else found["shell"]
    option, given = found["option"], found["given"] or "…"
    if said := _METHODS.get(option) or _FLAGS.get(option):
        return said
    if given != "…" and not given.replace(".", "").isupper() and not given.isdigit():
        given = f'"{given}"'
    value = f"{option.replace('-', '_')}={given}"
    return f"options={_GROUPS[option]}({value})" if option in _GROUPS else value
