"""Whether the installed DuckDB and sqlglot mean what BigQuery means, by cases.

dicomfilter is released with releases of both that its own tests have proved. On any other one,
also a patch, the cases that ship run by themselves, once, before the first query over files:
what they find changed is refused by name. A table of BigQuery's never comes here.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from dicomfilter.errors import PredicateError

if TYPE_CHECKING:
    from sqlglot import exp

    from dicomfilter.engines.meaning.verdict import Release, Verdict

PROVED_DUCKDB = ("2.0.0", "2.0.1")
PROVED_SQLGLOT = ("30.30.0",)
"""The releases that every test has passed with, the oldest and the newest among them."""
_log = logging.getLogger(__name__)
_lock = Lock()
_known: dict[Release, Verdict] = {}


def installed() -> Release:
    """Name the releases that are installed."""
    import duckdb
    from sqlglot._version import __version__ as sqlglot

    from dicomfilter.engines.meaning.verdict import Release

    return Release(duckdb.__version__, sqlglot)


def is_proved() -> bool:
    """Tell whether this version of dicomfilter was released with what is installed."""
    found = installed()
    return found.duckdb in PROVED_DUCKDB and found.sqlglot in PROVED_SQLGLOT


def require(tree: exp.Expr) -> None:
    """Make sure that the embedded engine answers a query as BigQuery does.

    Args:
        tree: A checked query.

    Raises:
        PredicateError: It holds a construct that the installed releases answer otherwise.
    """
    if not is_proved():
        refuse(tree, judged())


def refuse(tree: exp.Expr, found: Verdict) -> None:
    """Refuse a query that holds what a verdict refuses.

    Args:
        tree: A checked query.
        found: The verdict.

    Raises:
        PredicateError: It does, or it holds what no case is about.
    """
    from dicomfilter.googlesql.constructs import constructs

    for name, _ in constructs(tree):
        if name in found.refused or name not in found.held:
            why = "its answer changed" if name in found.refused else "nothing proves its answer"
            raise PredicateError(
                f"{name} is not answered on {_said(found.release)}: {why}",
                hint=f"run `python -m pip install duckdb=={PROVED_DUCKDB[-1]} "
                f"sqlglot=={PROVED_SQLGLOT[-1]}`, or `dicomfilter sql --self-test` to see all",
                refused=True,
            )


def judged() -> Verdict:
    """Find out what the installed releases answer, by the cache or by a run."""
    from dicomfilter.engines.meaning import kept

    release = installed()
    with _lock:
        if release not in _known:
            _known[release] = kept.read(release) or _prove(release)
        return _known[release]


def self_test() -> Verdict:
    """Run the cases, whatever is known, and keep what they say."""
    with _lock:
        found = _known[installed()] = _prove(installed())
    return found


def _prove(release: Release) -> Verdict:
    from dicomfilter.engines.meaning import kept
    from dicomfilter.engines.meaning.proving import prove

    found = prove(release)
    is_kept = kept.keep(found)
    _log.info(
        "%s: %d constructs hold, %d are refused%s",
        release,
        len(found.held) - len(found.refused),
        len(found.refused),
        "" if is_kept else "; the cache cannot be written",
    )
    return found


def _said(release: Release) -> str:
    """Name what is new: DuckDB, sqlglot, or both."""
    if release.sqlglot in PROVED_SQLGLOT:
        return f"DuckDB {release.duckdb}"
    return str(release)
