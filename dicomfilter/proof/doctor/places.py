"""Checks of where an export goes and what it reads: buckets, prefixes, tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.errors import TableNotFoundError
from dicomfilter.proof.doctor.checks import Check, Status, tried
from dicomfilter.storage.gcs import buckets
from dicomfilter.stores.healthcare import resources
from dicomfilter.stores.healthcare.grants import bucket_grant

if TYPE_CHECKING:
    from dicomfilter.stores.healthcare.store import HealthcareStore

_WRITER = "roles/storage.objectAdmin"
_WRITING = {_WRITER, "roles/storage.admin"}
_PROJECT_WIDE = {"allUsers", "allAuthenticatedUsers"}


def of_bucket(uri: str, store: HealthcareStore | None) -> list[Check]:
    """Check a bucket and a prefix in it.

    Args:
        uri: ``gs://bucket/folder/``, where images are to go.
        store: The store that they come from, whose service agent writes them.
    """
    checks = [
        tried("bucket.settings", "buckets.get", partial(_settings, uri)),
        tried("caller.bucket", "buckets.testIamPermissions", partial(_caller, uri)),
        tried("prefix.empty", "objects.list", partial(_prefix, uri)),
    ]
    if store is not None:
        look = partial(_agent, uri, store)
        checks.append(tried("agent.bucket.write", "buckets.getIamPolicy", look))
    return checks


def of_table(uri: str) -> list[Check]:
    """Check a table of BigQuery."""
    return [
        tried("table.there", "tables.get", partial(_table, uri)),
        tried("caller.table", "tables.testIamPermissions, a dry run", partial(_reader, uri)),
    ]


def _settings(uri: str) -> Check:
    found = buckets.describe_bucket(uri)
    place = f"gs://{found.get('name')} in {found.get('location')}"
    failing, warning = [], []
    if found.get("retentionPolicy") or found.get("defaultEventBasedHold"):
        warning.append("keeps what is there, so a second export to one prefix fails")
    if (found.get("billing") or {}).get("requesterPays"):
        failing.append("has requester pays, and the service agent names no project")
    if (found.get("ipFilter") or {}).get("mode") == "Enabled":
        warning.append("has an IP filter")
    if (found.get("encryption") or {}).get("defaultKmsKeyName"):
        warning.append("has a key of your own, which Cloud Storage's agent must be able to use")
    uniform = (found.get("iamConfiguration") or {}).get("uniformBucketLevelAccess") or {}
    if not uniform.get("enabled"):
        warning.append("has no uniform access, so that objects may have rules of their own")
    status = Status.FAIL if failing else Status.WARN if warning else Status.PASS
    return Check("", status, "; ".join([place, *failing, *warning]), "", on=uri)


def _caller(uri: str) -> Check:
    wanted = ("storage.objects.list", "storage.objects.get")
    held = buckets.granted_on_bucket(uri, wanted)
    lacking = ", ".join(each for each in wanted if each not in held)
    if not lacking:
        return Check("", Status.PASS, "you may list and read what arrives", "", who="caller")
    return Check("", Status.WARN, f"you lack {lacking}, so verify cannot look", "", lacking, uri)


def _prefix(uri: str) -> Check:
    if buckets.is_taken(uri):
        seen = f"{uri} holds objects already; what stays of them, verify calls left over"
        return Check("", Status.WARN, seen, "", on=uri, fix=("choose a fresh prefix",))
    return Check("", Status.PASS, f"{uri} is empty", "", on=uri)


def _agent(uri: str, store: HealthcareStore) -> Check:
    """Look for the service agent in a bucket's policy, which can prove a yes and never a no."""
    grant = bucket_grant(uri, _WRITER, store.name)
    number = resources.project_number(store)
    agent = f"service-{number}@gcp-sa-healthcare.iam.gserviceaccount.com"
    roles = {
        binding["role"]
        for binding in buckets.bucket_bindings(uri)
        if not binding.get("condition")
        and ({f"serviceAccount:{agent}"} | _PROJECT_WIDE) & set(binding.get("members") or ())
    }
    if number is not None and roles & _WRITING:
        seen = f"{agent} has {', '.join(sorted(roles & _WRITING))}"
        return Check("", Status.PASS, seen, "", _WRITER, grant.resource, "agent")
    who = agent if number is not None else "the service agent, whose number is not known,"
    seen = f"{who} is not seen to have {_WRITER}; a group or the project may give it"
    return Check("", Status.UNKNOWN, seen, "", _WRITER, grant.resource, "agent", (grant.line,))


def _table(uri: str) -> Check:
    from dicomfilter.engines.bigquery.described import describe_dataset, describe_table

    try:
        state = describe_table(uri)
    except TableNotFoundError:
        return Check("", Status.FAIL, f"there is no {uri}, or you may not see it", "", on=uri)
    if state.expires is not None:
        return Check("", Status.WARN, f"{uri} is removed at {state.expires.isoformat()}", "")
    found = describe_dataset(uri)
    if found.default_life is not None:
        seen = f"{uri} in {found.location}; new tables there are removed after {found.default_life}"
        return Check("", Status.WARN, seen, "", on=uri)
    return Check("", Status.PASS, f"{uri} is there, in {found.location}", "", on=uri)


def _reader(uri: str) -> Check:
    from dicomfilter.engines.bigquery.described import granted_on_table, try_job

    wanted = ("bigquery.tables.get", "bigquery.tables.getData")
    held = granted_on_table(uri, wanted)
    lacking = ", ".join(each for each in wanted if each not in held)
    if lacking:
        return Check("", Status.FAIL, f"you lack {lacking}", "", lacking, uri, "caller")
    try_job(uri)
    return Check("", Status.PASS, "you may read it and run queries", "", on=uri, who="caller")
