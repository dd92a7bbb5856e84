"""The check of aggregate functions.

Source: GoogleSQL reference, "Aggregate functions", "Aggregate function calls".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.check.scope import ALIAS, INLINED, SOURCE, STORED
from dicomfilter.googlesql.parse.lifting import share
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dicomfilter.googlesql.check.checker import Checker

GROUPABLE = (
    Kind.STRING,
    Kind.BYTES,
    Kind.BOOL,
    Kind.INT64,
    Kind.NUMERIC,
    Kind.FLOAT64,
    *kinds.TEMPORAL,
)
"""Types by which rows are grouped, alike on both engines: of FLOAT64, all NaN are one group, and
the two zeros too."""

_BOOLEAN = ("COUNTIF", "LOGICAL_AND", "LOGICAL_OR")
_SPREAD = ("STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP")
_NUMBERS = ("AVG", "SUM", *_SPREAD)
_ANY = ("ANY_VALUE", "COUNT", "MAX", "MIN")
AGGREGATES = (*_BOOLEAN, *_NUMBERS, *_ANY, "ARRAY_AGG", "STRING_AGG")
NUMBERING = ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE")
NAVIGATION = ("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE")
NAMES = (*AGGREGATES, *NUMBERING, *NAVIGATION)
"""The functions that look at several rows."""
_INSTEAD = {
    "APPROX_COUNT_DISTINCT": "write COUNT(DISTINCT x), which is exact",
    "APPROX_QUANTILES": "write MIN, AVG and MAX",
    "APPROX_TOP_COUNT": "GROUP BY the value, ORDER BY COUNT(*) DESC, and LIMIT",
    "ARRAY_CONCAT_AGG": "UNNEST the arrays and use ARRAY_AGG",
    "CORR": "compute it from the rows: near zero its last digits hang on their order",
    "COVAR_POP": "compute it from the rows: near zero its last digits hang on their order",
    "COVAR_SAMP": "compute it from the rows: near zero its last digits hang on their order",
    "MAX_BY": "number the rows with ROW_NUMBER() and keep the first",
    "MIN_BY": "number the rows with ROW_NUMBER() and keep the first",
    "PERCENTILE_CONT": "write MIN, AVG and MAX",
    "PERCENTILE_DISC": "write MIN, AVG and MAX",
    "GROUPING": "join one query a grouping with UNION ALL",
}


@dataclass(frozen=True, slots=True)
class Modified:
    """The arguments of an aggregate, apart from what modifies it.

    Args:
        arguments: As written.
        distinct: Whether DISTINCT stands before them.
        nulls: IgnoreNulls or RespectNulls, where said.
        order: The Order behind them, if any.
        limit: The Limit behind them, if any.
    """

    arguments: tuple[exp.Expr, ...]
    distinct: bool = False
    nulls: type[exp.Expr] | None = None
    order: exp.Order | None = None
    limit: exp.Limit | None = None

    @classmethod
    def of(cls, node: exp.Expr) -> Modified:
        """Take a call apart."""
        arguments = list(node.expressions)
        order = limit = nulls = None
        if arguments:
            last = arguments[-1]
            if isinstance(last, exp.Limit):
                limit, last = last, last.this
            if isinstance(last, exp.Order):
                order, last = last, last.this
            if isinstance(last, exp.IgnoreNulls | exp.RespectNulls):
                nulls, last = type(last), last.this
            arguments[-1] = last
        distinct = bool(arguments) and isinstance(arguments[0], exp.Distinct)
        if distinct:
            arguments[0] = arguments[0].expressions[0]
        return cls(tuple(arguments), distinct, nulls, order, limit)

    def around(self, arguments: list[exp.Expr], keys: list[exp.Expr]) -> list[exp.Expr]:
        """Put the modifiers around checked arguments again."""
        found, of = list(arguments), kinds.of(arguments[-1])
        if self.distinct:
            found[0] = kinds.typed(exp.Distinct(expressions=[found[0]]), kinds.of(found[0]))
        if self.nulls is not None:
            found[-1] = kinds.typed(self.nulls(this=found[-1]), of)
        if self.order is not None:
            found[-1] = kinds.typed(exp.Order(this=found[-1], expressions=keys), of)
        if self.limit is not None:
            found[-1] = kinds.typed(exp.Limit(this=found[-1], expression=self.limit.expression), of)
        return found


def check(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a call of an aggregate function that no window follows."""
    if node.name not in AGGREGATES:
        raise PredicateError(
            f"Window function {node.name} requires an OVER clause",
            offset=start(node),
            hint="write ROW_NUMBER() OVER (PARTITION BY SOPInstanceUID ORDER BY LastUpdated DESC)",
        )
    if not checker.aggregates:
        raise PredicateError(
            f"Aggregate function {node.name} not allowed in {checker.clause}",
            offset=start(node),
            hint="a condition looks at one row; count with `dicomfilter count` or a named query",
        )
    return aggregate(checker.inside(f"the arguments of {node.name}"), node)


