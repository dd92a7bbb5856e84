"""Index made studies: against reading their headers in a loop, and against dcmtk where it is there.

    python benchmarks/index.py --files 20000
    python benchmarks/index.py FOLDER              # of one's own

The loop is of one process, does nothing but ``pydicom.dcmread(stop_before_pixels=True)``, and writes
nothing. The aim is 1.6 times its speed on two cores, with the whole table written.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from measure import Rival, race, table

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
LOOP = """
import os, sys
import pydicom
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        pydicom.dcmread(os.path.join(folder, name), stop_before_pixels=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="DICOM files of one's own")
    parser.add_argument("--files", type=int, default=20_000, help="made, of all kinds in turn")
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dicomfilter-bench-") as scratch:
        folder = asked.folder or made(Path(scratch) / "scans", asked.files)
        out = Path(scratch) / "metadata.parquet"
        index = [
            str(BIN / "dicomfilter"),
            "index",
            str(folder),
            "-o",
            str(out),
            "--overwrite",
            "-q",
        ]
        rivals = [
            Rival("dicomfilter index", index),
            Rival("the same, one process", [*index, "--workers", "1"]),
            Rival("pydicom in a loop, headers", [sys.executable, "-c", LOOP, str(folder)]),
        ]
        if dump := shutil.which("dcmdump"):
            options = [
                "--quiet",
                "--scan-directories",
                "--recurse",
                "--stop-before-elem",
                "7fe0,0010",
            ]
            rivals.append(Rival("dcmdump, text", [dump, *options, str(folder)]))
        count = sum(1 for path in folder.rglob("*") if path.is_file())
        race(rivals, turns=asked.turns)
        print(table(f"Index of {count:,} files", rivals))


def made(folder: Path, files: int) -> Path:
    sys.path.insert(0, str(ROOT))
    from tests.studies import write_studies

    write_studies(folder, files // 100, 100)
    return folder


if __name__ == "__main__":
    main()
