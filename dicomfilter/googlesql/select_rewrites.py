"""Queries as DuckDB's: every column with its name, every order with its NULLs."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import (
    cast_rewrites,
    failing,
    items,
    kinds,
    nodes,
    order_rewrites,
    source_rewrites,
    temporal_casts,
)
from dicomfilter.googlesql.aggregates import Modified
from dicomfilter.googlesql.grouping import PLACES
from dicomfilter.googlesql.names import ANONYMOUS, is_anonymous
from dicomfilter.googlesql.reader import start, unsupported
from dicomfilter.googlesql.scope import ALIAS, NAMED, STORED
from dicomfilter.googlesql.sets import TO
from dicomfilter.googlesql.source_rewrites import quoted
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_ROWS = "rows"


def query(node: exp.Expr, translate: Translate, *, is_whole: bool = False) -> exp.Expr:
    """Translate a checked query.

    Args:
        node: A SELECT, a set operation or a query in parentheses.
        translate: Translates expressions.
        is_whole: Whether its columns are those of the result.

    Returns:
        DuckDB's tree of the same meaning; the given one is not changed.

    Raises:
        PredicateError: A part has no verified translation.
    """
    order = node.args.get("order")
    translated: exp.Expr
    if isinstance(node, exp.Select):
        translated = select(node, translate, is_whole=is_whole)
    elif isinstance(node, exp.SetOperation):
        translated = type(node)(
            this=_operand(node.this, translate, is_whole=is_whole),
            expression=_operand(node.expression, translate, is_whole=is_whole),
            distinct=node.args["distinct"],
        )
    elif isinstance(node, exp.Subquery):
        translated = exp.Subquery(this=query(node.this, translate, is_whole=is_whole))
    else:
        raise _unknown(node)
    if order is not None:
        translated = _ordered(node, order, translated, translate)
    for name, of in (("limit", exp.Limit), ("offset", exp.Offset)):
        clause = node.args.get(name)
        if clause is not None:
            count = order_rewrites.plain(clause.expression, translate)
            translated.set(name, of(expression=count))
    named = node.args.get("with_")
    if named is not None:
        translated.set("with_", with_(named, translate))
    return translated


def with_(node: exp.Expr, translate: Translate) -> exp.With:
    """Translate WITH."""
    return exp.With(
        expressions=[
            exp.CTE(
                this=query(cte.this, translate),
                alias=exp.TableAlias(this=quoted(cte.args["alias"].name)),
            )
            for cte in node.expressions
        ]
    )


def _operand(node: exp.Expr, translate: Translate, *, is_whole: bool) -> exp.Expr:
    """Translate an operand of a set operation, its columns cast where they must be."""
    translated = query(node, translate, is_whole=is_whole)
    casts: list[tuple[str, SqlType, SqlType]] | None = node.meta.get(TO)
    if casts is None:
        return translated
    names = [quoted(f"c{place}") for place in range(len(casts))]
    listed: list[exp.Expr] = []
    for name, (shown, of, to) in zip(names, casts, strict=True):
        value: exp.Expr = exp.Column(this=name.copy())
        if of != to:
            is_temporal = of.kind in kinds.TEMPORAL or to.kind in kinds.TEMPORAL
            cast = temporal_casts.cast if is_temporal else cast_rewrites.cast
            value = cast(value, of, to, safe=False)
        listed.append(exp.Alias(this=value, alias=quoted(shown)))
    rows = exp.Subquery(this=translated, alias=exp.TableAlias(this=quoted(_ROWS), columns=names))
    return exp.Select(expressions=listed, from_=exp.From(this=rows))


def _ordered(
    node: exp.Expr, order: exp.Expr, translated: exp.Expr, translate: Translate
) -> exp.Expr:
    """Add the order; where DuckDB takes only columns that come out, around the query."""
    listed = node.expressions if isinstance(node, exp.Select) else []
    if isinstance(node, exp.Select) and not node.args.get("distinct"):
        keys = order_rewrites.keys(order, _inlining(listed, translate), listed)
        translated.set("order", exp.Order(expressions=keys))
        return translated
    plain = all(
        kinds.kind(key.this) is not Kind.FLOAT64 and isinstance(key.this, exp.Literal | exp.Column)
        for key in order.expressions
    )
    if plain:
        translated.set("order", exp.Order(expressions=order_rewrites.keys(order, translate)))
        return translated
    rows = exp.Subquery(this=translated, alias=exp.TableAlias(this=quoted(_ROWS)))

    def named(key: exp.Expr) -> exp.Expr:
        if listed and isinstance(key, exp.Literal):
            return exp.Column(this=quoted(_name(listed[int(key.name) - 1], key)))
        if listed:
            return exp.Column(this=quoted(items.name_of(key)))
        return translate(key)

    around = exp.Select(expressions=[exp.Star()], from_=exp.From(this=rows))
    around.set("order", exp.Order(expressions=_named_keys(order, named)))
    return around


def _named_keys(order: exp.Expr, named: Translate) -> list[exp.Expr]:
    """Translate keys, places too, each by the name of its column."""
    keys = [
        exp.Ordered(this=key.this, desc=key.args["desc"], nulls_first=key.args["nulls_first"])
        for key in order.expressions
    ]
    found: list[exp.Expr] = []
    for key in keys:
        if isinstance(key.this, exp.Literal) and kinds.kind(key.this) is not Kind.FLOAT64:
            key.set("this", exp.Literal.number(key.this.name))
            found.append(key)
            continue
        column = kinds.typed(exp.Column(this=exp.Identifier(this="x")), kinds.of(key.this))
        one = exp.Order(
            expressions=[
                exp.Ordered(this=column, desc=key.args["desc"], nulls_first=key.args["nulls_first"])
            ]
        )
        found.extend(order_rewrites.keys(one, _always(named(key.this))))
    return found


def _always(value: exp.Expr) -> Translate:
    def one(_: exp.Expr) -> exp.Expr:
        copied = value.copy()
        assert isinstance(copied, exp.Expr)  # noqa: S101 - as of all trees
        return copied

    return one


def _name(item: exp.Expr, key: exp.Expr) -> str:
    name = items.name_of(item)
    if not name or is_anonymous(name):
        raise PredicateError(
            f"an order by the place of a {kinds.of(key)} without a name is not among the GoogleSQL "
            "that dicomfilter takes",
            hint="give the column a name with AS",
            refused=True,
        )
    return name


def select(node: exp.Select, translate: Translate, *, is_whole: bool = False) -> exp.Select:
    """Translate a SELECT without its ORDER BY, LIMIT and WITH."""
    listed = named_items(node, translate, is_whole=is_whole)
    if node.args.get("kind") is not None:
        fields = [
            exp.PropertyEQ(this=quoted(name), expression=value)
            for name, value in zip(
                _field_names([name for name, _ in listed]),
                [value for _, value in listed],
                strict=True,
            )
        ]
        listed = [(f"{ANONYMOUS}1", exp.Struct(expressions=fields))]
    shown = [
        value if name is None else exp.Alias(this=value, alias=quoted(name))
        for name, value in listed
    ]
    translated = exp.Select(
        expressions=shown, distinct=exp.Distinct() if node.args.get("distinct") else None
    )
    clauses(node, translated, _inlining(node.expressions, translate) if is_whole else translate)
    return translated


def _inlining(listed: list[exp.Expr], translate: Translate) -> Translate:
    """Translate clauses that see the list; an array there is what it is before it comes out."""

    def one(node: exp.Expr) -> exp.Expr:
        aliases = [c for c in node.find_all(exp.Column) if ALIAS in c.meta]
        if not any(kinds.kind(column) is Kind.ARRAY for column in aliases):
            return translate(node)
        inlined = node.copy()
        for column in list(inlined.find_all(exp.Column)):
            if ALIAS in column.meta:
                item = listed[int(column.meta[ALIAS]) - 1]
                value = item.this if isinstance(item, exp.Alias) else item
                column.replace(value.copy())
        return translate(inlined)

    return one


def _field_names(names: list[str | None]) -> list[str]:
    """Name the fields of a STRUCT; those without a name as BigQuery's API does."""
    return [
        f"_field_{place}" if name is None or is_anonymous(name) else name
        for place, name in enumerate(names, 1)
    ]


