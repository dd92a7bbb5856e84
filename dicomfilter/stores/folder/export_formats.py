"""The files that an instance becomes when it is exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from dicomfilter.engines.duckdb.spill import scratch_file
from dicomfilter.errors import DicomFilterError
from dicomfilter.stores.folder.copying import Content, InFile, InMemory
from dicomfilter.stores.folder.layout import ORIGINAL, Format, frame_name, instance_name
from dicomfilter.stores.folder.work import ItemFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Named:
    """A file to be written.

    Args:
        name: Relative to the destination, with ``/``.
        content: What is in it.
    """

    name: str
    content: Content


def check(form: Format) -> None:
    """Refuse a format that nothing here can write, before anything is written.

    Raises:
        UsageError: It is one.
    """
    if form.is_dicom and not form.is_copy:
        from dicomfilter.dicom.pixels.transcoding import check_syntax

        check_syntax(form.syntax or ORIGINAL)
    elif not form.is_dicom:
        from dicomfilter.dicom.pixels.rendering import check_rendering

        check_rendering(str(form))


def files(path: Path, uids: tuple[str, str, str], form: Format) -> Iterator[Named]:
    """Make the files of an instance.

    Args:
        path: Where it lies.
        uids: Of its study and series, and its own.
        form: In which form.

    Yields:
        One file for DICOM and for an image of one frame; otherwise one a frame.

    Raises:
        ItemFailedError: It cannot be had in this form.
    """
    whole = instance_name(uids, form.extension)
    if form.is_copy:
        yield Named(whole, InFile.of(path))
    elif form.is_dicom:
        yield from _transcoded(path, whole, form)
    else:
        yield from _frames(path, uids, form)


def _transcoded(path: Path, name: str, form: Format) -> Iterator[Named]:
    """Write it beside, since a large one is not to be in memory."""
    from dicomfilter.dicom.pixels.transcoding import transcode

    with scratch_file() as made:
        try:
            transcode(path, form.syntax or ORIGINAL, cast("BinaryIO", made))
            made.flush()
        except DicomFilterError as error:
            raise ItemFailedError(error.message) from error
        yield Named(name, InFile.of(Path(made.name)))


def _frames(path: Path, uids: tuple[str, str, str], form: Format) -> Iterator[Named]:
    from dicomfilter.dicom.pixels.rendering import render

    try:
        for frame in render(path, str(form)):
            if frame.number is None:
                name = instance_name(uids, form.extension)
            else:
                name = frame_name(uids, frame.number, form.extension)
            yield Named(name, InMemory(frame.data))
    except DicomFilterError as error:
        raise ItemFailedError(error.message) from error
