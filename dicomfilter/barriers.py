"""What Google answers 403 to beside a role that is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Barrier:
    """Something that no role lifts.

    Args:
        reason: Google's short word for it.
        words: A pattern of what it says.
        told: What is in the way; ``{service}`` is who refuses.
        hint: What to do; ``{project}`` is whose service it is.
    """

    reason: str
    words: str
    told: str
    hint: str


_BARRIERS = (
    Barrier(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        r"insufficient authentication scopes|insufficient_scope",
        "the credentials were made without the scope that {service} needs",
        "log in with `gcloud auth application-default login`; on a virtual machine, have its "
        "access scopes set to cloud-platform",
    ),
    Barrier(
        "SECURITY_POLICY_VIOLATED",
        r"vpcServiceControls|VPC Service Controls|prohibited by organization's policy",
        "a service perimeter (VPC Service Controls) keeps you out of {service}",
        "give the identifier in the message to an administrator of the organization, or work from "
        "within the perimeter",
    ),
    Barrier(
        "SERVICE_DISABLED",
        r"has not been used in project|API (?:is|has been) disabled|it is disabled",
        "the API of {service} is not enabled",
        "ask an owner of the project that the message names to enable it",
    ),
    Barrier(
        "BILLING_DISABLED",
        r"billing (?:is|has been|to be) (?:disabled|enabled)",
        "{service} wants a project with billing",
        "enable billing for {project}",
    ),
    Barrier(
        "USER_PROJECT_DENIED",
        r"(?!)",
        "you may not use the project that the quota of {service} is taken from",
        "name another: `gcloud auth application-default set-quota-project PROJECT`",
    ),
)


ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser",
    "bigquery.tables.create": "roles/bigquery.dataEditor",
    "bigquery.tables.delete": "roles/bigquery.dataEditor",
    "bigquery.tables.get": "roles/bigquery.dataViewer",
    "bigquery.tables.getData": "roles/bigquery.dataViewer",
    "bigquery.tables.updateData": "roles/bigquery.dataEditor",
    "serviceusage.services.use": "roles/serviceusage.serviceUsageConsumer",
    "storage.objects.create": "roles/storage.objectUser",
    "storage.objects.delete": "roles/storage.objectUser",
    "storage.objects.get": "roles/storage.objectViewer",
    "storage.objects.list": "roles/storage.objectViewer",
}
"""The smallest role that holds a permission."""


def barred(service: str, said: str, why: str, project: str) -> tuple[str, str] | None:
    """Recognise a refusal that no role would lift.

    Args:
        service: Who refuses.
        said: What it says.
        why: Its short reason, such as ``SERVICE_DISABLED``.
        project: Whose service it is.

    Returns:
        What is in the way, and what to do about it; None where a role may be missing.

    >>> barred("X", "Request had insufficient authentication scopes.", "", "p")[0]
    'the credentials were made without the scope that X needs'
    """
    for barrier in _BARRIERS:
        if why == barrier.reason or re.search(barrier.words, said, re.IGNORECASE):
            told = barrier.told.format(service=service)
            return told, barrier.hint.format(project=project)
    return None
