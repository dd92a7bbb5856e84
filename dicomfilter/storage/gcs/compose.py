"""Joining objects into one inside Cloud Storage, which takes up to 32 at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dicomfilter.errors import RemoteError, SourceError
from dicomfilter.storage.crc32c import of_joined
from dicomfilter.storage.gcs.client import CONTENT_TYPE, cloud_errors, no_bucket, stat_of
from dicomfilter.storage.gcs.download import read_range
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.object_requests import Delivery, deliver
from dicomfilter.storage.protocol import Stat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dicomfilter.storage.gcs.client import Connection

_T = TypeVar("_T")
_R = TypeVar("_R")
MOST_SOURCES = 32
"""How many objects one request joins. Source: Cloud Storage, "Composite objects"."""
WORKERS = 8
"""How many requests are under way at once."""


@dataclass(frozen=True, slots=True)
class Shard:
    """An object that is a part of another.

    Args:
        at: Where it is.
        size_bytes: Its length.
        generation: Its version; no other is ever joined in its place.
        crc32c: Its checksum, as Cloud Storage writes it.
    """

    at: GcsObject
    size_bytes: int
    generation: int
    crc32c: str

    @property
    def stat(self) -> Stat:
        """What is known of it."""
        return Stat(self.size_bytes, self.generation, self.crc32c)


def list_shards(connection: Connection, folder: GcsObject) -> tuple[Shard, ...]:
    """List all objects whose name starts with a prefix.

    Args:
        connection: To Cloud Storage.
        folder: The prefix.

    Returns:
        In the order of their names, which is the order in which they are joined.

    Raises:
        RemoteError: Cloud Storage refused or failed.
    """
    from google.api_core.exceptions import NotFound

    with cloud_errors(folder, "storage.objects.list", missing=RemoteError):
        try:
            blobs = list(
                connection.client.list_blobs(
                    folder.bucket, prefix=folder.name, **connection.options
                )
            )
        except NotFound as error:
            raise no_bucket(folder, RemoteError) from error
    found = ((GcsObject(folder.bucket, blob.name), stat_of(blob)) for blob in blobs)
    shards = (_shard(at, stat) for at, stat in found)
    return tuple(sorted(shards, key=lambda shard: shard.at.name))


def check_parts(connection: Connection, shards: Sequence[Shard], *, size_bytes: int) -> None:
    """See that parts can be joined: all of the bytes, and each ends with a newline.

    Args:
        connection: To Cloud Storage.
        shards: The parts.
        size_bytes: How long the whole must be.

    Raises:
        RemoteError: A header, quotes, a lost part or a part without its last newline.
    """
    found = sum(shard.size_bytes for shard in shards)
    if found != size_bytes:
        raise RemoteError(
            f"the parts of the filter have {found:,} bytes where {size_bytes:,} were expected; "
            "no filter file was written",
            hint="run it again",
        )

    def check(shard: Shard) -> None:
        try:
            last = read_range(connection, shard.at, shard.stat, shard.size_bytes - 1, 1)
        except SourceError as error:
            raise RemoteError(error.message, hint=error.hint) from error
        if last != b"\n":
            raise RemoteError(
                f"{shard.at} does not end with a newline; no filter file was written",
                hint="run it again",
            )

    each(check, [shard for shard in shards if shard.size_bytes])


def each(work: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Do a piece of work for each item, some at once; the first error ends it."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, items))


def join(
    connection: Connection, shards: Sequence[Shard], target: GcsObject, *, before: int, temp: str
) -> Shard:
    """Join parts into one object, by a tree of requests where they are many.

    Args:
        connection: To Cloud Storage.
        shards: The parts in their order, at least one, all in the target's bucket.
        target: The whole.
        before: The generation that it takes the place of; 0 for none.
        temp: A prefix of names for what is made in between, for the caller to remove.

    Returns:
        The whole; its checksum is the service's, and what the parts' checksums make.

    Raises:
        DestinationExistsError: Something else has come to stand at the target.
        DestinationError: Something else has taken the place of what was to be replaced.
        RemoteError: Cloud Storage refused or failed, or a part was replaced.
    """
    parts = [shard for shard in shards if shard.size_bytes] or list(shards[:1])
    level = 0

    def name(start: int) -> str:
        return f"{temp}{level}-{start}"

    while len(parts) > MOST_SOURCES:
        groups = [
            (parts[start : start + MOST_SOURCES], GcsObject(target.bucket, name(start)))
            for start in range(0, len(parts), MOST_SOURCES)
        ]
        parts = each(lambda group: _join_once(connection, *group, before=0), groups)
        level += 1
    return _join_once(connection, parts, target, before=before)


def rewrite(connection: Connection, source: Shard, target: GcsObject, *, before: int) -> Shard:
    """Copy an object inside Cloud Storage, into whatever bucket and region.

    Args:
        connection: To Cloud Storage.
        source: The object, in just this version.
        target: Where to.
        before: The generation that it takes the place of; 0 for none.

    Returns:
        The copy.

    Raises:
        DestinationExistsError: Something else has come to stand at the target.
        DestinationError: Something else has taken the place of what was to be replaced.
        RemoteError: Cloud Storage refused or failed.
    """

    def make() -> Stat:
        blob, original = connection.blob(target), connection.blob(source.at)
        token = None
        while True:
            with _sources(target):
                token, _done, _total = blob.rewrite(
                    original,
                    token=token,
                    if_generation_match=before,
                    if_source_generation_match=source.generation,
                    **connection.options,
                )
            if token is None:
                return stat_of(blob)

    delivery = Delivery(target, before, source.size_bytes, source.crc32c)
    return _shard(target, deliver(connection, delivery, make))


def _join_once(
    connection: Connection, parts: Sequence[Shard], target: GcsObject, *, before: int
) -> Shard:
    def make() -> Stat:
        blob = connection.blob(target)
        blob.content_type = CONTENT_TYPE
        with _sources(target):
            blob.compose(
                [connection.blob(part.at, generation=part.generation) for part in parts],
                if_generation_match=before,
                if_source_generation_match=[part.generation for part in parts],
                **connection.options,
            )
        return stat_of(blob)

    delivery = Delivery(
        target,
        before,
        sum(part.size_bytes for part in parts),
        of_joined((part.crc32c, part.size_bytes) for part in parts),
    )
    return _shard(target, deliver(connection, delivery, make))


@contextmanager
def _sources(target: GcsObject) -> Iterator[None]:
    """Say of what is missing that it is a part: the target's bucket was looked at before."""
    from google.api_core.exceptions import NotFound

    try:
        yield
    except NotFound as error:
        raise RemoteError(
            f"{target} was not written: a part of it is gone", hint="run it again"
        ) from error


def _shard(at: GcsObject, stat: Stat) -> Shard:
    return Shard(at, stat.size_bytes, stat.generation or 0, stat.crc32c or "")
