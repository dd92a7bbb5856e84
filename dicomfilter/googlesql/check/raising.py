"""ERROR, which fails wherever it is evaluated.

Source: GoogleSQL reference, "Debugging functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

    Translate = Callable[[exp.Expr], exp.Expr]


def _error(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ERROR(text), which takes the place of a value of any type as NULL does."""
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) != 1 or kinds.kind(arguments[0]) not in (None, kinds.STRING.kind):
        raise coercion.no_signature("function ERROR", arguments or [node])
    argument = coercion.coerce(arguments[0], kinds.STRING)
    return kinds.typed(exp.Anonymous(this="ERROR", expressions=[argument]), None)


def _fail(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Fail with a text, by a cast for the reasons of `nodes.error`."""
    text = nodes.call("coalesce", translate(node.expressions[0]), nodes.text("NULL"))
    message = nodes.call("concat", nodes.text("ERROR: "), text)
    failing = nodes.cast(nodes.cast(message, kinds.INT64), kinds.STRING)
    to = kinds.of(node) or kinds.INT64
    return failing if to == kinds.STRING else nodes.cast(failing, to)


CHECKS = {"ERROR": _error}
CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {"ERROR": _fail}
