"""Measure a verification of a million objects, listed in ranges against one after another.

    python benchmarks/verify.py --objects 1000000 --delay-s 0.1

The bucket is ``tests/localcloud/paging.py``: pages over a sorted array, each of which takes its time,
in a process of its own. Its listing is what fake-gcs-server gives (``tests/storage/test_gcs_pages.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.localcloud.paging import PagingServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(sys.executable).with_name("dicomfilter"))
_SEQUENTIAL = """
import sys
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.objects import GcsStorage
from dicomfilter.storage.gcs.pages import pages
at = GcsObject.folder("gs://bench/out/")
print(sum(len(page.names) for page in pages(GcsStorage().connection, at)))
"""


def uids(count: int) -> Iterator[tuple[str, str, str]]:
    """Make instances, 250 a series and two series a study, with UIDs of usual length."""
    root = "1.3.6.1.4.1.14519.5.2.1.7695.4001"
    for number in range(count):
        study, series = number // 500, number // 250
        stem = f"{root}.{study * 7919 % 10**9:09}"
        yield f"{stem}.1", f"{stem}.2.{series}", f"{stem}.3.{number}"


@contextmanager
def served(count: int, delay_s: float) -> Iterator[str]:
    """Serve the listing in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--objects", str(count), "--delay-s", str(delay_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield next(iter(server.stdout or ())).strip()
    finally:
        server.communicate("")


def serve(count: int, delay_s: float) -> None:
    """Serve until standard input closes."""
    names = sorted(f"out/{'/'.join(each)}.dcm" for each in uids(count))
    with PagingServer(names, delay_s) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def run(command: list[str], **variables: str) -> tuple[float, float, str]:
    """Run a command; give its seconds, its peak in MB, and what it printed."""
    code = (
        "import json, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024\n"
        "print(json.dumps([peak, done.returncode, done.stdout]))"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    peak, status, out = json.loads(done.stdout)
    demand(status == 0, out)
    return seconds, peak, out


def demand(right: bool, out: str) -> None:  # noqa: FBT001 - as an assertion
    """Stop where a run did not do what it was to do."""
    if not right:
        raise SystemExit(f"this is not what was asked for: {out}")


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--delay-s", type=float, default=0.1)
    parser.add_argument("--serve", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve(given.objects, given.delay_s)
        return 0
    with tempfile.TemporaryDirectory() as folder, served(given.objects, given.delay_s) as url:
        filter_file = Path(folder) / "f.txt"
        with filter_file.open("w") as file:
            for study, series, instance in uids(given.objects):
                file.write(f"/studies/{study}/series/{series}/instances/{instance}\n")
        where = {"STORAGE_EMULATOR_HOST": url, "XDG_STATE_HOME": folder}
        command = [PROGRAM, "verify", str(filter_file), "gs://bench/out/", "--json"]
        ours, peak, out = run(command, **where)
        found = json.loads(out)
        demand((found["verdict"], found["arrived"]) == ("complete", given.objects), out)
        alone, _, out = run([sys.executable, "-c", _SEQUENTIAL], **where)
        demand(int(out) == given.objects, out)
    print(f"| what, {given.objects:,} objects, a page {given.delay_s} s | s | ratio | peak |")
    print("|---|---|---|---|")
    print(f"| dicomfilter verify, whole | {ours:.1f} | 1 | {peak:.0f} MB |")
    print(f"| the same listing alone, page after page | {alone:.1f} | {alone / ours:.2f} | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
