"""What came of the faults that were tried."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tally:
    """Rows of step, fault and outcome."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        rows = [f"{step:<14} {fault:<20} {outcome}" for step, fault, outcome in sorted(self.rows)]
        recovered = sum(outcome == "recovered" for *_, outcome in self.rows)
        total = len(self.rows)
        rows.append(f"{total} faults: {recovered} recovered, {total - recovered} failed cleanly")
        return "\n".join(rows)
