"""What is closed at the end of a ``with``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Closing:
    """Something that a ``with`` closes at its end."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds; again does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
