"""``dicomfilter set-storage-class``: what images are stored as."""

from __future__ import annotations

from typing import Annotated

import typer

from dicomfilter.cli.options import Json, Quiet
from dicomfilter.cli.store_options import (
    STORE_HELP,
    CancelOnInterrupt,
    Dataset,
    Everything,
    Filter,
    Location,
    ManifestPath,
    NoWait,
    PrintRequest,
    Project,
    RetryStart,
    Staging,
    StartAgain,
    Starting,
    Timeout,
    Version,
    Where,
)
from dicomfilter.cli.waiting import launch
from dicomfilter.errors import UsageError
from dicomfilter.stores.requests import StorageClass


def set_storage_class(
    store: Annotated[
        str | None, typer.Argument(metavar="STORE", help=STORE_HELP, show_default=False)
    ] = None,
    storage_class: Annotated[
        str | None,
        typer.Argument(metavar="CLASS", help="STANDARD, NEARLINE, COLDLINE or ARCHIVE."),
    ] = None,
    filter_file: Filter = None,
    every: Everything = False,
    staging: Staging = None,
    manifest: ManifestPath = None,
    dataset: Dataset = None,
    location: Location = None,
    project: Project = None,
    no_wait: NoWait = False,
    timeout_s: Timeout = None,
    cancel_on_interrupt: CancelOnInterrupt = False,
    print_request: PrintRequest = False,
    api_version: Version = None,
    start_again: StartAgain = False,
    retry_start: RetryStart = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Change what images are stored as.

    Example: dicomfilter set-storage-class STORE ARCHIVE --filter gs://b/old.txt
    """
    if storage_class is None:  # DICOMFILTER_STORE names the store, and the class stands alone
        store, storage_class = None, store
    how = Starting(
        filter=filter_file,
        everything=every,
        staging=staging,
        manifest=manifest,
        no_wait=no_wait,
        timeout_s=timeout_s,
        cancel_on_interrupt=cancel_on_interrupt,
        print_request=print_request,
        api_version=api_version,
        again=start_again,
        retry=retry_start,
        as_json=as_json,
        quiet=quiet,
    )
    wanted = _class(storage_class)
    where = Where(store, dataset, location, project)
    return launch(where.name, where.kinds.set_storage_class(wanted), how)


def _class(text: str | None) -> StorageClass:
    names = ", ".join(StorageClass)
    if text is None or text.upper() not in StorageClass.__members__:
        raise UsageError(
            f"{text or 'nothing'} is not a storage class", hint=f"write one of {names}"
        )
    return StorageClass[text.upper()]
