"""The API over HTTP: one route a method of the discovery documents, and the routes of tests."""

from __future__ import annotations

import asyncio
import json
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.localcloud.healthcare_server.control import CONTROLS
from tests.localcloud.healthcare_server.discovery import VERSIONS, Document, Method
from tests.localcloud.healthcare_server.methods import Api, Call
from tests.localcloud.healthcare_server.projects import OTHERS
from tests.localcloud.healthcare_server.refusals import INVALID, RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request


def application(api: Api) -> Starlette:
    """Make the routes."""
    routes = [
        Route(f"/_test/{name}", _controlled(api, control), methods=["POST"])
        for name, control in CONTROLS.items()
    ]
    for version in VERSIONS:
        document = Document.of(version)
        for method in document.methods():
            endpoint = _endpoint(api, document, method)
            routes.append(Route(method.path, endpoint, methods=[method.verb]))
    routes += [Route(path, _other(api, answer), methods=[verb]) for verb, path, answer in OTHERS]
    return Starlette(routes=routes)


def _other(
    api: Api, answer: Callable[[Api, dict[str, str], dict[str, Any]], Any]
) -> Callable[[Request], Awaitable[Response]]:
    """Answer a method of another API that people use beside this one."""

    async def endpoint(request: Request) -> Response:
        body = json.loads(await request.body() or b"{}")
        try:
            return JSONResponse(answer(api, dict(request.path_params), body))
        except RefusedError as refused:
            return JSONResponse(refused.answer(), status_code=refused.http_status)

    return endpoint


def _endpoint(
    api: Api, document: Document, method: Method
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await _answered(api, document, method, request)
        except RefusedError as refused:
            answer = JSONResponse(refused.answer(), status_code=refused.http_status)
        answer.headers["date"] = format_datetime(api.settings.now(), usegmt=True)
        return answer

    return endpoint


async def _answered(api: Api, document: Document, method: Method, request: Request) -> Response:
    token = request.headers.get("authorization", "")
    if api.settings.switches.needs_token and not token.startswith("Bearer "):
        words = "Request is missing required authentication credential."
        raise RefusedError(16, words)
    query = dict(request.query_params)
    for name in query.keys() - method.parameters:
        if "dicomWebPath" not in method.parameters:
            words = f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
            raise RefusedError(INVALID, words)
    body: Any = {}
    if method.request not in (None, "HttpBody"):
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise RefusedError(INVALID, "Invalid JSON payload received.") from None
        body = document.checked(str(method.request), body)
    call = Call(method, document, dict(request.path_params), query, body)
    value = await asyncio.to_thread(api.answer, call)
    if isinstance(value, list):  # DICOMweb; nothing found is an answer without a body
        kind = "application/dicom+json"
        return Response(json.dumps(value), media_type=kind) if value else Response(status_code=204)
    return JSONResponse(value)


def _controlled(
    api: Api, control: Callable[[Api, dict[str, Any]], Any]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = json.loads(await request.body() or b"{}")
        try:
            return JSONResponse(await asyncio.to_thread(control, api, body))
        except (TypeError, RefusedError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return endpoint
