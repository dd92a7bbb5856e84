"""Answer errors as BigQuery does: 400 rather than an outage, in words that it would use."""

from __future__ import annotations

import contextvars
import difflib
import re
from typing import TYPE_CHECKING, Any

from bqemulator.api import app as api
from bqemulator.api.routes import jobs
from bqemulator.domain.errors import DomainError, InvalidQueryError, NotFoundError, ValidationError
from fastapi.responses import JSONResponse

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI, Request

_statement: contextvars.ContextVar[str] = contextvars.ContextVar("statement", default="")
_UNKNOWN = re.compile(
    r'Referenced column "(?P<column>[^"]+)" not found|Could not find key "(?P<key>[^"]+)" in struct'
)
_NO_DATASET = re.compile(r"Schema with name ([^ ]+?)__([^ ]+) does not exist")


def in_bigquery_words(message: str, statement: str) -> str:
    """Say an unknown column or field as BigQuery says it; leave other messages.

    Args:
        message: DuckDB's.
        statement: The GoogleSQL that was sent, for the place and the spelling.

    Returns:
        For example ``Unrecognized name: PatientIDD; Did you mean PatientID? at [1:8]``.
    """
    found = _UNKNOWN.search(message)
    if not found:
        return message
    name = found["column"] or found["key"]
    hit = re.search(rf"(?i)\b{re.escape(name)}\b", statement)
    place = ""
    if hit:
        before = statement[: hit.start()]
        place = f" at [{before.count(chr(10)) + 1}:{hit.start() - before.rfind(chr(10))}]"
    if found["key"]:
        return f"Field name {name} does not exist in STRUCT{place}"
    offered = re.findall(r'"([^"]+)"', message[found.end() :].split("LINE 1", maxsplit=1)[0])
    near = difflib.get_close_matches(name, offered, 1, 0.8)
    spelt = hit.group(0) if hit else name
    return f"Unrecognized name: {spelt}{f'; Did you mean {near[0]}?' if near else ''}{place}"


def patch() -> None:
    """Replace the handlers of errors."""
    replace(api, "install_exception_handlers", _with_no_outage)
    replace(jobs, "_domain_error_to_error_result", _reworded)
    replace(jobs, "_execute_query_or_failed_meta", _remembering)
    replace(jobs, "_build_dry_run_query_response", _dry_reworded)


def _with_no_outage(original: Callable[[FastAPI], None]) -> Callable[[FastAPI], None]:
    # the client retries a 500 for ten minutes, and a gap of the emulator will not go away
    async def unhandled(_request: Request, error: Exception) -> JSONResponse:
        answer: DomainError = ValidationError(
            f"EMULATOR LIMITATION {type(error).__name__}: {error}"
        )
        if lacking := _NO_DATASET.search(str(error)):
            answer = NotFoundError(f"Not found: Dataset {lacking[1]}:{lacking[2]}")
        return JSONResponse(answer.to_bigquery_error(), status_code=answer.http_status)

    def install(app: FastAPI) -> None:
        original(app)
        app.add_exception_handler(Exception, unhandled)

    return install


def _reworded(original: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    def error_result(error: object) -> dict[str, Any]:
        result = original(error)
        return {**result, "message": in_bigquery_words(result["message"], _statement.get())}

    return error_result


def _remembering(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def execute(*, bq_sql: str, **rest: object) -> object:
        _statement.set(bq_sql)
        return await original(bq_sql=bq_sql, **rest)

    return execute


def _dry_reworded(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def dry_run(*, bq_sql: str, **rest: object) -> object:
        try:
            return await original(bq_sql=bq_sql, **rest)
        except InvalidQueryError as error:
            words = in_bigquery_words(error.message, bq_sql)
            raise InvalidQueryError(words, location="q") from None

    return dry_run