def clauses(node: exp.Select, translated: exp.Select, translate: Translate) -> None:
    """Translate what stands from FROM to QUALIFY into a SELECT of DuckDB's."""

    def inner(part: exp.Expr) -> exp.Expr:
        return query(part, translate)

    from_ = node.args.get("from_")
    if from_ is not None:
        first = source_rewrites.source(from_.this, translate, inner)
        translated.set("from_", exp.From(this=first))
    joins = [source_rewrites.join(j, translate, inner) for j in node.args.get("joins") or []]
    if joins:
        translated.set("joins", joins)
    for name, of in (("where", exp.Where), ("having", exp.Having), ("qualify", exp.Qualify)):
        clause = node.args.get(name)
        if clause is not None:
            translated.set(name, of(this=translate(clause.this)))
    if all(node.args.get(name) is not None for name in ("where", "group", "having")):
        _keep_order(node, translated)
    group = node.args.get("group")
    if group is not None:
        keys = [order_rewrites.plain(key, translate) for key in group.expressions]
        keys += [nodes.number(place) for place in group.meta.get(PLACES, ())]
        translated.set("group", exp.Group(expressions=keys) if keys else None)


def _keep_order(node: exp.Select, translated: exp.Select) -> None:
    """Have rows looked at by WHERE before HAVING leaves out groups, if that may fail.

    DuckDB looks at keys first, but not in a condition with an aggregate.
    """
    if failing.might_fail(node.args["where"].this):
        some = nodes.operate(exp.GT, nodes.call("count_star"), nodes.number(0))
        having = translated.args["having"].this
        kept = nodes.case((some, having), default=nodes.boolean(False))
        translated.set("having", exp.Having(this=kept))


