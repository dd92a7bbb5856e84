"""Compare many random texts with Google's evaluator, on all cores.

    python -m tests.googlesql                        50,000 texts of a seed drawn and printed
    python -m tests.googlesql 50000 7                the same texts each time
    python -m tests.googlesql 2000 7 --family dates  only what is plain and of one family
    python -m tests.googlesql 2000 7 --grammar selects  one of the three grammars, else each of them

Exit status 1 where an answer differs, is given to what BigQuery refuses, or fails here only.
"""

# ruff: noqa: T201 - a report is printed

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import re
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.googlesql.dicom import connect
from tests.googlesql.differential import Comparison, Verdict, compare
from tests.googlesql.fuzz import CHUNK, GRAMMARS, PUBLISHED, Tally, reduced, run_chunk
from tests.googlesql.grammar import FAMILIES, PARAMETERS

SHOWN = 20
EVERY = 20
"""After so many chunks a table is printed."""
EACH = 4
"""Texts shown of those that fail alike."""
_SPECIFIC = re.compile(r"['\"].*?['\"]|[0-9]+")
WIDTH = max(map(len, Verdict))


def smallest(found: Comparison, grammar: str) -> Comparison:
    """Reduce a text to what its verdict needs."""
    if grammar == PUBLISHED:
        return found  # its tables are gone
    with connect() as connection:

        def same(sql: str) -> bool:
            try:
                other = compare(connection, sql, PARAMETERS)
            except ValueError:
                return False
            return other.verdict is found.verdict and cause(other) == cause(found)

        return compare(connection, reduced(found.sql, same), PARAMETERS)


def cause(found: Comparison) -> str:
    """Tell what two failures have in common: the beginning of what is said."""
    loud = found.verdict is not Verdict.SILENT
    return _SPECIFIC.sub("", found.detail)[:40] if loud else ""


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=50_000)
    parser.add_argument("seed", nargs="?", help="default: drawn and printed")
    parser.add_argument("--family", action="append", choices=list(FAMILIES))
    parser.add_argument("--grammar", action="append", choices=GRAMMARS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    seed = options.seed or str(secrets.randbelow(10**9))
    chunks = -(-options.count // CHUNK)
    families = tuple(options.family or FAMILIES)
    print(f"seed {seed}: {chunks * CHUNK:,} texts, families {', '.join(families)}", flush=True)
    bad = False
    with ProcessPoolExecutor(
        options.jobs, mp_context=multiprocessing.get_context("spawn")
    ) as workers:
        for grammar in options.grammar or GRAMMARS:
            begun = time.monotonic()
            total: dict[str, Tally] = {}
            work = functools.partial(run_chunk, families=families, grammar=grammar)
            for number, tallies in enumerate(
                workers.map(work, [f"{seed}/{n}" for n in range(chunks)]), 1
            ):
                for name, tally in tallies.items():
                    total.setdefault(name, Tally()).join(tally)
                if number % EVERY == 0 and number < chunks:
                    print(f"\n{grammar}, the first {number * CHUNK:,}:")
                    table(total)
            print(f"\n{grammar}, all:")
            report(total, grammar)
            print(f"{time.monotonic() - begun:.0f} s", flush=True)
            bad = bad or any(tally.bad for tally in total.values())
    return int(bad)


def table(total: dict[str, Tally]) -> None:
    """Print how many texts there are of each verdict."""
    print(f"{'':{WIDTH}}" + "".join(f"{name:>12}" for name in total))
    for verdict in Verdict:
        cells = "".join(f"{tally.counts[verdict]:12,}" for tally in total.values())
        print(f"{verdict:{WIDTH}}{cells}")
    cells = "".join(f"{tally.answered:12.1%}" for tally in total.values())
    print(f"{'answered':{WIDTH}}{cells}", flush=True)


def report(total: dict[str, Tally], grammar: str) -> None:
    """Print the table, why texts were refused, and the texts that are wrong, made small."""
    table(total)
    refusals = sum((tally.refusals for tally in total.values()), start=Tally().refusals)
    for reason, count in refusals.most_common(SHOWN):
        print(f"{count:8,}  {reason}")
    wrong = [found for tally in total.values() for found in tally.bad]
    kinds: dict[tuple[str, str], list[Comparison]] = {}
    for found in wrong:
        kinds.setdefault((found.verdict, cause(found)), []).append(found)
    few = [found for alike in kinds.values() for found in alike[:EACH]]
    for found in few[:SHOWN]:
        small = smallest(found, grammar)
        print(f"\n{found.verdict}: {small.sql}\n  {small.detail}\n  of: {found.sql}")


if __name__ == "__main__":
    sys.exit(main())
