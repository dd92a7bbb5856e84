"""The demonstration on one machine ends as it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "examples" / "local_chain.py"


def test_what_arrives_is_what_was_selected(tmp_path: Path) -> None:  # three commands and pydicom
    done = subprocess.run(
        [sys.executable, PROGRAM],
        cwd=tmp_path,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "selected 10 instances, arrived 10\nthe same UIDs" in done.stdout
    assert "10 succeeded, 16 failed" in done.stdout  # files that cannot be read, and may be of it
