"""Destinations that take bytes as they come: standard output, pipes and devices."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import DestinationError

if TYPE_CHECKING:
    from io import RawIOBase
    from pathlib import Path


class Stream:
    """A destination without a before and after: what is put is gone.

    Args:
        raw: Takes bytes; where it can, without keeping any in a buffer of its own, which would
            be written, or fail to be, when the process ends.
        owned: Whether to close it in the end.
    """

    def __init__(self, raw: RawIOBase, *, owned: bool) -> None:
        self._raw = raw
        self._owned = owned

    @classmethod
    def standard_output(cls) -> Self:
        """Take standard output, which stays open.

        Raises:
            DestinationError: It is closed, or takes text only, as in a notebook.
        """
        buffered = getattr(sys.stdout, "buffer", None)
        if buffered is None or buffered.closed:
            raise DestinationError(
                "standard output does not take bytes here", hint="name a file instead of -"
            )
        sys.stdout.flush()
        return cls(getattr(buffered, "raw", buffered), owned=False)

    @classmethod
    def opened(cls, target: Path) -> Self:
        """Open a pipe or a device."""
        return cls(os.fdopen(os.open(target, os.O_WRONLY), "wb", buffering=0), owned=True)

    def put(self, view: memoryview) -> None:
        """Write all bytes of a buffer, waiting for a reader that is slower."""
        while view.nbytes:
            taken = self._raw.write(view)
            if taken is None:  # a pipe that does not block, and is full
                select.select((), (self._raw,), ())
            else:
                view = view[taken:]

    def publish(self, *, overwrite: bool) -> None:  # noqa: ARG002 - as a Draft is called
        """See that nothing is held back."""
        self._raw.flush()

    def discard(self) -> None:
        """Let go of the stream."""
        if self._owned:
            self._raw.close()
