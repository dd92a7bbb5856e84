"""Damage real DICOM files, and see what the commands make of a folder of them.

python -m tests.dicom.mutate                  3,000 files of a seed drawn
python -m tests.dicom.mutate 500 7            500 of seed 7
python -m tests.dicom.mutate 1 7 --first 123  the one that a report named, kept with --keep DIR

Beside the damaged files lie whole ones. Whatever is damaged, each command ends with 0 or 6 and
without a traceback, within bounds of memory, counts every file, and does to the whole ones what it
does where they are alone.
"""
# ruff: noqa: T201 - a report is printed

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pydicom

from tests.dicom.files import named
from tests.dicom.mutations import Mutation, mutation

VIRTUAL_BYTES: Final = 4 << 30
"""What a command may reserve (``ulimit -v``)."""
RESIDENT_BYTES: Final = 1_000_000_000
"""What it may use of it."""
TIMEOUT_S: Final = 600.0
CHUNK: Final = 250
"""Files of one folder."""
WHOLE: Final = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "693_J2KI.dcm",
    "ExplVR_BigEnd.dcm",
)
_DICOM: Final = "application/dicom; transfer-syntax=1.2.840.10008.1.2"
_FORMS: Final = {"native": f"{_DICOM}.1", "compressed": f"{_DICOM}.4.90", "pictures": "image/png"}
COMMANDS: Final = {
    "index": "index in --errors errors.csv -o table.parquet".split(),
    **{
        name: [*f"export gcs in --all --json --gcs-uri-prefix {name} --mime-type".split(), form]
        for name, form in _FORMS.items()
    },
    "deidentified": "deidentify in --all --json --destination-store deidentified".split(),
}
"""What is run, by the name of the folder that it writes."""
_KEY: Final = "in/.dicomfilter/deidentify.key"


@dataclass(slots=True)
class Tally:
    """What became of the files of a run.

    Args:
        faults: What must not be, each with what is needed to have it again.
        ends: How often each command had each end, an item at a time.
        resident_bytes: The most that a process used.
    """

    faults: list[str] = field(default_factory=list)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    resident_bytes: int = 0

    def report(self) -> str:
        """Say it in a table."""
        lines = [f"{name:<14}{end:<12}{n:>7,}" for (name, end), n in sorted(self.ends.items())]
        lines.append(f"{'most memory':<26}{self.resident_bytes / 1e6:>7,.0f} MB")
        return "\n".join([*lines, *self.faults, f"{len(self.faults)} faults"])


def try_out(mutations: list[Mutation], folder: Path, tally: Tally) -> None:
    """Run the commands over damaged files, and over the whole ones alone.

    Args:
        mutations: The damaged files.
        folder: Where all of it is to lie; empty.
        tally: Takes down what became of them.
    """
    for name in ("alone", "among"):
        home = folder / name
        (home / "in").mkdir(parents=True)
        for whole in WHOLE:
            shutil.copy(named(whole), home / "in" / whole)
    for each in mutations:
        (folder / "among/in" / each.name).write_bytes(each.data)
    for name, words in COMMANDS.items():
        of = f"{name} of {mutations[0].number}..{mutations[-1].number}"
        alone = _run(folder / "alone", words, tally)
        if alone.status != 0:
            tally.faults.append(f"{name} of whole files alone: status {alone.status}")
        if name == "deidentified":  # by the same key, or nothing could be compared
            shutil.copy(folder / "alone" / _KEY, folder / "among" / _KEY)
        ran = _run(folder / "among", words, tally)
        _judge(of, name, ran, tally)
        if name == "index":
            _count_index(folder / "among", tally)
        else:
            _count(name, of, ran, tally)
            _compare(folder, name, of, tally)


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str


