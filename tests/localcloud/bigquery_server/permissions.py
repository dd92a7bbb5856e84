"""What BigQuery says of permissions, and what tests have it say of a table or dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api import app as api
from bqemulator.api.routes import datasets, tables
from fastapi.responses import JSONResponse

from tests.localcloud.bigquery_server.patching import replace
from tests.localcloud.bigquery_server.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI, Request

_TABLE = "/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}"


def patch() -> None:
    """Add the routes, and what tests say of places."""
    replace(api, "install_exception_handlers", _with_routes)
    replace(tables, "_table_to_rest", _with_details("tableReference"))
    replace(datasets, "_dataset_to_rest", _with_details("datasetReference"))


def _with_details(key: str) -> Callable[[Any], Any]:
    def build(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def to_rest(*arguments: Any, **options: Any) -> dict[str, Any]:
            answer = original(*arguments, **options)
            parts = answer[key]
            names = [parts.get(name) for name in ("projectId", "datasetId", "tableId")]
            return answer | SETTINGS.details.get(".".join(filter(None, names)), {})

        return to_rest

    return build


def _with_routes(original: Callable[[FastAPI], None]) -> Callable[[FastAPI], None]:
    async def test(request: Request) -> JSONResponse:
        asked = (await request.json()).get("permissions", [])
        held = [each for each in asked if each not in SETTINGS.denied]
        return JSONResponse({"permissions": held} if held else {})

    async def policy(request: Request) -> JSONResponse:
        parts: dict[str, Any] = request.path_params
        bindings = SETTINGS.policies.get("{project}.{dataset}.{table}".format(**parts), [])
        return JSONResponse({"version": 1, "etag": "BwY=", "bindings": bindings})

    def install(app: FastAPI) -> None:
        original(app)
        app.add_route(f"{_TABLE}:testIamPermissions", test, methods=["POST"])
        app.add_route(f"{_TABLE}:getIamPolicy", policy, methods=["POST"])

    return install
