"""The check of joins: their sides, on what, and the columns of USING.

Source: GoogleSQL reference, "Query syntax", JOIN operation.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check.aggregates import GROUPABLE
from dicomfilter.googlesql.check.checker import Checker
from dicomfilter.googlesql.check.scope import Scope
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import identifier
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.scope import Source

EQUAL = "equal"
"""The key of a join's ``meta`` with the pairs of columns that USING compares."""


def check(join: exp.Expr, joined: exp.Expr, scope: Scope, added: tuple[Source, ...]) -> exp.Expr:
    """Check a join.

    Args:
        join: As parsed.
        joined: Its checked source.
        scope: With what the source brings; what USING makes one is added.
        added: What the source brings.

    Returns:
        The checked join.

    Raises:
        PredicateError: The condition is none, or a column of USING is not in both sides.
    """
    if join.args.get("kind") == "CROSS":
        return exp.Join(this=joined, kind="CROSS")
    side: str | None = join.args.get("side") or None
    checked = exp.Join(this=joined, side=side)
    condition, using = join.args.get("on"), join.args.get("using")
    if using:
        pairs = [_pair(name, scope, added) for name in using]
        checked.set("using", [identifier(name.name) for name in using])
        checked.meta[EQUAL] = [(left, right) for left, right in pairs]
        scope.merged = {
            **scope.merged,
            **{
                name.name.lower(): _one(side, *pair)
                for name, pair in zip(using, pairs, strict=True)
            },
        }
    elif condition is not None:
        checked.set("on", Checker(scope, clause="JOIN ON clause").condition(condition))
    elif side is None:
        return exp.Join(this=joined, kind="CROSS")
    return checked


def _pair(
    name: exp.Identifier, scope: Scope, added: tuple[Source, ...]
) -> tuple[exp.Expr, exp.Expr]:
    before = tuple(s for s in scope.sources if s not in added)
    sides = (
        Scope(before, scope.parameters, scope.rules, merged=scope.merged, named=True),
        Scope(added, scope.parameters, scope.rules, named=True),
    )
    for side, word in zip(sides, ("left", "right"), strict=True):
        if not side.has(name.name):
            raise PredicateError(
                f"Column {name.name} in USING clause not found on {word} side of join",
                offset=start(name),
                hint="join ON a condition",
            )
    of_array = [s for s in added if s.is_value and s.name.lower() == name.name.lower()]
    if any(not s.is_offset for s in of_array):
        raise unsupported("USING of an array", offset=start(name), hint="write ON a.x = b.y")
    left, right = (side.resolve(exp.Column(this=name.copy())) for side in sides)
    of, other = kinds.of(left), kinds.of(right)
    if of is None or of != other or of.kind not in GROUPABLE or of.kind is Kind.FLOAT64:
        raise unsupported(
            f"USING of {of} and {other}",
            offset=start(name),
            hint=f"write ON a.{name.name} = b.{name.name}",
        )
    return left, right


def _one(side: str | None, left: exp.Expr, right: exp.Expr) -> exp.Expr | None:
    """Give the column that stands for both: that of the side all of whose rows are there."""
    if side == "FULL":
        return None
    return (right if side == "RIGHT" else left).copy()
