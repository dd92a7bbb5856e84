"""Accept load jobs whose file comes with them, as Google's client sends small ones.

bqemulator names such jobs itself; here they have the id that the client chose, once.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import upload

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_KEY = "jobIdOfTheClient"
_chosen: contextvars.ContextVar[str | None] = contextvars.ContextVar("chosen", default=None)


def patch() -> None:
    """Let the part that holds the data have the media type that the client gives it."""
    replace(upload, "_PERMITTED_MEDIA_CONTENT_TYPES", lambda types: (*types, "*/*"))
    replace(upload, "_load_configuration_from_envelope", _noting)
    replace(upload, "_run_load", _named)
    replace(upload, "_new_job_id", lambda original: lambda: _chosen.get() or original())


def _noting(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def configuration(envelope: dict[str, Any]) -> dict[str, Any]:
        chosen = envelope.get("jobReference", {}).get("jobId")
        return {**original(envelope), _KEY: chosen}

    return configuration


def _named(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(*, configuration: dict[str, Any], **rest: Any) -> Any:
        bare = {name: value for name, value in configuration.items() if name != _KEY}
        _chosen.set(configuration.get(_KEY))
        return await original(configuration=bare, **rest)

    return run
