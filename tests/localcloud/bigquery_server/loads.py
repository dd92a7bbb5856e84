"""Load files as the job asks: CSV without a header unless rows are skipped, Parquet by its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes.tables import _field_to_rest, _parse_schema_fields
from bqemulator.jobs import executor
from bqemulator.storage.type_map import duckdb_type_to_bq_field

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable


def patch() -> None:
    """Replace the loaders."""
    replace(executor, "_load_path_into_target", _as_asked)
    replace(executor, "_maybe_create_load_destination", _with_schema)


def _as_asked(original: Callable[..., None]) -> Callable[..., None]:
    def load(path: str, job: Any, context: Any) -> None:
        if job.source_format != "CSV":
            original(path, job, context)
            return
        asked = job.raw_config
        described = context.engine.execute(f"DESCRIBE {job.target_ref}").fetchall()
        # an empty value of a STRING column is an empty string
        texts = [f'"{name}"' for name, kind, *_ in described if kind == "VARCHAR"]
        options = [
            "FORMAT csv",
            "AUTO_DETECT false",
            "HEADER false",
            f"SKIP {int(asked.get('skipLeadingRows') or 0)}",
            f"DELIMITER {_quoted(asked.get('fieldDelimiter') or ',')}",
            f"QUOTE {_quoted(asked.get('quote', chr(34)))}",
            f"ESCAPE {_quoted(asked.get('quote', chr(34)))}",
            *([f"FORCE_NOT_NULL ({', '.join(texts)})"] if texts else []),
        ]
        sql = f"COPY {job.target_ref} FROM {_quoted(path)} ({', '.join(options)})"
        context.engine.execute(sql)

    return load


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\\t", "\t") + "'"


def _with_schema(original: Callable[..., None]) -> Callable[..., None]:
    def create(*, load_config: dict[str, Any], ctx: Any, **rest: Any) -> None:
        given = (load_config.get("schema") or {}).get("fields")
        if (load_config.get("sourceFormat") or "").upper() == "PARQUET" and not given:
            path = executor._resolve_uri(load_config["sourceUris"][0], ctx)
            rows = ctx.engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
            fields = _parse_schema_fields([duckdb_type_to_bq_field(*row[:2]) for row in rows])
            schema = {"fields": [_field_to_rest(each) for each in fields]}
            load_config = {**load_config, "schema": schema}
        original(load_config=load_config, ctx=ctx, **rest)

    return create
