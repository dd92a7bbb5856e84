"""The kinds of store: the Healthcare API's, and folders; see ``StoreKind``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.dicom.extras import demand_pydicom
from dicomfilter.errors import DestinationError, SourceNotFoundError, UsageError
from dicomfilter.filters.transfer import hand_over, planned, staging_folder, take_up
from dicomfilter.named import named
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores import requests
from dicomfilter.stores.folder import VERSION, FolderStore
from dicomfilter.stores.folder import requests as of_folders
from dicomfilter.stores.folder.names import FolderName
from dicomfilter.stores.healthcare.discovery import prepare
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.protocol import Call

if TYPE_CHECKING:
    from os import PathLike

    from dicomfilter.filters.transfer import Handover
    from dicomfilter.stores.protocol import AnyName, DicomStore, StoreKind
    from dicomfilter.stores.requests import Request


def kind_of(name: AnyName) -> StoreKind:
    """Tell of which kind a store is; nothing else asks for that."""
    return Folder() if isinstance(name, FolderName) else Healthcare()


class Healthcare:
    """The kind of store that the Cloud Healthcare API has; see ``StoreKind``."""

    requests = requests.KINDS
    runs_here = False

    def beside(self, store: StoreName, other: AnyName | str | PathLike[str]) -> StoreName:
        """Name a store of the same location, in full or of the same dataset.

        Raises:
            UsageError: They are the same, or in two locations.
        """
        text = other if isinstance(other, StoreName) else named(str(other))
        if not isinstance(text, StoreName):
            if text.startswith(("/", ".")):
                raise UsageError(
                    f"{text} is on this machine, and {store} is not",
                    hint="name a store of its location",
                )
            text = StoreName.parse(text) if "/" in text else StoreName(store.parent, text)
        if text == store:
            raise UsageError(f"{store} is the source itself", hint="name another destination store")
        if text.parent.location != store.parent.location:
            raise UsageError(
                f"{text} is not in {store.parent.location}, where the source is",
                hint="name a destination store of the same location",
            )
        return text

    def prepare(self, store: StoreName, request: Request, version: str | None) -> Call:
        """Compare a request with the discovery document."""
        return prepare(store, request, version)

    def connect(self, store: StoreName) -> DicomStore:
        """Open the store.

        Raises:
            UsageError: The client is not installed.
            RemotePermissionError: There are no credentials.
        """
        from dicomfilter.stores.healthcare.store import HealthcareStore

        return HealthcareStore.connect(store)

    def check(self, store: StoreName, call: Call) -> None:  # noqa: ARG002 - the Protocol's
        """Stop at a bucket that is not there: the service would say so only once it runs.

        Raises:
            DestinationError: That an export would write to.
            SourceNotFoundError: That an import would read from.
        """
        from dicomfilter.storage.gcs.objects import GcsStorage

        if isinstance(call.request, requests.ExportToGcs):
            GcsStorage().check_bucket(call.request.place, missing=DestinationError)
        elif isinstance(call.request, requests.ImportFromGcs):
            GcsStorage().check_bucket(call.request.place, missing=SourceNotFoundError)

    def named_place(self, filter_uri: str, staging: str | None) -> str:
        """Tell where a filter will be, without the name that its content gives it."""
        return (
            filter_uri if is_cloud(filter_uri) else f"{staging_folder(filter_uri, staging)}filter"
        )

    def planned_place(self, filter_uri: str, staging: str | None) -> str:
        """Tell where a filter will be, by its content."""
        return planned(filter_uri, staging=staging)

    def hand_over(self, filter_uri: str, staging: str | None, manifest: str | None) -> Handover:
        """Put a filter into Cloud Storage, unless it is there."""
        return hand_over(filter_uri, staging=staging, manifest=manifest)


class Folder:
    """The kind of store that is a folder; see ``StoreKind``."""

    requests = of_folders.KINDS
    runs_here = True

    def beside(self, store: FolderName, other: AnyName | str | PathLike[str]) -> FolderName:
        """Name another folder; see ``beside_folder``."""
        return of_folders.beside_folder(
            store, other if isinstance(other, FolderName) else named(str(other))
        )

    def prepare(self, store: FolderName, request: Request, version: str | None) -> Call:  # noqa: ARG002 - the Protocol's
        """Make a call: requests check themselves."""
        url = f"{Path(store.path).as_uri()}:{request.verb}"
        return Call(store, request, VERSION, url, operation=store.new_operation())

    def connect(self, store: FolderName) -> FolderStore:
        """Open the folder.

        Raises:
            SourceNotFoundError: There is none.
            UsageError: It is a file.
        """
        store.check()
        return FolderStore(store)

    def check(self, store: FolderName, call: Call) -> None:
        """Find out whether the folder, and where it writes to, can be used.

        Raises:
            UsageError: What is asked cannot be done here.
            DestinationError: Nothing can be written there.
        """
        demand_pydicom()
        FolderStore(store).check(call.request)

    def named_place(self, filter_uri: str, staging: str | None) -> str:  # noqa: ARG002 - the Protocol's
        """Tell where a filter will be: where it is."""
        return filter_uri

    planned_place = named_place

    def hand_over(self, filter_uri: str, staging: str | None, manifest: str | None) -> Handover:  # noqa: ARG002 - the Protocol's
        """Look a filter through where it lies."""
        return take_up(filter_uri, manifest=manifest)
