"""What a test wants to happen, apart from what the service would do by itself."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.localcloud.healthcare_server.assumptions import Assumptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AGENT = "Healthcare API doesn't have required Cloud Storage permission."
CALLER = "The caller does not have permission"


@dataclass(frozen=True)
class Switches:
    """Set by ``hc_control.set(name=value)``."""

    start_s: float = 0.0
    """How long an operation takes before its first item."""
    step_s: float = 0.0
    """How long it takes for an item."""
    hold_after: int | None = None
    """Every operation waits before this item until it is released or cancelled."""
    fail: int = 0
    """How many items of each operation fail, the first ones."""
    fail_instances: Sequence[str] = ()
    """SOPInstanceUIDs that fail in each operation, for as long as they stand here."""
    refuse_start: int = 0
    """A code of google.rpc with which starts of operations are refused: 7 is an HTTP 403."""
    refuse_start_message: str = CALLER
    refuse_operation: int = 0
    """A code with which operations end before their first item."""
    refuse_operation_message: str = AGENT
    refuse_list: int = 0
    """A code with which ``operations.list`` is refused."""
    refuse_get: int = 0
    """A code with which ``operations.get`` is refused."""
    refuse_cancel: int = 0
    """A code with which ``operations.cancel`` is refused: 12 is what the document allows."""
    ignores_filter: bool = False
    """Operations take the whole store, whatever the filter says."""
    v1_has_filter: bool = True
    """v1 knows ``filterConfig`` in an export, which it does since September 2026."""
    ahead_s: float = 0.0
    """How far the service's clock is ahead of this machine's: a test that waits moves it on."""
    denied: Sequence[str] = ()
    """Permissions that the caller lacks, as ``healthcare.operations.list``: calls that need one
    are refused with 403, and ``testIamPermissions`` leaves it out."""
    disabled: bool = False
    """The API is not enabled: every call is refused with 403 and SERVICE_DISABLED."""
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """More of what ``get`` says of a store or dataset, by its name: ``streamConfigs``, …"""
    policies: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """The bindings that ``getIamPolicy`` gives, by the name of a store, dataset or project."""
    projects: Mapping[str, str] = field(default_factory=lambda: {"demo": "1234567890"})
    """The numbers of projects, by their IDs, as the Resource Manager tells them."""
    metrics_lag_s: float = 0.0
    """How long metrics take to hear of an instance that came or went."""
    page_at_most: int = 1000
    """How many entries a page of a list has, whatever is asked for."""
    needs_token: bool = False
    """Requests without ``Authorization: Bearer`` are refused with 401."""


@dataclass
class Settings:
    """Switches and assumptions as they are now."""

    switches: Switches = field(default_factory=Switches)
    assumptions: Assumptions = field(default_factory=Assumptions)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def now(self) -> datetime:
        """Tell the time by the service's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.switches.ahead_s)

    def set(self, **values: Any) -> None:
        """Set switches."""
        with self.changed:
            self.switches = dataclasses.replace(self.switches, **values)
            self.changed.notify_all()

    def assume(self, **values: Any) -> None:
        """Set assumptions."""
        self.assumptions = dataclasses.replace(self.assumptions, **values)

    def reset(self) -> None:
        """Put all back."""
        with self.changed:
            self.switches, self.assumptions = Switches(), Assumptions()
            self.changed.notify_all()
