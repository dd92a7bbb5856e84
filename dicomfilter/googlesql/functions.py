"""The check of function calls: which there are, and their signatures.

Source: GoogleSQL reference, "String functions", "Date functions", "Conditional expressions",
"Array functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import aggregates, casts, coercion, kinds, regexps
from dicomfilter.googlesql.reader import start, unsupported
from dicomfilter.googlesql.scope import nearest
from dicomfilter.googlesql.words import DATE_PARTS
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.checker import Checker


@dataclass(frozen=True, slots=True)
class Signature:
    """A function with a fixed number of typed arguments.

    Args:
        arguments: Their types.
        result: The type that comes back.
        also: Types of the first argument that GoogleSQL takes and dicomfilter does not.
    """

    arguments: tuple[SqlType, ...]
    result: SqlType
    also: tuple[Kind, ...] = (Kind.BYTES,)


_TEXT = kinds.STRING
SIGNATURES = {
    "LOWER": Signature((_TEXT,), _TEXT),
    "UPPER": Signature((_TEXT,), _TEXT),
    "LTRIM": Signature((_TEXT, _TEXT), _TEXT),
    "LENGTH": Signature((_TEXT,), kinds.INT64),
    "STARTS_WITH": Signature((_TEXT, _TEXT), kinds.BOOL),
    "ENDS_WITH": Signature((_TEXT, _TEXT), kinds.BOOL),
    "REGEXP_CONTAINS": Signature((_TEXT, _TEXT), kinds.BOOL),
}


def _call(checker: Checker, node: exp.Expr) -> exp.Expr:
    name = node.name
    if name in aggregates.NAMES:
        return aggregates.check(checker, node)
    for argument in node.expressions:
        if isinstance(argument, exp.Distinct):
            raise PredicateError(
                f"Syntax error: DISTINCT is not allowed in {name}", offset=start(argument)
            )
    special = _SPECIAL.get(name)
    if special is not None:
        return special(checker, node)
    signature = SIGNATURES.get(name)
    if signature is None:
        guess = nearest(name, (*SIGNATURES, *_SPECIAL, *aggregates.NAMES))
        raise PredicateError(
            f"Function {name} is unknown or not among the GoogleSQL that dicomfilter takes",
            offset=start(node),
            hint=f"did you mean {guess}?" if guess else f"functions: {', '.join(sorted(NAMES))}",
            refused=True,
        )
    return _plain(checker, node, signature)


def _plain(checker: Checker, node: exp.Expr, signature: Signature) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    fits = len(arguments) == len(signature.arguments) and all(
        coercion.can(argument, to)
        for argument, to in zip(arguments, signature.arguments, strict=True)
    )
    if not fits:
        if arguments and kinds.kind(arguments[0]) in signature.also:
            raise unsupported(f"{node.name} on {kinds.of(arguments[0])}", offset=start(node))
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    arguments = [
        coercion.coerce(argument, to)
        for argument, to in zip(arguments, signature.arguments, strict=True)
    ]
    if node.name == "REGEXP_CONTAINS":
        regexps.check(checker.scope, arguments[1])
    return call(node.name, arguments, signature.result)


def call(name: str, arguments: list[exp.Expr], result: SqlType | None) -> exp.Expr:
    """Write a checked call."""
    return kinds.typed(exp.Anonymous(this=name, expressions=arguments), result)


def _same(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a function whose arguments share the type that comes back: COALESCE, IFNULL."""
    arguments = [checker.check(argument) for argument in node.expressions]
    if not arguments or (node.name == "IFNULL" and len(arguments) != 2):
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    return call(node.name, *_alike(f"function {node.name}", arguments))


def _alike(what: str, values: list[exp.Expr]) -> tuple[list[exp.Expr], SqlType]:
    of = coercion.common(values)
    if of is None:
        raise coercion.no_signature(what, values)
    if of.kind not in kinds.COMPARABLE:
        raise unsupported(f"{what.rsplit(maxsplit=1)[-1]} of {of}", offset=start(values[0]))
    return [coercion.coerce(value, of) for value in values], of


def _if(checker: Checker, node: exp.Expr) -> exp.Expr:
    if len(node.expressions) != 3:
        raise coercion.no_signature(
            "function IF", [checker.check(x) for x in node.expressions] or [node]
        )
    condition = checker.condition(node.expressions[0], "The first argument of IF")
    values, of = _alike("function IF", [checker.check(x) for x in node.expressions[1:]])
    return call("IF", [condition, *values], of)


