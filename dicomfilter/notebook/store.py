"""The notebook's facade: open a DICOM store, export, look at operations."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import RemotePermissionError
from dicomfilter.faces import Face
from dicomfilter.filters.build import FilterBuilt
from dicomfilter.filters.transfer import Handover
from dicomfilter.named import named
from dicomfilter.notebook.asking import StartOptions, ask, beside, default_project, store_name
from dicomfilter.operations.intents import filter_of
from dicomfilter.operations.journal import Event, Journal, now
from dicomfilter.operations.launched import Launched, OperationList
from dicomfilter.operations.log import note_end
from dicomfilter.operations.operation import Expected, Operation, Tripwire
from dicomfilter.operations.progress import bar
from dicomfilter.operations.resolving import SETTLE_S
from dicomfilter.operations.start import Starter, start_here
from dicomfilter.proof.arrival import look, proved
from dicomfilter.stores.folder import FolderStore
from dicomfilter.stores.folder.names import folder_of_operation
from dicomfilter.stores.healthcare.names import DatasetName, OperationName, StoreName
from dicomfilter.stores.requests import ExportToGcs, WriteDisposition, recalled
from dicomfilter.stores.store_kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from dicomfilter.errors import DicomFilterError
    from dicomfilter.notebook.asking import Asked, FilterFile
    from dicomfilter.stores.protocol import AnyName, DicomStore
    from dicomfilter.stores.requests import Request, StorageClass, TableForm
    from dicomfilter.stores.state import State, Status


@dataclass(frozen=True, slots=True, repr=False)
class Store(Face):
    """A DICOM store, and the operations of its dataset.

    Args:
        edge: The way to it.
        journal: Remembers what was started.
        settle_s: Seconds before each look for an operation whose answer was lost.
        sleep: Waits for so many seconds.
    """

    edge: DicomStore = field(repr=False)
    journal: Journal = field(default_factory=Journal.of_user, repr=False)
    settle_s: tuple[float, ...] = field(default=SETTLE_S, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def facts(self) -> list[tuple[str, str]]:
        """Name it; nothing is asked of it."""
        return [("store", str(self.name)), ("see", ".export_to_gcs(), .export_to_folder()")]

    @property
    def name(self) -> AnyName:
        """Its name."""
        return self.edge.name

    def export_to_gcs(
        self,
        uri_prefix: str | PathLike[str],
        *,
        filter: FilterFile | None = None,  # noqa: A002 - the word that everybody uses
        everything: bool = False,
        mime_type: str | None = None,
        options: StartOptions | None = None,
    ) -> Operation:
        """Start an export of images to Cloud Storage.

        Args:
            uri_prefix: Where, ``gs://bucket/folder/``; a fresh one, since nothing is removed.
            filter: Which, a filter file.
            everything: The whole store instead; one of the two must be given.
            mime_type: In which format; None as they are stored.
            options: How it is started.

        Returns:
            The operation, which runs; wait for it with ``wait()``.

        Raises:
            DicomFilterError: It was not started; or whether it was is not known
                (StartUnclearError).
        """
        request = kind_of(self.name).requests.export_to_gcs(named(uri_prefix), mime_type)
        return self._launch(request, filter, everything=everything, options=options)

    def export_to_bigquery(
        self,
        table: str | PathLike[str],
        *,
        filter: FilterFile | None = None,  # noqa: A002 - the word that everybody uses
        everything: bool = False,
        write_disposition: WriteDisposition = WriteDisposition.WRITE_EMPTY,
        form: TableForm | None = None,
        include_source_store: bool = False,
        options: StartOptions | None = None,
    ) -> Operation:
        """Start an export of metadata to a BigQuery table; see ``export_to_gcs``.

        Args:
            table: ``bq://project.dataset.table``, in any project.
            filter: Which, a filter file.
            everything: The whole store instead; one of the two must be given.
            write_disposition: What becomes of rows that are there.
            form: The table's columns; None for what the service does by itself.
            include_source_store: Whether a column names the store.
            options: How it is started.
        """
        kind = kind_of(self.name).requests.export_to_bigquery
        request = kind(named(table), write_disposition, form, include_source_store)
        return self._launch(request, filter, everything=everything, options=options)

    def import_from_gcs(
        self,
        uri: str | PathLike[str],
        *,
        storage_class: StorageClass | None = None,
        options: StartOptions | None = None,
    ) -> Operation:
        """Start an import of images from Cloud Storage; instances that are there stay.

        Args:
            uri: An object or a pattern, ``gs://bucket/folder/**.dcm``.
            storage_class: What they are stored as; None for the store's own.
            options: How it is started.
        """
        request = kind_of(self.name).requests.import_from_gcs(named(uri), storage_class)
        return self.launch(request, options=options).operation

    def set_storage_class(
        self,
        storage_class: StorageClass,
        *,
        filter: FilterFile | None = None,  # noqa: A002 - the word that everybody uses
        everything: bool = False,
        options: StartOptions | None = None,
    ) -> Operation:
        """Start changing what images are stored as; see ``export_to_gcs``."""
        request = kind_of(self.name).requests.set_storage_class(storage_class)
        return self._launch(request, filter, everything=everything, options=options)

    def deidentify(
        self,
        destination: AnyName | str | PathLike[str],
        *,
        filter: FilterFile | None = None,  # noqa: A002 - the word that everybody uses
        everything: bool = False,
        config: Mapping[str, Any] | None = None,
        gcs_config_uri: str | None = None,
        dates: str = "remove",
        retain_uids: bool = False,
        options: StartOptions | None = None,
    ) -> Operation:
        """Start writing de-identified copies into another store; see ``export_to_gcs``.

        Args:
            destination: That store, in the same location; a bare name is of the same dataset.
            filter: Which, a filter file.
            everything: The whole store instead; one of the two must be given.
            config: A ``DeidentifyConfig``; None for the service's default profile.
            gcs_config_uri: The same in Cloud Storage.
            dates: ``remove`` by the profile, ``keep``, or ``shift``; of a folder's images.
            retain_uids: Whether the UIDs of studies, series and instances stay.
            options: How it is started.
        """
        target = beside(self.name, destination)
        request = kind_of(self.name).requests.deidentify(
            target, config, gcs_config_uri, dates=dates, retain_uids=retain_uids
        )
        return self._launch(request, filter, everything=everything, options=options)

    def launch(
        self,
        request: Request,
        filter: FilterFile | None = None,  # noqa: A002 - the word that everybody uses
        *,
        everything: bool = False,
        options: StartOptions | None = None,
    ) -> Launched:
        """Start what a request asks for, which all other methods come down to.

        Args:
            request: Without a filter.
            filter: A filter file that narrows it.
            everything: The whole store instead; for an import, neither is given.
            options: How it is started.

        Raises:
            DicomFilterError: It was not started.
            StartUnclearError: Whether it was is not known.
        """
        return self.start(ask(self.name, request, filter, everything=everything, options=options))

    def start(self, asked: Asked) -> Launched:
        """Start what was asked and checked; see ``launch``."""
        options, kind = asked.options, kind_of(self.name)
        since = options.asked or now()
        kind.check(self.name, asked.call)
        call, handover = asked.call, None
        if (uri := asked.filter_uri) is not None:
            handover = kind.hand_over(uri, options.staging, options.manifest)
            handover = _told_by_build(handover, asked.filter)
            call = call.narrowed(handover.used.uri, handover.used.crc32c)
        used = handover.used if handover else None
        if kind.runs_here:
            started = start_here(
                self.edge,
                self.journal,
                call,
                used,
                watch=options.watch or bar(),
                purpose=options.purpose,
            )
        else:
            started = self._starter(options).start(
                call,
                used,
                again=options.again,
                is_heard=options.is_heard,
                asked=since,
                purpose=options.purpose,
            )
        operation = self._operation(
            started.state.name, call.request, handover, is_certain=started.is_certain
        )
        return Launched(operation, used, handover.notes if handover else (), started.notes)

    def _starter(self, options: StartOptions) -> Starter:
        return Starter(
            self.edge, self.journal, self.settle_s, self.sleep, sight=look, manner=options.manner
        )

    def heard(self, operation: Operation) -> None:
        """Note that an operation's name has reached whoever started it.

        Raises:
            DestinationError: The journal cannot be written.
        """
        entry = self.journal.find(operation.name)
        if entry is not None and not entry.is_heard:
            self.journal.add(entry.then(Event.HEARD, operation.name))

    def operation(self, name: str) -> Operation:
        """Take up an operation of the store's dataset that was started before.

        Args:
            name: In full, or its number.

        Returns:
            The operation; what the journal knows of its filter still holds.
        """
        full = self.name.operation(name)
        entry = self.journal.find(full)
        if entry is None or kind_of(self.name).runs_here:
            return self._operation(full, None, None)
        used = None
        if entry.filter_uri is not None:
            used = filter_of(entry)
        request = recalled(entry.verb, entry.place, entry.filter_uri, entry.mime_type)
        is_certain = entry.event is not Event.ADOPTED
        handover = Handover(used) if used else None
        return self._operation(full, request, handover, is_certain=is_certain)

    def describe(self, name: str) -> State:
        """Look at an operation.

        Raises:
            DicomFilterError: It cannot be looked at.
        """
        return self.edge.get(self.name.operation(name))

    def operations(self) -> OperationList:
        """List operations: what the service lists, or where that is refused the journal."""
        try:
            return OperationList(states=self.edge.operations().states)
        except RemotePermissionError as refused:
            parent = f"{self.name.parent}/"
            mine = (e for e in self.journal.submitted() if (e.operation or "").startswith(parent))
            return OperationList(entries=tuple(mine), refused=refused.message)

    def _launch(
        self,
        request: Request,
        filter: FilterFile | None,  # noqa: A002 - the word that everybody uses
        *,
        everything: bool,
        options: StartOptions | None,
    ) -> Operation:
        return self.launch(request, filter, everything=everything, options=options).operation

    def _operation(
        self,
        name: str,
        request: Request | None,
        handover: Handover | None,
        *,
        is_certain: bool = True,
    ) -> Operation:
        operation = Operation(
            name,
            self.edge,
            is_certain=is_certain,
            proof=partial(proved, self.journal, name),
            refusal=partial(_refusal, self.edge, request),
            noted=partial(note_end, self.journal, name),
        )
        if handover is None:
            return operation
        if kind_of(self.name).runs_here:  # each line of its filter was looked up
            return replace(operation, afterwards=handover.afterwards)
        used = handover.used
        # Frames may be counted as well as images, and how many there are is not known.
        in_frames = isinstance(request, ExportToGcs) and request.is_in_frames
        tripwire = Tripwire(used.covered) if used.covered is not None and not in_frames else None
        return replace(
            operation,
            tripwire=tripwire,
            expected=Expected(used.covered, used.lines, in_frames),
            afterwards=handover.afterwards,
        )


def open_store(
    name: str | PathLike[str] | None = None,
    *,
    dataset: str | None = None,
    location: str | None = None,
    project: str | None = None,
) -> Store:
    """Open a DICOM store.

    Args:
        name: In full, the last part of it, or a folder; None for what ``DICOMFILTER_STORE`` names.
        dataset: Its dataset, where the name is not in full.
        location: Its location, likewise.
        project: Its project, likewise; None for ``GOOGLE_CLOUD_PROJECT``.

    Returns:
        The store; nothing was sent yet.

    Raises:
        UsageError: The name is incomplete, or the client is not installed.
        RemotePermissionError: There are no credentials.
    """
    found = store_name(name, dataset=dataset, location=location, project=project)
    return _opened(found)


def _opened(name: AnyName) -> Store:
    return Store(kind_of(name).connect(name))


def _told_by_build(handover: Handover, filter_file: FilterFile | None) -> Handover:
    """Take what a build knows of its filter, where no manifest tells it."""
    used = handover.used
    if not isinstance(filter_file, FilterBuilt) or filter_file.written.crc32c != used.crc32c:
        return handover
    if used.covered is not None:
        return handover
    covered = filter_file.coverage.covered_instances
    return replace(handover, used=replace(used, covered=covered))


def _refusal(edge: DicomStore, request: Request | None, status: Status) -> DicomFilterError | None:
    return edge.refusal(status, request)


def open_operations(
    name: str | None = None,
    *,
    store: str | None = None,
    dataset: str | None = None,
    location: str | None = None,
    project: str | None = None,
) -> Store:
    """Open the store that operations are looked at through.

    Args:
        name: An operation, in full or by its number; None for no particular one.
        store: The store, where the name is not in full.
        dataset: Its dataset; enough by itself where operations are only looked at.
        location: Its location.
        project: Its project.

    Raises:
        UsageError: What is named does not lead to a dataset.
    """
    if name is not None and (folder := folder_of_operation(name)):
        return Store(FolderStore(folder))  # which may have gone
    if name is not None and "/" in name:
        parent = OperationName.parse(name).parent
        entry = Journal.of_user().find(name)
        return _opened(StoreName.parse(entry.store) if entry else StoreName(parent, _ANY))
    if store is None and dataset is not None:
        parent = DatasetName.of(dataset, location=location, project=default_project(project))
        return _opened(StoreName(parent, _ANY))
    return open_store(store, dataset=dataset, location=location, project=project)


_ANY = "-"  # a store that is not known: operations belong to its dataset
