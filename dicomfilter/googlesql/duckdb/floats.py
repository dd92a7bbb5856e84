"""FLOAT64 as BigQuery has it; DuckDB puts NaN above all and overflows."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds


def compare(of: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Compare so that a NaN equals nothing and is below and above nothing (S16)."""
    either_nan = nodes.either(nodes.call("isnan", left.copy()), nodes.call("isnan", right.copy()))
    either_null = nodes.either(nodes.is_null(left.copy()), nodes.is_null(right.copy()))
    of_nan = nodes.case((either_null, nodes.null()), default=nodes.boolean(of is exp.NEQ))
    # NULL is not asked for first: whatever the one operand is, an error of the other must come
    return nodes.case((either_nan, of_nan), default=nodes.operate(of, left, right))


def arithmetic(of: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Fail where finite numbers overflow, as BigQuery does; DuckDB gives an infinity."""
    finite = [nodes.call("isfinite", operand.copy()) for operand in (left, right)]
    plain = nodes.operate(of, left, right)
    overflows = nodes.both(nodes.call("isinf", plain.copy()), *finite)
    return nodes.case((overflows, nodes.error("double overflow", kinds.FLOAT64)), default=plain)


def is_in_nothing(value: exp.Expr, array: exp.Expr, found: exp.Expr) -> exp.Expr:
    """Let a NaN be found in no array (S16), unless a NULL there leaves it unknown."""
    has_null = nodes.operate(
        exp.NEQ, nodes.call("len", array.copy()), nodes.call("list_count", array.copy())
    )
    of_nan = nodes.case((has_null, nodes.null()), default=nodes.boolean(False))
    return nodes.case((nodes.call("isnan", value.copy()), of_nan), default=found)
