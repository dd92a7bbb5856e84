"""What every open destination knows of the bytes it has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from dicomfilter.storage.protocol import Written


class SummingWriter:
    """Counts and sums what passes; where it goes is a subclass's business.

    Args:
        uri: The destination as the caller named it.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._digest = Digest()
        self._written: Written | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes have been taken so far."""
        return self._digest.size_bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes taken so far, in hexadecimal."""
        return self._digest.sha256

    @property
    def written(self) -> Written:
        """What stands at the destination, once the context has ended well."""
        if self._written is None:
            raise RuntimeError(f"{self._uri} is not complete yet")
        return self._written
