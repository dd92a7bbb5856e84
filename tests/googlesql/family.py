"""What a family of constructs gives to the grammar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.googlesql.grammar import Grammar

    Maker = Callable[[Grammar, int], str]
    """Makes a text, given the grammar to ask for operands and how deep they may go."""


@dataclass(frozen=True)
class Family:
    """Producers, by what they produce.

    Args:
        values: By type, makers of expressions of it. They never fail at run time, whatever
            the operands.
        failing: The same of expressions that fail at run time for some rows. They are used where
            GoogleSQL says whether they are evaluated: not below AND and OR.
        literals: By type, literals.
        conditions: Makers of boolean expressions.
        queries: Makers of whole queries; the depth is 2.
    """

    values: Mapping[str, Sequence[Maker]] = field(default_factory=dict)
    failing: Mapping[str, Sequence[Maker]] = field(default_factory=dict)
    literals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    conditions: Sequence[Maker] = ()
    queries: Sequence[Maker] = ()