def named_items(
    node: exp.Select, translate: Translate, *, is_whole: bool
) -> list[tuple[str | None, exp.Expr]]:
    """Translate the list, each item with its name; None for DuckDB's own star.

    Args:
        node: The SELECT.
        translate: Translates expressions.
        is_whole: Whether what has no name gets BigQuery's, as it then comes out.
    """
    found: list[tuple[str | None, exp.Expr]] = []
    for item in node.expressions:
        star = items.star_in(item)
        if star is None:
            value = item.this if isinstance(item, exp.Alias) else item
            found.append((items.name_of(item), _out(value, translate, is_whole=is_whole)))
            continue
        replaced = {a.alias.lower(): a.this for a in star.args.get("replace") or []}
        expanded: list[exp.Expr] | None = star.meta.get(items.EXPANDED)
        if expanded is None:
            found.append((None, _star(star, translate)))
            continue
        for column in expanded:
            name = items.name_of(column)
            value = replaced.get(name.lower(), column)
            found.append((name, _out(value, translate, is_whole=is_whole)))
    unnamed = 0
    named: list[tuple[str | None, exp.Expr]] = []
    for place, (shown, value) in enumerate(found, 1):
        if shown is None or (shown and not is_anonymous(shown)):
            named.append((shown, value))
        elif is_whole:
            named.append((f"f{unnamed}_", value))
            unnamed += 1
        else:
            named.append((f"{ANONYMOUS}{place}", value))
    return named


def _out(value: exp.Expr, translate: Translate, *, is_whole: bool) -> exp.Expr:
    """Translate an item; an array that comes out is never NULL, nor is one of its elements."""
    translated, of = translate(value), kinds.of(value)
    if not is_whole or of is None or value.meta.get(STORED):
        named = is_whole and value.meta.get(NAMED) and of is not None and of.kind is Kind.ARRAY
        return nodes.call("coalesce", translated, _empty(of)) if named and of else translated
    if _holds_array(of) and not isinstance(value, exp.Column | exp.Dot):
        raise unsupported(
            f"a {of} that comes out", offset=start(value), hint="select its fields one by one"
        )
    return _come_out(translated, value) if of.kind is Kind.ARRAY else translated


def _holds_array(of: SqlType) -> bool:
    """Tell whether an array lies within a STRUCT."""
    inner = of.element if of.kind is Kind.ARRAY and of.element is not None else of
    return any(field.kind is Kind.ARRAY or _holds_array(field) for _, field in inner.fields)


def _empty(of: SqlType) -> exp.Expr:
    return nodes.cast(exp.Array(expressions=[]), of)


def _come_out(translated: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Make an array what BigQuery writes: empty where it is NULL, an error if one element is."""
    of = kinds.of(value)
    assert of is not None  # noqa: S101 - by the caller
    whole = nodes.call("coalesce", translated, _empty(of))
    if not _may_hold_null(value):
        return whole
    assert of.element is not None  # noqa: S101 - of an array
    item = exp.Identifier(this="element", quoted=True)
    missing = nodes.is_null(exp.Column(this=item.copy()))
    problem = nodes.error("Array cannot have a null element", of.element)
    checked = nodes.case((missing, problem), default=exp.Column(this=item.copy()))
    return nodes.call("list_transform", whole, exp.Lambda(this=checked, expressions=[item]))


def _may_hold_null(value: exp.Expr) -> bool:
    """Tell whether an array may hold a NULL, as one that was stored does not."""
    if isinstance(value, exp.Column | exp.Dot | exp.Parameter):
        return isinstance(value, exp.Column)
    if isinstance(value, exp.Anonymous) and value.name == "ARRAY_AGG":
        return Modified.of(value).nulls is not exp.IgnoreNulls
    return not (isinstance(value, exp.Anonymous) and value.name == "SPLIT")


def _star(star: exp.Star, translate: Translate) -> exp.Star:
    left_out = [quoted(name.name) for name in star.args.get("except_") or []]
    replaced = [
        exp.Alias(this=translate(item.this), alias=quoted(item.alias))
        for item in star.args.get("replace") or []
    ]
    return exp.Star(except_=left_out or None, replace=replaced or None)


def _unknown(node: exp.Expr) -> PredicateError:
    return PredicateError(
        f"{type(node).__name__} has no translation for the embedded engine", refused=True
    )
