"""Fixtures of a Healthcare API that does as the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from tests.localcloud.proxy import FaultProxy
from tests.stores.service import STORE, Service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def service() -> Iterator[Service]:
    """Run a service with no operations."""
    with Service() as running:
        yield running


@pytest.fixture
def faults(service: Service) -> Iterator[FaultProxy]:
    """Let the way to the service fail."""
    proxy = FaultProxy("127.0.0.1", service.port).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def store(faults: FaultProxy) -> HealthcareStore:
    """Make a store behind the faulty way, with no time between tries."""
    return HealthcareStore(STORE, Wire(None, faults.url, timeout_s=2), sleep=lambda _: None)
