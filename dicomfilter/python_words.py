"""Hints in Python's words: what a command line calls ``--overwrite`` is ``overwrite=True``."""

from __future__ import annotations

import re

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
