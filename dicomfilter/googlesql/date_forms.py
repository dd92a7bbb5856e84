"""The parser of forms of dates and times: INTERVAL, EXTRACT, CURRENT_DATE.

Source: GoogleSQL reference, "Date functions", "Interval functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.reader import SUM, at, unsupported
from dicomfilter.googlesql.words import DATE_PARTS

if TYPE_CHECKING:
    from dicomfilter.googlesql.reader import Reader


def interval(reader: Reader) -> exp.Expr:
    """Read an INTERVAL of one unit."""
    offset = reader.expect("INTERVAL").offset
    if reader.token.mark is Mark.STRING:
        reader.refuse("an INTERVAL of text", hint="write a number, as in INTERVAL 30 DAY")
    count = reader.expression(SUM)
    unit = reader.advance()
    if unit.word not in DATE_PARTS:
        raise unsupported(
            f"the unit {unit.text}", offset=unit.offset, hint=f"use {', '.join(DATE_PARTS)}"
        )
    node = exp.Interval(this=count, unit=exp.Var(this=unit.word))
    at(node.args["unit"], unit.offset)  # not before: the node makes a unit of its own
    return at(node, offset)


def extract(reader: Reader) -> exp.Expr:
    """Read EXTRACT; a time zone goes into its ``zone``."""
    offset = reader.advance().offset
    reader.expect("(")
    part = reader.advance()
    if part.mark is not Mark.NAME:
        raise unsupported(f"EXTRACT({part.text})", offset=part.offset)
    name = part.word
    if reader.accept("("):
        name += f"({reader.advance().word})"
        reader.expect(")")
    reader.expect("FROM")
    value = reader.expression()
    node = exp.Extract(this=at(exp.Var(this=name), part.offset), expression=value)
    if reader.accept("AT", "TIME", "ZONE"):
        node.set("zone", reader.expression())
    reader.expect(")")
    return at(node, offset)


def today(reader: Reader) -> exp.Expr:
    """Read CURRENT_DATE; a time zone goes into its ``this``."""
    offset = reader.advance().offset
    node = exp.CurrentDate()
    if reader.accept("(") and not reader.accept(")"):
        node.set("this", reader.expression())
        reader.expect(")")
    return at(node, offset)


def now(reader: Reader) -> exp.Expr:
    """Refuse the moment of the run, of which only the date is kept for a replay."""
    name = reader.token.word
    of = name.removeprefix("CURRENT_")
    return reader.refuse(
        name, hint=f"bind it as a parameter: --param now:{of}:...; CURRENT_DATE() is taken"
    )
