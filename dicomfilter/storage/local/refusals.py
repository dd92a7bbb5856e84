"""What the operating system refuses, said in our words."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    DicomFilterError,
    SourceError,
    SourceNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_HINTS = {
    errno.ENOSPC: "free some space, or choose another destination",
    errno.EDQUOT: "your quota is used up: free some space, or choose another destination",
    errno.EFBIG: "files may not grow that large here: raise `ulimit -f`, or split the selection",
    errno.EACCES: "choose a folder that you can write to",
    errno.EPERM: "choose a folder that you can write to",
    errno.EROFS: "choose a folder on a file system that can be written",
    errno.ENOENT: "make the folder first, or choose another one",
    errno.ENOTDIR: "a part of the path is a file: choose another destination",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "the path is a circle of symbolic links: choose another destination",
}


@contextmanager
def writing(uri: str) -> Iterator[None]:
    """Turn what the operating system refuses into an error about a destination.

    Args:
        uri: The destination as the caller named it.

    Raises:
        DestinationExistsError: The destination exists and is not to be overwritten.
        DestinationError: It cannot be written for any other reason.
        BrokenPipeError: The reader of a pipe has gone; that is no failure of ours, and the
            command line ends quietly as other filters do.
    """
    try:
        yield
    except (DicomFilterError, BrokenPipeError):
        raise
    except FileExistsError as error:
        raise exists_already(uri) from error
    except OSError as error:
        raise DestinationError(
            f"{uri} was not written: {_reason(error)}", hint=_HINTS.get(error.errno or 0)
        ) from error


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Turn what the operating system refuses into an error about a source.

    Args:
        uri: The file as the caller named it.

    Raises:
        SourceNotFoundError: There is no such file.
        SourceError: It cannot be read for any other reason.
    """
    try:
        yield
    except DicomFilterError:
        raise
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"{uri} does not exist", hint="check the path") from error
    except OSError as error:
        is_folder = error.errno == errno.EISDIR
        raise SourceError(
            f"{uri} cannot be read: {_reason(error)}",
            hint="name a file in it" if is_folder else "check the path and its permissions",
        ) from error


def exists_already(uri: str) -> DestinationExistsError:
    """Say that a destination is taken."""
    return DestinationExistsError(
        f"{uri} exists already", hint="use --overwrite to replace it, or choose another name"
    )


def _reason(error: OSError) -> str:
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]
