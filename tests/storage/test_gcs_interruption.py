"""What stays of an upload when the process ends in the middle, and how much memory one takes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import pytest

from dicomfilter.storage.crc32c import of_joined
from dicomfilter.storage.gcs.objects import GcsStorage
from tests.localcloud.fidelity import crc32c

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import storage

OLD, NEW = b"old\n", b"/studies/1.2.3\n" * 50_000
PUTS = 3
"""How many pieces of 256 KiB the new object has."""

WRITE = """
import os, signal, sys
from dicomfilter.storage.gcs import client, upload
from dicomfilter.storage.gcs.objects import GcsStorage

uri, stage, overwrite = sys.argv[1:4]
upload.PIECE_BYTES = 256 * 1024
if stage == "wait":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
else:
    when, number = stage.split("-")
    left, send = int(number), client.Connection.send

    def dying(self, method, *rest, **more):
        global left
        left -= 1
        if left == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = send(self, method, *rest, **more)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    client.Connection.send = dying
with GcsStorage().writer(uri, overwrite=overwrite == "overwrite") as out:
    for _ in range(5):
        out.write(b"/studies/1.2.3\\n" * 10_000)
    if stage == "wait":
        print("ready", flush=True)
        signal.pause()
"""


def command(uri: str, stage: str, overwrite: str = "create") -> list[str]:
    return [sys.executable, "-c", WRITE, uri, stage, overwrite]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def content(client: storage.Client, bucket: str) -> dict[str, bytes]:
    return {blob.name: blob.download_as_bytes() for blob in client.list_blobs(bucket)}


@pytest.mark.parametrize("overwrite", ["create", "overwrite"])
@pytest.mark.parametrize(
    "stage", [f"{when}-{n}" for n in range(1, PUTS + 1) for when in ("before", "after")]
)
def test_kill_9_leaves_the_old_object_or_the_new_one_and_never_half(
    bucket: str, gcs_client: storage.Client, stage: str, overwrite: str
) -> None:
    old = {"ct.txt": OLD} if overwrite == "overwrite" else {}
    if old:
        gcs_client.bucket(bucket).blob("ct.txt").upload_from_string(OLD)
    ended = subprocess.run(
        command(f"gs://{bucket}/ct.txt", stage, overwrite),
        env=environment(),
        check=False,
        timeout=60,
    )

    assert ended.returncode == -signal.SIGKILL
    is_done = stage == f"after-{PUTS}"
    assert content(gcs_client, bucket) == ({"ct.txt": NEW} if is_done else old)
    if not is_done:  # and the next run is not hindered by what was begun
        with GcsStorage().writer(f"gs://{bucket}/ct.txt", overwrite=bool(old)) as out:
            out.write(NEW)
        assert content(gcs_client, bucket) == {"ct.txt": NEW}


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_leave_nothing_at_all(
    bucket: str, gcs_client: storage.Client, asked: signal.Signals
) -> None:
    with subprocess.Popen(
        command(f"gs://{bucket}/ct.txt", "wait"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(asked)
        running.wait(30)

    assert running.returncode != 0
    assert content(gcs_client, bucket) == {}


class Sink(BaseHTTPRequestHandler):
    """Cloud Storage for one upload that keeps nothing but a count and a checksum."""

    protocol_version = "HTTP/1.1"
    taken: list[tuple[str, int]]

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, said: dict[str, Any], **headers: str) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        looked = re.search("/o/", self.path)
        self.answer(404 if looked else 200, {"error": {"message": "no"}} if looked else {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).taken = []
        self.answer(200, {}, Location=f"http://{self.headers['Host']}/session")

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((crc32c(data), len(data)))
        size = sum(nbytes for _, nbytes in self.taken)
        if self.headers["Content-Range"].endswith("/*"):
            self.answer(308, {}, Range=f"bytes=0-{size - 1}")
        else:
            whole = of_joined(self.taken)
            assert self.headers["x-goog-hash"] == f"crc32c={whole}"
            self.answer(200, {"size": str(size), "crc32c": whole, "generation": "7"})


@contextmanager
def sink() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


STREAM = """
import resource, sys
from dicomfilter.storage.gcs.objects import GcsStorage

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

storage = GcsStorage()
storage.check_destination("gs://bucket/warm-up", overwrite=False)
before = None
with storage.writer("gs://bucket/ct.txt", overwrite=False) as out:
    block = b"/studies/1.2.3\\n" * 70_000
    before = peak()
    while out.size_bytes < int(sys.argv[1]):
        out.write(bytes(block))
print(out.written.size_bytes, out.written.crc32c, out.written.generation, peak() - before)
"""


def test_an_upload_of_200_mb_takes_less_than_64_mb_of_memory() -> None:
    with sink() as url:
        done = subprocess.run(
            [sys.executable, "-c", STREAM, str(200 << 20)],
            env={**environment(), "STORAGE_EMULATOR_HOST": url},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
    size_bytes, checksum, generation, grown_kib = done.stdout.split()
    assert int(size_bytes) >= 200 << 20
    assert (checksum, generation) == (of_joined(Sink.taken), "7")
    assert int(grown_kib) < 64 << 10
    assert google_crc32c.implementation == "c"
