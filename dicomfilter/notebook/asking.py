"""What is asked of a store, before anything is sent."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import UsageError
from dicomfilter.filters.build import FilterBuilt
from dicomfilter.named import named
from dicomfilter.operations.resolving import Manner
from dicomfilter.storage import open_storage
from dicomfilter.stores.folder.names import FolderName, is_folder
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.requests import narrowed, takes_filter
from dicomfilter.stores.store_kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from dicomfilter.stores.healthcare.discovery import ApiVersion
    from dicomfilter.stores.protocol import AnyName, Call
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import Watch

    FilterFile = FilterBuilt | str | PathLike[str]

STORE_VARIABLE = "DICOMFILTER_STORE"


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How an operation is started.

    Args:
        staging: The folder in Cloud Storage that a local filter file is put into.
        manifest: Where the filter's manifest is, if not beside it.
        api_version: Of the Healthcare API; None to choose.
        again: Start even though an earlier start of the same may have succeeded.
        retry: Start once more where the answer was lost, no operation came of it, and twice would
            do no lasting harm.
        timeout_s: The longest wait for an operation whose answer was lost, in seconds; None for
            as long as it takes to be sure.
        no_wait: Whether nobody waits for its end: then none is taken for it that may be another's.
        is_heard: Whether its name has reached whoever asked once it is there; else
            ``Store.heard`` says so, and until then the same start finds it again.
        line: The command that starts it in spite of an earlier start, for hints.
        told: Is told what is waited for before it is there.
        asked: When a person asked for it, ISO 8601 in UTC; None for when it is launched. What
            another process starts later is what was asked for here too.
        watch: Is told how an operation on a folder stands while it runs, which is before it is
            there to be waited for; None for a bar on a terminal or in a notebook.
        purpose: Why it is started, for the journal.
    """

    staging: str | None = None
    manifest: str | None = None
    api_version: ApiVersion | None = None
    again: bool = False
    retry: bool = False
    timeout_s: float | None = None
    no_wait: bool = False
    is_heard: bool = True
    line: str | None = None
    told: Callable[[str], None] | None = None
    asked: str | None = None
    watch: Watch | None = None
    purpose: str | None = None

    @property
    def manner(self) -> Manner:
        """How an unclear start is dealt with."""
        patience_s = 0.0 if self.no_wait else self.timeout_s
        manner = Manner(patience_s, not self.no_wait, self.retry, self.line)
        if self.timeout_s is not None:
            manner = replace(manner, lock_s=self.timeout_s)
        return replace(manner, told=self.told) if self.told else manner


def store_name(
    name: str | PathLike[str] | None = None,
    *,
    dataset: str | None = None,
    location: str | None = None,
    project: str | None = None,
) -> AnyName:
    """Find out which store is meant; see ``open_store``."""
    name = named(name or os.environ.get(STORE_VARIABLE, ""))
    if not name:
        raise UsageError("no STORE is named", hint=f"name one, or set {STORE_VARIABLE}")
    if is_folder(name) and ("/" in name or not any((dataset, location, project))):
        if any((dataset, location, project)):
            raise UsageError(
                f"{name} is a folder, and has no dataset, location or project",
                hint="drop --dataset, --location and --project",
            )
        return FolderName.parse(name)
    if "/" not in name:
        project = default_project(project)
    return StoreName.of(name, dataset=dataset, location=location, project=project)


def default_project(project: str | None) -> str | None:
    """Give a project, or the one that the environment names."""
    return project or os.environ.get("GOOGLE_CLOUD_PROJECT")


def beside(store: AnyName, other: AnyName | str | PathLike[str]) -> AnyName:
    """Name a store that works together with another.

    Args:
        store: The one.
        other: The other, in full, or by its own name in the same dataset.

    Raises:
        UsageError: They are the same, or in two places that do not go together.
    """
    return kind_of(store).beside(store, other)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a store, checked once, before anything is sent.

    Args:
        call: The call; its filter stands where it will be, as far as that is known.
        filter: The filter file, as it is named; None for the whole store, and for an import.
        options: How it is started.
    """

    call: Call
    filter: FilterFile | None
    options: StartOptions

    @property
    def filter_uri(self) -> str | None:
        """The filter file's place."""
        if self.filter is None:
            return None
        return self.filter.uri if isinstance(self.filter, FilterBuilt) else os.fspath(self.filter)

    def planned(self) -> Call:
        """Make the call as it would be sent; a local filter is read for that."""
        uri = self.filter_uri
        if uri is None:
            return self.call
        place = kind_of(self.call.store).planned_place(uri, self.options.staging)
        return self.call.narrowed(place)


def ask(
    store: AnyName,
    request: Request,
    filter: FilterFile | None = None,  # noqa: A002 - the word that everybody uses
    *,
    everything: bool = False,
    options: StartOptions | None = None,
) -> Asked:
    """Find out what can be known to be wrong before anything is read or sent.

    Args:
        store: Of whom; needs no credentials.
        request: What, without a filter.
        filter: A filter file that narrows it.
        everything: The whole store instead; for an import, neither is given.
        options: How it is started.

    Raises:
        UsageError: It cannot be asked for like that.
    """
    options, kind = options or StartOptions(), kind_of(store)
    uri = wanted(request, filter, everything=everything)
    place = None if uri is None else kind.named_place(uri, options.staging)
    call = kind.prepare(store, narrowed(request, place), options.api_version)
    return Asked(call, None if uri is None else filter, options)


def wanted(request: Request, filter: FilterFile | None, *, everything: bool) -> str | None:  # noqa: A002 - the word that everybody uses
    """Find the filter; a whole store is never taken by accident.

    Args:
        request: What is asked.
        filter: A filter file.
        everything: Whether the whole store was asked for.

    Returns:
        The filter file as it is named; None for the whole store, and for an import.

    Raises:
        UsageError: Neither a filter nor everything is asked for, or both.
    """
    if not takes_filter(request):
        if filter is not None or everything:
            raise UsageError(f"{request.verb} takes no filter", hint="drop it")
        return None
    if filter is None:
        if not everything:
            raise UsageError(
                "no filter is named", hint="name one with --filter, or the whole store with --all"
            )
        return None
    if everything:
        raise UsageError("a filter and the whole store are asked for", hint="drop one of the two")
    return filter.uri if isinstance(filter, FilterBuilt) else os.fspath(filter)


def read_config(uri: str) -> dict[str, Any]:
    """Read a ``DeidentifyConfig`` from a file of JSON.

    Raises:
        SourceError: It cannot be read.
        UsageError: It is no JSON object.
    """
    with open_storage(uri).reader(uri) as file:
        data = file.read()
    try:
        found = json.loads(data)
    except ValueError as error:
        raise UsageError(f"{uri} is not JSON: {error}", hint="put it right") from error
    if not isinstance(found, dict):
        raise UsageError(f"{uri} holds no JSON object", hint="write a DeidentifyConfig")
    return found
