"""The options that commands about DICOM stores share, spelled as in gcloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.stores.healthcare.discovery import ApiVersion

if TYPE_CHECKING:
    from dicomfilter.stores.protocol import AnyName
    from dicomfilter.stores.requests import Kinds

_STORE = "Store"
FILTER = "Filter"
"""The group of options about the filter."""
_WAITING = "Waiting"
_REQUEST = "Request"
STORE_HELP = (
    "projects/P/locations/L/datasets/D/dicomStores/S, S with the options below, or a folder."
)

StoreArgument = Annotated[
    str,
    typer.Argument(
        metavar="STORE", help=STORE_HELP, envvar="DICOMFILTER_STORE", show_default=False
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="STORE",
        help=STORE_HELP,
        envvar="DICOMFILTER_STORE",
        rich_help_panel=_STORE,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option("--dataset", metavar="D", help="The store's dataset.", rich_help_panel=_STORE),
]
Location = Annotated[
    str | None,
    typer.Option("--location", metavar="L", help="The dataset's location.", rich_help_panel=_STORE),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="P",
        help="The dataset's project; GOOGLE_CLOUD_PROJECT by default.",
        rich_help_panel=_STORE,
    ),
]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        "--filter-config-gcs-uri",
        metavar="F",
        help="A filter file: gs://BUCKET/OBJECT, or a local one, to the cloud with --staging.",
        rich_help_panel=FILTER,
    ),
]
Everything = Annotated[
    bool,
    typer.Option("--all", help="The whole store; must be asked for.", rich_help_panel=FILTER),
]
Staging = Annotated[
    str | None,
    typer.Option(
        "--staging",
        metavar="gs://BUCKET/FOLDER/",
        help="Where a local filter is put.",
        rich_help_panel=FILTER,
    ),
]
ManifestPath = Annotated[
    str | None,
    typer.Option(
        "--manifest",
        metavar="PATH",
        help="The filter's manifest elsewhere.",
        rich_help_panel=FILTER,
    ),
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--async", help="The operation's name at once, and no waiting.", rich_help_panel=_WAITING
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout-s",
        metavar="N",
        min=0,
        help="The longest wait; the operation goes on.",
        rich_help_panel=_WAITING,
    ),
]
CancelOnInterrupt = Annotated[
    bool,
    typer.Option(
        "--cancel-on-interrupt",
        help="Cancellation on Ctrl-C, which otherwise leaves it running.",
        rich_help_panel=_WAITING,
    ),
]
PrintRequest = Annotated[
    bool,
    typer.Option(
        "--print-request", help="URL and body, and nothing sent.", rich_help_panel=_REQUEST
    ),
]
Version = Annotated[
    ApiVersion | None,
    typer.Option(
        "--api-version",
        help="Of the Healthcare API; v1beta1 with a filter by default.",
        rich_help_panel=_REQUEST,
    ),
]
StartAgain = Annotated[
    bool,
    typer.Option(
        "--start-again",
        help="A start although an earlier one may have succeeded unheard.",
        rich_help_panel=_REQUEST,
    ),
]
RetryStart = Annotated[
    bool,
    typer.Option(
        "--retry-start",
        help="A second start, once, where the first came to nothing and twice does no harm.",
        rich_help_panel=_REQUEST,
    ),
]


@dataclass(frozen=True, slots=True)
class Where:
    """Which store is meant.

    Args:
        store: Its name, in full or not; None for what the environment names.
        dataset: Its dataset.
        location: Its location.
        project: Its project.
    """

    store: str | None
    dataset: str | None = None
    location: str | None = None
    project: str | None = None

    @property
    def name(self) -> AnyName:
        """The store's full name.

        Raises:
            UsageError: The parts do not make one.
        """
        from dicomfilter.notebook.asking import store_name

        return store_name(
            self.store, dataset=self.dataset, location=self.location, project=self.project
        )

    @property
    def kinds(self) -> Kinds:
        """The requests that the store takes."""
        from dicomfilter.stores.store_kinds import kind_of

        return kind_of(self.name).requests


@dataclass(frozen=True, slots=True)
class Starting:
    """How an operation is started and waited for.

    Args:
        filter: The filter file.
        everything: The whole store instead.
        staging: Where a local filter is put.
        manifest: Its manifest elsewhere.
        no_wait: Name the operation and return.
        timeout_s: The longest wait.
        cancel_on_interrupt: Cancel it on Ctrl-C.
        print_request: Show it and send nothing.
        api_version: Of the Healthcare API.
        again: In spite of an earlier start.
        retry: Once more where a start came to nothing.
        as_json: One JSON object on standard output.
        quiet: Nothing but results and errors.
    """

    filter: str | None = None
    everything: bool = False
    staging: str | None = None
    manifest: str | None = None
    no_wait: bool = False
    timeout_s: float | None = None
    cancel_on_interrupt: bool = False
    print_request: bool = False
    api_version: ApiVersion | None = None
    again: bool = False
    retry: bool = False
    as_json: bool = False
    quiet: bool = False
