"""Mathematical functions of FLOAT64, with errors where DuckDB gives NaN."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import bindings, kinds, nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


def _arguments(node: exp.Expr, translate: Translate) -> list[exp.Expr]:
    return [translate(argument) for argument in node.expressions]


def _domain(problem: exp.Expr, plain: exp.Expr, name: str) -> exp.Expr:
    return nodes.case(
        (problem, nodes.error(f"Floating point error in function: {name}", kinds.FLOAT64)),
        default=plain,
    )


def _sqrt(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _arguments(node, translate)
    negative = nodes.operate(exp.LT, value.copy(), nodes.number(0))
    return _domain(negative, nodes.call("sqrt", value), node.name)


def _exp(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _arguments(node, translate)
    plain = nodes.call("exp", value)
    infinite = [
        nodes.call("isinf", plain.copy()),
        nodes.call("isfinite", value.copy()),
    ]
    return _domain(nodes.both(*infinite), plain, node.name)


def _angle(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a function of an angle: what is not finite of finite numbers is an error."""
    values = _arguments(node, translate)
    plain = nodes.call(node.name.lower(), *values)
    if node.name not in ("ACOS", "ASIN", "COSH", "SINH"):
        return plain
    finite = [nodes.call("isfinite", value.copy()) for value in values]
    problem = nodes.both(nodes.negation(nodes.call("isfinite", plain.copy())), *finite)
    return _domain(problem, plain, node.name)


def _logarithm(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate LN, LOG10, and LOG with its base, which is e if not given."""
    values = _arguments(node, translate)
    if len(values) == 2:
        return _logarithm_to_base(*values)
    plain = nodes.call("log10" if node.name == "LOG10" else "ln", values[0])
    return _domain(_not_positive(values[0]), plain, node.name)


def _not_positive(value: exp.Expr) -> exp.Expr:
    """Test for a number without a logarithm; of minus infinity it is NaN."""
    return nodes.both(
        nodes.operate(exp.LTE, value.copy(), nodes.number(0)),
        nodes.call("isfinite", value.copy()),
    )


def _logarithm_to_base(value: exp.Expr, base: exp.Expr) -> exp.Expr:
    infinite = nodes.call("isinf", base.copy())
    low = nodes.operate(exp.EQ, value.copy(), nodes.cast(nodes.text("-inf"), kinds.FLOAT64))
    nan = nodes.cast(nodes.text("nan"), kinds.FLOAT64)
    finite = [nodes.call("isfinite", operand.copy()) for operand in (value, base)]
    bad_base = nodes.either(
        nodes.operate(exp.LTE, base.copy(), nodes.number(0)),
        nodes.operate(exp.EQ, base.copy(), nodes.number(1)),
    )
    bad_value = nodes.operate(exp.LTE, value.copy(), nodes.number(0))
    unknown = nodes.either(nodes.is_null(value.copy()), nodes.is_null(base.copy()))
    plain = nodes.operate(exp.Div, nodes.call("ln", value), nodes.call("ln", base))
    return nodes.case(
        (unknown, nodes.cast(nodes.null(), kinds.FLOAT64)),
        (nodes.either(infinite, low), nan),
        (
            nodes.both(*finite, nodes.either(bad_base, bad_value)),
            nodes.error("Floating point error in function: LOG", kinds.FLOAT64),
        ),
        default=plain,
    )


def _power(node: exp.Expr, translate: Translate) -> exp.Expr:
    def raised(*values: exp.Expr) -> exp.Expr:
        plain = nodes.call("pow", *values)
        finite = [nodes.call("isfinite", value.copy()) for value in values]
        problem = nodes.both(nodes.negation(nodes.call("isfinite", plain.copy())), *finite)
        return _domain(problem, plain, node.name)

    return bindings.named(_arguments(node, translate), raised)


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    **dict.fromkeys(
        ("ACOS", "ASIN", "ATAN", "ATAN2", "COS", "COSH", "SIN", "SINH", "TAN", "TANH"), _angle
    ),
    **dict.fromkeys(("LN", "LOG", "LOG10"), _logarithm),
    **dict.fromkeys(("POW", "POWER"), _power),
    "EXP": _exp,
    "SQRT": _sqrt,
}
