"""The words of a GoogleSQL text; refused is what BigQuery's lexer refuses.

Source: GoogleSQL reference, "Lexical structure and syntax".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.quoting import unquote, unquote_name

MAX_CHARACTERS = 1_000_000
"""The longest text taken, as of BigQuery's own limit of 1 MB of unresolved query."""
MAX_DEPTH = 200
"""The deepest nesting of parentheses and prefix operators taken."""


class Mark(Enum):
    """The kinds of tokens."""

    NAME = auto()
    """A word without quotes: a keyword, a function or a name."""
    QUOTED = auto()
    """A name between backticks."""
    STRING = auto()
    BYTES = auto()
    INTEGER = auto()
    FLOAT = auto()
    PARAMETER = auto()
    SIGN = auto()
    """An operator or punctuation."""
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text.

    Args:
        mark: Its kind.
        text: As written; a NAME also serves upper-cased as ``word``.
        offset: Where it starts, in characters.
        value: The decoded text of a string or quoted name, a parameter's name.
        word: A NAME in capitals, a SIGN as it is, else empty.
    """

    mark: Mark
    text: str
    offset: int
    value: str = ""
    word: str = ""

    @property
    def end(self) -> int:
        """Where the token ends."""
        return self.offset + len(self.text)


_NUMBERS = (Mark.INTEGER, Mark.FLOAT)
_WORDS = (Mark.NAME, *_NUMBERS)
_SPACE = re.compile(r"(?:[ \t\r\n\f\v]+|--[^\n]*|#[^\n]*|/\*(?s:.*?)\*/)+")
_TOKEN = re.compile(
    r"""
      (?P<string>(?i:rb|br|r|b)?(?:
          '''(?:[^\\]|\\(?s:.))*?''' | \"\"\"(?:[^\\]|\\(?s:.))*?\"\"\"
        | '(?!'')(?:[^\\'\n\r]|\\[^\n\r])*' | "(?!"")(?:[^\\"\n\r]|\\[^\n\r])*" ))
    | (?P<number>0[xX][0-9a-fA-F]+
        | (?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>`(?:[^`\\\n\r]|\\[^\n\r])+`)
    | @(?P<parameter>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><>|!=|<=|>=|\|\||<<|>>|[=<>()+\-*/,.&|^~\[\]])
    """,
    re.VERBOSE,
)
_LEGACY = re.compile(r"\[(?P<project>[A-Za-z][\w.-]*)[:.](?P<rest>\w+\.[\w$]+)\]")
_OPENED = re.compile(r"`|(?i:rb|br|r|b)?['\"]")
_STRANGE = re.compile(r"[^\x20-\x7e\t\r\n\f\v]")
_OTHER_SIGNS = {
    "%": "write MOD(a, b) for a remainder, and a pattern between quotes, as in '%CT%'",
    ";": "give one condition or query, without a semicolon",
    "?": "name the parameter, as in @start",
    "@": "name the parameter, as in @start",
}


def tokens(sql: str) -> list[Token]:
    """Take a text apart.

    Args:
        sql: GoogleSQL.

    Returns:
        Its tokens without space and comments, and an END.

    Raises:
        PredicateError: The text is too long, nested too deeply, or holds what GoogleSQL's lexer
            refuses.

    >>> [token.text for token in tokens("Modality = 'CT' -- why")]
    ['Modality', '=', "'CT'", '']
    """
    if len(sql) > MAX_CHARACTERS:
        raise PredicateError(
            f"the text has {len(sql):,} characters; at most {MAX_CHARACTERS:,} are taken",
            hint="give long lists of values as a parameter, as in PatientID IN UNNEST(@ids)",
            refused=True,
        )
    found: list[Token] = []
    nesting = _Nesting()
    position = 0
    while True:
        space = _SPACE.match(sql, position)
        position = space.end() if space else position
        if position == len(sql):
            break
        token = _token(sql, position)
        _check_neighbour(found[-1] if found else None, token)
        nesting.follow(token)
        found.append(token)
        position = token.end
    nesting.close()
    found.append(Token(Mark.END, "", len(sql.rstrip())))
    return found


def _token(sql: str, position: int) -> Token:
    match = _TOKEN.match(sql, position)
    if match is None or sql.startswith("/*", position) or _LEGACY.match(sql, position):
        raise _unreadable(sql, position)
    if match["name"] and _OPENED.match(sql, position):  # the prefix of a string without an end
        raise _unreadable(sql, position)
    text, group = match.group(), match.lastgroup
    if group == "string":
        is_bytes, value = unquote(text, position)
        return Token(Mark.BYTES if is_bytes else Mark.STRING, text, position, value)
    if group == "number":
        whole = text.isdigit() or text[:2] in ("0x", "0X")
        return Token(Mark.INTEGER if whole else Mark.FLOAT, text, position)
    if group == "name":
        return Token(Mark.NAME, text, position, text, text.upper())
    if group == "quoted":
        return Token(Mark.QUOTED, text, position, unquote_name(text, position))
    if group == "parameter":
        return Token(Mark.PARAMETER, text, position, match["parameter"])
    return Token(Mark.SIGN, text, position, "", text)


def _check_neighbour(before: Token | None, token: Token) -> None:
    """Refuse tokens that GoogleSQL wants apart, or does not want side by side."""
    if before is None:
        return
    strings = (Mark.STRING, Mark.BYTES)
    if before.mark in strings and token.mark in strings:
        raise PredicateError(
            "Syntax error: concatenation of subsequent string literals is not supported",
            offset=token.offset,
            hint=r"""write a quote inside a string as \' or put it in "double quotes" """.strip(),
        )
    if before.end == token.offset and before.mark in _NUMBERS and token.mark in _WORDS:
        raise PredicateError(
            f"Syntax error: missing whitespace between {before.text} and {token.text}",
            offset=token.offset,
            hint="put text between quotes",
        )


class _Nesting:
    """Counts how deep the text is in brackets and in operators that stand before operands."""

    def __init__(self) -> None:
        self._opened: list[Token] = []
        self._run = 0

    def follow(self, token: Token) -> None:
        """Take note of a token."""
        if token.word in ("(", "["):
            self._opened.append(token)
        elif token.word in (")", "]"):
            if not self._opened:
                raise PredicateError(
                    f'Syntax error: Unexpected "{token.word}"',
                    offset=token.offset,
                    hint="remove it",
                )
            self._opened.pop()
        self._run = self._run + 1 if token.word in ("NOT", "-", "+", "~") else 0
        if len(self._opened) + self._run > MAX_DEPTH:
            raise PredicateError(
                f"the text is nested deeper than {MAX_DEPTH} levels",
                offset=token.offset,
                hint="give long lists of values as a parameter, as in PatientID IN UNNEST(@ids)",
                refused=True,
            )

    def close(self) -> None:
        """Make sure that nothing is left open."""
        if self._opened:
            opened = self._opened[-1]
            closing = ")" if opened.word == "(" else "]"
            raise PredicateError(
                f'Syntax error: "{opened.word}" is never closed',
                offset=opened.offset,
                hint=f'add a "{closing}"',
            )


def _unreadable(sql: str, position: int) -> PredicateError:
    """Say why there is no token here."""
    sign = sql[position]
    legacy = _LEGACY.match(sql, position)
    if legacy:
        return PredicateError(
            f"{legacy.group()} is a table name of legacy SQL",
            offset=position,
            hint=f"write `{legacy['project']}.{legacy['rest']}` in GoogleSQL",
        )
    if _STRANGE.match(sign):
        kind = (
            "control" if ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 else "look-alike or foreign"
        )
        return PredicateError(
            f"Syntax error: Illegal input character {sign!a}",
            offset=position,
            hint=f"this {kind} character may stand only between quotes; was the text pasted?",
        )
    if _OPENED.match(sql, position):
        return PredicateError(
            "Syntax error: Unclosed string literal"
            if sign != "`"
            else "Syntax error: Unclosed identifier literal",
            offset=position,
            hint="close the quote on the same line",
        )
    if sql.startswith("/*", position):
        return PredicateError(
            "Syntax error: Unclosed comment", offset=position, hint="close it with */"
        )
    return PredicateError(
        f'Syntax error: Unexpected "{sign}"',
        offset=position,
        hint=_OTHER_SIGNS.get(sign),
        refused=sign == ";",  # between the statements of a script
    )
