"""What may fail for the values of a row, and has to be computed for that.

Google's evaluator computes all arguments before it looks at any. DuckDB leaves out what a NULL
beside it decides, and with it an error that BigQuery raises: its optimizer does so for a constant,
and its executor wherever the operand before is NULL in each of some thousand rows.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import aggregates
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.parse.lifting import GIVEN
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Translate = Callable[[exp.Expr], exp.Expr]

_FAILING = frozenset(
    {
        *("ACOS", "ARRAY_FIRST", "ARRAY_LAST", "ASIN", "BOOL", "CHR", "COSH", "DIV", "ERROR"),
        *("EXP", "FLOAT64", "FROM_BASE64", "FROM_HEX", "GENERATE_ARRAY", "GENERATE_DATE_ARRAY"),
        *("INT64", "LN", "LOG", "LOG10", "MOD", "PARSE_DATE", "PARSE_DATETIME", "PARSE_JSON"),
        *("DATE", "DATETIME", "TIME", "TIMESTAMP"),
        *("PARSE_TIME", "PARSE_TIMESTAMP", "POW", "POWER", "RANGE_BUCKET", "SINH", "SQRT"),
        *("STRING", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_SECONDS"),
    }
)
"""Functions that fail for values that data have."""
_COUNTS = {
    **dict.fromkeys(("LEFT", "LPAD", "REPEAT", "RIGHT", "RPAD"), 1),
    **dict.fromkeys(("INSTR", "SUBSTR", "SUBSTRING"), 2),
}
"""Functions of texts that fail for a count below zero: the place of the first count."""
_WIDENING = {
    Kind.INT64: (Kind.NUMERIC, Kind.FLOAT64),
    Kind.NUMERIC: (Kind.FLOAT64,),
    Kind.DATE: (Kind.DATETIME, Kind.TIMESTAMP),
}
_CHOOSING = frozenset({"COALESCE", "IF", "IFNULL"})
"""Functions that compute one argument by what another is."""
_SAFE_CALLS = _CHOOSING | {
    *("ARRAY_LENGTH", "BYTE_LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "CONCAT", "ENDS_WITH"),
    *("JSON_VALUE", "LENGTH", "LOWER", "LTRIM", "NULLIF", "REGEXP_CONTAINS", "RTRIM", "STRPOS"),
    *("JSON_QUERY_ARRAY", "JSON_VALUE_ARRAY", "RAND", "SPLIT", "STARTS_WITH", "TRIM", "UPPER"),
}
_SAFE = (
    *(exp.Column, exp.Dot, exp.Literal, exp.Null, exp.Boolean, exp.Parameter, exp.Identifier),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is, exp.Not),
    *(exp.Connector, exp.Case, exp.If, exp.Paren, exp.Array, exp.Struct, exp.Tuple, exp.DPipe),
    *(exp.DataType, exp.DataTypeParam, exp.Var, exp.PropertyEQ, exp.TryCast, exp.Extract),
    *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Unnest, exp.Ordered, exp.Interval),
)
"""What never fails by itself."""
_KEEPING = (exp.Array, exp.PropertyEQ, exp.Struct, exp.Tuple)
"""What is made of all its parts, whatever they are."""
_OF_ROWS = (exp.Select, exp.Subquery, exp.Exists, exp.Window, exp.SetOperation)
_CERTAIN = (exp.Literal, exp.Boolean, exp.Array, exp.Struct, exp.Tuple)
_NEVER_NULL = (
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Cast, exp.Paren, exp.DPipe),
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot),
    *(exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.Connector, exp.Not, exp.Is),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Like),
)
"""Operators that make no NULL of values."""
_VALUES = frozenset(
    {
        *("ABS", "CHR", "CONCAT", "DATE", "DATETIME", "LEFT", "LENGTH", "LOWER", "LPAD", "LTRIM"),
        *("REPEAT", "REPLACE", "RIGHT", "RPAD", "RTRIM", "SUBSTR", "TIME", "TIMESTAMP", "TRIM"),
        *("UPPER",),
    }
)
"""Functions that make no NULL of values."""
_MAY, _MIGHT = "may_fail", "might_fail"
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_EXCHANGED = (*_COMPARISONS, exp.Add, exp.Mul)
"""Operators whose operands may change places, as `exchanges` tells."""
_ROW_BY_ROW = (exp.Bracket, exp.In, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
_REORDERED = frozenset({"DATE_DIFF", "DATETIME_DIFF", "TIME_DIFF", "TIMESTAMP_DIFF"})
"""Functions whose first argument is not the first that DuckDB computes."""
_NO_NULL = (exp.Literal, exp.Boolean, exp.Array, exp.Struct, exp.Tuple, exp.Is, exp.Exists)
_NO_NULL_CALLS = frozenset({"ARRAY", "COUNT", "COUNTIF", "ROW_NUMBER", "RANK", "DENSE_RANK"})


def may_fail(node: exp.Expr) -> bool:
    """Tell whether an expression may fail for the values of some row.

    Args:
        node: Checked. Overflows of + - * and dates that leave the calendar do not count.
    """
    return _known(node, _MAY)


def might_fail(node: exp.Expr) -> bool:
    """Tell whether an expression may fail for some row, by overflows too."""
    return _known(node, _MIGHT)


def _known(node: exp.Expr, key: str) -> bool:
    if key not in node.meta:  # parts before wholes, and each of them once
        for part in reversed(list(node.walk())):
            parts = list(part.iter_expressions())
            part.meta[_MAY] = any(each.meta[_MAY] for each in parts) or _fails(part)
            part.meta[_MIGHT] = any(each.meta[_MIGHT] for each in parts) or not _is_safe(part)
    return bool(node.meta[key])


def looked_at(node: exp.Expr, translated: exp.Expr, translate: Translate) -> exp.Expr:
    """Have all arguments of an operator or function computed.

    Args:
        node: Checked.
        translated: What it is to DuckDB.
        translate: Translates its parts.

    Returns:
        The translation; where a NULL may decide it, with a look at what may fail before it.
    """
    if isinstance(node, _KEEPING) or not _computes_all(node) or not might_fail(node):
        return translated
    operands = list(_operands(node))
    if may_fail(node) and _hides_a_failure(node, operands):
        raise unsupported(
            "a subquery beside NULL",
            offset=start(node),
            hint="leave the NULL out, or put the subquery into FROM",
        )
    several = _is_of_several(node)
    hidden = operands if several else list(_hidden(node, operands))
    constants = [] if several else [part for part in operands if _may_be_null(part)]
    failing = [part for each in (operands if constants else hidden) for part in _failing(each)]
    if not failing:
        return translated
    # No hash is NULL, which the optimizer does not know.
    hashed = nodes.is_null(nodes.call("hash", *map(translate, failing)))
    if not hidden:
        absent = nodes.either(*(nodes.is_null(translate(part)) for part in constants))
        hashed = nodes.both(absent, hashed)
    # Not NULL, of which the optimizer would know that it is what the other way may come to.
    never = nodes.refusal("no value", kinds.of(node) or kinds.INT64)
    return nodes.case((hashed, never), default=translated)


def exchanges(node: exp.Expr) -> bool:
    """Tell whether the second operand has to be computed first.

    That is so where it may fail and the first may not, which may be NULL.

    Args:
        node: A checked operator to which the order of its operands makes no other difference.
    """
    if not isinstance(node, _EXCHANGED) or not might_fail(node):
        return False
    if kinds.kind(node.this) is Kind.FLOAT64:  # which is compared in several steps
        return False
    first, second = node.this, node.expression
    return _nullable(first) and not _any_fails(first) and _any_fails(second)


def _any_fails(node: exp.Expr) -> bool:
    return next(_failing(node), None) is not None


def _hidden(node: exp.Expr, operands: Sequence[exp.Expr]) -> Iterator[exp.Expr]:
    """Find the operands that may fail and that DuckDB leaves out beside one that is NULL.

    It computes them from the first to the last, and stops at one of which each row is NULL.
    """
    if len(operands) < 2 or isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ):
        return
    if exchanges(node):
        operands = operands[::-1]
    in_order = not isinstance(node, _ROW_BY_ROW) and node.name not in _REORDERED
    for place, operand in enumerate(operands):
        others = [*operands[:place], *operands[place + 1 :]]
        before = operands[:place] if in_order else others
        joined = any(other.find(exp.Select) is not None for other in others)
        if (joined or any(map(_nullable, before))) and _any_fails(operand):
            yield operand


def _nullable(node: exp.Expr) -> bool:
    """Tell whether an operand may be NULL in some row, and so in all."""
    if isinstance(node, exp.Null | exp.Parameter):
        return isinstance(node, exp.Null) or _is_absent(node)
    if isinstance(node, _NO_NULL) or node.name in _NO_NULL_CALLS:
        return False
    if isinstance(node, exp.Anonymous) and node.name in _CHOOSING:
        if node.name == "IF":
            return any(map(_nullable, node.expressions[1:]))
        return all(map(_nullable, node.expressions))
    return not _keeps(node) or any(map(_nullable, _operands(node)))


def _keeps(node: exp.Expr) -> bool:
    """Tell whether something makes no NULL of values."""
    makes_none = isinstance(node, _NEVER_NULL) and not isinstance(node, exp.TryCast)
    return makes_none or node.name in _VALUES


def _fails(node: exp.Expr) -> bool:
    if isinstance(node, exp.Bracket):
        return not node.args.get("safe")
    if isinstance(node, exp.Anonymous):
        counts = node.expressions[_COUNTS.get(node.name, len(node.expressions)) :]
        return node.name in _FAILING or not all(map(_is_count, counts))
    if type(node) is exp.Cast:
        of, to = kinds.kind(node.this), kinds.kind(node)
        widens = of is None or to in _WIDENING.get(of, ()) or to is of
        return not widens and (to is not Kind.STRING or of is Kind.BYTES)
    if isinstance(node, exp.Like):
        return node.expression.find(exp.Column) is not None
    return isinstance(node, exp.Div)


def _is_safe(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name in _SAFE_CALLS
    return isinstance(node, _SAFE) and not _fails(node)


def _is_count(node: exp.Expr) -> bool:
    """Tell whether an argument is sure to be no count below zero."""
    if kinds.kind(node) is not Kind.INT64:
        return node.find(exp.Column) is None
    value = node.meta.get(GIVEN, node.meta.get("value"))
    return isinstance(value, int) and value >= 0


def _computes_all(node: exp.Expr) -> bool:
    """Tell whether all operands are computed before any is looked at."""
    if isinstance(node, exp.Anonymous):
        return node.name not in _CHOOSING and node.name not in aggregates.NAMES
    return not isinstance(node, (exp.Connector, exp.Case, exp.If, exp.Paren, *_OF_ROWS))


def _is_of_several(node: exp.Expr) -> bool:
    """Tell whether values are compared with several others, of which the first can decide."""
    if isinstance(node, exp.EQ | exp.NEQ | exp.In) and kinds.kind(node.this) is Kind.STRUCT:
        return True
    if isinstance(node, exp.In) and node.args.get("query") is not None:
        return True
    others = node.expressions if isinstance(node, exp.In) else []
    if isinstance(node, exp.Between):
        others = [node.args["low"], node.args["high"]]
    return any(map(might_fail, others))


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    for part in node.iter_expressions():
        if isinstance(part, exp.Interval | exp.Unnest):
            yield from _operands(part)
        elif kinds.of(part) is not None and not isinstance(part, exp.DataType):
            yield part


def _failing(node: exp.Expr) -> Iterator[exp.Expr]:
    """Find the parts of an operand that may fail: none within another, nor within a choice."""
    if not might_fail(node):
        return
    if isinstance(node, _OF_ROWS):
        if may_fail(node) and isinstance(node, exp.Subquery | exp.Exists):
            yield node
    elif isinstance(node, exp.Paren):
        yield from _failing(node.this)
    elif not _is_safe(node) or not _computes_all(node):
        yield node
    else:
        for part in _operands(node):
            yield from _failing(part)


def _may_be_null(node: exp.Expr) -> bool:
    """Tell whether DuckDB may find an operand to be NULL before it looks at any row."""
    if isinstance(node, exp.Null | exp.Parameter):
        return isinstance(node, exp.Null) or _is_absent(node)
    if isinstance(node, (*_CERTAIN, *_OF_ROWS, exp.Column)):
        return False
    if isinstance(node, exp.Bracket):
        place = node.expressions[0]
        below = place.find(exp.Column) is None and not _is_count(place)
        return below or node.find(exp.Column, *_OF_ROWS) is None
    if not _keeps(node) and node.find(exp.Column, *_OF_ROWS) is None:
        return True  # a constant that is computed, and may come to nothing
    if isinstance(node, exp.Case | exp.If) or not _computes_all(node):
        return any(map(_is_absent, node.find_all(exp.Parameter)))
    return any(map(_may_be_null, _operands(node)))


def _hides_a_failure(node: exp.Expr, operands: Sequence[exp.Expr]) -> bool:
    """Tell whether a NULL may decide over what may fail, one of both in a subquery."""
    if _looks_for_null(node) and may_fail(node.this):
        return True
    if isinstance(node, exp.Is):
        return False
    asks = [(operand, operand.find(*_OF_ROWS) is not None) for operand in operands]
    return any(may_fail(operand) for operand, of_rows in asks if of_rows) and any(
        _may_be_null(operand) for operand, of_rows in asks if not of_rows
    )


def _looks_for_null(node: exp.Expr) -> bool:
    """Tell whether a value is looked for in a query that gives NULL."""
    query = node.args.get("query") if isinstance(node, exp.In) else None
    return query is not None and any(
        isinstance(part, exp.Null) or _is_absent(part)
        for part in query.find_all(exp.Null, exp.Parameter)
    )


def _is_absent(parameter: exp.Expr) -> bool:
    return parameter.meta.get(GIVEN) is None
