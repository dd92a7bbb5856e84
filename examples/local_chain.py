# ruff: noqa: INP001 - a program of its own, in no package
"""The whole chain on one machine: index, build, export, and a look at what arrived.

    python examples/local_chain.py [FOLDER]

Without a folder it takes the files that pydicom is tested with. The cohort is made by a code in a
sequence, a person's name and a date.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

PREDICATES = (
    "EXISTS (SELECT 1 FROM UNNEST(DerivationCodeSequence) AS d WHERE d.CodeValue = '113040')",
    "PatientName.Alphabetic.FamilyName = 'Lestrade'",
    "StudyDate >= '2017-01-01'",
)
COMMAND = Path(sys.executable).with_name("dicomfilter")
FINDINGS = 6


def main(scans: Path, here: Path) -> int:
    """Show the chain; the exit status is 0 where what arrived is what was asked for."""
    table, filter_file, out = here / "scans.parquet", here / "lossy.txt", here / "images"
    shutil.copytree(scans, here / "scans", dirs_exist_ok=True)

    say("\n1. the headers of a folder of DICOM files become a table, a row an instance")
    run("index", here / "scans", "-o", table, "--overwrite", status=(0, FINDINGS))

    say("\n2. a cohort: a code in a sequence, a person's name, a date")
    where = [word for predicate in PREDICATES for word in ("--where", predicate)]
    run("build", table, *where, "-o", filter_file, "--overwrite")

    say("\n3. the images that it names are exported to another folder")
    say("   (what cannot be read might be one of them, and is counted: status 6)")
    words = ("export", "gcs", here / "scans", "--filter", filter_file, "--gcs-uri-prefix", out)
    run(*words, status=(0, FINDINGS))

    say("\n4. what arrived, read again with pydicom, against what was selected")
    wanted = {line.rpartition("/")[2] for line in filter_file.read_text().splitlines()}
    arrived = {uid_of(path) for path in out.rglob("*.dcm")}
    say(f"selected {len(wanted)} instances, arrived {len(arrived)}")
    say("the same UIDs" if wanted == arrived else "NOT the same UIDs")
    return int(wanted != arrived or not wanted)


def say(text: str) -> None:
    """Print at once, so that it stands before what a command prints."""
    print(text, flush=True)  # noqa: T201 - the result of a program


def run(*arguments: object, status: tuple[int, ...] = (0,)) -> None:
    """Run a command as a person would, and show it."""
    words = [str(argument) for argument in arguments]
    quoted = (f'"{word}"' if "'" in word else shlex.quote(word) for word in words)
    say(f"\n$ dicomfilter {' '.join(quoted)}")
    done = subprocess.run([COMMAND, *words], stderr=sys.stdout, check=False)  # noqa: S603 - our own
    if done.returncode not in status:
        sys.exit(done.returncode)


def uid_of(path: Path) -> str:
    """Read a file as DICOM."""
    from pydicom import dcmread

    return str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def test_files() -> Path:
    """Find the files that pydicom is tested with."""
    import pydicom.data

    return Path(pydicom.data.__file__).with_name("test_files")


if __name__ == "__main__":
    place = Path("demo")
    place.mkdir(exist_ok=True)
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else test_files(), place))
