"""Data elements out of bytes: tag, representation and value, not yet converted.

What is regular is followed here, in a third of the time that a general reader takes: explicit and
implicit value representations, sequences and items of defined and undefined length. Whatever is not
is an IrregularError, for pydicom to try.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
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
"""Float, double and integer pixel data: reading ends before them."""
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations whose length has four bytes."""
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_BINARY = frozenset(b"OB OD OF OL OV OW".split())
"""Value representations that no column is made of: their bytes are passed over."""
_DEEPEST = 64
_KEPT_AT_MOST = 1 << 12
_LONGEST_KEPT = 1 << 12
"""Bytes of a sequence that is worth remembering."""

Value = bytes | Items
Element = tuple[int, bytes, Value]
"""Tag; value representation, empty where there is none; bytes, or for SQ its items."""
Memory = dict[tuple[bool, bytes], Items]
"""Sequences by their bytes, and by whether these carry value representations."""


class ShortError(Exception):
    """More bytes of the file are needed.

    Args:
        needed: How many from its beginning, at least.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class IrregularError(Exception):
    """The bytes cannot be followed here."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """The elements of a data set.

    Args:
        elements: In the order of the file, without pixels.
        end: Where reading ended.
        pixels: Where the value of the pixel data begins; None without pixels.
        pixels_bytes: Its length; ``UNDEFINED`` where it is encapsulated.
    """

    elements: list[Element]
    end: int
    pixels: int | None = None
    pixels_bytes: int = 0


@cache
def standard_vrs() -> dict[int, bytes]:
    """Map the standard's tags to value representations, repeating groups left out."""
    return {
        int(entry.tag, 16): entry.vr.encode()
        for entry in dictionary.entries()
        if "x" not in entry.tag
    }


