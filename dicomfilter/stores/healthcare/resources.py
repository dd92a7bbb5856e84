"""What the service says of stores, datasets, projects and permissions."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import RemoteError
from dicomfilter.stores.healthcare.discovery import other_endpoint
from dicomfilter.stores.healthcare.refusals import Asked, explain, failures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dicomfilter.stores.healthcare.store import HealthcareStore
    from dicomfilter.stores.healthcare.wire import Answer

PROJECTS = "https://cloudresourcemanager.googleapis.com"
PROJECTS_VARIABLE = "DICOMFILTER_RESOURCE_MANAGER_ENDPOINT"
"""URL of another server that speaks the Resource Manager API; it is sent no credentials."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How much a store says that it holds, which it hears of with a delay.

    Args:
        studies: Studies.
        series: Series.
        instances: Instances.
    """

    studies: int
    series: int
    instances: int


def described(store: HealthcareStore) -> Answer:
    """Look at a store: where it streams to, among others.

    Raises:
        DicomFilterError: It cannot be looked at.
    """
    name = str(store.name)
    asked = Asked("describe", name, store.name)
    return store.ask(asked, lambda datasets: datasets.dicomStores().get(name=name))


def dataset(store: HealthcareStore) -> Answer:
    """Look at a store's dataset: under which key it is, among others.

    Raises:
        DicomFilterError: It cannot be looked at.
    """
    name = str(store.name.parent)
    asked = Asked("describe-dataset", name, store.name)
    return store.ask(asked, lambda datasets: datasets.get(name=name))


def metrics(store: HealthcareStore) -> Metrics:
    """Ask how much a store holds.

    Raises:
        DicomFilterError: It cannot be asked, or does not say.
    """
    name = str(store.name)
    asked = Asked("describe", name, store.name)
    body = store.ask(
        asked, lambda datasets: datasets.dicomStores().getDICOMStoreMetrics(name=name)
    ).body
    numbers = [body.get(f"{what}Count") for what in ("study", "series", "instance")]
    try:
        return Metrics(*(int(number) for number in numbers if number is not None))
    except (TypeError, ValueError) as error:
        raise RemoteError(f"the metrics of {name} are incomplete", hint="ask again") from error


def granted(
    store: HealthcareStore, permissions: Iterable[str], *, of_dataset: bool = False
) -> frozenset[str]:
    """Tell which permissions the caller holds on a store, or on its dataset.

    What is not there answers with none, so look at it first.

    Raises:
        DicomFilterError: It cannot be asked.
    """
    name = str(store.name.parent if of_dataset else store.name)
    body = {"permissions": list(permissions)}

    def make(datasets: Any) -> Any:  # noqa: ANN401 - the client publishes no types
        asked = datasets if of_dataset else datasets.dicomStores()
        return asked.testIamPermissions(resource=name, body=body)

    answer = store.ask(Asked("describe", name, store.name), make).body
    return frozenset(answer.get("permissions") or ())


def project_number(store: HealthcareStore) -> str | None:
    """Find the number of a store's project, which names its service agent.

    Returns:
        The number; None where nobody is there to be asked.

    Raises:
        DicomFilterError: It is not told.
    """
    project = store.name.project
    if project.isdecimal():
        return project
    found = _of_project(store, "describe-project", project, "")
    number = str((found or {}).get("name", "")).removeprefix("projects/")
    return number if number.isdecimal() else None


def project_bindings(store: HealthcareStore, project: str) -> tuple[Mapping[str, Any], ...]:
    """Read who has which role in a project; none where nobody can be asked.

    Raises:
        DicomFilterError: It may not be read.
    """
    body = json.dumps({"options": {"requestedPolicyVersion": 3}}).encode()
    found = _of_project(store, "describe-policy", project, ":getIamPolicy", body)
    return tuple((found or {}).get("bindings") or ())


def _of_project(
    store: HealthcareStore, verb: str, project: str, method: str, body: bytes | None = None
) -> Mapping[str, Any] | None:
    """Ask the Resource Manager; None where nobody is there to be asked."""
    endpoint = os.environ.get(PROJECTS_VARIABLE, "").rstrip("/")
    if not endpoint and other_endpoint() is not None:
        return None
    asked = Asked(verb, f"project {project}", store.name)
    try:
        url = f"{endpoint or PROJECTS}/v3/projects/{project}{method}"
        found: Mapping[str, Any] = json.loads(store.wire.fetch(url, body))
    except failures() as error:
        raise explain(error, asked) from error
    return found
