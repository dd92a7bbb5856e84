"""Objects in Cloud Storage: ``gs://bucket/object``.

Who may read an object is the bucket's business: a private file is stored as any other.
"""

from __future__ import annotations

import io
import secrets
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.errors import (
    DestinationError,
    DicomFilterError,
    RemoteError,
    RemotePermissionError,
    SourceNotFoundError,
    UsageError,
)
from dicomfilter.leftovers import note, sweep
from dicomfilter.storage.gcs.client import TIMEOUT_S, Connection, cloud_errors, connect, no_bucket
from dicomfilter.storage.gcs.compose import Shard, check_parts, each, join, list_shards, rewrite
from dicomfilter.storage.gcs.download import Download, read_range
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.upload import Upload
from dicomfilter.storage.local.refusals import exists_already
from dicomfilter.storage.protocol import Stat, Written
from dicomfilter.storage.summing import SummingWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    from google.cloud.storage import Client
    from typing_extensions import Buffer


_PREFIX = ".dicomfilter-"
_LOOK_S = 10.0
"""How long a look that may as well be left out may take."""


class GcsWriter(SummingWriter):
    """An open destination in Cloud Storage that counts and sums what passes.

    Args:
        uri: The destination as the caller named it.
        upload: Takes the bytes.
    """

    def __init__(self, uri: str, upload: Upload) -> None:
        super().__init__(uri)
        self._upload = upload

    def write(self, buffer: Buffer) -> None:
        """Append the bytes of any contiguous buffer."""
        self._upload.put(self._digest.add(buffer))

    def close(self) -> None:
        """Put the object at its destination, complete and at once."""
        size_bytes, crc32c = self._digest.size_bytes, self._digest.crc32c
        stat = self._upload.publish(size_bytes, crc32c)
        sha256 = self._digest.sha256
        self._written = Written(self._uri, size_bytes, crc32c, sha256, stat.generation)


