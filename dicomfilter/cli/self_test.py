"""What ``dicomfilter sql --self-test`` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dicomfilter.cli.terminal import echo

if TYPE_CHECKING:
    from dicomfilter.engines.meaning.verdict import Verdict

_WIDTH = 100
_LONGEST = 160
"""Characters of an answer that are shown."""


def report_self_test(*, as_json: bool) -> int:
    """Run the cases against what is installed, and print what they say.

    Args:
        as_json: Whether to print one JSON object.

    Returns:
        The exit status: 6 where a construct is refused.
    """
    from dicomfilter.engines.meaning import self_test

    found = self_test()
    echo(json.dumps(_document(found)) if as_json else "\n".join(_lines(found)))
    return 6 if found.refused else 0


def _document(found: Verdict) -> dict[str, object]:
    return {
        "duckdb": found.release.duckdb,
        "sqlglot": found.release.sqlglot,
        "holds": sorted(set(found.held) - set(found.refused)),
        "refused": list(found.refused),
        "failures": [
            {"sql": one.sql, "bigquery": one.expected, "here": one.found} for one in found.failures
        ],
    }


def _lines(found: Verdict) -> list[str]:
    holding = sorted(set(found.held) - set(found.refused))
    lines = [f"{found.release}: {len(holding):,} of {len(found.held):,} constructs hold"]
    if found.refused:
        lines += ["", "not answered, as their answers changed:", *_wrapped(found.refused)]
        for one in found.failures:
            lines += ["", f"  {one.sql}", f"    BigQuery  {_short(one.expected)}"]
            lines.append(f"    here      {_short(one.found)}")
    return [*lines, "", "these hold:", *_wrapped(holding)]


def _wrapped(names: list[str] | tuple[str, ...]) -> list[str]:
    lines = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) > _WIDTH:
            lines.append("")
        lines[-1] += f"  {name}"
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
