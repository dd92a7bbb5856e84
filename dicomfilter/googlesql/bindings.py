"""Operands named once where a rewrite uses them more than once."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SMALL = 80
"""Operands of up to this many nodes are rather written again."""


def named(
    operands: Sequence[exp.Expr],
    body: Callable[..., exp.Expr],
    *,
    name: str = "_given",
    small: int = SMALL,
) -> exp.Expr:
    """Write an expression over operands, each of which is computed once.

    Args:
        operands: Translated, all of one DuckDB type.
        body: Writes the expression, given what stands for the operands.
        name: Of the variable; where ``body`` names operands too, another.
        small: Up to how many nodes operands are written again.

    Returns:
        The expression, as the one element of a list that a lambda transforms, or plainly where
        the operands are small.
    """
    if not any(_is_larger(operand, small) for operand in operands):
        return body(*operands)
    variable = exp.Identifier(this=name)
    places = [
        nodes.call("list_extract", exp.Column(this=variable.copy()), nodes.number(place))
        for place in range(1, len(operands) + 1)
    ]
    function = exp.Lambda(this=body(*places), expressions=[variable])
    given = exp.Array(expressions=[exp.Array(expressions=list(operands))])
    return nodes.call(
        "list_extract", nodes.call("list_transform", given, function), nodes.number(1)
    )


def _is_larger(node: exp.Expr, size: int) -> bool:
    return next(islice(node.walk(), size, None), None) is not None
