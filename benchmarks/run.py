"""Measure dicomfilter against its rivals, in one run, and print the table of README.md.

    python benchmarks/run.py [series] [instances] [compact] [help]

Everything is made by the script itself; data and outputs go to ``benchmarks/data/``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import data
import idc_index_data
from measure import Rival, race, table

FOLDER = Path(__file__).parent / "data"
BIN = Path(sys.executable).parent
IDC_INDEX = BIN.parents[1] / ".cache" / "idc-index" / "bin"
"""An environment of its own for idc-index, which wants an older DuckDB."""
IDC = str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
CT = "Modality = 'CT'"


def ours(*arguments: str) -> list[str]:
    return [str(BIN / "dicomfilter"), *arguments]


def rival(name: str, parquet: str, *, python: str = sys.executable) -> Rival:
    script, output = str(Path(__file__).parent / "rivals.py"), FOLDER / f"{name}.txt"
    return Rival(name.replace("_", ", "), [python, script, name, parquet, str(output)], output)


def series() -> str:
    build = ours("build", "idc", "--where", CT, "-o", str(FOLDER / "s.txt"), "--overwrite", "-q")
    names = ["duckdb_series", "polars_series", "pandas_series"]
    rivals = [Rival("dicomfilter build idc", build), *(rival(name, IDC) for name in names)]
    rivals.append(rival("idc_index_series", IDC, python=str(IDC_INDEX / "python")))
    race(rivals)
    return table("Series of one modality, from the index of IDC", rivals)


def instances() -> str:
    parquet = FOLDER / "instances-10m.parquet"
    if not parquet.exists():
        data.make(10_000_000, parquet)
    output, copy = FOLDER / "i.txt", FOLDER / "copy.txt"
    build = ours("build", str(parquet), "--all", "-o", str(output), "--overwrite", "-q")
    rivals = [
        Rival("dicomfilter build --all", build, output),
        rival("duckdb_instances", str(parquet)),
        rival("polars_instances", str(parquet)),
        Rival("cp of the output", ["cp", str(output), str(copy)], copy),
    ]
    race(rivals, turns=5)
    return table("Every instance, 10 million rows to 10 million lines", rivals)


def compact() -> str:
    parquet = FOLDER / "instances-all.parquet"
    if not parquet.exists():
        data.make(None, parquet)
    build = ours("build", str(parquet), "--where", CT, "--compact", "--memory-limit", "4GB")
    build += ["-o", str(FOLDER / "c.txt"), "--overwrite", "-q"]
    rivals = [Rival("dicomfilter build --compact", build)]
    race(rivals, turns=1, timeout_s=3600)
    return table("Compacted, 58,784,975 rows, --memory-limit 4GB", rivals)


def start() -> str:
    rivals = [
        Rival("dicomfilter --help", ours("--help")),
        Rival("idc --help", [str(IDC_INDEX / "idc"), "--help"]),
    ]
    race(rivals)
    return table("Start-up", rivals)


CASES = {"series": series, "instances": instances, "compact": compact, "help": start}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or CASES:
        print(CASES[name](), flush=True)
