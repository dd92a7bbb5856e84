"""What Cloud Storage says of a bucket, and whether a prefix of it is free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dicomfilter.errors import SourceNotFoundError
from dicomfilter.storage.gcs.client import cloud_errors
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.objects import GcsStorage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def describe_bucket(uri: str) -> Mapping[str, Any]:
    """Look at a bucket, as the service describes it.

    Raises:
        SourceNotFoundError: There is none.
        RemoteError: It may not be looked at.
    """
    at = GcsObject.folder(uri)
    connection = GcsStorage().connection
    with cloud_errors(at, "storage.buckets.get", missing=SourceNotFoundError):
        bucket = connection.client.get_bucket(at.bucket, **connection.options)
        found: Mapping[str, Any] = bucket._properties  # noqa: SLF001 - the client names few of them
        return found


def granted_on_bucket(uri: str, permissions: Iterable[str]) -> frozenset[str]:
    """Tell which permissions the caller holds on a bucket.

    Raises:
        RemoteError: It cannot be asked.
    """
    at = GcsObject.folder(uri)
    connection = GcsStorage().connection
    with cloud_errors(at, "storage.buckets.get", missing=SourceNotFoundError):
        bucket = connection.client.bucket(at.bucket)
        return frozenset(bucket.test_iam_permissions(list(permissions), **connection.options))


def bucket_bindings(uri: str) -> tuple[Mapping[str, Any], ...]:
    """Read who has which role on a bucket, with conditions.

    Raises:
        RemoteError: It may not be read.
    """
    at = GcsObject.folder(uri)
    connection = GcsStorage().connection
    with cloud_errors(at, "storage.buckets.getIamPolicy", missing=SourceNotFoundError):
        bucket = connection.client.bucket(at.bucket)
        policy = bucket.get_iam_policy(requested_policy_version=3, **connection.options)
        return tuple(policy.bindings)


def is_taken(uri: str) -> bool:
    """Tell whether anything lies under a prefix.

    Raises:
        RemoteError: It may not be listed.
    """
    at = GcsObject.folder(uri)
    connection = GcsStorage().connection
    listing = {"prefix": at.name, "max_results": 1, **connection.options}
    with cloud_errors(at, "storage.objects.list", missing=SourceNotFoundError):
        return next(iter(connection.client.list_blobs(at.bucket, **listing)), None) is not None