def _case(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check CASE; one with a subject becomes one without, which says the same."""
    branches: list[exp.If] = node.args["ifs"]
    conditions: list[exp.Expr] = []
    for branch in branches:
        condition = branch.this
        if node.this is not None:
            if isinstance(condition, exp.Null):
                raise unsupported("WHEN NULL", offset=start(condition), hint="leave it out")
            condition = exp.EQ(this=node.this.copy(), expression=condition)
        conditions.append(checker.condition(condition, "WHEN"))
    values = [checker.check(branch.args["true"]) for branch in branches]
    default = node.args.get("default")
    if default is not None:
        values.append(checker.check(default))
    values, of = _alike("operator CASE", values)
    ifs = [
        exp.If(this=condition, true=value)
        for condition, value in zip(conditions, values, strict=False)
    ]
    last = values[len(ifs)] if default is not None else None
    return kinds.typed(exp.Case(ifs=ifs, default=last), of)


def _shift(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check DATE_ADD and DATE_SUB."""
    arguments = node.expressions
    if len(arguments) != 2 or not isinstance(arguments[1], exp.Interval):
        raise PredicateError(
            f"{node.name} wants a date and an INTERVAL",
            offset=start(node),
            hint=f"write {node.name}(StudyDate, INTERVAL 30 DAY)",
        )
    day = checker.check(arguments[0])
    interval = arguments[1]
    count = checker.check(interval.this)
    if kinds.kind(day) in (Kind.DATETIME, Kind.TIMESTAMP):
        raise unsupported(f"{node.name} on {kinds.of(day)}", offset=start(day))
    if not coercion.can(day, kinds.DATE) or not coercion.can(count, kinds.INT64):
        raise coercion.no_signature(f"function {node.name}", [day, count])
    unit = interval.args["unit"].name
    if unit not in DATE_PARTS:
        raise unsupported(f"the unit {unit}", offset=start(interval))
    span = exp.Interval(this=coercion.coerce(count, kinds.INT64), unit=exp.Var(this=unit))
    span = kinds.typed(span, SqlType(Kind.INTERVAL))
    return call(node.name, [coercion.coerce(day, kinds.DATE), span], kinds.DATE)


def _array_length(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) != 1 or kinds.kind(arguments[0]) is not Kind.ARRAY:
        raise coercion.no_signature("function ARRAY_LENGTH", arguments or [node])
    return call(node.name, arguments, kinds.INT64)


def _concat(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check CONCAT, which writes what is no text as CAST does."""
    arguments = [checker.check(argument) for argument in node.expressions]
    if not arguments:
        raise coercion.no_signature("function CONCAT", [node])
    for argument in arguments:
        of = kinds.of(argument)
        if of is None:
            kinds.typed(argument, kinds.STRING)
        elif of.kind not in (Kind.STRING, *casts.TEXT_FORMS):
            raise unsupported(f"CONCAT of {of}", offset=start(argument))
    return call("CONCAT", arguments, kinds.STRING)


def _join(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``||`` on texts."""
    operands = [checker.check(node.this), checker.check(node.expression)]
    for operand in operands:
        if kinds.of(operand) is None:
            raise PredicateError("Operands of || cannot be literal NULL", offset=start(operand))
    found = [kinds.kind(operand) for operand in operands]
    if Kind.STRING not in found or not all(k in (Kind.STRING, *casts.TEXT_FORMS) for k in found):
        raise unsupported(
            f"|| on {' and '.join(str(kinds.of(operand)) for operand in operands)}",
            offset=start(node),
            hint="join texts with CONCAT",
        )
    return kinds.typed(exp.DPipe(this=operands[0], expression=operands[1]), kinds.STRING)


_SPECIAL: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    "ARRAY_LENGTH": _array_length,
    "COALESCE": _same,
    "CONCAT": _concat,
    "DATE_ADD": _shift,
    "DATE_SUB": _shift,
    "IF": _if,
    "IFNULL": _same,
}
NAMES = (*SIGNATURES, *_SPECIAL)

RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Anonymous: _call,
    exp.Case: _case,
    exp.DPipe: _join,
}
