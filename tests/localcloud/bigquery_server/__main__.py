"""Start the server: ``python -m tests.localcloud.bigquery_server PROJECT``.

Prints one JSON line with its addresses when it is ready, and stops when its standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from bqemulator.config import LogLevel, Settings
from bqemulator.server import EmulatorServer

from tests.localcloud.bigquery_server import (
    costs,
    failures,
    kept_jobs,
    offline,
    patching,
    results,
    sizes,
    spelling,
    uploads,
)

# the first wrapper of a function is the innermost: a used job id is refused before its cost
PATCHES = (offline, spelling, uploads, results, sizes, failures, costs, kept_jobs)


async def serve(project: str) -> None:
    """Serve until standard input closes."""
    settings = Settings(
        rest_port=0,
        grpc_port=0,
        default_project_id=project,
        log_level=LogLevel.WARNING,
        metrics_enabled=False,
    )
    server = EmulatorServer(settings)
    await server.start()
    print(json.dumps({"rest": server.rest_url, "grpc": server.grpc_endpoint}), flush=True)  # noqa: T201 - said to the parent
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads what is printed from now on
    await asyncio.to_thread(sys.stdin.buffer.read)
    await server.stop()


def main() -> None:
    """Close the gaps, then serve."""
    patching.check_release()
    for each in PATCHES:
        each.patch()
    asyncio.run(serve(sys.argv[1]))


if __name__ == "__main__":
    main()
