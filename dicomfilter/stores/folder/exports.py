"""Exports of images from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.stores.folder import export_formats
from dicomfilter.stores.folder.choosing import Instance, choose
from dicomfilter.stores.folder.imports import identified
from dicomfilter.stores.folder.layout import Format, unusable
from dicomfilter.stores.folder.places import open_place
from dicomfilter.stores.folder.work import ItemFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from dicomfilter.dicom.headers.catalog import Catalog
    from dicomfilter.stores.folder.choosing import Choice
    from dicomfilter.stores.folder.work import Run
    from dicomfilter.stores.requests import ExportToGcs

NOT_THERE = "it is not in the store"
"""Why a line of a filter fails that names nothing."""


@dataclass(frozen=True, slots=True)
class ImageExport:
    """Copies images to a destination.

    Args:
        request: What is asked, with its filter.
        filter_crc32c: Of the filter that was checked.
    """

    request: ExportToGcs
    filter_crc32c: str | None = None

    @property
    def form(self) -> Format:
        """In which form."""
        return Format.parse(self.request.mime_type)

    def check(self, folder: Path) -> None:
        """Find out what is wrong with it before anything is written.

        Raises:
            UsageError: The format is one that nothing here can write.
            DestinationError: Nothing can be written there.
        """
        export_formats.check(self.form)
        open_place(self.request.uri_prefix).check(folder)

    def work(self, running: Run, catalog: Catalog) -> None:
        """Copy."""
        place, form = open_place(self.request.uri_prefix), self.form

        def one(instance: Instance) -> int:
            check_uids(instance.uids)
            source = catalog.folder / instance.path
            check_still(instance, source)
            size_bytes = 0
            for file in export_formats.files(source, instance.uids, form):
                place.put(file.name, file.content, running.halt)
                size_bytes += file.content.size_bytes
            return size_bytes

        chosen = chosen_of(catalog, self.request.filter_uri, self.filter_crc32c)
        with chosen as choice:
            begin(running, choice)
            running.each(instances(choice), one)


def chosen_of(
    catalog: Catalog, filter_uri: str | None, filter_crc32c: str | None
) -> AbstractContextManager[Choice]:
    """Find out what a filter names, and what cannot be taken."""
    return choose(catalog.parquet, filter_uri, crc32c=filter_crc32c, others=catalog.others)


def begin(running: Run, choice: Choice) -> None:
    """Count what there is to do, and list what cannot be done."""
    running.expect(choice.instances + choice.missing + choice.lost)
    for line in choice.missing_lines():
        running.fail(line, NOT_THERE)
    for path, why in choice.lost_files():
        running.fail(path, f"it is no instance that can be taken: {why}")


def instances(choice: Choice) -> Iterator[Instance]:
    """Give the instances one by one, made a batch at a time."""
    for batch in choice.batches():
        yield from batch


def check_uids(uids: tuple[str, str, str]) -> None:
    """Make sure that UIDs can be the names of files and folders.

    Raises:
        ItemFailedError: One cannot.
    """
    if (wrong := unusable(uids)) is not None:
        raise ItemFailedError(f"{wrong!r} is no UID that a file can be named by")


def check_still(instance: Instance, file: Path) -> None:
    """Make sure that a file still holds the instance that was chosen.

    Its size and time do not tell: renaming may leave both to another one.

    Raises:
        ItemFailedError: It does not.
    """
    found = identified(file)
    if (found.study, found.series, found.instance) != instance.uids:
        raise ItemFailedError(f"another instance lies in {file} by now")
