"""Checks of what the service agent may, which reads and writes for a store.

Policies can prove a yes and never a no: a group, a folder or an organization may give a role, and
a rule may deny it. What is not seen is unknown; a probe alone tells.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import DicomFilterError
from dicomfilter.proof.doctor.checks import Check, Status, tried
from dicomfilter.storage.gcs import buckets
from dicomfilter.stores.healthcare import resources
from dicomfilter.stores.healthcare.grants import service_agent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dicomfilter.stores.healthcare.grants import Grant
    from dicomfilter.stores.healthcare.store import HealthcareStore

_IDS = {
    "roles/storage.objectAdmin": "agent.bucket.write",
    "roles/storage.objectViewer": "agent.bucket.read",
    "roles/bigquery.dataEditor": "agent.bigquery.edit",
    "roles/bigquery.jobUser": "agent.bigquery.jobs",
}
_GIVING = {
    "roles/storage.objectAdmin": {"roles/storage.objectAdmin", "roles/storage.admin"},
    "roles/storage.objectViewer": {
        "roles/storage.objectViewer",
        "roles/storage.objectUser",
        "roles/storage.objectAdmin",
        "roles/storage.admin",
    },
    "roles/bigquery.dataEditor": {
        "WRITER",
        "OWNER",
        "roles/bigquery.dataEditor",
        "roles/bigquery.dataOwner",
        "roles/bigquery.admin",
    },
    "roles/bigquery.jobUser": {
        "roles/bigquery.jobUser",
        "roles/bigquery.user",
        "roles/bigquery.admin",
    },
}
"""The roles that hold all that a role holds."""
_EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
_KEY = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def of_agent(
    store: HealthcareStore, grants: Iterable[Grant], table: str | None = None
) -> list[Check]:
    """Check each role that the service agent needs.

    Args:
        store: The store, whose project's agent it is.
        grants: The roles.
        table: The table of BigQuery that it is to write; None for none.
    """
    how = "getIamPolicy of the resource and of its project"
    number = cache(partial(_number, store))
    checks = [
        tried(_IDS[grant.role], how, partial(_agent, store, grant, table, number))
        for grant in grants
    ]
    return [*checks, tried("agent.kms", "datasets.get", partial(_key, store))]


def _number(store: HealthcareStore) -> str | None:
    """Ask for the number of a store's project, which names its agent; None where it is not told."""
    try:
        return resources.project_number(store)
    except DicomFilterError:
        return None


def _agent(
    store: HealthcareStore, grant: Grant, table: str | None, ask: Callable[[], str | None]
) -> Check:
    number = ask()
    unseen: list[str] = []
    line, who = grant.line, "the service agent, whose number is not known,"
    if number is not None:
        agent = f"service-{number}@gcp-sa-healthcare.iam.gserviceaccount.com"
        who = f"the service agent of project {number}"
        members = {f"serviceAccount:{agent}", *_EVERYBODY}
        looks = _of_bucket(store, grant) if grant.resource.startswith("gs://") else None
        for where, bindings in looks or _of_project(store, grant, table):
            if isinstance(bindings, DicomFilterError):
                unseen.append(where)
                continue
            roles = {str(b["role"]) for b in bindings if members & set(b.get("members") or ())}
            if held := sorted(roles & _GIVING[grant.role]):
                seen = f"{who} has {held[0]} on {where}"
                return Check("", Status.PASS, seen, "", grant.role, grant.resource, "agent")
        line = line.replace(grant.agent, agent)
    seen = f"{who} is not seen to have {grant.role}; a group or a folder may give it"
    if unseen:
        seen += f"; the policy of {' and '.join(unseen)} may not be read"
    return Check("", Status.UNKNOWN, seen, "", grant.role, grant.resource, "agent", (line,))


_Look = tuple[str, "Iterable[Mapping[str, Any]] | DicomFilterError"]


def _of_bucket(store: HealthcareStore, grant: Grant) -> Iterator[_Look]:
    """Read the policies of a bucket, and of the project that it is in."""
    uri = f"{grant.resource}/"
    try:
        yield grant.resource, _unconditional(buckets.bucket_bindings(uri))
    except DicomFilterError as error:
        yield grant.resource, error
    try:
        owner = str(buckets.describe_bucket(uri).get("projectNumber") or "0")
    except DicomFilterError as error:
        yield "its project", error
        return
    if owner != "0":
        yield _policy(store, owner)


def _of_project(store: HealthcareStore, grant: Grant, table: str | None) -> Iterator[_Look]:
    """Read who may do what with a dataset, and the policy of a project."""
    if table is not None and grant.role == "roles/bigquery.dataEditor":
        from dicomfilter.engines.bigquery.described import describe_dataset

        try:
            access = describe_dataset(table).access
        except DicomFilterError as error:
            yield "the dataset", error
        else:
            entries = [e for e in access if e.get("role") and e.get("userByEmail")]
            yield (
                "the dataset",
                [
                    {"role": e["role"], "members": [f"serviceAccount:{e['userByEmail']}"]}
                    for e in entries
                ],
            )
    yield _policy(store, grant.resource.removeprefix("project "))


def _policy(store: HealthcareStore, project: str) -> _Look:
    try:
        return f"project {project}", _unconditional(resources.project_bindings(store, project))
    except DicomFilterError as error:
        return f"project {project}", error


def _unconditional(bindings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [binding for binding in bindings if not binding.get("condition")]


def _key(store: HealthcareStore) -> Check:
    """Look under which key a dataset is."""
    parent = store.name.parent
    key = str((resources.dataset(store).body.get("encryptionSpec") or {}).get("kmsKeyName") or "")
    if not key:
        return Check("", Status.PASS, "the dataset has no key of your own", "", who="agent")
    parts = key.split("/")
    place = parts[3] if len(parts) > 3 else ""
    if place != parent.location:
        seen = f"{key} is in {place or 'no place'}, and its dataset in {parent.location}"
        return Check("", Status.FAIL, seen, "", on=key, who="agent")
    line = (
        f"gcloud kms keys add-iam-policy-binding {key} "
        f'--member="serviceAccount:{service_agent(store.name)}" --role={_KEY}'
    )
    seen = f"whether the service agent may use {key} cannot be seen from its dataset"
    return Check("", Status.UNKNOWN, seen, "", _KEY, key, "agent", (line,))
