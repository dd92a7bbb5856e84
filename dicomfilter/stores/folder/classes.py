"""Storage classes of a folder's instances: what the catalog says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.stores.folder.choosing import choose
from dicomfilter.stores.folder.exports import begin

if TYPE_CHECKING:
    from pathlib import Path

    from dicomfilter.dicom.headers.catalog import Catalog
    from dicomfilter.stores.folder.work import Run
    from dicomfilter.stores.requests import SetStorageClass


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Records another storage class.

    Args:
        request: What is asked, with its filter.
        filter_crc32c: Of the filter that was checked.
    """

    request: SetStorageClass
    filter_crc32c: str | None = None

    def check(self, folder: Path) -> None:
        """Find nothing wrong: the request has checked itself."""

    def work(self, running: Run, catalog: Catalog) -> None:
        """Record it."""
        chosen = choose(catalog.parquet, self.request.filter_uri, crc32c=self.filter_crc32c)
        with chosen as choice:
            begin(running, choice)
            catalog.set_storage_class(str(self.request.storage_class), choice.identifiers())
            running.succeed(choice.instances)
