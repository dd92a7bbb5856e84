"""Check a filter file against what people use to remove repeated lines: whole processes, one run.

    python benchmarks/check.py --lines 10000000

Makes its own lines, 206 bytes each, of which a few repeat others or are covered by study lines.
Three orders: ``scattered``, as an engine that removes duplicates by hashing writes them;
``grouped`` by study and series; ``sorted``.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_CHECK = """
import sys
from dicomfilter.filters.lines import check
report = check(sys.argv[1])
print(report.lines, report.levels, [(str(f.kind), f.count) for f in report.findings])
"""
_UID = """
  '1.3.6.1.4.1.14519.5.2.1.' || (1000 + hash({0}, 1) % 9000)::VARCHAR || '.'
  || (1000 + hash({0}, 2) % 9000)::VARCHAR || '.'
  || (100000000000 + hash({0}, 3) % 900000000000)::VARCHAR
  || (1000000000000 + hash({0}, 4) % 9000000000000)::VARCHAR
"""
_LINES = f"""
SELECT '/studies/' || {_UID.format("('study', i // 3000)")}
  || CASE WHEN i % 500009 = 500008 THEN '' ELSE '/series/' || {_UID.format("('series', i // 150)")}
  || '/instances/' || {_UID.format("('instance', i)")} END || chr(10) AS line
FROM (
  SELECT CASE WHEN n % 10007 = 10006 THEN n - 1 ELSE n END AS i
  FROM (
    SELECT n FROM range($lines) AS t(n)
    ORDER BY CASE WHEN $scattered THEN hash(n) ELSE n END
  )
)
"""


@dataclass(frozen=True)
class Run:
    """How one process went."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def make(path: Path, lines: int, order: str) -> None:
    import duckdb

    values = {"lines": lines, "scattered": order == "scattered"}
    with duckdb.connect() as connection, path.open("wb") as out:
        reader = connection.sql(_LINES, params=values).to_arrow_reader(100_000)
        for batch in reader:
            column = batch.column(0)
            offsets = memoryview(column.buffers()[1]).cast("i")
            start, end = offsets[column.offset], offsets[column.offset + len(column)]
            out.write(memoryview(column.buffers()[2])[start:end])
    if order == "sorted":
        subprocess.run(["sort", "-o", path, path], check=True, env=os.environ | {"LC_ALL": "C"})


def run(*command: str | Path) -> Run:
    environment = os.environ | {"LC_ALL": "C", "PYTHONPATH": str(Path(__file__).parents[1])}
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{command[0]} failed")
        out.seek(0)
        output = out.read(4000).decode(errors="replace")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--order", choices=["scattered", "grouped", "sorted"], default="scattered")
    parser.add_argument("--folder", type=Path, help="where to make the file; default: temporary")
    parser.add_argument("--no-awk", action="store_true", help="leave the slowest rival out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "filter.txt"
        make(path, options.lines, options.order)
        size = path.stat().st_size
        print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        print(f"{options.lines:,} lines, {size / 1e9:.2f} GB, {options.order}")
        run("cat", path)  # so that all read from memory
        rivals: dict[str, tuple[str | Path, ...]] = {
            "dicomfilter check": (sys.executable, "-c", _CHECK, path),
            "sort -u": ("sh", "-c", 'sort -u -T "$0" "$1" > /dev/null', folder, path),
        }
        if not options.no_awk:
            rivals["awk '!s[$0]++'"] = ("sh", "-c", "awk '!s[$0]++' \"$0\" > /dev/null", path)
        ours = None
        for name, command in rivals.items():
            done = run(*command)
            ours = ours or done
            print(
                f"{name:18} {done.seconds:7.2f} s  {done.seconds / ours.seconds:5.2f} x"
                f"  cpu {done.cpu_seconds:6.2f} s  peak {done.peak_mb:6.0f} MB"
            )
            if name == "dicomfilter check":
                print(f"{'':18} {done.output.strip()}")


if __name__ == "__main__":
    main()
