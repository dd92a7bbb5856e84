"""Literals become parameters, so that no text carries a value out."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds
from dicomfilter.googlesql.reader import START, at
from dicomfilter.parameters import Origin, Parameter
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    number = first
    for node in list(tree.walk(bfs=False)):
        if isinstance(node, exp.Literal) and not node.meta.get(KEEP):
            of = kinds.of(node)
            if of is None or (not values and of.kind in _NATURAL and "value" in node.meta):
                continue
            while f"p{number}" in known:
                number += 1
            parameter = Parameter(f"p{number}", of, node.meta["value"], Origin.LITERAL)
            number += 1
            used[parameter.name] = parameter
            lifted = kinds.typed(exp.Parameter(this=exp.Var(this=parameter.name)), of)
            if (offset := node.meta.get(START)) is not None:
                at(lifted, offset)
            if node is tree:
                tree = lifted
            else:
                node.replace(lifted)
        elif isinstance(node, exp.Parameter):
            used.setdefault(node.name.lower(), known[node.name.lower()])
    return tree, tuple(used.values())
