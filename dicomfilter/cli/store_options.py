"""The options that commands about DICOM stores share, spelled as in gcloud."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from dicomfilter.cli.options import Json, Quiet
from dicomfilter.stores.healthcare.discovery import ApiVersion

if TYPE_CHECKING:
    from collections.abc import Callable

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
    str | None,
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
Purpose = Annotated[
    str | None,
    typer.Option(
        "--purpose",
        metavar="TEXT",
        help="Why, for the record of what left; no name of a patient.",
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
    """The options that tell which store is meant.

    Args:
        store: Its name, in full or not; None for what the environment names.
        dataset: Its dataset.
        location: Its location.
        project: Its project.
    """

    store: StoreArgument
    dataset: Dataset = None
    location: Location = None
    project: Project = None

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
class WhereIfAny(Where):
    """The same where the store may be left out: operations belong to its dataset."""

    store: StoreOption = None


@dataclass(frozen=True, slots=True)
class Starting:
    """The options that tell how an operation is started and waited for.

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
        purpose: Why it is started.
        as_json: One JSON object on standard output.
        quiet: Nothing but results and errors.
    """

    filter: Filter = None
    everything: Everything = False
    staging: Staging = None
    manifest: ManifestPath = None
    no_wait: NoWait = False
    timeout_s: Timeout = None
    cancel_on_interrupt: CancelOnInterrupt = False
    print_request: PrintRequest = False
    api_version: Version = None
    again: StartAgain = False
    retry: RetryStart = False
    purpose: Purpose = None
    as_json: Json = False
    quiet: Quiet = False


def with_options(*without: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command the options of ``Where`` and ``Starting`` as these values.

    Args:
        *without: Fields that are no options of this command.
    """

    def expand(command: Callable[..., int]) -> Callable[..., int]:
        parameters: list[Parameter] = []
        groups: dict[str, Any] = {}
        for parameter in signature(command, eval_str=True).parameters.values():
            if not is_dataclass(parameter.annotation):
                parameters.append(parameter)
                continue
            groups[parameter.name] = parameter.annotation
            hints = get_type_hints(parameter.annotation, include_extras=True)
            for field in fields(parameter.annotation):
                if field.name in without:
                    continue
                default = Parameter.empty if field.default is MISSING else field.default
                made = Parameter(
                    field.name,
                    Parameter.KEYWORD_ONLY,
                    default=default,
                    annotation=hints[field.name],
                )
                parameters.insert(0 if default is Parameter.empty else len(parameters), made)

        @wraps(command)
        def run(**given: Any) -> int:  # noqa: ANN401 - what typer has read
            values = {}
            for name, group in groups.items():
                own = {field.name for field in fields(group)} & given.keys() - without
                values[name] = group(**{field: given.pop(field) for field in own})
            return command(**given, **values)

        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return expand
