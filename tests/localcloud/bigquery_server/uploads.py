"""Accept load jobs whose file comes with them, as Google's client sends small ones."""

from __future__ import annotations

from bqemulator.api.routes import upload

from tests.localcloud.bigquery_server.patching import replace


def patch() -> None:
    """Let the part that holds the data have the media type that the client gives it."""
    replace(upload, "_PERMITTED_MEDIA_CONTENT_TYPES", lambda types: (*types, "*/*"))
