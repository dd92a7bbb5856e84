"""Names as they are written and meant."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.types.words import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable

ANONYMOUS = "$"
"""What the names of a subquery's columns begin with that have none a query could use."""


VALUE = f"{ANONYMOUS}value"
"""What the one column of SELECT AS STRUCT is called: a query gives values then, and not rows."""


def is_anonymous(name: str) -> bool:
    """Tell whether a column has no name that a query could use."""
    return name.startswith(ANONYMOUS)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Find the name that was probably meant.

    >>> nearest("PatientIDD", ["PatientID", "StudyDate"])
    'PatientID'
    """
    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def identifier(name: str) -> exp.Identifier:
    """Write a name, between backticks only where GoogleSQL wants it so."""
    plain = name.isascii() and name.isidentifier() and name.upper() not in RESERVED
    return exp.Identifier(this=name, quoted=not plain)
