"""Start the server: ``python -m tests.localcloud.bigquery_server PROJECT STORAGE_URL``.

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
    cloud_storage,
    control,
    costs,
    failures,
    kept_jobs,
    loads,
    offline,
    patching,
    permissions,
    reading,
    results,
    sizes,
    spelling,
    uploads,
)
from tests.localcloud.bigquery_server.settings import SETTINGS

# the first wrapper of a function is the innermost: a used job id is refused before its cost
PATCHES = (
    offline,
    spelling,
    uploads,
    loads,
    reading,
    results,
    sizes,
    failures,
    costs,
    kept_jobs,
    control,
    permissions,
)


async def serve(project: str) -> None:
    """Serve until standard input closes."""
    settings = Settings(
        rest_port=0,
        grpc_port=0,
        default_project_id=project,
        log_level=LogLevel.WARNING,
        metrics_enabled=False,
        gcs_local_root=SETTINGS.scratch,
    )
    server = EmulatorServer(settings)
    await server.start()
    print(json.dumps({"rest": server.rest_url, "grpc": server.grpc_endpoint}), flush=True)  # noqa: T201 - said to the parent
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads what is printed from now on
    await asyncio.to_thread(sys.stdin.buffer.read)
    await server.stop()
    cloud_storage.clean()


def main() -> None:
    """Close the gaps, then serve."""
    patching.check_release()
    cloud_storage.patch(sys.argv[2])
    for each in PATCHES:
        each.patch()
    asyncio.run(serve(sys.argv[1]))


if __name__ == "__main__":
    main()
