"""The parser of queries: SELECT as far as it is taken, and what joins several.

Source: GoogleSQL reference, "Query syntax".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import froms, overs
from dicomfilter.googlesql.lexer import MAX_DEPTH, Mark
from dicomfilter.googlesql.overs import constant, items, key, order
from dicomfilter.googlesql.reader import at, start

if TYPE_CHECKING:
    from dicomfilter.googlesql.reader import Reader


_SETS: dict[str, type[exp.SetOperation]] = {
    "UNION": exp.Union,
    "INTERSECT": exp.Intersect,
    "EXCEPT": exp.Except,
}
_KEYS = ("ROLLUP", "CUBE", "GROUPING")
_FROMLESS = ("WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW")


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
    joined = None
    count = 0
    while reader.token.word in _SETS:
        count += 1
        if count > MAX_DEPTH:
            reader.refuse(f"more than {MAX_DEPTH} set operations in a row", hint="use IN UNNEST")
        place = reader.token.offset
        of, distinct = _set(reader)
        if joined not in (None, (of, distinct)):
            raise PredicateError(
                "Syntax error: Different set operations cannot be used in the same query without "
                "using parentheses for grouping",
                offset=place,
            )
        joined = (of, distinct)
        tree = at(of(this=tree, expression=_operand(reader), distinct=distinct), offset)
    if reader.token.word == "ORDER":
        if isinstance(tree, exp.Select) and tree.args.get("from_") is None:
            _without_from(reader)
        tree.set("order", order(reader))
    if reader.accept("LIMIT"):
        tree.set("limit", exp.Limit(expression=_limit(reader, "LIMIT")))
        if reader.accept("OFFSET"):
            tree.set("offset", exp.Offset(expression=_limit(reader, "OFFSET")))
    if with_ is not None:
        tree.set("with_", with_)
    return at(tree, offset)


def _set(reader: Reader) -> tuple[type[exp.SetOperation], bool]:
    word = reader.advance().word
    if reader.token.word == "ALL" and word != "UNION":
        reader.refuse(f"{word} ALL", hint=f"write {word} DISTINCT")
    distinct = reader.token.word != "ALL"
    reader.expect("DISTINCT" if distinct else "ALL")
    if reader.token.word in ("CORRESPONDING", "BY", "STRICT"):
        reader.refuse(f"{word} {reader.token.word}", hint="name the columns in both queries")
    return _SETS[word], distinct


def _with(reader: Reader) -> exp.With:
    reader.expect("WITH")
    if reader.token.word == "RECURSIVE":
        reader.refuse("WITH RECURSIVE", hint="join as often as is needed")
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
    if reader.token.word == "FROM":
        reader.refuse("pipe syntax, which begins with FROM", hint="begin with SELECT")
    if reader.token.word != "SELECT":
        reader.unexpected("Expected keyword SELECT but got")
    return _select(reader)


def _select(reader: Reader) -> exp.Select:
    offset = reader.expect("SELECT").offset
    select = exp.Select()
    if reader.token.word == "WITH":
        reader.refuse("SELECT WITH", hint="leave the word and its options out")
    if reader.accept("DISTINCT"):
        select.set("distinct", exp.Distinct())
    else:
        reader.accept("ALL")
    if reader.token.word == "AS":
        reader.advance()
        if reader.token.word != "STRUCT":
            reader.refuse(f"SELECT AS {reader.token.text}", hint="select the columns by name")
        reader.advance()
        select.set("kind", "STRUCT")
    select.set("expressions", items(reader, item, trailing=True))
    if reader.accept("FROM"):
        froms.from_(reader, select)
        _clauses(reader, select)
    elif reader.token.word in _FROMLESS:
        _without_from(reader)
    return at(select, offset)


def _without_from(reader: Reader) -> NoReturn:
    raise PredicateError(
        f"Query without FROM clause cannot have a {reader.token.word} clause",
        offset=reader.token.offset,
        hint="select FROM metadata",
    )


def _clauses(reader: Reader, select: exp.Select) -> None:
    if reader.accept("WHERE"):
        select.set("where", exp.Where(this=reader.expression()))
    if reader.accept("GROUP", "BY"):
        if reader.token.word in _KEYS and reader.peek().word in ("(", "SETS"):
            reader.refuse(
                f"GROUP BY {reader.token.word}", hint="join one query a grouping with UNION ALL"
            )
        is_all = reader.accept("ALL")
        keys = None if is_all else items(reader, key)
        select.set("group", exp.Group(expressions=keys or [], all=is_all or None))
    if reader.accept("HAVING"):
        select.set("having", exp.Having(this=reader.expression()))
    if reader.accept("QUALIFY"):
        select.set("qualify", exp.Qualify(this=reader.expression()))
    if reader.accept("WINDOW"):
        select.set("windows", items(reader, overs.named))


def item(reader: Reader) -> exp.Expr:
    """Read an item of the SELECT list, with its alias."""
    if reader.token.word == "*":
        return _star(reader)
    found = reader.expression()
    if reader.token.word == "." and isinstance(found, exp.Column | exp.Dot):
        reader.advance()
        star = _star(reader)
        if isinstance(found, exp.Column):
            return at(exp.Column(this=star, table=found.this), start(found) or 0)
        return at(exp.Dot(this=found, expression=star), start(found) or 0)
    if reader.token.word == ".":
        reader.refuse("* of what is no column", hint="select the fields one by one")
    alias = froms.alias(reader)
    if alias is None:
        return found
    return at(exp.Alias(this=found, alias=alias), found.meta.get("start", 0))


def _star(reader: Reader) -> exp.Expr:
    star = exp.Star()
    offset = reader.expect("*").offset
    if reader.accept("EXCEPT"):
        reader.expect("(")
        star.set("except_", items(reader, lambda r: r.name()))
        reader.expect(")")
    if reader.accept("REPLACE"):
        reader.expect("(")
        star.set("replace", items(reader, _replacement))
        reader.expect(")")
    return at(star, offset)


def _replacement(reader: Reader) -> exp.Expr:
    value = reader.expression()
    reader.expect("AS")
    return at(exp.Alias(this=value, alias=reader.name()), start(value) or 0)


def _limit(reader: Reader, word: str) -> exp.Expr:
    token = reader.advance()
    if token.mark is Mark.PARAMETER:
        return at(exp.Parameter(this=exp.Var(this=token.value)), token.offset)
    if token.mark is not Mark.INTEGER or not token.text.isdigit():
        raise PredicateError(
            f"Syntax error: {word} wants a number or a parameter",
            offset=token.offset,
            hint=f"write {word} 10 or {word} @n",
        )
    return constant(token.text, token.offset)
