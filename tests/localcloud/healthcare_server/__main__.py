"""Start the server: ``python -m tests.localcloud.healthcare_server``.

Prints one JSON line with its address when it is ready, and stops when its standard input closes.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import warnings

import uvicorn

from tests.localcloud.healthcare_server.app import application
from tests.localcloud.healthcare_server.methods import Api


def main() -> None:
    """Serve until standard input closes."""
    warnings.simplefilter("ignore")  # pydicom's, about files that are irregular on purpose
    api = Api("")
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(  # its dates are the API's own business
        application(api), log_level="error", lifespan="off", date_header=False
    )
    server = uvicorn.Server(config)
    port = listening.getsockname()[1]
    print(json.dumps({"rest": f"http://127.0.0.1:{port}"}), flush=True)  # noqa: T201 - said to the parent
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads what is printed from now on

    def stop() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        server.force_exit = True

    threading.Thread(target=stop, daemon=True).start()
    server.run(sockets=[listening])
    os._exit(0)  # operations may be held for ever


if __name__ == "__main__":
    main()
