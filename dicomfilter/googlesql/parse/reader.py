"""A place in the tokens of a text, and what all parsers ask of it."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.lexer import Mark, Token, tokens
from dicomfilter.googlesql.types.words import RESERVED, STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.types.kinds import Node

START = "start"
"""The key of a node's ``meta`` under which its place in the text stands."""

LISTED = "listed"
"""The key of a LIKE's ``meta`` that says that it is one of LIKE ANY, where NULL is a pattern."""


def at(node: Node, offset: int) -> Node:
    """Note where in the text a node starts."""
    node.meta[START] = offset
    return node


def start(node: exp.Expr) -> int | None:
    """Tell where in the text a node starts, from itself or what it holds."""
    own = node.meta.get(START)
    if own is not None:
        return int(own)
    for part in node.walk():
        offset = part.meta.get(START)
        if offset is not None:
            return int(offset)
    return None


LOOSEST, SUM = 1, 9
"""How tightly the loosest operator binds, and how tightly ``+`` does."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """The two parsers that contain each other: of expressions and of queries.

    Args:
        expression: Reads an expression, given the loosest operator that may still bind.
        query: Reads a query.
    """

    expression: Callable[[Reader, int], exp.Expr]
    query: Callable[[Reader], exp.Query]


class Reader:
    """The tokens of a text, read from left to right.

    Args:
        sql: GoogleSQL.
        grammar: What reads the expressions and queries within it.
    """

    def __init__(self, sql: str, grammar: Grammar) -> None:
        self._grammar = grammar
        self._tokens = tokens(sql)
        self._index = 0
        self.token = self._tokens[0]

    def expression(self, floor: int = LOOSEST) -> exp.Expr:
        """Read an expression of operators that bind at least as tightly as the floor."""
        return self._grammar.expression(self, floor)

    def query(self) -> exp.Query:
        """Read a query."""
        return self._grammar.query(self)

    def peek(self, ahead: int = 1) -> Token:
        """Look at a later token."""
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Take the token that stands here."""
        taken = self.token
        self._index = min(self._index + 1, len(self._tokens) - 1)
        self.token = self._tokens[self._index]
        return taken

    def at_words(self, *words: str) -> bool:
        """Tell whether these words or signs stand here, in this order."""
        return all(self.peek(ahead).word == word for ahead, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Take these words or signs if they stand here."""
        if not self.at_words(*words):
            return False
        for _ in words:
            self.advance()
        return True

    def expect(self, word: str) -> Token:
        """Take this word or sign, or fail."""
        if self.token.word != word:
            self.unexpected(f"Expected {_shown(word)} but got")
        return self.advance()

    def expect_angle(self) -> None:
        """Take the ``>`` that ends a type, which may be half of a ``>>``."""
        token = self.token
        if token.word != ">>":
            self.expect(">")
            return
        self.token = Token(token.mark, ">", token.offset + 1, word=">")
        self._tokens[self._index] = self.token

    def expect_end(self) -> None:
        """Fail unless the text ends here."""
        if self.token.mark is not Mark.END:
            self.unexpected("Expected end of input but got")

    def name(self) -> exp.Identifier:
        """Take a name, which between backticks may be any word."""
        token = self.token
        if token.mark is Mark.QUOTED or (token.mark is Mark.NAME and token.word not in RESERVED):
            self.advance()
            return at(
                exp.Identifier(this=token.value, quoted=token.mark is Mark.QUOTED), token.offset
            )
        return self.unexpected()

    def field(self) -> exp.Identifier:
        """Take a name after a dot, where reserved words are names too."""
        token = self.token
        if token.mark not in (Mark.QUOTED, Mark.NAME):
            self.unexpected()
        self.advance()
        return at(exp.Identifier(this=token.value, quoted=token.mark is Mark.QUOTED), token.offset)

    def unexpected(self, expected: str = "Unexpected") -> NoReturn:
        """Fail at the token that stands here."""
        token, hint = self.token, None
        if token.mark is Mark.END:
            what = "end of statement" if expected == "Unexpected" else "end of input"
            hint = "complete it: something is missing at its end"
        elif token.word in RESERVED:
            what = f"keyword {token.word}"
            if token.word not in STATEMENTS:
                hint = f"write `{token.text}` between backticks if it is a column"
        elif token.mark is Mark.NAME:
            what = f'identifier "{token.text}"'
        elif token.mark in (Mark.STRING, Mark.BYTES):
            what = "string literal"
        else:
            what = _shown(token.text)
            hint = "write = once" if token.text == "=" else None
        raise PredicateError(f"Syntax error: {expected} {what}", offset=token.offset, hint=hint)

    def refuse(self, what: str, *, hint: str | None = None) -> NoReturn:
        """Fail at a construct that GoogleSQL has and that is not taken here."""
        raise unsupported(what, offset=self.token.offset, hint=hint)


def unsupported(what: str, *, offset: int | None, hint: str | None = None) -> PredicateError:
    """Make the error for a construct of GoogleSQL that is not taken.

    Args:
        what: The construct, as the start of a sentence.
        offset: Where it stands.
        hint: A way round.
    """
    return PredicateError(
        f"{what} is not among the GoogleSQL that dicomfilter takes",
        offset=offset,
        hint=hint
        or "say it with comparisons, IN, BETWEEN, LIKE and the functions in docs/language.md",
        refused=True,
    )


def _shown(word: str) -> str:
    return f"keyword {word}" if word.isalpha() else f'"{word}"'
