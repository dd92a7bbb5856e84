"""Value representations of private elements, as far as their makers tell them."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1 << 14)
def private_vr(tag: int, creator: bytes | None) -> bytes:
    """Look a private element up in pydicom's list.

    Args:
        tag: The element.
        creator: Who reserved its block, as stored; None where nobody did.

    Returns:
        Its value representation; ``UN`` where it is not known, ``LO`` of a reservation itself.

    >>> private_vr(0x00191002, b"GEMS_ACQU_01"), private_vr(0x00191001, b"nobody ")
    (b'SL', b'UN')
    """
    if not tag >> 16 & 1:
        return b"UN"
    if not tag & 0xFF00:
        return b"LO"
    if creator is None:
        return b"UN"
    from pydicom.datadict import private_dictionary_VR

    try:
        return private_dictionary_VR(tag, creator.decode("latin-1").strip("\0 ")).encode()
    except KeyError:
        return b"UN"
