"""Take what tests set, at ``POST /_test/set``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api import app as api
from fastapi.responses import JSONResponse

from tests.localcloud.bigquery_server.patching import replace
from tests.localcloud.bigquery_server.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI, Request


def patch() -> None:
    """Add the route."""
    replace(api, "install_exception_handlers", _with_route)


def _with_route(original: Callable[[FastAPI], None]) -> Callable[[FastAPI], None]:
    async def settle(request: Request) -> JSONResponse:
        values: dict[str, Any] = await request.json()
        for name, value in values.items():
            if not hasattr(SETTINGS, name):
                return JSONResponse({"error": f"no such setting: {name}"}, status_code=400)
            setattr(SETTINGS, name, value)
        return JSONResponse({})

    def install(app: FastAPI) -> None:
        original(app)
        app.add_route("/_test/set", settle, methods=["POST"])

    return install
