# ruff: noqa: INP001 - a script, no part of a package
"""Print which installed package reads and writes each transfer syntax, as a Markdown table.

Run it as ``python tools/transfer_syntaxes.py`` where ``dicomfilter[pixels]`` is installed, with
``--versions`` for the versions too.
"""

from __future__ import annotations

import sys

from dicomfilter.dicom.pixels.syntaxes import support_table


def lines(*, versions: bool = False) -> list[str]:
    """Give the lines of the table."""
    rows = ["| transfer syntax | name | read by | written by |", "|---|---|---|---|"]
    for uid, name, *packages in support_table():
        shown = [package if versions else package.partition(" ")[0] for package in packages]
        rows.append(f"| `{uid}` | {name} | {shown[0] or 'none'} | {shown[1] or 'none'} |")
    return rows


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines(versions="--versions" in sys.argv))
