"""The CRC32C of joined parts, from those of the parts and their lengths alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, bits reversed: the highest bit is the coefficient of x to the 0."""
_ONE = 1 << 31
_A_BYTE = 1 << 23
"""x to the 8: what a checksum is multiplied by for each byte that follows."""


def of_joined(parts: Iterable[tuple[str, int]]) -> str:
    """Combine the checksums of parts that are joined end to end.

    Args:
        parts: The CRC32C of each, as Cloud Storage writes it, and its length in bytes.

    Returns:
        The CRC32C of the whole, in the same form.

    >>> of_joined([("4waSgw==", 9)])  # of 123456789
    '4waSgw=='
    >>> of_joined([("EHsvsg==", 3), ("ZuB+ow==", 6)])  # of 123 and 456789
    '4waSgw=='
    """
    whole = 0
    for text, size_bytes in parts:
        whole = _times(_power(size_bytes), whole) ^ int.from_bytes(base64.b64decode(text), "big")
    return base64.b64encode(whole.to_bytes(4, "big")).decode("ascii")


def _power(count: int) -> int:
    """Give x to the 8 times ``count``, modulo the polynomial."""
    result, square = _ONE, _A_BYTE
    while count:
        if count & 1:
            result = _times(square, result)
        square = _times(square, square)
        count >>= 1
    return result


def _times(a: int, b: int) -> int:
    """Multiply modulo the polynomial."""
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ _POLYNOMIAL if b & 1 else b >> 1
    return product