class GcsStorage:
    """Reads and writes objects; see Storage for what each method promises.

    Args:
        client: Of Google's own; made when it is first needed.
        timeout_s: How long one request may keep silent before it is tried again.
    """

    def __init__(self, client: Client | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._seen: dict[GcsObject, int] = {}

    def check_destination(
        self,
        uri: str,
        *,
        overwrite: bool,
        inputs: Iterable[str] = (),
        private: bool = False,  # noqa: ARG002 - objects have no links
    ) -> None:
        """Find out before any work starts whether a destination can be written.

        The generation that is there is remembered: the writer replaces just that one.
        """
        at = GcsObject.parse(uri)
        for other in inputs:
            if _same_object(at, other):
                raise DestinationError(
                    f"{uri} is read here and cannot be the output too",
                    hint="choose another destination",
                )
        self._seen[at] = self._look(at, overwrite=overwrite)

    def check_bucket(self, uri: str, *, missing: type[DicomFilterError]) -> None:
        """Find out whether there is a bucket, where that can be told.

        Args:
            uri: A bucket, a folder or a pattern in it.
            missing: The error to raise where there is none.
        """
        folder = GcsObject.folder(uri)
        at = GcsObject(folder.bucket, folder.name.removesuffix("/"))
        # Whoever reads or writes there later may have rights and ways that we have not.
        with suppress(RemoteError), cloud_errors(at, "storage.objects.list", missing=missing):
            if self.connection.has_bucket(at, timeout=_LOOK_S, retry=None):
                return
            raise no_bucket(at, missing)

    @contextmanager
    def writer(
        self,
        uri: str,
        *,
        overwrite: bool,
        private: bool = False,  # noqa: ARG002 - who may read is the bucket's business
    ) -> Iterator[GcsWriter]:
        """Open a destination; leaving the context by an exception leaves nothing there."""
        at = GcsObject.parse(uri)
        upload = Upload(self.connection, at, before=self.before(at, overwrite=overwrite))
        try:
            out = GcsWriter(uri, upload)
            yield out
            out.close()
        except BaseException:
            upload.discard()
            raise
        self.forget(at)

    @contextmanager
    def reader(self, uri: str) -> Iterator[BinaryIO]:
        """Open an object to read its bytes, all of one version of it."""
        at = GcsObject.parse(uri)
        with io.BufferedReader(Download(self.connection, at, self.stat(uri))) as file:
            yield file

    def parts(self, uri: str) -> tuple[int, Callable[[int, int], bytes]]:
        """Look at an object of which parts are to be read, all of one version of it.

        Returns:
            Its length in bytes; and what reads so many bytes from a place on.

        Raises:
            SourceNotFoundError: There is no such object.
        """
        at, stat = GcsObject.parse(uri), self.stat(uri)
        return stat.size_bytes, partial(read_range, self.connection, at, stat)

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object at the URI."""
        try:
            return self.stat(uri).generation is not None
        except SourceNotFoundError:
            return False

    def is_stream(self, uri: str) -> bool:  # noqa: ARG002 - no object is
        """Tell whether a destination is a stream, with no place beside it for a sidecar."""
        return False

    def stat(self, uri: str) -> Stat:
        """Look at an object without reading it."""
        at = GcsObject.parse(uri)
        found = self.connection.look(at, missing=SourceNotFoundError)
        if found is None:
            raise SourceNotFoundError(f"{uri} does not exist", hint="check the name")
        return found

    @property
    def connection(self) -> Connection:
        """The client, made when it is first needed, and how long it waits."""
        if self._client is None:
            self._client = connect()
        return Connection(self._client, self._timeout_s)

    def before(self, at: GcsObject, *, overwrite: bool) -> int:
        """Tell the generation that a destination's new object takes the place of.

        Args:
            at: The destination.
            overwrite: Whether an object that is there may be replaced.

        Returns:
            What was seen when the destination was checked, or is seen now; 0 for nothing.

        Raises:
            DestinationExistsError: The destination exists and is not to be overwritten.
        """
        seen = self._seen.get(at)
        return self._look(at, overwrite=overwrite) if seen is None else seen

    def forget(self, at: GcsObject) -> None:
        """Forget what was seen at a destination, once something else stands there."""
        self._seen.pop(at, None)

    @contextmanager
    def scratch(self, destination: str, *, staging: str | None = None) -> Iterator[Scratch]:
        """Make a place for what is to become one object, all of it removed in the end.

        Args:
            destination: The object; the place is in its folder unless ``staging`` names another.
            staging: ``gs://bucket`` or ``gs://bucket/folder``, in whatever region.

        Yields:
            A fresh prefix that no other run uses. What could not be removed is told by its
            ``warnings`` afterwards.
        """
        sweep("gs://", self._sweep)
        near = GcsObject.folder(staging) if staging else GcsObject.parse(destination).parent
        place = Scratch(
            self, GcsObject(near.bucket, f"{near.name}{_PREFIX}{secrets.token_hex(8)}/")
        )
        noted = note(place.uri)
        try:
            yield place
        finally:
            place.clear()
            noted.close(is_gone=not place.warnings)

    def _sweep(self, uri: str) -> bool:
        """Remove what a killed process left under a prefix, if that can be nothing else."""
        folder = GcsObject.folder(uri)
        if not folder.name.rstrip("/").rpartition("/")[2].startswith(_PREFIX):
            return False
        place = Scratch(self, folder)
        shards = place.shards()
        place.clear()
        if place.warnings:
            raise RemoteError(place.warnings[0])
        return bool(shards)

    def _look(self, at: GcsObject, *, overwrite: bool) -> int:
        found = self.connection.look(at, missing=DestinationError)
        if found is not None and not overwrite:
            raise exists_already(str(at))
        return found.generation or 0 if found is not None else 0


def _same_object(at: GcsObject, other: str) -> bool:
    try:
        return GcsObject.parse(other) == at
    except UsageError:
        return False


class Scratch:
    """A fresh prefix of names; all under it is removed at the end of its context.

    Args:
        storage: Whose client is used.
        folder: The prefix.
    """

    def __init__(self, storage: GcsStorage, folder: GcsObject) -> None:
        self._storage = storage
        self._folder = folder
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
