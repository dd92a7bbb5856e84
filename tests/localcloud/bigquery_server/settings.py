"""What tests set while the server runs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path


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
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="bigquery-")))


SETTINGS = Settings()
