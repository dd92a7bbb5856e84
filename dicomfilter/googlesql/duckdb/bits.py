"""Bits as GoogleSQL has them: shifts drop bits and know no sign (S25)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.values import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_HUGE = exp.DataType(this=exp.DataType.Type.INT128)
_ALL = 2**64


def operator(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``&``, ``|``, ``^``, ``<<``, ``>>``."""
    left, right = translate(node.this), translate(node.expression)
    if isinstance(node, exp.BitwiseXor):
        return nodes.call("xor", left, right)
    if isinstance(node, exp.BitwiseAnd | exp.BitwiseOr):
        return exp.Paren(this=nodes.operate(type(node), left, right))
    is_left = isinstance(node, exp.BitwiseLeftShift)
    wide = nodes.operate(exp.BitwiseAnd, _huge(left), _huge_number(_ALL - 1))
    power = nodes.operate(exp.BitwiseLeftShift, _huge(nodes.number(1)), right)
    if is_left:  # first without the bits that leave, so that there is room
        mask = nodes.operate(exp.IntDiv, _huge_number(_ALL), power.copy())
        kept = nodes.operate(exp.Mod, wide, mask)
        moved = nodes.operate(exp.Mul, kept, power)
    else:
        moved = nodes.operate(exp.IntDiv, wide, power)
    negative = nodes.operate(exp.LT, right.copy(), nodes.number(0))
    known = nodes.negation(nodes.is_null(left.copy()))
    return nodes.case(
        (
            nodes.both(negative, known),
            nodes.error("Bitwise shift by negative offset", kinds.INT64),
        ),
        (
            nodes.operate(exp.GT, right.copy(), nodes.number(63)),
            nodes.operate(exp.Sub, left.copy(), left.copy()),
        ),
        (nodes.negation(known.copy()), nodes.cast(nodes.null(), kinds.INT64)),
        default=_signed(moved),
    )


def invert(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``~``."""
    return exp.Paren(this=exp.BitwiseNot(this=nodes.wrap(translate(node.this))))


def _huge(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=_HUGE.copy())


def _huge_number(value: int) -> exp.Expr:
    return exp.Cast(this=nodes.text(str(value)), to=_HUGE.copy())


def _signed(value: exp.Expr) -> exp.Expr:
    """Read 64 bits as a number with a sign."""
    above = nodes.operate(exp.GT, value, nodes.number(INT64_MAX))
    less = nodes.operate(exp.Sub, value.copy(), _huge_number(_ALL))
    return nodes.cast(nodes.case((above, less), default=value.copy()), kinds.INT64)


def _count(node: exp.Expr, translate: Translate) -> exp.Expr:
    return nodes.cast(nodes.call("bit_count", translate(node.expressions[0])), kinds.INT64)


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {"BIT_COUNT": _count}
