"""Queries as DuckDB's: every column with its name, every order with its NULLs."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import aggregates, items
from dicomfilter.googlesql.check.grouping import PLACES
from dicomfilter.googlesql.check.scope import ALIAS, INLINED
from dicomfilter.googlesql.check.sets import TO
from dicomfilter.googlesql.duckdb import failing, grouping, nodes, sources, temporal_casts
from dicomfilter.googlesql.duckdb import items as item_rewrites
from dicomfilter.googlesql.duckdb.casts import cast as plain_cast
from dicomfilter.googlesql.duckdb.sources import quoted
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import VALUE, is_anonymous
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_ROWS = "$rows"


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
        if node.args.get("with_") is not None and _begins_with_names(node.this):
            translated = _apart(node, translated)
    else:
        raise _unknown(node)
    if order is not None:
        translated = _ordered(node, order, translated, translate)
    for name, of in (("limit", exp.Limit), ("offset", exp.Offset)):
        clause = node.args.get(name)
        if clause is not None:
            count = grouping.plain(clause.expression, translate)
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


def _begins_with_names(node: exp.Expr) -> bool:
    """Tell whether a query begins with WITH, in parentheses of its own or not."""
    while isinstance(node, exp.Subquery) and node.args.get("with_") is None:
        node = node.this
    return node.args.get("with_") is not None


def _apart(node: exp.Expr, translated: exp.Subquery) -> exp.Expr:
    """Keep the names of two WITH apart, which DuckDB throws together."""
    if node.this.args.get("order") is not None:
        raise unsupported(
            "ORDER BY in a query between parentheses behind WITH",
            offset=start(node),
            hint="leave the parentheses out",
        )
    translated.set("alias", exp.TableAlias(this=quoted(_ROWS)))
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=translated))


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
            value = _cast(value, of, to)
        listed.append(exp.Alias(this=value, alias=quoted(shown)))
    rows = exp.Subquery(this=translated, alias=exp.TableAlias(this=quoted(_ROWS), columns=names))
    return exp.Select(expressions=listed, from_=exp.From(this=rows))


def _cast(value: exp.Expr, of: SqlType, to: SqlType) -> exp.Expr:
    """Cast a column of a set operation; a STRUCT field by field, whatever their names."""
    if to.kind is Kind.STRUCT:
        names = zip(nodes.field_names(of), nodes.field_names(to), strict=True)
        fields = [
            exp.PropertyEQ(
                this=quoted(name),
                expression=_cast(
                    nodes.call("struct_extract", value.copy(), nodes.text(own)), of_field, to_field
                ),
            )
            for (own, name), (_, of_field), (_, to_field) in zip(
                names, of.fields, to.fields, strict=True
            )
        ]
        none = nodes.cast(nodes.null(), to)
        return nodes.case((nodes.is_null(value), none), default=exp.Struct(expressions=fields))
    if of == to:
        return value
    is_temporal = of.kind in kinds.TEMPORAL or to.kind in kinds.TEMPORAL
    cast = temporal_casts.cast if is_temporal else plain_cast
    return cast(value, of, to, safe=False)


def _ordered(
    node: exp.Expr, order: exp.Expr, translated: exp.Expr, translate: Translate
) -> exp.Expr:
    """Add the order; where DuckDB takes only columns that come out, around the query."""
    listed = node.expressions if isinstance(node, exp.Select) else []
    if isinstance(node, exp.Select) and not node.args.get("distinct"):
        inline = node.args.get("kind") is not None
        keys = grouping.keys(order, inlining(listed, translate), listed, inline=inline)
        translated.set("order", exp.Order(expressions=keys))
        return translated
    if isinstance(node, exp.Select) and node.args.get("kind") is not None:
        raise unsupported(
            "ORDER BY beside SELECT DISTINCT AS STRUCT",
            offset=start(node),
            hint="order the query around it",
        )
    plain = all(
        kinds.kind(key.this) is not Kind.FLOAT64 and isinstance(key.this, exp.Literal | exp.Column)
        for key in order.expressions
    )
    if plain:
        translated.set("order", exp.Order(expressions=grouping.keys(order, translate)))
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
        found.extend(grouping.keys(one, _always(named(key.this))))
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
    is_joined = bool(node.args.get("joins")) and node.args.get("group") is None
    looks_around = not is_whole and is_joined and not aggregates.has_aggregates(node.expressions)
    of_item = _behind_joins(translate) if looks_around else translate
    listed = item_rewrites.named_items(node, of_item, is_whole=is_whole)
    if node.args.get("kind") is not None:
        fields = [
            exp.PropertyEQ(this=quoted(name), expression=value)
            for name, value in zip(
                _field_names([name for name, _ in listed]),
                [value for _, value in listed],
                strict=True,
            )
        ]
        listed = [(VALUE, exp.Struct(expressions=fields))]
    shown = [
        value if name is None else exp.Alias(this=value, alias=quoted(name))
        for name, value in listed
    ]
    translated = exp.Select(
        expressions=shown, distinct=exp.Distinct() if node.args.get("distinct") else None
    )
    clauses(node, translated, inlining(node.expressions, translate))
    return translated


def _behind_joins(translate: Translate) -> Translate:
    """Translate items that may fail so that a condition around the query comes behind its joins.

    DuckDB moves no condition past what it believes to be another value each time.
    """

    def one(value: exp.Expr) -> exp.Expr:
        translated = translate(value)
        if not failing.may_fail(value):
            return translated
        never = nodes.operate(exp.LT, nodes.call("random"), nodes.number(0))
        return nodes.case((never, nodes.null()), default=translated)

    return one


def inlining(listed: list[exp.Expr], translate: Translate) -> Translate:
    """Translate clauses that see the list behind SELECT.

    An array there is what it is before it comes out.

    Args:
        listed: The checked SELECT list.
        translate: Translates expressions.

    Returns:
        What translates an expression with aliases in it; where DuckDB would take an alias for
        something else, it becomes the item.
    """

    def one(node: exp.Expr) -> exp.Expr:
        aliases = [c for c in node.find_all(exp.Column) if ALIAS in c.meta]
        if not any(c.meta.get(INLINED) or kinds.kind(c) is Kind.ARRAY for c in aliases):
            return translate(node)
        if ALIAS in node.meta:
            return translate(_item_of(node, listed).copy())
        inlined = node.copy()
        for column in list(inlined.find_all(exp.Column)):
            if ALIAS in column.meta:
                column.replace(_item_of(column, listed).copy())
        return translate(inlined)

    return one


def _item_of(column: exp.Expr, listed: list[exp.Expr]) -> exp.Expr:
    """Find the value of the item that an alias stands for."""
    item = listed[int(column.meta[ALIAS]) - 1]
    value = item.this if isinstance(item, exp.Alias) else item
    assert isinstance(value, exp.Expr)  # noqa: S101 - as of all trees
    return value


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
        first = sources.source(from_.this, translate, inner)
        translated.set("from_", exp.From(this=first))
    joins = [sources.join(j, translate, inner) for j in node.args.get("joins") or []]
    if joins:
        translated.set("joins", joins)
    for name, of in (("where", exp.Where), ("having", exp.Having), ("qualify", exp.Qualify)):
        clause = node.args.get(name)
        if clause is not None:
            translated.set(name, of(this=translate(clause.this)))
    if joins and node.args.get("where") is not None:
        _keep_arrays(node, translated.args["where"], translate)
    if node.args.get("having") is not None:
        _keep_order(node, translated, translate)
    group = node.args.get("group")
    if group is not None:
        whole = node.args.get("kind") is not None  # its items are no columns
        listed = [item.this if isinstance(item, exp.Alias) else item for item in node.expressions]
        keys = [
            translate(listed[int(key.name) - 1])
            if whole and key.meta.get(KEEP)
            else grouping.plain(key, translate)
            for key in group.expressions
        ]
        keys += [
            translate(listed[place - 1]) if whole else nodes.number(place)
            for place in group.meta.get(PLACES, ())
        ]
        translated.set("group", exp.Group(expressions=keys) if keys else None)


def _keep_arrays(node: exp.Select, where: exp.Where, translate: Translate) -> None:
    """Have arrays of which elements are taken made before a condition leaves out their rows."""
    if any(failing.might_fail(unnest.expressions[0]) for unnest in sources.unnested(node)):
        elements = [translate(sources.element(unnest)) for unnest in sources.unnested(node)]
        known = nodes.negation(nodes.is_null(nodes.call("hash", *elements)))  # as of all values
        where.set("this", nodes.case((known, where.this)))


def _keep_order(node: exp.Select, translated: exp.Select, translate: Translate) -> None:
    """Have all looked at that may fail before HAVING leaves out groups: rows by WHERE, and sums.

    DuckDB looks at keys first, but not in a condition with an aggregate.
    """
    order = node.args.get("order")
    keys = [key.this for key in order.expressions] if order is not None else []
    sums = [
        translate(part)
        for part in aggregates.parts([*node.expressions, *keys])
        if aggregates.is_aggregate(part) and part.name == "SUM"
    ]
    looked: exp.Expr | None = None
    if sums:  # no hash is NULL, which the optimizer does not know
        looked = nodes.negation(nodes.is_null(nodes.call("hash", *sums)))
    elif all(node.args.get(name) is not None for name in ("where", "group")) and (
        failing.might_fail(node.args["where"].this)
    ):
        looked = nodes.operate(exp.GT, nodes.call("count_star"), nodes.number(0))
    if looked is not None:
        having = translated.args["having"].this
        kept = nodes.case((looked, having), default=nodes.boolean(False))
        translated.set("having", exp.Having(this=kept))


def _unknown(node: exp.Expr) -> PredicateError:
    return PredicateError(
        f"{type(node).__name__} has no translation for the embedded engine", refused=True
    )
