"""The parser of what aggregates and windows have: modifiers, OVER, frames.

Source: GoogleSQL reference, "Aggregate function calls", "Window function calls".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.lexer import Mark
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.literals import literal
from dicomfilter.googlesql.parse.reader import at
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.parse.reader import Reader

_Item = TypeVar("_Item", bound=exp.Expr)


def modifiers(reader: Reader, call: exp.Expr) -> None:
    """Read what may stand behind the arguments of an aggregate.

    Args:
        reader: Behind the arguments; afterwards at the parenthesis.
        call: The call; its last argument is wrapped by IgnoreNulls, Order and Limit.
    """
    if not call.expressions:
        return
    last = call.expressions[-1]
    word = reader.token.word
    if word in ("IGNORE", "RESPECT") and reader.peek().word == "NULLS":
        reader.accept(word, "NULLS")
        of = exp.IgnoreNulls if word == "IGNORE" else exp.RespectNulls
        last = of(this=last)
    if reader.token.word == "HAVING":
        reader.refuse(
            "HAVING in an aggregate", hint="number the rows with ROW_NUMBER() and keep the first"
        )
    if reader.token.word == "ORDER":
        ordering = order(reader)
        ordering.set("this", last)
        last = ordering
    if reader.accept("LIMIT"):
        token = reader.token
        if token.mark is not Mark.INTEGER or not token.text.isdigit():
            reader.refuse("such a LIMIT in an aggregate", hint="write a number")
        reader.advance()
        last = exp.Limit(this=last, expression=constant(token.text, token.offset))
    call.set("expressions", [*call.expressions[:-1], last])


def over(reader: Reader, call: exp.Expr) -> exp.Expr:
    """Read the window behind a call."""
    offset = reader.expect("OVER").offset
    if reader.token.word != "(":
        window = exp.Window(this=call, alias=reader.name(), over="OVER")
    else:
        window = _window(reader)
        window.set("this", call)
        window.set("over", "OVER")
    return at(window, call.meta.get("start", offset))


def named(reader: Reader) -> exp.Expr:
    """Read a window of the clause WINDOW."""
    offset, name = reader.token.offset, reader.name()
    reader.expect("AS")
    window = _window(reader) if reader.token.word == "(" else exp.Window(alias=reader.name())
    window.set("this", name)
    return at(window, offset)


def _window(reader: Reader) -> exp.Window:
    reader.expect("(")
    window = exp.Window()
    is_name = reader.token.mark in (Mark.NAME, Mark.QUOTED)
    if is_name and reader.token.word not in ("PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"):
        window.set("alias", reader.name())
    if reader.accept("PARTITION", "BY"):
        window.set("partition_by", items(reader, lambda r: r.expression()))
    if reader.token.word == "ORDER":
        window.set("order", order(reader))
    if reader.token.word in ("ROWS", "RANGE"):
        window.set("spec", _frame(reader))
    elif reader.token.word == "GROUPS":
        reader.refuse("a window frame of GROUPS", hint="write ROWS or RANGE")
    reader.expect(")")
    return window


def _frame(reader: Reader) -> exp.Expr:
    offset, kind = reader.token.offset, reader.advance().word
    between = reader.accept("BETWEEN")
    start, start_side = _edge(reader)
    frame = exp.WindowSpec(kind=kind, start=start, start_side=start_side)
    if between:
        reader.expect("AND")
        end, end_side = _edge(reader)
        frame.set("end", end)
        frame.set("end_side", end_side)
    return at(frame, offset)


def _edge(reader: Reader) -> tuple[exp.Expr | str, str | None]:
    if reader.accept("CURRENT"):
        reader.expect("ROW")
        return "CURRENT ROW", None
    if reader.accept("UNBOUNDED"):
        distance: exp.Expr | str = "UNBOUNDED"
    elif reader.token.mark is Mark.INTEGER and reader.token.text.isdigit():
        token = reader.advance()
        distance = constant(token.text, token.offset)
    else:
        reader.refuse("such an edge of a window frame", hint="write a number of rows")
    side = reader.token.word
    if side not in ("PRECEDING", "FOLLOWING"):
        reader.unexpected("Expected keyword PRECEDING but got")
    reader.advance()
    return distance, side


def items(
    reader: Reader, read: Callable[[Reader], _Item], *, trailing: bool = False
) -> list[_Item]:
    """Read a list with commas in between.

    Args:
        reader: At the first item.
        read: Reads an item.
        trailing: Whether a comma may stand behind the last one.
    """
    found = [read(reader)]
    while reader.accept(","):
        if trailing and (reader.token.word in ("FROM", ")") or reader.token.mark is Mark.END):
            break
        found.append(read(reader))
    return found


def order(reader: Reader) -> exp.Order:
    """Read ORDER BY and its keys."""
    reader.expect("ORDER")
    reader.expect("BY")
    return exp.Order(expressions=items(reader, _ordered))


def _ordered(reader: Reader) -> exp.Expr:
    found = key(reader)
    descending = reader.accept("DESC")
    if not descending:
        reader.accept("ASC")
    nulls_first = not descending
    if reader.accept("NULLS"):
        word = reader.advance()
        if word.word not in ("FIRST", "LAST"):
            raise PredicateError(
                f'Syntax error: Expected FIRST or LAST but got "{word.text}"', offset=word.offset
            )
        nulls_first = word.word == "FIRST"
    return exp.Ordered(this=found, desc=descending, nulls_first=nulls_first)


def key(reader: Reader) -> exp.Expr:
    """Read a key of GROUP BY or ORDER BY; a bare number is the place of an item."""
    key = reader.expression()
    if isinstance(key, exp.Literal):
        key.meta[KEEP] = True
    return key


def constant(text: str, offset: int) -> exp.Expr:
    """Make a number that stays one, as GoogleSQL wants it there."""
    try:
        return _kept(literal(Kind.INT64, text, int(text), offset))
    except ValueError as error:  # beyond Python's own limit of digits
        raise PredicateError(f"Invalid integer literal: {text[:20]}...", offset=offset) from error


def _kept(node: exp.Expr) -> exp.Expr:
    node.meta[KEEP] = True
    return node
