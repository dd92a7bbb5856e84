"""A build in the cloud needs as much memory here for two million lines as for two thousand."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud import bigquery, storage

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(180)]

ALLOWED_MB = 50
STUDIES, SERIES = 100, 20
CLIENT = """
import sys
from pathlib import Path

from dicomfilter.cli import main

try:
    main()
finally:
    status = Path("/proc/self/status").read_text()
    print(next(line for line in status.splitlines() if line.startswith("VmHWM")), file=sys.stderr)
"""
"""The command, which tells at its end how much memory it had at most.

The kernel counts this from the start of the program. ``getrusage`` would not do: it begins with the
memory of the process that the command was started from, which is that of all tests before.
"""


def make_table(client: bigquery.Client, name: str, *, instances: int) -> str:
    """Make a table of studies, 20 series each, inside BigQuery.

    Args:
        client: Of the server.
        name: ``project.dataset.table``.
        instances: How many a series has.

    Returns:
        Its URI.
    """
    client.query(
        f"""CREATE TABLE `{name}` AS
        SELECT CONCAT('P', CAST(a AS STRING)) AS PatientID,
          CONCAT('1.2.840.1.', CAST(a AS STRING)) AS StudyInstanceUID,
          CONCAT('1.2.840.1.', CAST(a AS STRING), '.', CAST(b AS STRING)) AS SeriesInstanceUID,
          CONCAT('1.2.840.1.', CAST(a AS STRING), '.', CAST(b AS STRING), '.', CAST(c AS STRING))
            AS SOPInstanceUID,
          IF(MOD(b, 2) = 0, 'CT', 'MR') AS Modality
        FROM UNNEST(GENERATE_ARRAY(1, {STUDIES})) AS a
        CROSS JOIN UNNEST(GENERATE_ARRAY(1, {SERIES})) AS b
        CROSS JOIN UNNEST(GENERATE_ARRAY(1, {instances})) AS c"""
    ).result()
    return f"bq://{name}"


def peak_mb(*arguments: str) -> float:
    """Run the command in a process of its own and give its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"^VmHWM:\s+([0-9]+) kB$", done.stderr, flags=re.MULTILINE)
    assert found, done.stderr
    return int(found[1]) * 1024 / 1e6


def size_bytes(instances: int) -> int:
    """Work out how long the filter file of such a table is."""

    def digits(most: int) -> int:
        return sum(len(str(number)) for number in range(1, most + 1))

    root = "1.2.840.1."
    fixed = (
        len(f"/studies/{root}/series/{root}./instances/{root}..\n") * STUDIES * SERIES * instances
    )
    studies = 3 * digits(STUDIES) * SERIES * instances
    series = 2 * digits(SERIES) * STUDIES * instances
    return fixed + studies + series + digits(instances) * STUDIES * SERIES


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel through /proc")
def test_two_million_lines_need_no_more_memory_than_two_thousand(
    bq_client: bigquery.Client,
    dataset: str,
    bucket: str,
    gcs_client: storage.Client,
    bq_set: Callable[..., None],
) -> None:
    bq_set(shard_bytes=4 << 20)  # several, for the client to join
    peaks = {}
    for count in (2_000, 2_000_000):
        instances = count // (STUDIES * SERIES)
        table = make_table(bq_client, f"{dataset}.t{instances}", instances=instances)
        target = f"gs://{bucket}/{instances}.txt"
        peaks[count] = peak_mb("build", table, "--all", "-o", target, "--quiet")
        written = gcs_client.bucket(bucket).get_blob(f"{instances}.txt")
        assert written is not None
        assert written.size == size_bytes(instances)
    small, large = peaks[2_000], peaks[2_000_000]
    print(f"at most {small:.0f} MB for 2,000 lines, {large:.0f} MB for 2,000,000")  # noqa: T201
    assert large - small <= ALLOWED_MB