def _run(home: Path, words: list[str], tally: Tally) -> Ran:
    environment = os.environ | {
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(home),
        "NO_COLOR": "1",
    }
    with (home / "out.txt").open("w+b") as out, (home / "err.txt").open("w+b") as err:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("dicomfilter")), *words],
            cwd=home,
            env=environment,
            stdout=out,
            stderr=err,
            preexec_fn=_bounded,  # noqa: PLW1509 - one thread here
        )
        ends = time.monotonic() + TIMEOUT_S
        while True:
            pid, wait_status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > ends:
                process.kill()
                _, wait_status, used = os.wait4(process.pid, 0)
                break
            time.sleep(0.02)
        process.returncode = status = os.waitstatus_to_exitcode(wait_status)
        tally.resident_bytes = max(tally.resident_bytes, used.ru_maxrss * 1024)
        out.seek(0)
        err.seek(0)
        return Ran(status, out.read().decode(), err.read().decode(errors="replace"))


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (VIRTUAL_BYTES, VIRTUAL_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _judge(of: str, name: str, ran: Ran, tally: Tally) -> None:
    """Judge how a command ended."""
    if ran.status not in {0, 6}:
        tally.faults.append(f"{of}: status {ran.status}: {ran.err.strip()[-300:]}")
    if "Traceback" in ran.err:
        tally.faults.append(f"{of}: a traceback, {ran.err.strip().splitlines()[-1][:300]}")
    if tally.resident_bytes > RESIDENT_BYTES:
        tally.faults.append(f"{of}: {tally.resident_bytes / 1e6:,.0f} MB")
    tally.ends[name, f"status {ran.status}"] += 1


def _count_index(home: Path, tally: Tally) -> None:
    import pyarrow.parquet as pq

    table = home / "table.parquet"
    rows = pq.read_metadata(table).num_rows if table.exists() else 0
    tally.ends["index", "rows"] += rows
    tally.ends["index", "not taken"] += sum(1 for _ in (home / "in").glob("*.dcm")) - rows


def _count(name: str, of: str, ran: Ran, tally: Tally) -> None:
    try:
        counts = json.loads(ran.out)
    except ValueError:
        tally.faults.append(f"{of}: it printed no result")
        return
    tally.ends[name, "succeeded"] += counts["success"]
    tally.ends[name, "failed"] += counts["failure"]
    if counts["pending"]:
        tally.faults.append(f"{of}: {counts['pending']} files are pending")


def _compare(folder: Path, name: str, of: str, tally: Tally) -> None:
    """Compare what was made of the whole files with what is made of them alone."""
    alone, among = (folder / place / name for place in ("alone", "among"))
    for path in alone.rglob("*"):
        if not path.is_file() or ".dicomfilter" in path.parts:
            continue
        other = among / path.relative_to(alone)
        if not other.exists():
            tally.faults.append(f"{of}: {path.relative_to(alone)} is lost")
        elif not _is_same(path, other):
            tally.faults.append(f"{of}: {path.relative_to(alone)} differs")


def _is_same(path: Path, other: Path) -> bool:
    if path.suffix != ".dcm":
        return path.read_bytes() == other.read_bytes()
    one, two = pydicom.dcmread(path), pydicom.dcmread(other)
    return one == two


def hunt(seed: str, numbers: range, *, keep: Path | None = None) -> Tally:
    """Try out damaged files.

    Args:
        seed: Of which seed.
        numbers: Which of them.
        keep: Where the folders stay; by default they go.

    Returns:
        What became of them.
    """
    tally = Tally()
    for start in range(numbers.start, numbers.stop, CHUNK):
        chunk = [mutation(seed, n) for n in range(start, min(start + CHUNK, numbers.stop))]
        if keep is not None:
            try_out(chunk, keep / str(start), tally)
        else:
            with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
                try_out(chunk, Path(folder), tally)
    return tally


def main() -> int:
    """Try out and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=3000)
    parser.add_argument("seed", nargs="?", help="default: drawn and printed")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    seed = options.seed or str(secrets.randbelow(10**9))
    print(f"seed {seed}: {options.count:,} files", flush=True)
    numbers = range(options.first, options.first + options.count)
    tally = hunt(seed, numbers, keep=options.keep)
    print(tally.report())
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
