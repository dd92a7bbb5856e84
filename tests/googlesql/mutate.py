"""Break the translator in every place in turn; what nothing notices is a hole in the grammar.

python -m tests.googlesql.mutate                 every place, 4,000 texts of a seed drawn
python -m tests.googlesql.mutate 2000 7 --module duckdb.dates
"""
# ruff: noqa: T201 - a report is printed

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.googlesql.dicom import connect
from tests.googlesql.fuzz import CHUNK
from tests.googlesql.hunt import Outcome, Sample, golden_samples, hunt, random_samples
from tests.googlesql.mutations import Mutation, all_mutations

_held: list[Sample] = []
"""The samples of this process."""


def _hold(samples: list[Sample]) -> None:
    _held[:] = samples


def _draw(seed: str) -> list[Sample]:
    with connect() as connection:
        return random_samples(connection, seed) if seed else golden_samples(connection)


def _hunt(mutation: Mutation) -> tuple[Mutation, Outcome, str]:
    with connect() as connection:
        return mutation, *hunt(connection, mutation, _held)


def main() -> int:
    """Hunt and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=4000)
    parser.add_argument("seed", nargs="?", help="default: drawn and printed")
    parser.add_argument("--module", action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    seed = options.seed or str(secrets.randbelow(10**9))
    seeds = [*(f"{seed}/{n}" for n in range(-(-options.count // CHUNK))), ""]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as workers:
        samples = [sample for drawn in workers.map(_draw, seeds) for sample in drawn]
    chosen = [m for m in all_mutations() if not options.module or m.module in options.module]
    print(f"seed {seed}: {len(samples):,} texts, {len(chosen)} mutations", flush=True)
    counts: Counter[Outcome] = Counter()
    with ProcessPoolExecutor(
        options.jobs, mp_context=spawn, initializer=_hold, initargs=(samples,)
    ) as workers:
        for mutation, outcome, sql in workers.map(_hunt, chosen):
            counts[outcome] += 1
            if outcome is not Outcome.NOTICED:
                print(f"{outcome}: {mutation}\n    {sql}", flush=True)
    for outcome in Outcome:
        print(f"{outcome:32}{counts[outcome]:6}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
