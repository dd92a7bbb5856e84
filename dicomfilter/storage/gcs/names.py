"""Names in Cloud Storage, ``gs://bucket/object``, checked before any sending."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from dicomfilter.errors import UsageError

SCHEME = "gs://"
_MOST_BYTES = 1024
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,220}[a-z0-9])?")
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_LONGEST_PART = 63


@dataclass(frozen=True, slots=True)
class GcsObject:
    """The name of an object, or of a folder of objects where it ends with a slash.

    Args:
        bucket: The bucket, in lower case.
        name: The object, taken as it is: nothing in it is escaped.

    Source: Cloud Storage, "About buckets: bucket names" and "About objects: object names".
    """

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.name}"

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read the URI of one object.

        Args:
            uri: ``gs://bucket/object``.

        Raises:
            UsageError: It is none, or names a bucket or a folder.

        >>> GcsObject.parse("gs://clinic/filters/ct.txt")
        GcsObject(bucket='clinic', name='filters/ct.txt')
        """
        found = cls._split(uri)
        if not found.name or found.name.endswith("/"):
            kind = "folder" if found.name else "bucket"
            example = f"{uri.rstrip('/')}/filter.txt"
            raise UsageError(f"{uri} is a {kind}", hint=f"name an object in it: {example}")
        return found

    @classmethod
    def folder(cls, uri: str) -> Self:
        """Read the URI of a bucket or of a folder, with or without its last slash.

        Args:
            uri: ``gs://bucket`` or ``gs://bucket/folder``.

        Raises:
            UsageError: It is none.

        >>> str(GcsObject.folder("gs://clinic")), str(GcsObject.folder("gs://clinic/tmp"))
        ('gs://clinic/', 'gs://clinic/tmp/')
        """
        found = cls._split(uri)
        name = f"{found.name}/" if found.name and not found.name.endswith("/") else found.name
        return cls(found.bucket, name)

    @property
    def parent(self) -> GcsObject:
        """The folder that an object lies in.

        >>> str(GcsObject("clinic", "filters/ct.txt").parent)
        'gs://clinic/filters/'
        """
        return GcsObject(self.bucket, self.name[: self.name.rfind("/") + 1])

    @classmethod
    def _split(cls, uri: str) -> Self:
        if not uri[: len(SCHEME)].lower() == SCHEME:
            raise UsageError(f"{uri!r} is not in Cloud Storage", hint="write gs://BUCKET/OBJECT")
        bucket, _, name = uri[len(SCHEME) :].partition("/")
        if wrong := _wrong_bucket(bucket) or _wrong_name(name):
            raise UsageError(f"{uri!r} cannot be in Cloud Storage: {wrong}", hint="check the name")
        return cls(bucket, name)


def _wrong_bucket(bucket: str) -> str | None:
    """Say what is wrong with the name of a bucket; None where nothing is.

    >>> _wrong_bucket("clinic"), _wrong_bucket("Clinic")
    (None, 'a bucket has 3 to 222 of a-z, 0-9, dot, dash and underscore')
    """
    if len(bucket) < 3 or not _BUCKET.fullmatch(bucket):
        return "a bucket has 3 to 222 of a-z, 0-9, dot, dash and underscore"
    if _ADDRESS.fullmatch(bucket):
        return "a bucket is not named as an IP address is"
    if any(not part or len(part) > _LONGEST_PART for part in bucket.split(".")):
        return f"a bucket has 1 to {_LONGEST_PART} characters between dots"
    return None


def _wrong_name(name: str) -> str | None:
    """Say what is wrong with the name of an object; None where nothing is.

    >>> _wrong_name("a b"), _wrong_name("..")
    (None, 'an object is not named . or ..')
    """
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "an object's name is Unicode"
    if len(encoded) > _MOST_BYTES:
        return f"an object's name has at most {_MOST_BYTES:,} bytes"
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in name):
        return "an object's name has no control characters"
    if name in {".", ".."}:
        return "an object is not named . or .."
    if name.startswith(".well-known/acme-challenge/"):
        return "an object's name does not start with .well-known/acme-challenge/"
    return None
