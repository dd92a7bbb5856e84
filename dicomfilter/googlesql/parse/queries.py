"""The parser of queries: SELECT, what stands behind FROM, and set operations."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse import windows
from dicomfilter.googlesql.parse.lexer import MAX_DEPTH, Mark
from dicomfilter.googlesql.parse.reader import at, start
from dicomfilter.googlesql.parse.windows import constant, items, key, order
from dicomfilter.googlesql.types.words import RESERVED

if TYPE_CHECKING:
    from dicomfilter.googlesql.parse.reader import Reader


IMPLICIT = "implicit"
"""The key of an Unnest's ``meta`` that says that it was written as a path of names alone."""
_SIDES = ("LEFT", "RIGHT", "FULL")
_REFUSED = {
    "NATURAL": "name the columns with USING",
    "TABLESAMPLE": "filter by a column, as in ENDS_WITH(SOPInstanceUID, '7')",
    "FOR": "the table is read as it is now",
    "MATCH_RECOGNIZE": "number the rows with window functions",
}
_RESHAPING = ("PIVOT", "UNPIVOT")


def from_(reader: Reader, select: exp.Select) -> None:
    """Read what stands behind FROM into a SELECT.

    Args:
        reader: Behind FROM; afterwards behind its last source.
        select: Gets ``from_`` and ``joins``.
    """
    select.set("from_", exp.From(this=_source(reader)))
    joins: list[exp.Expr] = []
    while True:
        offset = reader.token.offset
        if reader.accept(",") or reader.accept("CROSS", "JOIN"):
            joins.append(at(exp.Join(this=_source(reader), kind="CROSS"), offset))
            continue
        if reader.token.word in _REFUSED:
            word = reader.token.word
            reader.refuse(f"{word} behind FROM", hint=_REFUSED[word])
        side = _side(reader)
        if side is None:
            break
        joins.append(at(_joined(reader, side), offset))
    if joins:
        select.set("joins", joins)


def _side(reader: Reader) -> str | None:
    """Read the words of a join; empty for an inner one, None where none stands here."""
    word = reader.token.word
    if word in _SIDES:
        reader.advance()
        reader.accept("OUTER")
        reader.expect("JOIN")
        return word
    if reader.accept("INNER"):
        reader.expect("JOIN")
        return ""
    return "" if reader.accept("JOIN") else None


def _joined(reader: Reader, side: str) -> exp.Expr:
    source = _source(reader)
    join = exp.Join(this=source, side=side or None)
    if reader.accept("ON"):
        join.set("on", reader.expression())
    elif reader.accept("USING"):
        reader.expect("(")
        join.set("using", items(reader, lambda r: r.name()))
        reader.expect(")")
    elif not isinstance(source, exp.Unnest):
        reader.unexpected("Expected keyword ON or keyword USING but got")
    return join


def _source(reader: Reader) -> exp.Expr:
    offset = reader.token.offset
    if reader.token.word == "(":
        return at(_parenthesised(reader), offset)
    if reader.accept("UNNEST"):
        reader.expect("(")
        array = reader.expression()
        reader.expect(")")
        return at(_unnest(reader, array), offset)
    first = reader.name()
    path: exp.Expr = at(exp.Column(this=first), offset)
    names = [first.name]
    while reader.token.word in (".", "-"):
        if reader.advance().word == "-":  # as in a project's name
            names[-1] += "-" + reader.field().name
            continue
        field = reader.field()
        names.append(field.name)
        path = at(exp.Dot(this=path, expression=field), offset)
    if len(names) > 1:
        node = _unnest(reader, path)
        node.meta[IMPLICIT] = ".".join(names)
        return at(node, offset)
    table = exp.TableAlias(this=name) if (name := alias_of(reader)) else None
    return at(exp.Table(this=first, alias=table), offset)


def _parenthesised(reader: Reader) -> exp.Expr:
    reader.expect("(")
    if reader.token.word not in ("SELECT", "WITH", "(", "FROM"):
        reader.refuse("a join in parentheses", hint="join the tables one after the other")
    inner = reader.query()
    reader.expect(")")
    name = alias_of(reader)
    return exp.Subquery(this=inner, alias=exp.TableAlias(this=name) if name else None)


def _unnest(reader: Reader, array: exp.Expr) -> exp.Unnest:
    name = alias_of(reader)
    unnest = exp.Unnest(expressions=[array], alias=exp.TableAlias(columns=[name]) if name else None)
    if reader.accept("WITH"):
        offset = reader.token.offset
        reader.expect("OFFSET")
        unnest.set("offset", alias_of(reader) or at(exp.Identifier(this="offset"), offset))
    return unnest


def alias_of(reader: Reader) -> exp.Identifier | None:
    """Read the name that is given to what stood before, if one is."""
    if reader.accept("AS"):
        return reader.name()
    token, following = reader.token, reader.peek().word
    if token.word in _RESHAPING and following in ("(", "INCLUDE", "EXCLUDE"):
        reader.refuse(token.word, hint="write a column a case: SUM(IF(Modality = 'CT', 1, 0))")
    plain = token.mark is Mark.NAME and token.word not in RESERVED
    return reader.name() if plain or token.mark is Mark.QUOTED else None


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
        from_(reader, select)
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
        select.set("windows", items(reader, windows.named))


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
    alias = alias_of(reader)
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
