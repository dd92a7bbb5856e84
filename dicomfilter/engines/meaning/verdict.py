"""What the cases say of a release: which constructs hold, and which are refused."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dicomfilter.engines.meaning.cases import Case


@dataclass(frozen=True, slots=True)
class Release:
    """The releases that a verdict is about.

    Args:
        duckdb: The version of DuckDB.
        sqlglot: The version of sqlglot.
    """

    duckdb: str
    sqlglot: str

    def __str__(self) -> str:
        return f"DuckDB {self.duckdb} with sqlglot {self.sqlglot}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A case whose answer is not BigQuery's.

    Args:
        sql: Its text, which is ours and holds no value of a user's.
        of: The constructs that it is made of.
        expected: What BigQuery answers, at the first place where they differ.
        found: What came instead.
    """

    sql: str
    of: tuple[str, ...]
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the cases say of a release.

    Args:
        release: What was asked.
        held: The constructs, each with the number of its cases that hold.
        refused: Those of them that are not answered.
        failures: The cases that do not hold.
    """

    release: Release
    held: dict[str, int]
    refused: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, release: Release, tried: Iterable[Case], failures: Sequence[Failure]) -> Verdict:
        """Judge by the cases that were tried and those that failed.

        Args:
            release: What was asked.
            tried: All cases.
            failures: One for each case that does not hold.

        Returns:
            The verdict.
        """
        failing = {failure.sql for failure in failures}
        held = Counter(name for case in tried for name in case.of)
        held.subtract(name for failure in failures for name in failure.of)
        alone = {case.of[0] for case in tried if len(case.of) == 1 and case.sql not in failing}
        return cls(release, dict(held), _refused(failures, alone), tuple(failures))

    def __str__(self) -> str:
        """Write it as one line of JSON, which `parse` reads."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Verdict:
        """Read what was written.

        Raises:
            ValueError: It is not a verdict.
        """
        try:
            read = json.loads(text)
            return cls(
                Release(**read["release"]),
                {str(name): int(count) for name, count in read["held"].items()},
                tuple(map(str, read["refused"])),
                tuple(
                    Failure(f["sql"], tuple(f["of"]), f["expected"], f["found"])
                    for f in read["failures"]
                ),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a verdict") from error


def _refused(failures: Sequence[Failure], alone: set[str]) -> tuple[str, ...]:
    """Find what is to blame, in the cases that are made of the least first.

    A case with something in it that is already refused says nothing of its other parts. Else those
    parts are to blame that hold in no case of their own, and all if each of them does.
    """
    refused = dict[str, None]()
    for failure in sorted(failures, key=lambda f: len(f.of)):
        if len(failure.of) > 1 and any(name in refused for name in failure.of):
            continue
        doubtful = [name for name in failure.of if name not in alone]
        suspects = failure.of if len(failure.of) == 1 else doubtful or failure.of
        refused.update(dict.fromkeys(suspects))
    return tuple(sorted(refused))
