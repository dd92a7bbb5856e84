"""A bucket of any number of objects, of which only the listing is served.

    with PagingServer(names, delay_s=0.1) as server:
        # STORAGE_EMULATOR_HOST=server.url

fake-gcs-server keeps each object and sorts all of them for each page. This one pages over a sorted
array, and answers as that one does (``tests/storage/test_gcs_pages.py``).
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGE = 1000
_TIME = "2026-11-20T02:11:09.000Z"


@dataclass
class PagingServer:
    """Serves the listing of one bucket, whatever it is called.

    Args:
        names: Of the objects, in order.
        delay_s: How long each page takes.
    """

    names: Sequence[str]
    delay_s: float = 0.0
    pages: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                body = owner.page(query)
                time.sleep(owner.delay_s)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self, query: dict[str, str]) -> bytes:
        """Make one page."""
        self.pages += 1
        prefix = query.get("prefix", "")
        first = max(prefix, query.get("startOffset", ""), query.get("pageToken", ""))
        start = bisect_left(self.names, first)
        end = bisect_left(self.names, f"{prefix}\U0010ffff") if prefix else len(self.names)
        if "endOffset" in query:
            end = min(end, bisect_left(self.names, query["endOffset"]))
        stop = min(end, start + min(_PAGE, int(query.get("maxResults", _PAGE))))
        found: dict[str, Any] = {"kind": "storage#objects"}
        items = [
            {"name": name, "size": "9", "timeCreated": _TIME} for name in self.names[start:stop]
        ]
        if items:
            found["items"] = items
        if stop < end:
            found["nextPageToken"] = self.names[stop]
        return json.dumps(found).encode()
