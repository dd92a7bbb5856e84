"""The check of an expression: what has no rule is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from sqlglot import exp

    from dicomfilter.googlesql.check.scope import Scope


@dataclass
class Checker:
    """Checks the expressions of one clause.

    Args:
        scope: The names they may use.
        clause: How a message calls the clause.
        aggregates: Whether aggregate functions may stand here.
        windows: Whether window functions may stand here.
    """

    scope: Scope
    clause: str = "WHERE clause"
    aggregates: bool = False
    windows: bool = False

    def check(self, node: exp.Expr) -> exp.Expr:
        """Check an expression.

        Args:
            node: As parsed.

        Returns:
            Its canonical tree, where every expression has its type.

        Raises:
            PredicateError: GoogleSQL refuses it, or it is not taken.
        """
        rule = self.scope.rules.get(type(node))
        if rule is None:
            raise unsupported(type(node).__name__.upper(), offset=start(node))
        checked = rule(self, node)
        if "start" not in checked.meta and (offset := start(node)) is not None:
            at(checked, offset)
        return checked

    def inside(self, clause: str, *, aggregates: bool = False) -> Checker:
        """Make the checker for the arguments of an aggregate or window function."""
        return replace(self, clause=clause, aggregates=aggregates, windows=False)

    def condition(self, node: exp.Expr, what: str | None = None) -> exp.Expr:
        """Check an expression that must be boolean.

        Args:
            node: As parsed.
            what: How a message calls it, else the clause.
        """
        checked = self.check(node)
        if kinds.of(checked) is None:
            return kinds.typed(checked, kinds.BOOL)
        if kinds.kind(checked) is not Kind.BOOL:
            raise PredicateError(
                f"{what or self.clause} should return type BOOL, but returns {kinds.of(checked)}",
                offset=start(node),
                hint="compare it with something, as in Modality = 'CT'",
            )
        return checked
