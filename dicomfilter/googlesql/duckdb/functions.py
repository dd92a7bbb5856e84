"""The prefix SAFE: a function's own errors are NULL, not its arguments'."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types.words import SAFE

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_ARGUMENTS = "argument's"
"""The key of a node's ``meta`` that says that the error is one of an argument."""


def call(
    node: exp.Expr, translate: Translate, rewrite: Callable[[exp.Expr, Translate], exp.Expr]
) -> exp.Expr:
    """Translate a checked call behind SAFE.

    Args:
        node: The call, ``SAFE.F(x)``.
        translate: Translates its arguments.
        rewrite: Translates the same call without SAFE, by means of a given translation of
            arguments.

    Returns:
        What ``F(x)`` is, with NULL in the place of each `nodes.error` that F raises.
    """
    bare = exp.Anonymous(this=node.name.removeprefix(SAFE), expressions=[])
    bare.type = node.type
    bare.meta.update(node.meta)
    # set aside, as a node knows only one parent
    bare.args["expressions"] = node.expressions
    return silenced(translate, lambda argument: rewrite(bare, argument))


def silenced(translate: Translate, rewrite: Callable[[Translate], exp.Expr]) -> exp.Expr:
    """Turn errors into NULL.

    Args:
        translate: Translates arguments, whose errors stay.
        rewrite: Makes a tree by means of the translation of arguments that it is given.

    Returns:
        The tree, with NULL in the place of each `nodes.error` that is not an argument's.
    """

    def argument(part: exp.Expr) -> exp.Expr:
        translated = translate(part)
        for failing in _errors(translated):
            failing.meta[_ARGUMENTS] = True
        return translated

    holder = exp.Paren(this=rewrite(argument))
    for failing in _errors(holder):
        if not failing.meta.get(_ARGUMENTS):
            failing.replace(nodes.cast(nodes.null(), failing.meta[nodes.BIGQUERYS]))
    inner = holder.this
    assert isinstance(inner, exp.Expr)  # noqa: S101 - a parenthesis holds something
    return inner


def _errors(tree: exp.Expr) -> list[exp.Expr]:
    return [node for node in tree.walk() if nodes.BIGQUERYS in node.meta]
