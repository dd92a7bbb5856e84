"""De-identified copies of a folder's images in another folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from dicomfilter.engines.duckdb.spill import scratch_file
from dicomfilter.errors import DicomFilterError
from dicomfilter.filters.sidecars import write_text
from dicomfilter.stores.folder.copying import InFile
from dicomfilter.stores.folder.exports import begin, check_still, check_uids, chosen_of, instances
from dicomfilter.stores.folder.layout import Format, instance_name
from dicomfilter.stores.folder.places import FolderPlace
from dicomfilter.stores.folder.work import ItemFailedError
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from dicomfilter.dicom.deid.deidentification import Deidentifier
    from dicomfilter.dicom.deid.profile import Rules
    from dicomfilter.dicom.headers.catalog import Catalog
    from dicomfilter.stores.folder.choosing import Instance
    from dicomfilter.stores.folder.work import Run
    from dicomfilter.stores.requests import Deidentify


@dataclass(frozen=True, slots=True)
class Deidentification:
    """Writes copies without who they are of.

    Args:
        request: What is asked, with its filter.
        filter_crc32c: Of the filter that was checked.
    """

    request: Deidentify
    filter_crc32c: str | None = None

    @property
    def destination(self) -> Path:
        """The other folder."""
        return Path(str(self.request.destination))

    def check(self, folder: Path) -> None:
        """Find out what is wrong with it before anything is written.

        Raises:
            UsageError: The configuration asks for what is not done here.
            DestinationError: Nothing can be written there.
        """
        self._rules()
        FolderPlace(self.destination).check(folder)

    def work(self, running: Run, catalog: Catalog) -> None:
        """Write them; what is done to them is noted beside."""
        from dicomfilter.dicom.deid.deidentification import Deidentifier
        from dicomfilter.dicom.deid.pseudonyms import Pseudonyms, project_key

        pseudonyms = Pseudonyms(project_key(catalog.place))
        deidentifier = Deidentifier(pseudonyms, self._rules())
        place = FolderPlace(self.destination)

        def one(instance: Instance) -> None:
            check_uids(instance.uids)
            with scratch_file() as made:
                source = catalog.folder / instance.path
                uids = _deidentified(source, deidentifier, made)
                check_still(instance, source)
                name = instance_name(uids, Format().extension)
                place.put(name, InFile.of(Path(made.name)), running.halt)

        chosen = chosen_of(catalog, self.request.filter_uri, self.filter_crc32c)
        with chosen as choice:
            begin(running, choice)
            self._note(running, deidentifier)
            running.each(instances(choice), one)

    def _rules(self) -> Rules:
        """Tell how it is done."""
        from dicomfilter.dicom.deid.config import rules_of
        from dicomfilter.dicom.deid.profile import Dates

        rules = rules_of(self.request.config, dates=Dates(self.request.dates))
        return replace(rules, keep_primary_uids=rules.keep_primary_uids or self.request.retain_uids)

    def _note(self, running: Run, deidentifier: Deidentifier) -> None:
        """Say beside the copies what is done to them."""
        from dicomfilter.dicom.headers.catalog import place_of

        number = running.record.state.name.rpartition("/")[2]
        noted = {
            "tool": __version__,
            "operation": number,
            "created": running.record.state.created,
            "deidentification": deidentifier.describe(),
        }
        path = place_of(self.destination) / f"deidentified-{number}.manifest.json"
        write_text(str(path), json.dumps(noted, indent=2) + "\n", overwrite=True)


def _deidentified(source: Path, deidentifier: Deidentifier, made: object) -> tuple[str, str, str]:
    """Write a copy; give its UIDs."""
    from dicomfilter.dicom.deid.deidentification import deidentify_file
    from dicomfilter.dicom.headers.completeness import check_written

    file = cast("BinaryIO", made)
    try:
        dataset = deidentify_file(source, deidentifier, file)
        file.flush()
        check_written(Path(file.name), dataset)
    except DicomFilterError as error:
        raise ItemFailedError(error.message) from error
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    study, series, instance = (str(dataset.get(name) or "") for name in names)
    uids = (study, series, instance)
    check_uids(uids)
    return uids
