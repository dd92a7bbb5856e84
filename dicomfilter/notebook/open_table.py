"""A table that is open, and what is removed when it is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dicomfilter.engines.closing import Closing

if TYPE_CHECKING:
    from contextlib import ExitStack

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.schema import TableSchema


@dataclass(frozen=True, slots=True)
class OpenTable(Closing):
    """A metadata table that is open.

    Args:
        engine: Where it is.
        schema: Its columns.
        held: What is removed when it is closed.
    """

    engine: Engine
    schema: TableSchema
    held: ExitStack | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """Close the engine behind the table."""
        self.engine.close()
        if self.held is not None:
            self.held.close()

    def __repr__(self) -> str:
        return f"<Table {self.engine.uri}: {len(self.schema.columns)} columns>"
