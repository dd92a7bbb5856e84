"""Data elements as they are stored: tag, representation and value."""

from __future__ import annotations

from functools import cache
from operator import itemgetter, le
from typing import TYPE_CHECKING, Any

from dicomfilter import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable


class Items(list[Any]):
    """The items of a sequence; two are the same only where they are one object.

    That of a sequence whose bytes were seen before is the one that was made then.
    """

    __slots__ = ("kept",)

    def __init__(self, items: Iterable[list[Element]] = (), *, kept: bool = False) -> None:
        super().__init__(items)
        self.kept = kept

    __hash__ = object.__hash__  # type: ignore[assignment]  # lists have none
    __eq__ = object.__eq__
    __ne__ = object.__ne__


UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
"""Float, double and integer pixel data: passed over, and no elements of a header."""
_OF_ZEROS = 0x0000FFFF
"""The last tag of group 0, which is no data; bytes of 0 read like it."""

Value = bytes | Items
Element = tuple[int, bytes, Value]
"""Tag; value representation, empty where there is none; bytes, or for SQ its items."""
Memory = dict[tuple[bool, bytes], Items]
"""Sequences by their bytes, and by whether these carry value representations."""


class ShortError(Exception):
    """More bytes of the file are needed.

    Args:
        needed: How many from the beginning of those that were given, at least.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class IrregularError(Exception):
    """The bytes cannot be followed."""


@cache
def standard_vrs() -> dict[int, bytes]:
    """Map the standard's tags to value representations, repeating groups left out."""
    return {
        int(entry.tag, 16): entry.vr.encode()
        for entry in dictionary.entries()
        if "x" not in entry.tag
    }


def looks_explicit(data: bytes, at: int) -> bool:
    """Tell by its first element whether a data set carries value representations."""
    representation = data[at + 4 : at + 6]
    return representation.isalpha() and representation.isupper()


def in_order(elements: list[Element]) -> list[Element]:
    """Give the elements of a data set by tag, as it should have them.

    Raises:
        IrregularError: Zeros were read as elements.
    """
    tags = [element[0] for element in elements]
    if all(map(le, tags, tags[1:])):
        return elements
    if min(tags) <= _OF_ZEROS:
        raise IrregularError
    return sorted(elements, key=itemgetter(0))
