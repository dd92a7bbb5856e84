"""The pieces that rewrites are built of: calls, casts, guards, named operands."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.parse.reader import unsupported
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_T = exp.DataType.Type
_DUCKDB = {
    Kind.STRING: _T.TEXT,
    Kind.BYTES: _T.BLOB,
    Kind.INT64: _T.BIGINT,
    Kind.FLOAT64: _T.DOUBLE,
    Kind.BOOL: _T.BOOLEAN,
    Kind.DATE: _T.DATE,
    Kind.TIME: _T.TIME,
    Kind.DATETIME: _T.TIMESTAMP,
    Kind.TIMESTAMP: _T.TIMESTAMPTZ,
    Kind.JSON: _T.JSON,
}


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Call a DuckDB function."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> exp.Expr:
    """Write a constant text."""
    return exp.Literal.string(value)


def number(value: int) -> exp.Expr:
    """Write a constant integer."""
    return exp.Literal.number(value)


def null() -> exp.Expr:
    """Write NULL."""
    return exp.Null()


def boolean(value: bool) -> exp.Expr:  # noqa: FBT001 - it is the value
    """Write TRUE or FALSE."""
    return exp.Boolean(this=value)


def cast(node: exp.Expr, to: SqlType) -> exp.Expr:
    """Cast to the DuckDB type that stands for a GoogleSQL type."""
    return exp.Cast(this=node, to=duckdb_type(to))


def try_cast(node: exp.Expr, to: SqlType) -> exp.Expr:
    """Cast, with NULL for what does not go."""
    return exp.TryCast(this=node, to=duckdb_type(to), safe=True)


def duckdb_type(of: SqlType) -> exp.DataType:
    """Write the DuckDB type that stands for a GoogleSQL type."""
    if of.kind is Kind.ARRAY and of.element is not None:
        return exp.DataType(this=_T.ARRAY, expressions=[duckdb_type(of.element)], nested=True)
    if of.kind is Kind.STRUCT:
        fields = [
            exp.ColumnDef(this=exp.Identifier(this=name, quoted=True), kind=duckdb_type(kind))
            for name, (_, kind) in zip(field_names(of), of.fields, strict=True)
        ]
        return exp.DataType(this=_T.STRUCT, expressions=fields, nested=True)
    if of.kind is Kind.NUMERIC:
        sizes = [exp.DataTypeParam(this=number(size)) for size in (38, 9)]
        return exp.DataType(this=_T.DECIMAL, expressions=sizes)
    found = _DUCKDB.get(of.kind)
    if found is None:
        raise unsupported(f"a value of type {of}", offset=None, hint="CAST it to another type")
    return exp.DataType(this=found)


def field_names(of: SqlType) -> list[str]:
    """Name the fields of a STRUCT; those without a name as BigQuery's API does."""
    return [name or f"_field_{place}" for place, (name, _) in enumerate(of.fields, 1)]


class Held(exp.Expression):
    """What stands for the translation of an operand; see `holding`."""

    arg_types = {"this": True}  # noqa: RUF012 - as sqlglot has it


def wrap(node: exp.Expr) -> exp.Expr:
    """Put an operand in parentheses unless it stands alone."""
    alone = (
        exp.Column,
        exp.Anonymous,
        exp.Cast,
        exp.Literal,
        exp.Paren,
        exp.Boolean,
        exp.Null,
        exp.Array,
        exp.Struct,
        Held,
    )
    return node if isinstance(node, alone) else exp.Paren(this=node)


def both(*conditions: exp.Expr) -> exp.Expr:
    """Join conditions with AND."""
    joined = wrap(conditions[0])
    for condition in conditions[1:]:
        joined = exp.And(this=joined, expression=wrap(condition))
    return joined


def either(*conditions: exp.Expr) -> exp.Expr:
    """Join conditions with OR."""
    joined = wrap(conditions[0])
    for condition in conditions[1:]:
        joined = exp.Or(this=joined, expression=wrap(condition))
    return joined


def negation(condition: exp.Expr) -> exp.Expr:
    """Negate a condition."""
    return exp.Not(this=wrap(condition))


def is_null(node: exp.Expr) -> exp.Expr:
    """Test for NULL."""
    return exp.Is(this=wrap(node), expression=null())


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Expr:
    """Choose by conditions."""
    ifs = [exp.If(this=condition, true=value) for condition, value in branches]
    return exp.Paren(this=exp.Case(ifs=ifs, default=default))


BIGQUERYS = "bigquerys"
"""The key of a node's ``meta`` with the type of an error that is BigQuery's too."""


def error(message: str, to: SqlType) -> exp.Expr:
    """Raise at run time, where BigQuery does.

    A cast that fails, and not DuckDB's ``error()``: that counts as volatile, which keeps it out of
    windows and stops constants from being folded. What the prefix SAFE turns into NULL.
    """
    failing = refusal(message, to)
    failing.meta[BIGQUERYS] = to
    return failing


def refusal(message: str, to: SqlType) -> exp.Expr:
    """Raise at run time where BigQuery answers and we cannot, also behind SAFE."""
    failing = text(message)
    if to.kind in (Kind.STRING, Kind.BYTES):  # to which a text would cast well
        failing = cast(failing, SqlType(Kind.INT64))
    return cast(failing, to)


def operate(of: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Put an operator between two operands."""
    return of(this=wrap(left), expression=wrap(right))


SMALL = 80
"""Operands of up to this many nodes are rather written again."""


def named(
    operands: Sequence[exp.Expr],
    body: Callable[..., exp.Expr],
    *,
    name: str = "_given",
    small: int = SMALL,
) -> exp.Expr:
    """Write an expression over operands, each of which is computed once.

    Args:
        operands: Translated, all of one DuckDB type.
        body: Writes the expression, given what stands for the operands.
        name: Of the variable; where ``body`` names operands too, another.
        small: Up to how many nodes operands are written again.

    Returns:
        The expression, as the one element of a list that a lambda transforms, or plainly where
        the operands are small.
    """
    if not any(_is_larger(operand, small) for operand in operands):
        return body(*operands)
    variable = exp.Identifier(this=name)
    places = [
        call("list_extract", exp.Column(this=variable.copy()), number(place))
        for place in range(1, len(operands) + 1)
    ]
    function = exp.Lambda(this=body(*places), expressions=[variable])
    given = exp.Array(expressions=[exp.Array(expressions=list(operands))])
    return call("list_extract", call("list_transform", given, function), number(1))


def _is_larger(node: exp.Expr, size: int) -> bool:
    return next(islice(node.walk(), size, None), None) is not None