def aggregate(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check an aggregate's arguments and modifiers.

    Args:
        checker: Of the arguments.
        node: The call.

    Returns:
        The checked call.

    Raises:
        PredicateError: GoogleSQL refuses it, or the form is not taken.
    """
    name, call = node.name, Modified.of(node)
    if len(call.arguments) == 1 and isinstance(call.arguments[0], exp.Star):
        return _call(node, [exp.Star()], kinds.INT64)
    _require_modifiers(node, call)
    values = [checker.check(argument) for argument in call.arguments]
    _require_own(checker, node, values)
    inline(checker, values)
    result, values = _RESULTS.get(name, _of_one)(node, call, values)
    keys = checked_order(checker, call.order) if call.order is not None else []
    if call.distinct and any(key.this != values[0] for key in keys):
        raise PredicateError(
            "An aggregate function that has both DISTINCT and ORDER BY arguments can only ORDER BY "
            "expressions that are arguments to the function",
            offset=start(node),
        )
    for key in keys if call.distinct else ():
        share(values[0], key.this)
    return _call(node, call.around(values, keys), result)


def _require_modifiers(node: exp.Expr, call: Modified) -> None:
    name = node.name
    if call.distinct and name in ("ANY_VALUE", *_BOOLEAN, *_SPREAD):
        raise unsupported(f"{name}(DISTINCT)", offset=start(node), hint="leave DISTINCT out")
    if name not in ("ARRAY_AGG", "STRING_AGG") and (call.order or call.limit or call.nulls):
        raise unsupported(f"{name} with a modifier", offset=start(node), hint="leave it out")
    if name == "STRING_AGG" and call.nulls is not None:
        raise unsupported(
            "STRING_AGG with NULLS",
            offset=start(node),
            hint="leave it out: STRING_AGG passes over NULL",
        )
    if call.limit is not None and call.limit.expression.name.strip("0") == "":
        raise unsupported("LIMIT 0 in an aggregate", offset=start(node), hint="write NULL")


def _require_own(checker: Checker, node: exp.Expr, values: list[exp.Expr]) -> None:
    """Refuse an aggregate of columns around a subquery alone, which DuckDB takes for theirs."""
    if checker.scope.outer is None:
        return
    own = {source.key for source in checker.scope.sources}
    around = {source.key for source in checker.scope.outer.all_sources()}
    keys = {part.meta[SOURCE] for value in values for part in value.walk() if SOURCE in part.meta}
    if keys & around and not keys & own:
        raise unsupported(
            f"{node.name} of a column of the query around it",
            offset=start(node),
            hint="aggregate a column of the subquery",
        )


def inline(checker: Checker, nodes: Iterable[exp.Expr]) -> None:
    """Have the aliases in an aggregate or window become what they stand for.

    Args:
        checker: Of the arguments.
        nodes: Checked arguments or keys; changed in place.

    Raises:
        PredicateError: An alias stands for what is an aggregate or window itself.
    """
    for part in parts(nodes):
        if ALIAS not in part.meta:
            continue
        items = checker.scope.aliases.get(part.name.lower(), [])
        item = [item for place, item in items if place == part.meta[ALIAS]]
        if has_windows(item) or (not checker.aggregates and has_aggregates(item)):
            raise PredicateError(
                f"{part.name} is an aggregate or window, which is not allowed in {checker.clause}",
                offset=start(part),
                hint="put it into a query in FROM",
            )
        part.meta[INLINED] = True


def _of_one(
    node: exp.Expr, call: Modified, values: list[exp.Expr]
) -> tuple[SqlType, list[exp.Expr]]:
    name = node.name
    if len(values) != 1:
        raise coercion.no_signature(f"function {name}", values or [node])
    value, of = values[0], kinds.of(values[0])
    if of is None:
        raise unsupported(f"{name}(NULL)", offset=start(value))
    if name in _BOOLEAN:
        if of.kind is not Kind.BOOL:
            raise coercion.no_signature(f"function {name}", values)
        return kinds.INT64 if name == "COUNTIF" else kinds.BOOL, values
    if name in _NUMBERS:
        if of.kind not in kinds.NUMBERS:
            raise coercion.no_signature(f"function {name}", values)
        return (of if name == "SUM" else _average(of, name)), values
    if call.distinct and not is_groupable(of):
        raise unsupported(f"COUNT(DISTINCT) of {of}", offset=start(value))
    if name in ("MIN", "MAX") and of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"{name} is not defined for arguments of type {of}", offset=start(value)
        )
    return kinds.INT64 if name == "COUNT" else of, values


def _average(of: SqlType, name: str) -> SqlType:
    return of if of.kind is Kind.NUMERIC and name == "AVG" else kinds.FLOAT64


def _texts(node: exp.Expr, _: Modified, values: list[exp.Expr]) -> tuple[SqlType, list[exp.Expr]]:
    """Check STRING_AGG; without a delimiter it is a comma."""
    if not values or len(values) > 2 or any(kinds.kind(v) is not Kind.STRING for v in values):
        if any(kinds.kind(value) is Kind.BYTES for value in values):
            raise unsupported("STRING_AGG of BYTES", offset=start(node))
        raise coercion.no_signature("function STRING_AGG", values or [node])
    if len(values) == 2 and not isinstance(values[1], exp.Literal | exp.Parameter):
        raise PredicateError(
            "The second argument of STRING_AGG must be a literal or a query parameter",
            offset=start(values[1]),
        )
    return kinds.STRING, values


def _array(
    node: exp.Expr, call: Modified, values: list[exp.Expr]
) -> tuple[SqlType, list[exp.Expr]]:
    if len(values) != 1:
        raise coercion.no_signature("function ARRAY_AGG", values or [node])
    of = kinds.of(values[0])
    if of is None:
        raise unsupported("ARRAY_AGG(NULL)", offset=start(node))
    if of.kind is Kind.ARRAY:
        raise PredicateError(
            f"The argument to ARRAY_AGG must not be an array type but was {of}",
            offset=start(node),
            hint="UNNEST the arrays first",
        )
    if call.distinct and not is_groupable(of):
        raise unsupported(f"ARRAY_AGG(DISTINCT) of {of}", offset=start(node))
    return SqlType(Kind.ARRAY, of), values


_RESULTS = {
    "ARRAY_AGG": _array,
    "STRING_AGG": _texts,
}


def checked_order(checker: Checker, ordering: exp.Expr) -> list[exp.Expr]:
    """Check the keys of an ORDER BY.

    Args:
        checker: Of the clause.
        ordering: Its parsed tree.

    Returns:
        The keys, each an Ordered.

    Raises:
        PredicateError: A key's type has no order that DuckDB shares.
    """
    keys: list[exp.Expr] = []
    for ordered in ordering.expressions:
        if isinstance(ordered.this, exp.Literal):
            raise unsupported(
                f"an order by a constant in {checker.clause}",
                offset=start(ordered.this),
                hint="leave it out, or write the expression for which the number stands",
            )
        key = checker.check(ordered.this)
        of = kinds.of(key)
        if of is None or of.kind not in kinds.COMPARABLE:
            raise PredicateError(
                f"ORDER BY does not support expressions of type {of or 'NULL'}", offset=start(key)
            )
        checked = exp.Ordered(
            this=key, desc=ordered.args["desc"], nulls_first=ordered.args["nulls_first"]
        )
        keys.append(kinds.typed(checked, of))
    return keys


def group_key(node: exp.Expr) -> exp.Expr:
    """Make sure that rows can be grouped by an expression; give it back."""
    of = kinds.of(node)
    if of is None or not (is_groupable(of) or is_stored_array(node)):
        raise unsupported(
            f"a group by {kinds.of(node) or 'NULL'}",
            offset=start(node),
            hint="SAFE_CAST or compare it first",
        )
    return node


def is_groupable(of: SqlType) -> bool:
    """Tell whether both engines group rows by a type alike.

    A STRUCT is by its fields; in it neither NaN nor zeros are alike to DuckDB.
    """
    if of.kind is Kind.STRUCT:
        return all(f.kind is not Kind.FLOAT64 and is_groupable(f) for _, f in of.fields)
    return of.kind in GROUPABLE


def is_stored_array(node: exp.Expr) -> bool:
    """Tell whether a value is an array of a table's own, to group by."""
    of = kinds.of(node)
    if of is None or of.element is None or STORED not in node.meta:
        return False
    return is_groupable(of.element) and of.element.kind is not Kind.FLOAT64


def _call(node: exp.Expr, arguments: list[exp.Expr], result: SqlType) -> exp.Expr:
    call = kinds.typed(exp.Anonymous(this=node.name, expressions=arguments), result)
    return at(call, start(node) or 0)


def is_aggregate(node: exp.Expr) -> bool:
    """Tell whether a checked node calls an aggregate function, not a window's."""
    return (
        isinstance(node, exp.Anonymous)
        and node.name in NAMES
        and not isinstance(node.parent, exp.Window)
    )


def parts(nodes: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    """Walk through expressions, but not into the queries that they hold."""
    for node in nodes:
        yield from node.walk(prune=lambda part: isinstance(part, exp.Query))


def has_aggregates(nodes: Iterable[exp.Expr]) -> bool:
    """Tell whether expressions call aggregate functions themselves."""
    return any(is_aggregate(part) for part in parts(nodes))


def is_constant(node: exp.Expr) -> bool:
    """Tell whether an expression has no column, query or aggregate in it."""
    return node.find(exp.Column, exp.Query) is None and not has_aggregates([node])


def has_windows(nodes: Iterable[exp.Expr]) -> bool:
    """Tell whether expressions call window functions themselves."""
    return any(isinstance(part, exp.Window) for part in parts(nodes))


def instead(name: str) -> str | None:
    """Say what to write instead of an aggregate that is refused."""
    return _INSTEAD.get(name)
