"""A place in Cloud Storage for what a run needs on its way and leaves none of."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError, RemoteError, RemotePermissionError
from dicomfilter.storage import Written
from dicomfilter.storage.gcs_client import cloud_errors
from dicomfilter.storage.gcs_compose import Shard, check_parts, each, join, list_shards, rewrite
from dicomfilter.storage.gcs_names import GcsObject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.storage.gcs import GcsStorage


class Scratch:
    """A fresh prefix of names; all under it is removed at the end of its context.

    Args:
        storage: Whose client is used.
        near: The folder that it is made in.
    """

    def __init__(self, storage: GcsStorage, near: GcsObject) -> None:
        name = f"{near.name}.dicomfilter-{secrets.token_hex(8)}/"
        self._storage = storage
        self._folder = GcsObject(near.bucket, name)
        self._warnings: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The prefix: ``gs://bucket/folder/.dicomfilter-…/``."""
        return str(self._folder)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be removed, once the context has ended."""
        return self._warnings

    def shards(self) -> tuple[Shard, ...]:
        """List what was put here, in the order of the names."""
        return list_shards(self._storage.connection, self._folder)

    def compose(
        self, shards: Sequence[Shard], destination: str, *, overwrite: bool, size_bytes: int
    ) -> Written:
        """Make one object of shards, inside Cloud Storage.

        Args:
            shards: Parts that were put here, in their order.
            destination: The object's URI; in another bucket it is copied there by the service.
            overwrite: Whether an object that is there may be replaced; where the destination was
                checked by this storage, just the one that was seen then.
            size_bytes: How long it must be.

        Returns:
            What stands there. Its CRC32C is the service's own, and what those of the shards make;
            a SHA-256 there is none, for the bytes did not pass through us.

        Raises:
            DestinationExistsError: The destination exists and is not to be overwritten.
            DestinationError: It cannot be written, or has changed since it was looked at.
            RemoteError: Cloud Storage refused or failed, or the shards are not what they
                should be.
        """
        connection, target = self._storage.connection, GcsObject.parse(destination)
        before = self._storage.before(target, overwrite=overwrite)
        if not shards:
            raise RemoteError(f"there is nothing under {self.uri} to make a filter file of")
        check_parts(connection, shards, size_bytes=size_bytes)
        temp = f"{self._folder.name}joined-"
        if target.bucket == self._folder.bucket:
            whole = join(connection, shards, target, before=before, temp=temp)
        else:
            here = GcsObject(self._folder.bucket, f"{temp}whole")
            joined = join(connection, shards, here, before=0, temp=temp)
            whole = rewrite(connection, joined, target, before=before)
        self._storage.forget(target)
        return Written(destination, whole.size_bytes, whole.crc32c, None, whole.generation)

    def clear(self) -> None:
        """Remove all that is here; what cannot be removed becomes a warning."""
        try:
            reasons = [reason for reason in each(self._remove, self.shards()) if reason]
        except DicomFilterError as error:  # the next would fail as this one did
            reasons = [error]
        if reasons:
            failed = f"temporary objects under {self.uri} could not be removed: {reasons[0]}"
            remedy = f"remove them with `gcloud storage rm --recursive {self.uri}`"
            self._warnings = (f"{failed}; {remedy}",)

    def _remove(self, shard: Shard) -> DicomFilterError | None:
        """Remove an object; give the reason where that is not allowed, as others may be."""
        from google.api_core.exceptions import NotFound, PreconditionFailed

        connection = self._storage.connection
        try:
            with cloud_errors(shard.at, "storage.objects.delete", missing=RemoteError):
                try:
                    connection.blob(shard.at).delete(
                        if_generation_match=shard.generation, **connection.options
                    )
                except (NotFound, PreconditionFailed):
                    return None  # gone, as where the answer to a first request was lost
        except RemotePermissionError as error:
            return error
        return None
