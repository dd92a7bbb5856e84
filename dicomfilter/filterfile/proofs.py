"""Cheap proofs about a block of lines, so that a closer look is only taken where one fails.

A proof that fails says nothing. One that succeeds spares a regular expression a line, which
would cost more than everything else a check does.
"""

from __future__ import annotations

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

    Eight bytes are looked at in one step: bytes below 0x80 can be compared by adding a number
    that carries into their top bit, and the block is read at an offset of one and two bytes to
    see what follows each byte. In lines as ``holds_only_paths`` has shown them, ``.`` and ``/``
    are the bytes of 0x2E and 0x2F, all below 0x30 end a component, and what follows a zero is a
    digit unless it ends the component.

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

    def each(byte: int) -> pa.Scalar:
        return pa.scalar(int.from_bytes(bytes([byte]) * _STEP, "little"), pa.uint64())

    # Room for the offsets, filled with newlines: they end components.
    padded = pa.py_buffer(lines + b"\n" * (2 * _STEP - len(lines) % _STEP))
    steps = len(lines) // _STEP + 1
    here, second, third = (
        pa.Array.from_buffers(pa.uint64(), steps, [None, padded.slice(offset)])
        for offset in range(3)
    )
    # A top bit says: this byte is a dot or a slash; the second goes on with a component; ...
    separates = pc.bit_wise_and(
        pc.add(here, each(0x80 - 0x2E)), pc.bit_wise_not(pc.add(here, each(0x80 - 0x30)))
    )
    goes_on = pc.add(second, each(0x80 - 0x30))
    third_ends = pc.bit_wise_not(pc.add(third, each(0x80 - 0x30)))
    not_zero = pc.add(pc.bit_wise_xor(second, each(0x30)), each(0x7F))
    well = pc.bit_wise_and(goes_on, pc.bit_wise_or(not_zero, third_ends))
    bad = pc.bit_wise_and(pc.bit_wise_and(separates, pc.bit_wise_not(well)), each(0x80))
    return bool(pc.max(bad).as_py() == 0)
