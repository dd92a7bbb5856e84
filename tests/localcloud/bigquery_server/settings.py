"""What tests set while the server runs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Settings:
    """What tests set; ``url`` and ``scratch`` are the server's own."""

    url: str = ""
    shard_bytes: int = 1 << 30
    """A shard of an export holds about so many bytes of Arrow."""
    writes_empty: bool = True
    """An export of no rows writes one empty shard; whether the service does is not documented."""
    refuse_read: str = ""
    """With which code of gRPC the Storage Read API refuses sessions: ``PERMISSION_DENIED``."""
    break_read: int = 0
    """How many streams of the Storage Read API break off after their first answer."""
    denied: list[str] = field(default_factory=list)
    """Permissions that ``testIamPermissions`` of a table leaves out."""
    policies: dict[str, list[Any]] = field(default_factory=dict)
    """The bindings of tables, by ``project.dataset.table``."""
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    """More of what ``get`` says of ``project.dataset`` or a table of it: ``streamingBuffer``, …"""
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="bigquery-")))


SETTINGS = Settings()
