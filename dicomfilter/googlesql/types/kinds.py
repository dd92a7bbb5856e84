"""GoogleSQL types on the nodes of a tree: read, named, and what coerces.

Source: GoogleSQL reference, "Conversion rules", coercion, literal and parameter coercion.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from sqlglot import exp

from dicomfilter.schema import Kind, SqlType

Node = TypeVar("Node", bound=exp.Expr)

_T = exp.DataType.Type
_NODE_KINDS = {
    _T.TEXT: Kind.STRING,
    _T.BINARY: Kind.BYTES,
    _T.BIGINT: Kind.INT64,
    _T.DOUBLE: Kind.FLOAT64,
    _T.DECIMAL: Kind.NUMERIC,
    _T.BIGDECIMAL: Kind.BIGNUMERIC,
    _T.BOOLEAN: Kind.BOOL,
    _T.DATE: Kind.DATE,
    _T.TIME: Kind.TIME,
    _T.TIMESTAMP: Kind.DATETIME,
    _T.TIMESTAMPTZ: Kind.TIMESTAMP,
    _T.INTERVAL: Kind.INTERVAL,
    _T.JSON: Kind.JSON,
    _T.ARRAY: Kind.ARRAY,
    _T.STRUCT: Kind.STRUCT,
}
_KIND_NODES = {kind: node for node, kind in _NODE_KINDS.items()}

STRING = SqlType(Kind.STRING)
INT64 = SqlType(Kind.INT64)
FLOAT64 = SqlType(Kind.FLOAT64)
NUMERIC = SqlType(Kind.NUMERIC)
BOOL = SqlType(Kind.BOOL)
DATE = SqlType(Kind.DATE)
TIME = SqlType(Kind.TIME)
DATETIME = SqlType(Kind.DATETIME)
TIMESTAMP = SqlType(Kind.TIMESTAMP)

NUMBERS = (Kind.INT64, Kind.NUMERIC, Kind.FLOAT64)
TEMPORAL = (Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.TIMESTAMP)
COMPARABLE = (Kind.STRING, Kind.BYTES, Kind.BOOL, *NUMBERS, *TEMPORAL)
"""Types that have an order and an equality that DuckDB shares, or that a rewrite makes it share."""

_NULL = exp.DataType(this=_T.NULL)


@lru_cache(maxsize=4096)
def to_node(type_: SqlType) -> exp.DataType:
    """Write a type as a tree; the same object for the same type, so do not change it."""
    if type_.kind is Kind.ARRAY and type_.element is not None:
        return exp.DataType(this=_T.ARRAY, expressions=[to_node(type_.element).copy()], nested=True)
    if type_.kind is Kind.STRUCT:
        fields = [
            exp.ColumnDef(this=exp.to_identifier(name), kind=to_node(of).copy())
            if name
            else to_node(of).copy()
            for name, of in type_.fields
        ]
        return exp.DataType(this=_T.STRUCT, expressions=fields, nested=True)
    return exp.DataType(this=_KIND_NODES[type_.kind])


def of(node: exp.Expr) -> SqlType | None:
    """Read the type of a checked node; None for a NULL that nothing has given a type."""
    return None if node.type is None or node.type.this is _T.NULL else _from_node(node.type)


def kind(node: exp.Expr) -> Kind | None:
    """Read the kind of a checked node's type; None for an untyped NULL."""
    return _NODE_KINDS.get(node.type.this) if node.type is not None else None


def declared(node: exp.Expr) -> SqlType:
    """Read a type that is itself a tree, as behind AS in a cast."""
    return _from_node(node)


def _from_node(node: exp.Expr) -> SqlType:
    found = _NODE_KINDS[node.this]
    if found is Kind.ARRAY:
        return SqlType(found, _from_node(node.expressions[0]))
    if found is Kind.STRUCT:
        return SqlType(found, fields=tuple(map(_field_from_node, node.expressions)))
    return SqlType(found)


def _field_from_node(node: exp.Expr) -> tuple[str, SqlType]:
    """Read a field of a STRUCT, which may have no name."""
    if isinstance(node, exp.DataType):
        return "", _from_node(node)
    return node.name, _from_node(node.args["kind"])


def typed(node: Node, type_: SqlType | None) -> Node:
    """Give a node its type, None for an untyped NULL."""
    node.type = to_node(type_) if type_ is not None else _NULL
    return node
