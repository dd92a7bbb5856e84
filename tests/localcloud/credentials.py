"""A service account of the tests' own: what Google's clients find by themselves, without Google."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PROJECT = "demo"
ACCOUNT = f"analyst@{PROJECT}.iam.gserviceaccount.com"


@lru_cache
def private_key() -> str:
    """Make a key; once, since it takes a while."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    written = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return written.decode()


@dataclass
class TokenServer:
    """Exchanges anything for a token, or refuses.

    Args:
        issued: How many tokens were given.
        refuses: Give none: what an account that was deleted meets.
    """

    issued: int = 0
    refuses: bool = False
    _server: ThreadingHTTPServer = field(init=False, repr=False)

    def write_account(self, folder: Path) -> Path:
        """Write the file that ``GOOGLE_APPLICATION_CREDENTIALS`` may name."""
        port = self._server.server_address[1]
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": ACCOUNT,
            "client_id": "1",
            "token_uri": f"http://127.0.0.1:{port}/token",
        }
        path = folder / "account.json"
        path.write_text(json.dumps(account), encoding="utf-8")
        return path

    def answer(self) -> tuple[int, dict[str, object]]:
        """Give the next token."""
        if self.refuses:
            words = "Invalid grant: account not found"
            return 400, {"error": "invalid_grant", "error_description": words}
        self.issued += 1
        return 200, {
            "access_token": f"token-{self.issued}",
            "expires_in": 3600,
            "token_type": "Bearer",
        }

    def __enter__(self) -> Self:
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                status, value = tokens.answer()
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
