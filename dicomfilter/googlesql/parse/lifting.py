"""Literals become parameters, so that no text carries a value out."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.parse.reader import START, at
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.parameters import Origin, Parameter
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARED = "shared"
"""The key of the ``meta`` of literals that become one parameter, as their expressions must stay the
same one."""
GIVEN = "given"
"""The key of a parameter's ``meta`` with its value."""
KEEP = "keep"
"""The key of a literal's ``meta`` that says that GoogleSQL wants a literal there."""
_NATURAL = (Kind.STRING, Kind.INT64)


def lift(
    tree: exp.Expr, known: Mapping[str, Parameter], *, first: int, values: bool = True
) -> tuple[exp.Expr, tuple[Parameter, ...]]:
    """Replace the literals of a checked tree by parameters.

    Args:
        tree: Checked; changed in place.
        known: The caller's parameters, by lower-cased name.
        first: The number of the first name, ``p1``; names that are taken are skipped.
        values: Whether all are lifted, or only those that have no literal form of their own.

    Returns:
        The tree, and all parameters in it in order of first use.
    """
    used: dict[str, Parameter] = {}
    shared: dict[int, Parameter] = {}
    number = first
    for node in list(tree.walk(bfs=False)):
        if isinstance(node, exp.Literal) and not node.meta.get(KEEP):
            of = kinds.of(node)
            if of is None or (not values and of.kind in _NATURAL and "value" in node.meta):
                continue
            parameter = shared.get(node.meta.get(SHARED, 0))
            if parameter is None:
                while f"p{number}" in known:
                    number += 1
                parameter = Parameter(f"p{number}", of, node.meta["value"], Origin.LITERAL)
                number += 1
                used[parameter.name] = parameter
                if SHARED in node.meta:
                    shared[node.meta[SHARED]] = parameter
            lifted = kinds.typed(exp.Parameter(this=exp.Var(this=parameter.name)), of)
            lifted.meta[GIVEN] = parameter.value
            if (offset := node.meta.get(START)) is not None:
                at(lifted, offset)
            if node is tree:
                tree = lifted
            else:
                _replace(node, lifted)
        elif isinstance(node, exp.Parameter):
            used.setdefault(node.name.lower(), known[node.name.lower()])
    return tree, tuple(used.values())


def _replace(node: exp.Expr, other: exp.Expr) -> None:
    """Put a node in the place of another.

    sqlglot's own way passes by all neighbours each time, and an IN may list thousands.
    """
    parent, key, index = node.parent, node.arg_key, node.index
    if parent is None or key is None or index is None:
        node.replace(other)
        return
    parent.args[key][index] = other
    other.parent, other.arg_key, other.index = parent, key, index


_numbers = count(1)


def share(first: exp.Expr, second: exp.Expr) -> None:
    """Lift the literals of an expression as those of one that is the same.

    Args:
        first: Checked.
        second: Checked, and equal to it.
    """
    pairs = zip(first.find_all(exp.Literal), second.find_all(exp.Literal), strict=True)
    for one, other in pairs:
        other.meta[SHARED] = one.meta.setdefault(SHARED, next(_numbers))
