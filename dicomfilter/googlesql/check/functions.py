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
from dicomfilter.googlesql.check import (
    aggregates,
    array_functions,
    arrays,
    bits,
    casts,
    coercion,
    date_formats,
    dates,
    formats,
    hashes,
    jsons,
    moments,
    numbers,
    raising,
    regexps,
    strings,
    subqueries,
)
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import nearest
from dicomfilter.googlesql.types.words import SAFE
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker


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
    "STARTS_WITH": Signature((_TEXT, _TEXT), kinds.BOOL),
    "ENDS_WITH": Signature((_TEXT, _TEXT), kinds.BOOL),
    "INITCAP": Signature((_TEXT,), _TEXT),
    "NORMALIZE": Signature((_TEXT,), _TEXT),
    "NORMALIZE_AND_CASEFOLD": Signature((_TEXT,), _TEXT),
    "SESSION_USER": Signature((), _TEXT),
    "SOUNDEX": Signature((_TEXT,), _TEXT),
}


def _call(checker: Checker, node: exp.Expr) -> exp.Expr:
    name = node.name
    if name.startswith(SAFE):
        return _safe(checker, node)
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
        if name in REFUSED:
            raise unsupported(name, offset=start(node), hint=REFUSED[name])
        guess = nearest(name, (*SIGNATURES, *_SPECIAL, *aggregates.NAMES))
        raise PredicateError(
            f"Function {name} is unknown or not among the GoogleSQL that dicomfilter takes",
            offset=start(node),
            hint=aggregates.instead(name)
            or (f"did you mean {guess}?" if guess else "see the functions in docs/language.md"),
            refused=True,
        )
    return _plain(checker, node, signature)


def _safe(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a call behind the prefix SAFE."""
    name = node.name.removeprefix(SAFE)
    if name not in SAFE_NAMES and name in (*SIGNATURES, *_SPECIAL, *aggregates.NAMES):
        raise unsupported(
            f"{node.name}", offset=start(node), hint=f"write {name} without {SAFE.rstrip('.')}"
        )
    bare = exp.Anonymous(this=name, expressions=node.expressions)
    checked = checker.check(at(bare, start(node) or 0))
    assert checked.name == name  # noqa: S101 - as of all in SAFE_NAMES
    checked.set("this", node.name)
    return checked


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
    if any(kinds.kind(value) is Kind.ARRAY for value in values):
        found = arrays.alike(values)
        if found is None:
            raise coercion.no_signature(what, values)
        return found
    of = coercion.common(values)
    if of is None:
        raise coercion.no_signature(what, values)
    if of.kind not in (*kinds.COMPARABLE, Kind.STRUCT):
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
    if node.this is None:
        conditions = [checker.condition(branch.this, "WHEN") for branch in branches]
    else:
        compared = [checker.check(part) for part in (node.this, *(b.this for b in branches))]
        conditions = _equalities(compared)
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


def _equalities(compared: list[exp.Expr]) -> list[exp.Expr]:
    """Compare the subject of CASE, the first, with the others, all as one type; NULL is none."""
    of = coercion.common(compared)
    if of is None:
        raise coercion.no_signature("operator CASE", compared)
    if of.kind not in kinds.COMPARABLE:
        raise unsupported(f"CASE of {of}", offset=start(compared[0]))
    subject, *others = compared
    never = kinds.of(subject) is None
    return [
        kinds.typed(exp.Boolean(this=False), kinds.BOOL)
        if never or kinds.of(other) is None
        else kinds.typed(
            exp.EQ(this=coercion.coerce(subject.copy(), of), expression=coercion.coerce(other, of)),
            kinds.BOOL,
        )
        for other in others
    ]


def _nullif(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) != 2:
        raise coercion.no_signature("function NULLIF", arguments or [node])
    of = coercion.common(arguments)
    if of is not None and of.kind not in kinds.COMPARABLE:
        raise unsupported(f"NULLIF of {of}", offset=start(node))
    return call("NULLIF", *_alike("function NULLIF", arguments))


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
    if Kind.ARRAY in found:
        return array_functions.join(operands)
    if Kind.STRING not in found or not all(k in (Kind.STRING, *casts.TEXT_FORMS) for k in found):
        raise unsupported(
            f"|| on {' and '.join(str(kinds.of(operand)) for operand in operands)}",
            offset=start(node),
            hint="join texts with CONCAT",
        )
    return kinds.typed(exp.DPipe(this=operands[0], expression=operands[1]), kinds.STRING)


_SPECIAL: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    "ARRAY": subqueries.array,
    **raising.CHECKS,
    "ARRAY_LENGTH": _array_length,
    "COALESCE": _same,
    "CONCAT": _concat,
    "IF": _if,
    "IFNULL": _same,
    "NULLIF": _nullif,
    **array_functions.CHECKS,
    **bits.CHECKS,
    **hashes.CHECKS,
    **numbers.CHECKS,
    **date_formats.CHECKS,
    **dates.CHECKS,
    **moments.CHECKS,
    **formats.CHECKS,
    **jsons.CHECKS,
    **regexps.CHECKS,
    **strings.CHECKS,
}
NOT_ON_FILES = {
    **hashes.NOT_ON_FILES,
    "INITCAP": "compare LOWER or UPPER of both sides",
    "NORMALIZE": "compare with each of the forms",
    "NORMALIZE_AND_CASEFOLD": "compare LOWER of both sides with each of the forms",
    "SESSION_USER": "give the name with --param",
    "SOUNDEX": "list the spellings with IN",
}
"""Functions that only BigQuery computes, with a way round for files."""
NAMES = tuple(name for name in (*SIGNATURES, *_SPECIAL) if name not in NOT_ON_FILES)
"""The functions that are taken on files too."""
REFUSED = {
    "COLLATE": "compare LOWER of both sides",
    "CONTAINS_SUBSTR": "write LOWER(StudyDescription) LIKE '%liver%'",
    "DATE_BUCKET": "use DATE_TRUNC, or RANGE_BUCKET over UNIX_DATE",
    "EDIT_DISTANCE": "list the spellings with IN",
    "FLATTEN": "write ARRAY(SELECT x.CodeValue FROM UNNEST(ProcedureCodeSequence) AS x)",
    "GENERATE_UUID": "take a text that stays the same, as TO_HEX(MD5(SOPInstanceUID))",
    "JSON_KEYS": "ask for a key with JSON_QUERY(Extra, '$.key') IS NOT NULL",
    "JSON_OBJECT": "select the values as columns",
    "PARSE_JSON": "use a column of type JSON",
    "TO_JSON": "select the values as columns",
    "TO_JSON_STRING": "write CAST(x AS STRING), or ARRAY_TO_STRING(x, ',')",
}
"""Functions that are known and not taken, with a way round."""
SAFE_NAMES = (
    array_functions.SAFE
    | bits.SAFE
    | hashes.SAFE
    | date_formats.SAFE
    | dates.SAFE
    | moments.SAFE
    | numbers.SAFE
    | formats.SAFE
    | jsons.SAFE
    | regexps.SAFE
    | strings.SAFE
    | frozenset({"ENDS_WITH", "LOWER", "STARTS_WITH", "UPPER"})
)
"""The functions taken behind SAFE: their check gives a call of the same name, and what fails in
their translation where BigQuery fails is a `nodes.error` that could be NULL in its place."""

RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Anonymous: _call,
    exp.Case: _case,
    exp.DPipe: _join,
}
