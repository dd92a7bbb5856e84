"""Cheap proofs about a block of lines; only where one fails, look closer.

A proof that fails says nothing. One that succeeds spares a regular expression a line, which
would cost more than everything else a check does.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dicomfilter.engines.arrow_bytes import number

if TYPE_CHECKING:
    import pyarrow as pa

_UID_BYTES = b"./0123456789"
_WORDS = (b"studiesseriesinstances\n", b"studiesseries\n", b"studies\n")
_SEEN = b"!"
_STEP = 8
"""How many bytes are looked at in one step."""


def skeleton(lines: bytes) -> bytes:
    r"""Delete all bytes that UIDs and the slashes between words are made of.

    >>> skeleton(b"/studies/1.2/series/3\n")
    b'studiesseries\n'
    """
    return lines.translate(None, _UID_BYTES)


def holds_only_paths(bones: bytes, lines: int) -> bool:
    r"""Show that the words of the lines hold all the letters there are.

    Of a path, ``studies``, ``studiesseries`` or ``studiesseriesinstances`` must be left. A line
    that has those words between its slashes then has nothing but digits and dots in its UIDs;
    whether the words stand there is for the caller to see.

    Args:
        bones: The skeleton of whole lines, each ended by a newline.
        lines: How many there are.

    Returns:
        True where it is shown.

    >>> holds_only_paths(skeleton(b"/studies/1.2\n/studies/1.2/series/3\n"), 2)
    True
    >>> holds_only_paths(skeleton(b"/studies/1.x\n"), 1)
    False
    """
    if bones in (words * lines for words in _WORDS if len(words) * lines == len(bones)):
        return True
    for words in _WORDS:
        # Each match takes the one newline of its line, so what precedes it in a line stays.
        bones = bones.replace(words, _SEEN)
    return not bones.strip(_SEEN)


def holds_no_irregular_component(lines: bytes) -> bool:
    r"""Show that no component of a UID is empty or starts with a needless zero.

    Eight bytes are looked at in one step: of bytes below 0x80, an addition shows in their top bit
    how they compare. The lines are read at an offset of one and two bytes too, to see what
    follows each byte. In lines as ``holds_only_paths`` has shown them, the dot and the slash are
    0x2E and 0x2F, what lies below 0x30 ends a component, and what follows a zero is a digit
    unless it ends the component.

    Args:
        lines: Whole lines that ``holds_only_paths`` has shown.

    Returns:
        True where it is shown.

    >>> holds_no_irregular_component(b"/studies/1.0.20\n")
    True
    >>> [holds_no_irregular_component(line) for line in (b"/studies/1.02\n", b"/studies/1..2\n")]
    [False, False]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    # Room for the offsets, filled with newlines: they end components.
    padded = pa.py_buffer(lines + b"\n" * (2 * _STEP - len(lines) % _STEP))
    steps = len(lines) // _STEP + 1
    here, second, third = (
        pa.Array.from_buffers(pa.uint64(), steps, [None, padded.slice(offset)])
        for offset in range(3)
    )

    def at_least(array: pa.UInt64Array, byte: int) -> pa.UInt64Array:
        return pc.add(array, _each(0x80 - byte))

    def everywhere(array: pa.UInt64Array) -> bool:
        top_bits = pc.bit_wise_and(array, _each(0x80))
        return bool(pc.min(top_bits).as_py() == _each(0x80).as_py())

    separates_not = at_least(pc.bit_wise_xor(here, _each(0x2E)), 0x2)
    if everywhere(pc.bit_wise_or(separates_not, at_least(second, 0x31))):
        return True  # The usual case: not even a component that is zero.
    zero_not = at_least(pc.bit_wise_xor(second, _each(0x30)), 0x1)
    third_ends = pc.bit_wise_not(at_least(third, 0x30))
    starts_well = pc.bit_wise_and(at_least(second, 0x30), pc.bit_wise_or(zero_not, third_ends))
    return everywhere(pc.bit_wise_or(separates_not, starts_well))


@cache
def _each(byte: int) -> pa.Scalar:
    """Repeat a byte in all bytes of a step."""
    return number(int.from_bytes(bytes([byte]) * _STEP, "little"), "uint64")
