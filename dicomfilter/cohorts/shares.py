"""Shares of a whole, told by a keyed hash.

What falls into a share never moves to another.

The SHA-256 of a key and a value, in hexadecimal, is compared as text with where the shares end. It
is the same number in GoogleSQL, DuckDB and Python, and no arithmetic can round it otherwise.
"""

from __future__ import annotations

from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BITS = 256
_PRECISION = 10**9
FIRST, LAST = "", "g"
"""Below and above every text of hexadecimal digits."""


def hashed(seed: str, value: str) -> str:
    r"""Hash a value under a key, as ``TO_HEX(SHA256(…))`` of both does.

    >>> hashed("", "19045")[:8]
    '7403b22d'
    """
    return sha256(f"{seed}\n{value}".encode()).hexdigest()


def cuts(shares: Iterable[float]) -> list[tuple[str, str]]:
    """Tell between which texts the hashes of each share lie.

    Args:
        shares: Parts of 1, to nine decimal places; together 1 or less.

    Returns:
        For each the least hash, and the first that is too large.

    >>> [(low[:4], high[:4]) for low, high in cuts([0.5, 0.25, 0.25])]
    [('', '8000'), ('8000', 'c000'), ('c000', 'g')]
    """
    ends, total = [FIRST], Fraction(0)
    for share in shares:
        total += Fraction(round(share * _PRECISION), _PRECISION)
        ends.append(LAST if total >= 1 else f"{int(total * (1 << _BITS)):064x}")
    return list(pairwise(ends))