class Scanner:
    """Follows the elements of one file.

    Args:
        data: The file's bytes, from its beginning; they may end before the file does.
        size: Length of the file.
        explicit: Whether elements carry their value representation.
        little: Whether bytes are in little-endian order.
        memory: Sequences of the files before; this file's are added.
    """

    def __init__(
        self,
        data: bytes,
        size: int,
        *,
        explicit: bool,
        little: bool = True,
        memory: Memory | None = None,
    ) -> None:
        order = "<" if little else ">"
        self._memory = memory if little else None
        self._data, self._size, self._explicit = data, size, explicit
        self._head = struct.Struct(f"{order}HH2sH" if explicit else f"{order}HHI").unpack_from
        self._implicit_head = struct.Struct(f"{order}HHI").unpack_from
        self._length = struct.Struct(f"{order}I").unpack_from

    def scan(self, at: int) -> Scanned:
        """Read from a position to the pixels or the end of the file.

        Raises:
            ShortError: More bytes are needed.
            IrregularError: This is not how a data set looks.
            EOFError: The file ends within an element.
        """
        elements: list[Element] = []
        if self._explicit:
            return self._explicit_elements(at, self._size, elements, 0)
        return self._implicit_elements(at, self._size, elements, 0)

    def items(self) -> Items:
        """Read all bytes as the items of a sequence."""
        return self._items(b"SQ", 0, self._size, 0)[0]

    def scan_meta(self, at: int) -> tuple[list[Element], int]:
        """Read the elements of group 2, and say where they end."""
        found: list[Element] = []
        if self._data[at : at + 8] == b"\2\0\0\0UL\4\0" and at + 12 <= len(self._data):
            (length,) = self._length(self._data, at + 8)
            end = at + 12 + length
            # The length is wrong now and then: what follows it must not be of group 2, and what
            # comes before must.
            if self._data[end - 2 : end] and self._data[end : end + 2] != b"\2\0":
                try:
                    at = self._explicit_elements(at, end, found, 0).end
                except (IrregularError, EOFError):
                    found.clear()
                else:
                    if at == end and all(tag >> 16 == 2 for tag, _, _ in found):
                        return found, at
                    at = end - 12 - length
                    found.clear()
        while at + 8 <= len(self._data) and self._data[at : at + 2] == b"\2\0":
            at = self._explicit_elements(at, at + 8, found, 0).end
        return found, at

    def _explicit_elements(  # noqa: C901, PLR0912 - the innermost loop, where calls are dear
        self, at: int, end: int, into: list[Element], depth: int
    ) -> Scanned:
        data, head, known = self._data, self._head, len(self._data)
        add = into.append
        while at < end:
            if at + 12 > known:
                self._demand(at, 8)
            group, number, vr, length = head(data, at)
            tag = group << 16 | number
            if vr in _SHORT:
                at += 8
            elif vr in _LONG:
                if at + 12 > known:
                    self._demand(at, 12)
                (length,) = self._length(data, at + 8)
                at += 12
                if tag in PIXELS and not depth:
                    return Scanned(into, at, at, length)
                if vr == b"SQ" or length == UNDEFINED:
                    items, at = self._items(vr, at, length, depth)
                    add((tag, b"SQ", items))
                    continue
                if vr in _BINARY:
                    at += length
                    if at > self._size:
                        raise EOFError
                    add((tag, vr, b""))
                    continue
            elif tag == ITEM_END and depth:
                return Scanned(into, at + 8)
            else:
                raise IrregularError
            stop = at + length
            if stop > known:
                self._demand(at, length)
            add((tag, vr, data[at:stop]))
            at = stop
        if at > end and end != self._size and depth:
            raise IrregularError
        return Scanned(into, at)

    def _implicit_elements(self, at: int, end: int, into: list[Element], depth: int) -> Scanned:
        data, head, known, vrs = self._data, self._implicit_head, len(self._data), standard_vrs()
        while at < end:
            if at + 8 > known:
                self._demand(at, 8)
            group, number, length = head(data, at)
            tag = group << 16 | number
            at += 8
            if tag in PIXELS and not depth:
                return Scanned(into, at, at, length)
            if tag == ITEM_END and depth:
                return Scanned(into, at)
            vr = vrs.get(tag, b"")
            if vr == b"SQ" or length == UNDEFINED:
                items, at = self._items(vr, at, length, depth)
                into.append((tag, b"SQ", items))
                continue
            stop = at + length
            if stop > known:
                self._demand(at, length)
            into.append((tag, vr, data[at:stop]))
            at = stop
        if at > end and end != self._size and depth:
            raise IrregularError
        return Scanned(into, at)

    def _items(self, vr: bytes, at: int, length: int, depth: int) -> tuple[Items, int]:
        """Read the items of a sequence, unless its bytes are known."""
        # Unknown representation and undefined length: it is implicit inside, whatever is outside.
        explicit = self._explicit and vr != b"UN"
        if depth > _DEEPEST or (vr and vr not in (b"SQ", b"UN")):
            # The second is binary data in fragments, somewhere else than in pixels.
            raise IrregularError
        memory, key = self._memory, None
        if memory is not None and length <= _LONGEST_KEPT and at + length <= len(self._data):
            key = explicit, self._data[at : at + length]
            known = memory.get(key)
            if known is not None:
                return known, at + length
        items = Items(kept=key is not None)
        end = self._follow_items(items, at, length, explicit=explicit, depth=depth)
        if memory is not None and key is not None:
            if len(memory) >= _KEPT_AT_MOST:
                memory.clear()
            memory[key] = items
        return items, end

    def _follow_items(
        self, items: Items, at: int, length: int, *, explicit: bool, depth: int
    ) -> int:
        """Read items; give where they end."""
        follow = self._explicit_elements if explicit else self._implicit_elements
        end = self._size if length == UNDEFINED else at + length
        if end > self._size:
            raise EOFError
        while at < end:
            if at + 8 > len(self._data):
                self._demand(at, 8)
            group, number, inner = self._implicit_head(self._data, at)
            found, at = group << 16 | number, at + 8
            if found == SEQUENCE_END and length == UNDEFINED:
                return at
            if found != ITEM:
                raise IrregularError
            stop = end if inner == UNDEFINED else at + inner
            if stop > end:
                raise EOFError if end == self._size else IrregularError
            item: list[Element] = []
            at = follow(at, stop, item, depth + 1).end
            if inner != UNDEFINED and at != stop:
                raise IrregularError
            items.append(item)
        if length == UNDEFINED:
            raise EOFError
        if at != end:
            raise IrregularError
        return at

    def _demand(self, at: int, length: int) -> None:
        """Say that bytes are missing: of what was given, or of the file itself."""
        if at + length > self._size:
            raise EOFError
        if at + length > len(self._data):
            raise ShortError(at + length)


def items_of(data: bytes) -> Items | None:
    """Read the items of a sequence out of a value that did not say that it is one.

    Returns:
        The items, with implicit value representations; None where it is no sequence.
    """
    try:
        return Scanner(data, len(data), explicit=False).items()
    except (IrregularError, EOFError, ShortError, struct.error):
        return None
