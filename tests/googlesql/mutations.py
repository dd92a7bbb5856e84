"""The translator broken on purpose, one place at a time: does anything notice?

A mutation drops one special case (``if … : return …``), one check (``if … : raise …``), one branch
of a rewrite's CASE, one error at run time, or one function's whole rewrite. Modules are changed in
memory: the code of a function is compiled anew without the one thing, and put back afterwards.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dicomfilter.googlesql
from dicomfilter.googlesql.duckdb import nodes, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

_NOT_MUTATED = frozenset({"check.advice", "parse.lexer", "parse.quoting", "parse.reader", "render"})
"""Modules that have tests of their own: what a text is made of, and what is said of it."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One place that is broken.

    Args:
        module: The module's name within ``googlesql``, as in ``duckdb.dates``.
        function: The function's qualified name, or the entry of a table.
        line: Where, for people.
        column: Where in the line.
        branch: The branch of a CASE to drop; None where a condition never holds.
        text: The first line of what is dropped.
    """

    module: str
    function: str
    line: int = 0
    column: int = 0
    branch: int | None = None
    text: str = ""

    def __str__(self) -> str:
        dropped = "" if self.branch is None else f" branch {self.branch} of"
        return f"{self.module}.{self.function}:{self.line}{dropped} {self.text}"


def all_mutations() -> list[Mutation]:
    """Find every place that can be broken."""
    return [*_in_code(), *_in_tables()]


@contextmanager
def broken_by(mutation: Mutation) -> Iterator[None]:
    """Break the translator, and mend it."""
    if not mutation.line:
        table = _TABLES[mutation.module]
        kept = table[mutation.function]
        table[mutation.function] = _unwritten[mutation.module](mutation.function)
        try:
            yield
        finally:
            table[mutation.function] = kept
        return
    function = _function(mutation)
    code = function.__code__
    function.__code__ = _broken_code(mutation)
    try:
        yield
    finally:
        function.__code__ = code


def _in_code() -> Iterator[Mutation]:
    for name in _modules():
        source, tree = _parsed(name)
        lines = source.splitlines()
        for qualified, function in _functions(tree):
            for node in ast.walk(function):
                if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Return | ast.Raise):
                    text = lines[node.lineno - 1].strip()
                    yield Mutation(name, qualified, node.lineno, node.col_offset, None, text)
                if _is_case(node):
                    for branch in range(len(node.args)):
                        text = ast.unparse(node.args[branch])[:80]
                        yield Mutation(name, qualified, node.lineno, node.col_offset, branch, text)


def _modules() -> list[str]:
    package = "dicomfilter.googlesql."
    found = pkgutil.walk_packages(dicomfilter.googlesql.__path__, package)
    names = (module.name.removeprefix(package) for module in found if not module.ispkg)
    return sorted(set(names) - _NOT_MUTATED)


@cache
def _parsed(name: str) -> tuple[str, ast.Module]:
    source = (
        Path(dicomfilter.googlesql.__path__[0], *name.split("."))
        .with_suffix(".py")
        .read_text(encoding="utf-8")
    )
    return source, ast.parse(source)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.decorator_list:
                    yield f"{node.name}.{inner.name}", inner


def _is_case(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "case"
        and bool(node.args)
        and all(isinstance(argument, ast.Tuple) for argument in node.args)
    )


class _Breaker(ast.NodeTransformer):
    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    def _here(self, node: Any) -> bool:
        return (node.lineno, node.col_offset) == (self._mutation.line, self._mutation.column)

    def visit_If(self, node: ast.If) -> ast.AST:
        if self._mutation.branch is None and self._here(node):
            node.test = ast.copy_location(ast.Constant(value=False), node.test)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if self._mutation.branch is None or not self._here(node) or not _is_case(node):
            return node
        kept = [a for n, a in enumerate(node.args) if n != self._mutation.branch]
        default = next((k.value for k in node.keywords if k.arg == "default"), None)
        if not kept:  # a CASE of one branch is what stands behind it
            plain = default or ast.parse("nodes.null()", mode="eval").body
            return ast.copy_location(plain, node)
        node.args = kept
        return node


def _broken_code(mutation: Mutation) -> CodeType:
    source, _ = _parsed(mutation.module)
    tree = ast.fix_missing_locations(_Breaker(mutation).visit(ast.parse(source)))
    code = compile(tree, f"broken {mutation.module}", "exec")
    for part in mutation.function.split("."):
        code = next(
            found for found in code.co_consts if hasattr(found, "co_name") and found.co_name == part
        )
    return code


def _function(mutation: Mutation) -> Any:
    found: Any = importlib.import_module(f"dicomfilter.googlesql.{mutation.module}")
    for part in mutation.function.split("."):
        found = getattr(found, part)
    return getattr(found, "__wrapped__", found)


_TABLES: dict[str, dict[str, Any]] = {
    "_FUNCTIONS": translate._FUNCTIONS,
    "_CALLS": translate._CALLS,
}
_unwritten: dict[str, Callable[[str], Any]] = {
    "_FUNCTIONS": lambda name: lambda *arguments: nodes.call(name.lower(), *arguments),
    "_CALLS": lambda name: (
        lambda node, expression: nodes.call(name.lower(), *map(expression, node.expressions))
    ),
}
"""By table, what calls the DuckDB function of the same name, as if it were the same."""


def _in_tables() -> Iterator[Mutation]:
    for table, entries in _TABLES.items():
        for name, rule in entries.items():
            if getattr(rule, "__qualname__", "").startswith("_renamed"):
                continue
            yield Mutation(table, name, text="the whole rewrite")
