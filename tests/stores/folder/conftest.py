"""A folder of images as a store, whose operations are remembered nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.notebook.store import Store, open_store
from tests.stores.folder.images import STUDIES, put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fresh_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of ``STUDIES``."""
    return put(tmp_path / "store", *STUDIES)


@pytest.fixture
def store(folder: Path) -> Store:
    """Open it."""
    return open_store(str(folder))
