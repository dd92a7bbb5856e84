"""The whole chain at once: from a DICOM store to the images that a predicate selects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.cloud
def test_what_arrives_is_what_the_predicate_selected() -> None:
    """Store, metadata table, EXPORT DATA, compose, export by filter, operation, pydicom."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.localcloud.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, counts, verdict = done.stdout.splitlines()
    assert verdict == "the same UIDs"
    wanted, arrived = (int(word.strip(",")) for word in counts.split() if word.strip(",").isdigit())
    assert wanted == arrived > 0
    for step in (
        "export bq",
        "doctor projects/",
        "freshness bq://",
        "build bq://",
        "check gs://",
        "export gcs",
        "operations list",
        "verify gs://",
    ):
        assert f"$ dicomfilter {step}" in done.stdout
