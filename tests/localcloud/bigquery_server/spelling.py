"""Keep the case of aliases, and RECORD columns in ``SELECT *``.

bqemulator qualifies some statements (those with CONCAT, UPPER, …) in DuckDB's lower case and
expands stars from a schema that lacks RECORDs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.sql import translator
from sqlglot.schema import ensure_schema

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

_DIALECT = "duckdb, normalization_strategy=case_sensitive"


def patch() -> None:
    """Qualify case-sensitively, without expanding stars."""

    def _qualify(original: Callable[..., exp.Expression]) -> Callable[..., exp.Expression]:
        def qualify(tree: exp.Expression, **options: Any) -> exp.Expression:
            return original(tree, **{**options, "dialect": _DIALECT, "expand_stars": False})

        return qualify

    def _annotate(original: Callable[..., exp.Expression]) -> Callable[..., exp.Expression]:
        def annotate(tree: exp.Expression, schema: object = None) -> exp.Expression:
            return original(tree, schema=ensure_schema(schema, dialect=_DIALECT))

        return annotate

    replace(translator, "qualify", _qualify)
    replace(translator, "annotate_types", _annotate)
