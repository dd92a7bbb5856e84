"""Programs of others that read DICOM, for a second opinion on what we write."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = {
    "Orthanc": "orthanc",
    "dcm2json": "dcmtk",
    "dcmdjpeg": "dcmtk",
    "dcmdjpls": "dcmtk",
    "dcmdrle": "dcmtk",
    "dcmdump": "dcmtk",
    "dcmftest": "dcmtk",
    "dcmj2pnm": "dcmtk",
    "dciodvfy": "dicom3tools",
}
"""In which package of Debian each is."""


_UID = re.compile(r"(?<=UID )[0-9.]+|[0-9]+(\.[0-9]+){3,}")


def program(name: str) -> str:
    """Find a program; without it a test is skipped, but fails where all have to be there."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is not None:
        return found
    reason = f"{name} is not here: apt-get install {PACKAGES[name]}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def run(name: str, *arguments: str | Path) -> str:
    """Run a program, which must be content, and give what it printed."""
    done = subprocess.run(
        [program(name), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def complaints(path: Path) -> set[str]:
    """List what dciodvfy finds wrong with a file: errors, whichever UID they are about."""
    done = subprocess.run(
        [program("dciodvfy"), str(path)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    return {_UID.sub("UID", line) for line in said if line.startswith("Error")}
