from __future__ import annotations

import pytest

from dicomfilter.filters.lines import small


@pytest.fixture(params=["small", "large"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Look at files without an engine, as at small ones, and with one."""
    if request.param == "large":
        monkeypatch.setattr(small, "_MOST_BYTES", -1)
    return str(request.param)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at every file as at a large one."""
    monkeypatch.setattr(small, "_MOST_BYTES", -1)
