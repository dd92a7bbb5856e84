"""Requests that make an object, and what became of one with a lost answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.errors import DestinationError, DicomFilterError, RemoteError
from dicomfilter.storage.gcs.client import SERVICE, cloud_errors, no_bucket
from dicomfilter.storage.local.refusals import exists_already

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.storage.gcs.client import Connection
    from dicomfilter.storage.gcs.names import GcsObject
    from dicomfilter.storage.protocol import Stat


@dataclass(frozen=True, slots=True)
class Delivery:
    """An object as it is to stand at its destination.

    Args:
        at: The destination.
        before: The generation that it takes the place of; 0 for none.
        size_bytes: Its length.
        crc32c: Its checksum, worked out here and not by the service.
    """

    at: GcsObject
    before: int
    size_bytes: int
    crc32c: str

    def matches(self, found: Stat | None) -> bool:
        """Tell whether what stands there is this object, and newly so."""
        return (
            found is not None
            and found.generation != self.before
            and (found.size_bytes, found.crc32c) == (self.size_bytes, self.crc32c)
        )


def deliver(connection: Connection, delivery: Delivery, make: Callable[[], Stat]) -> Stat:
    """Make an object and see that it is what it should be.

    A request that was done although its answer was lost is refused when it is repeated, for the
    object is there by then. So whatever fails, what stands at the destination decides.

    Args:
        connection: To Cloud Storage.
        delivery: What is to stand there.
        make: Sends the request; what it raises is Google's.

    Returns:
        What stands there.

    Raises:
        DestinationExistsError: Something else has come to stand there.
        DestinationError: Something else has taken the place of what was to be replaced.
        RemoteError: Cloud Storage refused or failed, what it stored is something else, or what
            the object is made of was replaced meanwhile.
    """
    from google.api_core.exceptions import (
        BadRequest,
        GoogleAPIError,
        NotFound,
        PreconditionFailed,
    )
    from requests.exceptions import RequestException

    with cloud_errors(delivery.at, "storage.objects.create", missing=DestinationError):
        try:
            found = make()
        except PreconditionFailed as refused:
            there = connection.look(delivery.at, missing=DestinationError)
            if there is not None and delivery.matches(there):
                return there
            if (there.generation if there is not None else 0) == delivery.before:
                raise RemoteError(
                    f"{delivery.at} was not written: what it is made of has changed meanwhile",
                    hint="run it again",
                ) from refused
            raise conflict(delivery.at, delivery.before) from refused
        except NotFound as error:
            raise no_bucket(delivery.at, DestinationError) from error
        except (GoogleAPIError, RequestException, ConnectionError, RemoteError) as error:
            there = _look_quietly(connection, delivery.at)
            if there is not None and delivery.matches(there):
                return there
            if isinstance(error, BadRequest) and "crc32c" in str(error).lower():
                raise RemoteError(
                    f"{delivery.at} was not written: its bytes were damaged on the way",
                    hint="run it again",
                ) from error
            raise
    if not delivery.matches(found):
        # The object may be right and the answer wrong.
        there = connection.look(delivery.at, missing=DestinationError)
        if there is None or not delivery.matches(there):
            remove_version(connection, delivery.at, found.generation)
            raise RemoteError(
                f"{delivery.at} was not written: {SERVICE} stored other bytes than were sent",
                hint="run it again",
            )
        return there
    return found


def remove_version(connection: Connection, at: GcsObject, generation: int | None) -> None:
    """Remove one version of an object, as well as can be done."""
    with (
        suppress(DicomFilterError),
        cloud_errors(at, "storage.objects.delete", missing=RemoteError),
    ):
        connection.blob(at).delete(if_generation_match=generation, **connection.options)


def _look_quietly(connection: Connection, at: GcsObject) -> Stat | None:
    try:
        return connection.look(at, missing=DestinationError)
    except DicomFilterError:
        return None


def conflict(at: GcsObject, before: int) -> DestinationError:
    """Say that something else has come to a destination since it was looked at."""
    if not before:
        return exists_already(str(at))
    return DestinationError(
        f"{at} has changed since it was looked at; nothing was replaced",
        hint="look what has come there, and run it again",
    )
