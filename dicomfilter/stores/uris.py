"""What a store reads and writes: Cloud Storage and tables of BigQuery."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from dicomfilter.errors import UsageError

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,220}[a-z0-9])?")
_MOST_OBJECT_BYTES = 1024
_MOST_URI = 2000
_TABLE = re.compile(
    r"(?:bq://)?(?P<project>(?:[a-z0-9][a-z0-9.-]*:)?[A-Za-z0-9][A-Za-z0-9-]*)[.:]"
    r"(?P<dataset>[A-Za-z0-9_]{1,1024})\.(?P<table>\w[\w -]{0,1023})"
)
_WILDCARD = re.compile(r"[*?]")
_BRACKET = re.compile(r"[\[\]{}]")
_RECURSIVE = re.compile(r"[^*?]*\*\*(?:\.[^*?/]+)?")


@dataclass(frozen=True, slots=True)
class GcsPlace:
    """A bucket of Cloud Storage and a name in it, which may be empty.

    Args:
        bucket: The bucket.
        name: The object, prefix or pattern.
    """

    bucket: str
    name: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read a URI.

        Raises:
            UsageError: It is none of Cloud Storage.

        >>> GcsPlace.parse("gs://images/out/")
        GcsPlace(bucket='images', name='out/')
        """
        scheme, separator, rest = uri.partition("://")
        if not separator or scheme != "gs":
            raise UsageError(f"{uri!r} is not in Cloud Storage", hint="write gs://BUCKET/NAME")
        bucket, _, name = rest.partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise UsageError(
                f"{uri}: {bucket!r} is not the name of a bucket", hint="write gs://BUCKET/NAME"
            )
        if len(name.encode()) > _MOST_OBJECT_BYTES or not name.isprintable():
            raise UsageError(
                f"{uri!r}: the name is over {_MOST_OBJECT_BYTES} bytes or has control characters",
                hint="choose a shorter, plain name",
            )
        return cls(bucket, name)

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"


def check_prefix(uri: str) -> None:
    """Make sure that results can be written under a URI.

    Raises:
        UsageError: It is none of Cloud Storage, or a pattern.
    """
    if _WILDCARD.search(GcsPlace.parse(uri).name):
        raise UsageError(f"{uri} is a pattern", hint="name one folder: gs://BUCKET/FOLDER/")


def check_object(uri: str) -> None:
    """Make sure that a URI names one object.

    Raises:
        UsageError: It is none of Cloud Storage, a pattern, a folder or a whole bucket.
    """
    name = GcsPlace.parse(uri).name
    if _WILDCARD.search(name):
        raise UsageError(f"{uri} is a pattern, and one object is needed", hint="name the object")
    if not name or name.endswith("/"):
        raise UsageError(f"{uri} names no object", hint="write gs://BUCKET/OBJECT")


def check_pattern(uri: str) -> None:
    """Make sure that an import takes a pattern as it is meant.

    Args:
        uri: An object, or a pattern of ``*`` (within a folder), ``?`` (one character) or one
            ``**`` at the end (any folders below), which an extension may follow.

    Raises:
        UsageError: The service would refuse it, or take it for something else.

    Source:
        Discovery document of the Healthcare API, schema ``DicomGcsSource``.
    """
    name = GcsPlace.parse(uri).name
    if not name:
        raise UsageError(f"{uri} names no object", hint="write gs://BUCKET/FOLDER/**.dcm")
    check_wildcards(uri, name)
    if found := _BRACKET.search(name):
        raise UsageError(
            f"{uri}: {found[0]} is no wildcard here; the wildcards are *, ** and ?",
            hint="write ? for one character",
        )
    if name.endswith("/"):
        raise UsageError(f"{uri} names no object", hint=f"write {uri}** for all below it")


def check_wildcards(uri: str, name: str) -> None:
    """Make sure that ``**`` stands where it means what it says.

    Args:
        uri: What is named in an error.
        name: The pattern in it.

    Raises:
        UsageError: It stands elsewhere, or beside other wildcards.
    """
    if "**" in name and not _RECURSIVE.fullmatch(name):
        folder = uri.partition("*")[0].rpartition("/")[0]
        raise UsageError(
            f"{uri}: ** stands at the end, before nothing but an extension, and alone",
            hint=f"write {folder}/** or {folder}/**.dcm",
        )


def table_uri(text: str) -> str:
    """Write the name of a BigQuery table as the Healthcare API wants it.

    Args:
        text: ``bq://project.dataset.table``, the same without ``bq://``, or
            ``project:dataset.table``.

    Returns:
        ``bq://project.dataset.table``.

    Raises:
        UsageError: The text is no such name.

    >>> table_uri("p:d.t")
    'bq://p.d.t'
    """
    found = _TABLE.fullmatch(text)
    if found is None or len(text) > _MOST_URI:
        raise UsageError(
            f"{text!r} is not the name of a BigQuery table", hint="write bq://PROJECT.DATASET.TABLE"
        )
    return f"bq://{found['project']}.{found['dataset']}.{found['table']}"


def table_project(uri: str) -> str:
    """Tell the project of a table.

    >>> table_project("bq://example.com:p.d.t")
    'example.com:p'
    """
    return uri.removeprefix("bq://").rsplit(".", 2)[0]


def table_dataset(uri: str) -> str:
    """Tell the dataset of a table.

    >>> table_dataset("bq://p.d.t")
    'd'
    """
    return uri.rsplit(".", 2)[1]
