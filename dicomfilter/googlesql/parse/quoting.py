"""What stands between quotes, decoded as GoogleSQL decodes it.

Source: GoogleSQL reference, "Lexical structure and syntax", string and bytes literals.
"""

from __future__ import annotations

import re

from dicomfilter.errors import PredicateError

_ESCAPE = re.compile(
    r"\\(?:(?P<letter>[abfnrtv\\?\"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>(?s:.)?))"
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SURROGATES = range(0xD800, 0xE000)
_MAX_CODE_POINT = 0x10FFFF


def unquote(text: str, offset: int) -> tuple[bool, str]:
    r"""Decode a string or bytes literal.

    Args:
        text: As written, with prefix and quotes.
        offset: Where it starts, for the error.

    Returns:
        Whether it is BYTES, and the text (of BYTES: a character a byte).

    Raises:
        PredicateError: GoogleSQL knows no such escape, or the text is no Unicode.

    >>> unquote(r"'O\'Brien'", 0)
    (False, "O'Brien")
    >>> unquote(r"r'^\d+Y$'", 0)
    (False, '^\\d+Y$')
    """
    prefix = re.split("['\"]", text, maxsplit=1)[0].lower()
    body = text[len(prefix) :]
    quote = body[:3] if body[:3] in ("'''", '"""') and len(body) >= 6 else body[:1]
    body, start = body[len(quote) : -len(quote)], offset + len(prefix) + len(quote)
    _check_characters(body, start)
    if len(quote) == 3:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if "b" in prefix:
        stored = body.encode("utf-8").decode("latin-1")
        return True, stored if "r" in prefix else _decode_bytes(stored, start)
    if "r" in prefix or "\\" not in body:
        return False, body
    return False, _decode(body, start)


def unquote_name(text: str, offset: int) -> str:
    """Decode a name between backticks.

    Args:
        text: As written, with backticks.
        offset: Where it starts, for the error.

    Returns:
        The name.

    Raises:
        PredicateError: GoogleSQL knows no such escape, or the text is no Unicode.
    """
    body = text[1:-1]
    _check_characters(body, offset + 1)
    return _decode(body, offset + 1)


def _check_characters(body: str, start: int) -> None:
    for found in re.finditer("[\0\ud800-\udfff]", body):
        raise PredicateError(
            f"Syntax error: Illegal input character {found.group()!a}",
            offset=start + found.start(),
            hint="remove it; was the text pasted?",
        )


def _decode(body: str, start: int) -> str:
    def replace(match: re.Match[str]) -> str:
        if letter := match["letter"]:
            return _LETTERS.get(letter, letter)
        code = match["hex"] or match["short"] or match["long"]
        number = int(code, 16) if code else int(match["octal"], 8) if match["octal"] else -1
        if number < 0 or number in _SURROGATES or number > _MAX_CODE_POINT:
            raise PredicateError(
                f"Syntax error: Illegal escape sequence: {match.group()}",
                offset=start + match.start(),
                hint=r"write \\ for a backslash, or put r before the quote, as in r'\d+'",
            )
        if number == 0:
            raise PredicateError(
                "the character NUL is not taken in text",
                offset=start + match.start(),
                refused=True,
            )
        return chr(number)

    return _ESCAPE.sub(replace, body)


def _decode_bytes(body: str, start: int) -> str:
    def replace(match: re.Match[str]) -> str:
        if letter := match["letter"]:
            return _LETTERS.get(letter, letter)
        number = int(match["hex"] or match["octal"] or "100", 16 if match["hex"] else 8)
        if not match["hex"] and not match["octal"]:  # what escapes a character escapes no byte
            raise PredicateError(
                f"Syntax error: Illegal escape sequence: {match.group()}",
                offset=start + match.start(),
                hint=r"write \\ for a backslash, \xff for a byte",
            )
        return chr(number)

    return _ESCAPE.sub(replace, body)
