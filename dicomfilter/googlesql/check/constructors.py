"""STRUCTs made of checked values."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import identifier
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Sequence


def build(names: Sequence[str], values: Sequence[exp.Expr]) -> exp.Expr:
    """Build a STRUCT.

    Args:
        names: Of its fields; empty where one has none.
        values: Checked.

    Returns:
        The constructor, with its type.
    """
    fields: list[exp.Expr] = []
    types: list[tuple[str, SqlType]] = []
    for name, value in zip(names, values, strict=True):
        of = kinds.of(value) or kinds.INT64
        if kinds.of(value) is None:
            kinds.typed(value, of)
        types.append((name, of))
        named = exp.PropertyEQ(this=identifier(name), expression=value) if name else value
        fields.append(kinds.typed(named, of))
    # in STRUCT(a) the field would be called a, in a row it has no name
    of_all = exp.Struct if any(names) or len(fields) == 1 else exp.Tuple
    return kinds.typed(of_all(expressions=fields), SqlType(Kind.STRUCT, fields=tuple(types)))
