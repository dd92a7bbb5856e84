"""Operands that a rewrite names more than once, computed once.

A rewrite is given what stands for an operand rather than its translation. How often it names that
decides what is written: the translation in its place, or a variable that is bound to it.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import aggregates
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.duckdb.nodes import Held
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 40
"""Nodes that may be written again for each operand."""
_SMALL = 8
"""Nodes of a constant that is written as it is."""
SIZE = "size"
"""The key of the ``meta`` of a translation with the number of its nodes."""
_CHOOSING = ("COALESCE", "IF", "IFNULL")
_WHOLE = (
    *(exp.Query, exp.Exists, exp.Window, exp.Case, exp.If, exp.Connector, exp.Paren, exp.Not),
    *(exp.Array, exp.Struct, exp.Tuple, exp.Dot),
)
"""What computes its operands by what others are, or over other rows, or names each of them once."""
VOLATILE = ("RAND", "GENERATE_UUID")
"""Functions with another value each time."""


class Frame:
    """The operands of a node, while its rewrite is at work.

    Args:
        node: Checked.
    """

    def __init__(self, node: exp.Expr) -> None:
        self.holds = _computes_each(node)
        self._held: list[tuple[exp.Expr, bool]] = []
        self._numbers: dict[int, int] = {}

    def hold(self, node: exp.Expr, translated: exp.Expr) -> exp.Expr:
        """Give what stands for the translation of an operand."""
        if isinstance(translated, exp.Column | exp.Literal | exp.Parameter):
            return translated.copy()
        if _is_plain(node) or (_is_constant(node) and size(translated) <= _SMALL):
            return translated.copy()
        number = self._numbers.get(id(node))
        if number is None:
            number = self._numbers[id(node)] = len(self._held)
            self._held.append((translated, _is_volatile(node)))
        return Held(this=str(number))

    def settled(self, rewritten: exp.Expr, variable: Callable[[], str]) -> exp.Expr:
        """Write operands where they are named, or bind a variable to them.

        Args:
            rewritten: By the rewrite.
            variable: Makes a name for a variable.
        """
        if not self._held:
            return rewritten
        root = exp.Paren(this=rewritten)
        named: list[list[Held]] = [[] for _ in self._held]
        for held in list(root.find_all(Held)):
            named[int(held.name)].append(held)
        again = [
            (len(places) - 1) * (10**9 if volatile else size(translated))
            for places, (translated, volatile) in zip(named, self._held, strict=True)
        ]
        if max(again) > MOST and root.find(exp.Query) is None:
            return self._bound(root, named, exp.Identifier(this=variable()))
        for places, (translated, _) in zip(named, self._held, strict=True):
            for place in places:
                _put(place, translated.copy())
        inner = root.this
        assert isinstance(inner, exp.Expr)  # noqa: S101 - a parenthesis holds something
        return inner

    def _bound(
        self, root: exp.Paren, named: list[list[Held]], variable: exp.Identifier
    ) -> exp.Expr:
        """Bind what the rewrite names, columns too: a function may not look around itself."""
        operands = [
            translated for places, (translated, _) in zip(named, self._held, strict=True) if places
        ]
        places: list[list[exp.Expr]] = [[*own] for own in named if own]
        columns: dict[str, int] = {}
        inner = {own.name for made in root.find_all(exp.Lambda) for own in made.expressions}
        for column in list(root.find_all(exp.Column)):
            is_name = isinstance(column.this, exp.Identifier) and column.this.quoted
            if is_name and (column.table or column.name not in inner):
                number = columns.setdefault(column.sql("duckdb"), len(operands))
                if number == len(operands):
                    operands.append(column.copy())
                    places.append([])
                places[number].append(column)
        names = [f"v{number}" for number in range(1, len(operands) + 1)]
        for name, found in zip(names, places, strict=True):
            for place in found:
                value: exp.Expr = exp.Column(this=variable.copy())
                if len(operands) > 1:
                    value = nodes.call("struct_extract", value, nodes.text(name))
                place.replace(value)
        given = operands[0] if len(operands) == 1 else _packed(names, operands)
        function = exp.Lambda(this=root.this, expressions=[variable])
        applied = nodes.call("list_transform", exp.Array(expressions=[given]), function)
        return nodes.call("list_extract", applied, nodes.number(1))


def size(translated: exp.Expr) -> int:
    """Count the nodes of a translation; those of its parts are counted once."""
    total = 0
    for part in translated.walk(prune=lambda part: SIZE in part.meta):
        total += int(part.meta.get(SIZE, 1))
    return total


def _computes_each(node: exp.Expr) -> bool:
    """Tell whether a node computes each of its operands, whatever others are."""
    if isinstance(node, exp.Anonymous):
        return node.name not in (*_CHOOSING, *aggregates.NAMES, "ARRAY", "ERROR")
    if isinstance(node, exp.In) and node.args.get("query") is not None:
        return False
    return not isinstance(node, _WHOLE)


def _is_plain(node: exp.Expr) -> bool:
    """Tell whether an operand is written as it is, as rewrites look into it."""
    return kinds.kind(node) is Kind.JSON or isinstance(node, exp.Query)


def _is_constant(node: exp.Expr) -> bool:
    return node.find(exp.Column, exp.Query, exp.Anonymous, exp.Window) is None


def _is_volatile(node: exp.Expr) -> bool:
    return any(call.name in VOLATILE for call in node.find_all(exp.Anonymous))


def _put(place: exp.Expr, value: exp.Expr) -> None:
    """Write an operand in its place, between parentheses where an operator stands beside it."""
    beside = place.parent
    alone = isinstance(
        beside, exp.Paren | exp.Anonymous | exp.Array | exp.Cast | exp.If | exp.Case | exp.Order
    )
    place.replace(value if alone else nodes.wrap(value))


def _packed(names: list[str], values: list[exp.Expr]) -> exp.Expr:
    fields = [
        exp.PropertyEQ(this=exp.Identifier(this=name), expression=value)
        for name, value in zip(names, values, strict=True)
    ]
    return exp.Anonymous(this="struct_pack", expressions=fields)
