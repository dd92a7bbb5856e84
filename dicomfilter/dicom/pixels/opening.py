"""Files of one image, opened for their pixels."""

from __future__ import annotations

import tempfile
import warnings
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from dicomfilter.dicom.headers.completeness import check_whole, contents_of
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from pydicom import Dataset, FileDataset
    from pydicom.dataelem import RawDataElement
    from pydicom.uid import UID

PIXEL_DATA: Final = 0x7FE0_0010
_IN_MEMORY: Final = 1 << 24
_DEFER_BYTES: Final = 1 << 16
"""Values of at least this size stay in the file until they are written."""


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Turn what goes wrong with a file's contents into one error.

    Raises:
        SourceError: The file cannot be read or taken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they show values
        try:
            yield
        except SourceError:
            raise
        except OSError as error:
            reason = (error.strerror or "it ends early").lower()
            raise SourceError(f"{source.name} cannot be read: {reason}") from error
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except MemoryError as error:
            raise SourceError(f"{source.name} needs more memory than there is") from error
        except BaseException as error:
            # Whatever pydicom and codecs raise, a panic of Rust code among it, which is no
            # Exception. What they say holds values of the file: its kind has to do.
            raise SourceError(
                f"{source.name} cannot be taken apart ({type(error).__name__})",
                hint="look at it with dcmdump or pydicom",
            ) from error


def open_dataset(source: Path, *, deep: bool = False) -> FileDataset:
    """Read a file's elements, large values left where they are.

    Args:
        source: The file.
        deep: Whether the items of sequences are read too.

    Raises:
        SourceError: There is more in the file than could be read of it.
    """
    from pydicom.filereader import read_partial

    contents = contents_of(source)
    # In a deflated file, a place in the data set is no place in the file.
    is_deflated = contents is not None and contents.is_deflated
    defer = None if is_deflated else _DEFER_BYTES
    # Zeros behind the pixels would be as many elements of tag 0.
    stop = _is_zero if contents is not None and contents.is_padded else None
    with source.open("rb") as file:
        dataset = read_partial(file, stop, defer_size=defer, force=True)
    if contents is not None:
        check_whole(source, dataset, contents, deep=deep)
    return dataset


def _is_zero(tag: int, _vr: str | None, _length: int) -> bool:
    return tag == 0


def stored_syntax(dataset: FileDataset) -> UID:
    """Tell the transfer syntax that a file is in, also one that does not say it."""
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if found := said_syntax(dataset):
        return UID(found)
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def said_syntax(dataset: FileDataset) -> str | None:
    """Tell the transfer syntax that a file names."""
    return cast("str | None", getattr(dataset, "file_meta", {}).get("TransferSyntaxUID"))


def take_apart(dataset: Dataset, syntax: UID, *, pixels: bool = True) -> None:
    """Read all elements of a file that is not written as its transfer syntax says.

    What was not looked at would be written as it is, and could not be read by the rules that the
    rest is written by.

    Args:
        dataset: The file's.
        syntax: The transfer syntax that it says.
        pixels: Whether Pixel Data are among them.
    """
    tags = list(dataset.keys())
    raw = (dataset.get_item(tag, keep_deferred=True) for tag in tags)
    if any(getattr(each, "is_implicit_VR", False) for each in raw) == encoding_of(syntax)[0]:
        return
    for tag in tags:
        if pixels or tag != PIXEL_DATA:
            element = dataset[tag]
            for item in element.value or () if element.VR == "SQ" else ():
                list(item.iterall())


def encoding_of(syntax: UID) -> tuple[bool, bool]:
    """Tell how a transfer syntax writes elements.

    Returns:
        Whether without value representations, and whether in little-endian order.
    """
    from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

    return syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian


def write_whole(dataset: FileDataset, syntax: UID, target: BinaryIO) -> None:
    """Write a data set in the transfer syntax that its pixels are in.

    Args:
        dataset: With the head of its file.
        syntax: The transfer syntax; one that pydicom does not write too, since no pixel changes.
        target: Where, from here on.
    """
    from pydicom import dcmwrite
    from pydicom.filebase import DicomIO
    from pydicom.filewriter import write_dataset, write_file_meta_info
    from pydicom.uid import UID

    dataset.file_meta.TransferSyntaxUID = syntax  # also where the file did not say it
    if UID(syntax).type == "Transfer Syntax":
        dcmwrite(target, dataset, enforce_file_format=True)
        return
    file = DicomIO(target)
    file.is_implicit_VR, file.is_little_endian = encoding_of(syntax)
    file.write(bytes(128) + b"DICM")
    write_file_meta_info(file, dataset.file_meta)
    write_dataset(file, dataset)


def pixel_source(source: Path, dataset: Dataset, stack: ExitStack) -> BinaryIO:
    """Open the value of Pixel Data.

    Returns:
        A file at its start.
    """
    element = raw_pixels(dataset)
    if element.value is not None:
        return BytesIO(element.value)
    file = stack.enter_context(source.open("rb"))
    file.seek(element.value_tell)
    return file


def raw_pixels(dataset: Dataset) -> RawDataElement:
    """Give Pixel Data as they were read, without a value if left in the file."""
    return cast("RawDataElement", dataset.get_item(PIXEL_DATA, keep_deferred=True))


def room_for(size_bytes: int, stack: ExitStack) -> BinaryIO:
    """Make room for pixels, in memory where they are few.

    Args:
        size_bytes: How many bytes are coming.
        stack: Closes a temporary file.
    """
    if size_bytes < _IN_MEMORY:
        return BytesIO()
    return cast("BinaryIO", stack.enter_context(tempfile.TemporaryFile()))
