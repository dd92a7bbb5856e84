"""Who needs which role on what, and the gcloud lines that grant it.

Source:
    Cloud Healthcare API documentation, "Access control" and "Permissions to other Google Cloud
    products"; discovery document, schemas of the requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.stores.uris import GcsPlace

if TYPE_CHECKING:
    from dicomfilter.stores.healthcare.names import DatasetName, StoreName

_CALLER_ROLES = {
    "export": ("healthcare.dicomStores.export", "roles/healthcare.dicomViewer"),
    "import": ("healthcare.dicomStores.import", "roles/healthcare.dicomEditor"),
    "setBlobStorageSettings": (
        "healthcare.dicomStores.dicomWebWrite",
        "roles/healthcare.dicomEditor",
    ),
    "deidentify": ("healthcare.dicomStores.deidentify", "roles/healthcare.dicomEditor"),
    "describe": ("healthcare.dicomStores.get", "roles/healthcare.dicomStoreViewer"),
    "describe-dataset": ("healthcare.datasets.get", "roles/healthcare.datasetViewer"),
    "describe-project": ("resourcemanager.projects.get", "roles/browser"),
    "describe-policy": ("resourcemanager.projects.getIamPolicy", "roles/iam.securityReviewer"),
    "metrics": ("healthcare.dicomStores.dicomWebRead", "roles/healthcare.dicomViewer"),
    "get": ("healthcare.operations.get", "roles/healthcare.dicomViewer"),
    "list": ("healthcare.operations.list", "roles/healthcare.datasetAdmin"),
    "cancel": ("healthcare.operations.cancel", "roles/healthcare.dicomEditor"),
}
_AGENT = re.compile(r"service-[0-9]+@gcp-sa-healthcare[\w.-]*\.iam\.gserviceaccount\.com")


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that the service agent of a store's project needs.

    Args:
        agent: The service agent; its project's number may be for the shell to find.
        role: The role.
        resource: On what, as a person names it.
        command: The start of the gcloud line that grants it.
    """

    agent: str
    role: str
    resource: str
    command: str

    @property
    def line(self) -> str:
        """The gcloud line."""
        return f'{self.command} --member="serviceAccount:{self.agent}" --role={self.role}'


def service_agent(store: StoreName) -> str:
    """Name the service account that reads and writes for a store.

    Args:
        store: The store; the agent is that of its project, whatever it reads or writes.

    Returns:
        Its address. Where the store is named by its project's ID, the number in it is left for
        the shell to look up.
    """
    number = store.project
    if not number.isdecimal():
        number = f"$(gcloud projects describe {number} --format='value(projectNumber)')"
    return f"service-{number}@gcp-sa-healthcare.iam.gserviceaccount.com"


def named_agent(said: str) -> str | None:
    """Find a service agent that a message names."""
    found = _AGENT.search(said)
    return found[0] if found else None


def bucket_grant(uri: str, role: str, store: StoreName) -> Grant:
    """Say what the agent needs on the bucket of a URI."""
    bucket = f"gs://{GcsPlace.parse(uri).bucket}"
    command = f"gcloud storage buckets add-iam-policy-binding {bucket}"
    return Grant(service_agent(store), role, bucket, command)


def project_grant(project: str, role: str, store: StoreName) -> Grant:
    """Say what the agent needs in a project, which may not be the store's own."""
    command = f"gcloud projects add-iam-policy-binding {project}"
    return Grant(service_agent(store), role, f"project {project}", command)


def caller_needs(verb: str) -> tuple[str, str]:
    """Tell the permission that a caller needs, and the smallest role that holds it.

    >>> caller_needs("cancel")
    ('healthcare.operations.cancel', 'roles/healthcare.dicomEditor')
    """
    return _CALLER_ROLES[verb]


def caller_line(role: str, dataset: DatasetName) -> str:
    """Write the gcloud line that grants a caller a role.

    Args:
        role: The role.
        dataset: Where: operations cannot be read with a role on a store alone.
    """
    return (
        f"gcloud healthcare datasets add-iam-policy-binding {dataset.dataset} "
        f"--location={dataset.location} --project={dataset.project} --member=user:YOU --role={role}"
    )
