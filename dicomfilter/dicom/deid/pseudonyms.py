"""Stand-ins for what identifies: the same under one key, with no way back.

The key is 32 random bytes. It lies beside the catalog of the images that are de-identified, for
its owner alone, and is written nowhere else; who has it can tell which UID became which.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from dicomfilter.errors import DestinationError, SourceError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

KEY_NAME: Final = "deidentify.key"
KEY_BYTES: Final = 32
_LEAST_BYTES: Final = 16
_STANDARD: Final = "1.2.840.10008."
_MOST_DAYS: Final = 1000


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Stand-ins under a key.

    Args:
        key: At least 16 bytes that nobody can guess.

    Raises:
        UsageError: The key is short.
    """

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < _LEAST_BYTES:
            raise UsageError(
                f"a key of {len(self.key)} bytes can be guessed",
                hint=f"take {KEY_BYTES} random bytes",
            )

    @property
    def fingerprint(self) -> str:
        """Eight digits by which two keys are told apart, and that say nothing of the key."""
        return self._digest("key", "").hex()[:8]

    def uid(self, original: str) -> str:
        """Give the UID that stands for another; the standard's stand for themselves.

        >>> Pseudonyms(bytes(32)).uid("1.2.3") == Pseudonyms(bytes(32)).uid("1.2.3")
        True
        >>> Pseudonyms(bytes(32)).uid("1.2.840.10008.1.2")
        '1.2.840.10008.1.2'
        """
        if not original or original.startswith(_STANDARD):
            return original
        digest = bytearray(self._digest("uid", original)[:16])
        digest[6] = (
            digest[6] & 0x0F | 0x80
        )  # an UUID of version 8, which is what 2.25 is followed by
        digest[8] = digest[8] & 0x3F | 0x80
        return f"2.25.{int.from_bytes(digest, 'big')}"

    def patient(self, original: str) -> str:
        """Give the identifier that stands for a patient's, 16 letters and digits.

        >>> len(Pseudonyms(bytes(32)).patient("P1"))
        16
        """
        return base64.b32encode(self._digest("patient", original)[:10]).decode()

    def earlier(self, day: date, patient: str) -> date:
        """Move a date back by 1 to 1000 days, all of a patient's by as many."""
        number = int.from_bytes(self._digest("days", patient)[:8], "big")
        return day - timedelta(days=number % _MOST_DAYS + 1)

    def _digest(self, purpose: str, value: str) -> bytes:
        message = f"{purpose}\0{value}".encode("utf-8", "surrogateescape")
        return hmac.digest(self.key, message, hashlib.sha256)


def project_key(folder: Path) -> bytes:
    """Give the key that lies in a folder, and make one where there is none.

    Args:
        folder: That of the catalog, for example ``IMAGES/.dicomfilter``.

    Returns:
        32 bytes.

    Raises:
        SourceError: What lies there is no key.
        DestinationError: None can be made.
    """
    path = folder / KEY_NAME
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
            try:
                os.link(made, path)  # never over a key that another has just made
            except FileExistsError:
                pass
            finally:
                made.unlink()
        text = path.read_text("ascii").strip()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DestinationError(
            f"{path} cannot be made or read: {reason}", hint="check the permissions of the folder"
        ) from error
    return parse_key(text, path)


def parse_key(text: str, source: object) -> bytes:
    """Read a key of 64 hexadecimal digits.

    Args:
        text: The digits.
        source: Where they are from, for the message; they are not shown.

    Raises:
        SourceError: It is none.

    >>> len(parse_key("00" * 32, "here"))
    32
    """
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SourceError(
            f"{source} holds no key of {2 * KEY_BYTES} hexadecimal digits",
            hint="put the key back that earlier copies were made with, or remove the file",
        )
    return key
