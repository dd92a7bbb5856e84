"""The check of the functions on texts.

Source: GoogleSQL reference, "String functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_TEXT, _NUMBER = kinds.STRING, kinds.INT64
_BYTES = SqlType(Kind.BYTES)
_TEXTS = SqlType(Kind.ARRAY, kinds.STRING)


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function that has several.

    Args:
        arguments: The types of all arguments.
        result: The type that comes back.
        optional: How many arguments at the end may be left out.
    """

    arguments: tuple[SqlType, ...]
    result: SqlType
    optional: int = 0

    def __str__(self) -> str:
        names = [str(of) for of in self.arguments]
        needed = len(names) - self.optional
        return ", ".join(names[:needed]) + "".join(f"[, {of}]" for of in names[needed:])

    def takes(self, given: list[exp.Expr]) -> bool:
        """Tell whether checked arguments fit."""
        most = len(self.arguments)
        return most - self.optional <= len(given) <= most and all(
            coercion.can(argument, to) for argument, to in zip(given, self.arguments, strict=False)
        )


_TRIMMED = (Overload((_TEXT, _TEXT), _TEXT, 1),)
_PADDED = (Overload((_TEXT, _NUMBER, _TEXT), _TEXT, 1),)
_PART = (Overload((_TEXT, _NUMBER, _NUMBER), _TEXT, 1),)
_END = (Overload((_TEXT, _NUMBER), _TEXT),)
_CHARACTERS = (Overload((_TEXT,), _NUMBER),)
_SIZE = (Overload((_TEXT,), _NUMBER), Overload((_BYTES,), _NUMBER))
_OVERLOADS: dict[str, tuple[Overload, ...]] = {
    "ARRAY_TO_STRING": (Overload((_TEXTS, _TEXT, _TEXT), _TEXT, 1),),
    "ASCII": _CHARACTERS,
    "BYTE_LENGTH": _SIZE,
    "CHARACTER_LENGTH": _CHARACTERS,
    "CHAR_LENGTH": _CHARACTERS,
    "CHR": (Overload((_NUMBER,), _TEXT),),
    "INSTR": (Overload((_TEXT, _TEXT), _NUMBER),),
    "LEFT": _END,
    "LENGTH": _SIZE,
    "LPAD": _PADDED,
    "LTRIM": _TRIMMED,
    "OCTET_LENGTH": _SIZE,
    "REPEAT": (Overload((_TEXT, _NUMBER), _TEXT),),
    "REPLACE": (Overload((_TEXT, _TEXT, _TEXT), _TEXT),),
    "REVERSE": (Overload((_TEXT,), _TEXT),),
    "RIGHT": _END,
    "RPAD": _PADDED,
    "RTRIM": _TRIMMED,
    "SPLIT": (Overload((_TEXT, _TEXT), _TEXTS, 1),),
    "STRPOS": (Overload((_TEXT, _TEXT), _NUMBER),),
    "SUBSTR": _PART,
    "SUBSTRING": _PART,
    "TRANSLATE": (Overload((_TEXT, _TEXT, _TEXT), _TEXT),),
    "TRIM": _TRIMMED,
    "UNICODE": _CHARACTERS,
}


def overloaded(
    checker: Checker, node: exp.Expr, overloads: tuple[Overload, ...]
) -> tuple[list[exp.Expr], SqlType]:
    """Find the signature that the arguments of a call fit.

    Args:
        checker: Checks the arguments.
        node: The call, as parsed.
        overloads: The signatures of the function; the first that fits is taken.

    Returns:
        The arguments as that signature wants them, and the type that comes back.

    Raises:
        PredicateError: None fits, or GoogleSQL has one that is not taken.
    """
    arguments = [checker.check(argument) for argument in node.expressions]
    for overload in overloads:
        if overload.takes(arguments):
            fitting = [
                coercion.coerce(argument, to)
                for argument, to in zip(arguments, overload.arguments, strict=False)
            ]
            return fitting, overload.result
    if any(kinds.kind(argument) is Kind.BYTES for argument in arguments):
        raise unsupported(f"{node.name} on BYTES", offset=start(node))
    if node.name == "INSTR" and len(arguments) > 2:
        raise unsupported("INSTR from a position on", offset=start(node), hint="use SUBSTR")
    wanted = f"its arguments are {overloads[0]}"
    raise coercion.no_signature(f"function {node.name}", arguments or [node], hint=wanted)


def _call(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments, result = overloaded(checker, node, _OVERLOADS[node.name])
    if node.name == "ARRAY_TO_STRING" and len(arguments) > 2 and arguments[2].find(exp.Query):
        raise unsupported(
            "ARRAY_TO_STRING with a subquery for what is NULL",
            offset=start(arguments[2]),
            hint="write a text or a column",
        )
    return kinds.typed(exp.Anonymous(this=node.name, expressions=arguments), result)


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = dict.fromkeys(_OVERLOADS, _call)
"""The rules of these functions, by name."""
SAFE = frozenset(_OVERLOADS) - {"CHR"}
"""Those that SAFE may stand before."""
