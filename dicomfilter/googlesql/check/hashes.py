"""The check of hashes and of the text forms of bytes.

Source: GoogleSQL reference, "Hash functions"; "String functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_BYTES = SqlType(Kind.BYTES)
_HASHES = ("MD5", "SHA1", "SHA256")
_OF_TEXT = ("FROM_BASE64", "FROM_HEX")
_OF_BYTES = ("TO_BASE64", "TO_HEX")


def _call(checker: Checker, node: exp.Expr, *, among: tuple[SqlType, ...], to: SqlType) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) != 1:
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    of = next((known for known in among if coercion.can(arguments[0], known)), None)
    if of is None:
        raise coercion.no_signature(f"function {node.name}", arguments)
    value = coercion.coerce(arguments[0], of)
    return kinds.typed(exp.Anonymous(this=node.name, expressions=[value]), to)


def _hash(checker: Checker, node: exp.Expr) -> exp.Expr:
    return _call(checker, node, among=(kinds.STRING, _BYTES), to=_BYTES)


def _from_text(checker: Checker, node: exp.Expr) -> exp.Expr:
    return _call(checker, node, among=(kinds.STRING,), to=_BYTES)


def _to_text(checker: Checker, node: exp.Expr) -> exp.Expr:
    return _call(checker, node, among=(_BYTES,), to=kinds.STRING)


def _fingerprint(checker: Checker, node: exp.Expr) -> exp.Expr:
    return _call(checker, node, among=(kinds.STRING, _BYTES), to=kinds.INT64)


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    **dict.fromkeys((*_HASHES, "SHA512"), _hash),
    "FARM_FINGERPRINT": _fingerprint,
    **dict.fromkeys(_OF_TEXT, _from_text),
    **dict.fromkeys(_OF_BYTES, _to_text),
}
NOT_ON_FILES = dict.fromkeys(("FARM_FINGERPRINT", "SHA512"), "use SHA256 or MD5")
"""Functions of GoogleSQL that DuckDB lacks, with a way round."""
SAFE = frozenset(CHECKS) - NOT_ON_FILES.keys()
