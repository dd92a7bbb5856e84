"""The parser of queries: SELECT as far as it is taken.

Source: GoogleSQL reference, "Query syntax".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import expressions
from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.lifting import KEEP
from dicomfilter.googlesql.literals import literal
from dicomfilter.googlesql.reader import at, start
from dicomfilter.googlesql.words import RESERVED
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.reader import Reader

_OTHER_JOINS = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "NATURAL", "TABLESAMPLE", "FOR")
_OTHER_SETS = ("INTERSECT", "EXCEPT")


def query(reader: Reader) -> exp.Query:
    """Read a query.

    Args:
        reader: At its first token; afterwards behind its last.

    Returns:
        Its tree, unchecked.
    """
    offset = reader.token.offset
    with_ = _with(reader) if reader.token.word == "WITH" else None
    tree = _operand(reader)
    while reader.token.word == "UNION":
        reader.advance()
        if not reader.accept("ALL"):
            reader.refuse("UNION DISTINCT", hint="write UNION ALL inside SELECT DISTINCT")
        tree = exp.Union(this=tree, expression=_operand(reader), distinct=False)
    if reader.token.word in _OTHER_SETS:
        reader.refuse(reader.token.word)
    if reader.token.word == "ORDER":
        tree.set("order", order(reader))
    if reader.accept("LIMIT"):
        tree.set("limit", exp.Limit(expression=_limit(reader)))
        if reader.token.word == "OFFSET":
            reader.refuse("OFFSET", hint="number the rows with ROW_NUMBER() OVER (ORDER BY ...)")
    if with_ is not None:
        tree.set("with_", with_)
    return at(tree, offset)


def _with(reader: Reader) -> exp.With:
    reader.expect("WITH")
    if reader.token.word == "RECURSIVE":
        reader.refuse("WITH RECURSIVE")
    tables = []
    while True:
        name = reader.name()
        reader.expect("AS")
        reader.expect("(")
        inner = query(reader)
        reader.expect(")")
        tables.append(exp.CTE(this=inner, alias=exp.TableAlias(this=name)))
        if not reader.accept(","):
            return exp.With(expressions=tables)


def _operand(reader: Reader) -> exp.Query:
    if reader.token.word == "(":
        reader.advance()
        inner = query(reader)
        reader.expect(")")
        return exp.Subquery(this=inner)
    if reader.token.word != "SELECT":
        reader.unexpected("Expected keyword SELECT but got")
    return _select(reader)


def _select(reader: Reader) -> exp.Select:
    offset = reader.expect("SELECT").offset
    distinct = reader.accept("DISTINCT")
    if not distinct:
        reader.accept("ALL")
    if reader.token.word in ("AS", "WITH"):
        reader.refuse(f"SELECT {reader.token.word}")
    items = _list(reader, _item)
    if reader.token.word != "FROM":
        if reader.token.mark is Mark.END or reader.token.word in (")", "WHERE", "UNION"):
            reader.refuse("a SELECT without FROM", hint="select FROM metadata")
        reader.unexpected("Expected end of input but got")
    reader.advance()
    select = exp.Select(
        expressions=items,
        distinct=exp.Distinct() if distinct else None,
        from_=exp.From(this=_source(reader)),
    )
    joins = []
    while True:
        if reader.accept(",") or reader.accept("CROSS", "JOIN"):
            joins.append(exp.Join(this=_source(reader), kind="CROSS"))
        elif reader.token.word in _OTHER_JOINS:
            reader.refuse(f"{reader.token.word} behind FROM", hint="CROSS JOIN UNNEST is taken")
        else:
            break
    if joins:
        select.set("joins", joins)
    _clauses(reader, select)
    return at(select, offset)


def _clauses(reader: Reader, select: exp.Select) -> None:
    if reader.accept("WHERE"):
        select.set("where", exp.Where(this=expressions.expression(reader)))
    if reader.accept("GROUP", "BY"):
        if reader.token.word in ("ALL", "ROLLUP", "CUBE", "GROUPING"):
            reader.refuse(f"GROUP BY {reader.token.word}", hint="name the columns")
        select.set("group", exp.Group(expressions=_list(reader, _key)))
    if reader.accept("HAVING"):
        select.set("having", exp.Having(this=expressions.expression(reader)))
    if reader.accept("QUALIFY"):
        select.set("qualify", exp.Qualify(this=expressions.expression(reader)))
    if reader.token.word == "WINDOW":
        reader.refuse("WINDOW", hint="write the window behind OVER")


def _list(reader: Reader, read: Callable[[Reader], exp.Expr]) -> list[exp.Expr]:
    items = [read(reader)]
    while reader.accept(","):
        items.append(read(reader))
    return items


def _item(reader: Reader) -> exp.Expr:
    if reader.token.word == "*":
        return _star(reader, None)
    item = expressions.expression(reader)
    if reader.token.word == "." and isinstance(item, exp.Column):
        reader.advance()
        return _star(reader, item.this)
    alias = _alias(reader)
    if alias is None:
        return item
    return at(exp.Alias(this=item, alias=alias), item.meta.get("start", 0))


def _star(reader: Reader, table: exp.Identifier | None) -> exp.Expr:
    star = exp.Star()
    offset = reader.expect("*").offset
    if reader.accept("EXCEPT"):
        reader.expect("(")
        star.set("except_", _list(reader, lambda r: r.name()))
        reader.expect(")")
    if reader.token.word == "REPLACE":
        reader.refuse("* REPLACE", hint="write * EXCEPT (a), ... AS a")
    if table is None:
        return at(star, offset)
    return at(exp.Column(this=at(star, offset), table=table), start(table) or 0)


def _alias(reader: Reader) -> exp.Identifier | None:
    if reader.accept("AS"):
        return reader.name()
    token = reader.token
    plain = token.mark is Mark.NAME and token.word not in RESERVED
    return reader.name() if plain or token.mark is Mark.QUOTED else None


def _source(reader: Reader) -> exp.Expr:
    offset = reader.token.offset
    if reader.accept("("):
        inner = query(reader)
        reader.expect(")")
        alias = _alias(reader)
        table = exp.TableAlias(this=alias) if alias else None
        return at(exp.Subquery(this=inner, alias=table), offset)
    if reader.accept("UNNEST"):
        reader.expect("(")
        array = expressions.expression(reader)
        reader.expect(")")
        alias = _alias(reader)
        if reader.token.word == "WITH":
            reader.refuse("WITH OFFSET")
        columns = exp.TableAlias(columns=[alias]) if alias else None
        return at(exp.Unnest(expressions=[array], alias=columns), offset)
    name = reader.name()
    if reader.token.word in (".", "-") or "." in name.name:
        raise PredicateError(
            f"{name.name} is not one of the tables of this query",
            offset=offset,
            hint="the table is called metadata here; name others with --table",
        )
    alias = _alias(reader)
    table = exp.TableAlias(this=alias) if alias else None
    return at(exp.Table(this=name, alias=table), offset)


def order(reader: Reader) -> exp.Order:
    """Read ORDER BY and its keys."""
    reader.expect("ORDER")
    reader.expect("BY")
    return exp.Order(expressions=_list(reader, _ordered))


def _ordered(reader: Reader) -> exp.Expr:
    key = _key(reader)
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
    return exp.Ordered(this=key, desc=descending, nulls_first=nulls_first)


def _key(reader: Reader) -> exp.Expr:
    """Read a key of GROUP BY or ORDER BY; a bare number is the place of an item."""
    key = expressions.expression(reader)
    if isinstance(key, exp.Literal):
        key.meta[KEEP] = True
    return key


def _limit(reader: Reader) -> exp.Expr:
    token = reader.advance()
    if token.mark is Mark.PARAMETER:
        return at(exp.Parameter(this=exp.Var(this=token.value)), token.offset)
    if token.mark is not Mark.INTEGER or not token.text.isdigit():
        raise PredicateError(
            "Syntax error: LIMIT wants a number or a parameter",
            offset=token.offset,
            hint="write LIMIT 10 or LIMIT @n",
        )
    count = literal(Kind.INT64, token.text, int(token.text), token.offset)
    count.meta[KEEP] = True
    return count


def over(reader: Reader, call: exp.Expr) -> exp.Expr:
    """Read the window behind a call."""
    offset = reader.expect("OVER").offset
    if reader.token.word != "(":
        reader.refuse("a named window", hint="write the window behind OVER")
    reader.advance()
    partition = []
    if reader.accept("PARTITION", "BY"):
        partition = _list(reader, expressions.expression)
    ordering = order(reader) if reader.token.word == "ORDER" else None
    if reader.token.word != ")":
        reader.refuse("a window frame", hint="leave ROWS or RANGE out")
    reader.advance()
    window = exp.Window(this=call, partition_by=partition, order=ordering, over="OVER")
    return at(window, call.meta.get("start", offset))
