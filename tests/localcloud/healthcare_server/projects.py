"""The little that is asked of other APIs: projects, their policies, and what a principal may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.localcloud.healthcare_server.refusals import DENIED, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localcloud.healthcare_server.methods import Api

_UNSEEN = "The caller does not have permission"


def _project(api: Api, path: dict[str, str], _body: dict[str, Any]) -> Any:
    """Tell a project's number; what is not there and what may not be seen look the same."""
    switches = api.settings.switches
    number = switches.projects.get(path["project"])
    if number is None or "resourcemanager.projects.get" in switches.denied:
        raise RefusedError(DENIED, _UNSEEN)
    return {"name": f"projects/{number}", "projectId": path["project"], "state": "ACTIVE"}


def _policy(api: Api, path: dict[str, str], _body: dict[str, Any]) -> Any:
    switches = api.settings.switches
    if "resourcemanager.projects.getIamPolicy" in switches.denied:
        raise RefusedError(DENIED, _UNSEEN)
    bindings = switches.policies.get(f"projects/{path['project']}", [])
    return {"version": 1, "etag": "BwY=", "bindings": list(bindings)}


OTHERS: tuple[tuple[str, str, Callable[[Api, dict[str, str], dict[str, Any]], Any]], ...] = (
    ("GET", "/v3/projects/{project}", _project),
    ("POST", "/v3/projects/{project}:getIamPolicy", _policy),
)
