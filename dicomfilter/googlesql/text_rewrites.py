r"""Texts as GoogleSQL has them: the case of letters, patterns, joining."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_LOWER = "[\u0130\u03a3\u1c89\ua7cb\ua7cc\ua7da\ua7dc\U00010d50-\U00010d65]"
"""Letters whose small form DuckDB gets wrong: by their place in a word, or too new for it."""
_NO_UPPER = (
    "[\u0149\u019b\u01f0\u0264\u0390\u03b0\u0587\u1c8a\u1e96-\u1e9a\u1f50\u1f52\u1f54"
    "\u1f56\u1f80-\u1faf\u1fb2-\u1fb4\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc6\u1fc7\u1fcc"
    "\u1fd2\u1fd3\u1fd6\u1fd7\u1fe2-\u1fe4\u1fe6\u1fe7\u1ff2-\u1ff4\u1ff6\u1ff7\u1ffc"
    "\ua7cd\ua7db\ufb00-\ufb06\ufb13-\ufb17\U00010d70-\U00010d85]"
)
"""Letters with a capital form of several letters, or too new for DuckDB; not ß, see `upper`."""


def lower(text: exp.Expr) -> exp.Expr:
    """Write in small letters, or fail on a letter that DuckDB writes otherwise."""
    return _cased("lower", _NO_LOWER, text, lambda plain: nodes.call("lower", plain))


def upper(text: exp.Expr) -> exp.Expr:
    """Write in capitals, sharp s as SS (S18), or fail where DuckDB differs."""

    def capitals(plain: exp.Expr) -> exp.Expr:
        without = nodes.call("replace", plain, nodes.text("ß"), nodes.text("SS"))
        return nodes.call("upper", without)

    return _cased("upper", _NO_UPPER, text, capitals)


def _cased(
    name: str,
    letters: str,
    text: exp.Expr,
    write: Callable[[exp.Expr], exp.Expr],
) -> exp.Expr:
    # ASCII has as many bytes as characters and needs no slower look
    not_ascii = nodes.operate(
        exp.NEQ, nodes.call("strlen", text.copy()), nodes.call("length", text.copy())
    )
    strange = nodes.call("regexp_matches", text.copy(), nodes.text(letters))
    problem = nodes.refusal(f"letters that {name} cannot write as BigQuery does", kinds.STRING)
    return nodes.case((nodes.both(not_ascii, strange), problem), default=write(text))


def like(text: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    r"""Match with a backslash that always escapes (S02), and may not end a pattern.

    DuckDB escapes only where told to, and without an escape it matches much faster, so the
    choice is left to run time, where a bound pattern is a constant.
    """
    ends_open = nodes.call("regexp_matches", pattern.copy(), nodes.text(r"(^|[^\\])(\\\\)*\\$"))
    escape = exp.Escape(
        this=exp.Like(this=nodes.wrap(text.copy()), expression=nodes.wrap(pattern.copy())),
        expression=nodes.text("\\"),
    )
    return nodes.case(
        (ends_open, nodes.error("LIKE pattern ends with a backslash", kinds.BOOL)),
        (nodes.call("contains", pattern.copy(), nodes.text("\\")), escape),
        default=exp.Like(this=nodes.wrap(text), expression=nodes.wrap(pattern)),
    )


def concat(*texts: exp.Expr) -> exp.Expr:
    """Join texts; NULL if one is, where DuckDB's concat leaves it out."""
    columns = [text for text in texts if not text.is_string]
    if columns and all(isinstance(column, exp.Column) for column in columns):
        # One concat copies each text once, a chain of || again and again.
        unknown = (nodes.operate(exp.Is, column.copy(), exp.null()) for column in columns)
        missing = (nodes.either(*unknown), exp.null())
        return nodes.case(missing, default=nodes.call("concat", *texts))
    joined = nodes.wrap(texts[0])
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=nodes.wrap(text))
    return exp.Paren(this=joined)
