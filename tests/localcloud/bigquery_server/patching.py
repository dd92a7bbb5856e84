"""Replace a part of bqemulator, loudly if it is not as expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bqemulator

if TYPE_CHECKING:
    from collections.abc import Callable

RELEASE = "1.4.0"


def check_release() -> None:
    """Make sure that this is the release that the patches were written for."""
    if bqemulator.__version__ != RELEASE:
        message = f"the patches fit bqemulator {RELEASE}, this is {bqemulator.__version__}"
        raise RuntimeError(message)


def replace(owner: Any, name: str, build: Callable[[Any], Any]) -> None:
    """Replace an attribute by what ``build`` makes of the original.

    Raises:
        AttributeError: There is no such attribute: bqemulator has changed.
    """
    setattr(owner, name, build(getattr(owner, name)))
