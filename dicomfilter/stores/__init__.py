"""DICOM stores: what one is asked to do and how it answers, chosen by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.protocol import DicomStore


def connect(name: StoreName) -> DicomStore:
    """Connect to a store; nothing is sent yet.

    Args:
        name: A store of the Cloud Healthcare API.

    Raises:
        UsageError: The client is not installed.
        RemotePermissionError: There are no credentials.
    """
    from dicomfilter.stores.healthcare.store import HealthcareStore

    return HealthcareStore.connect(name)
