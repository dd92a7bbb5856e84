"""Checks of a store of the service, and of what the caller may there."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.errors import RemotePermissionError
from dicomfilter.proof.doctor.checks import Check, Status, tried
from dicomfilter.stores.healthcare import resources
from dicomfilter.stores.healthcare.discovery import ApiVersion, document
from dicomfilter.stores.healthcare.grants import caller_line, caller_needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.stores.healthcare.store import HealthcareStore

_READ = "healthcare.dicomStores.dicomWebRead"
_ON_DATASET = (
    "healthcare.operations.get",
    "healthcare.operations.list",
    "healthcare.operations.cancel",
)
_ROLES = {
    "healthcare.operations.list": "roles/healthcare.datasetAdmin",
    "healthcare.operations.cancel": "roles/healthcare.dicomEditor",
}
_SKEW_S = 60
_MANY = 5


def of_store(store: HealthcareStore, verb: str | None) -> list[Check]:
    """Check a store.

    Args:
        store: The store.
        verb: The method that is about to be called; None for none that starts something.
    """
    there = tried("store.there", "dicomStores.get", partial(_there, store))
    checks = [there]
    needed = () if verb is None else (caller_needs(verb)[0],)
    for name, permissions, of_dataset in (
        ("caller.store", tuple(dict.fromkeys((*needed, _READ))), False),
        ("caller.operations", _ON_DATASET, True),
    ):
        if there.status is Status.FAIL:
            how = "testIamPermissions"
            checks.append(Check(name, Status.SKIPPED, "there is no such store", how))
            continue
        look = partial(_caller, store, permissions, verb, of_dataset=of_dataset)
        checks.append(tried(name, "testIamPermissions", look))
    checks.append(tried("local.clock", "the Date of an answer", partial(_clock, store)))
    checks.append(tried("api.version", "the discovery document", _version))
    checks.append(tried("operations.running", "operations.list", partial(_running, store)))
    return checks


def _there(store: HealthcareStore) -> Check:
    resources.described(store)
    seen = f"{store.name.store} is there, and its API is enabled"
    return Check("", Status.PASS, seen, "", on=str(store.name))


def _clock(store: HealthcareStore) -> Check:
    """Compare this machine's clock with the service's; no right is needed to be told the time."""
    try:
        date = resources.described(store).date
    except RemotePermissionError as refused:
        return Check("", Status.UNKNOWN, f"the store may not be looked at: {refused.message}", "")
    if date is None:
        return Check("", Status.UNKNOWN, "the service does not say what time it is", "")
    skew = abs((datetime.now(UTC) - date).total_seconds())
    if skew > _SKEW_S:
        seen = f"this machine's clock is {skew:,.0f} s away from the service's"
        return Check("", Status.WARN, seen, "", fix=("set the clock of this machine",))
    return Check("", Status.PASS, "this machine's clock is the service's", "")


def _caller(
    store: HealthcareStore, permissions: Sequence[str], verb: str | None, *, of_dataset: bool
) -> Check:
    held = resources.granted(store, permissions, of_dataset=of_dataset)
    lacking = [each for each in permissions if each not in held]
    on = str(store.name.parent if of_dataset else store.name)
    if not lacking:
        return Check("", Status.PASS, f"you hold {', '.join(permissions)}", "", on=on, who="caller")
    started = None if verb is None else caller_needs(verb)
    roles = _ROLES if started is None else {**_ROLES, started[0]: started[1]}
    lines = {
        caller_line(roles.get(each, "roles/healthcare.dicomViewer"), store.name.parent)
        for each in lacking
    }
    needed = {started and started[0], "healthcare.operations.get"} & set(lacking)
    status = Status.FAIL if needed else Status.WARN
    seen = f"you lack {', '.join(lacking)}"
    wanted = ", ".join(lacking)
    return Check("", status, seen, "", wanted, on, "caller", tuple(sorted(lines)))


def _version() -> Check:
    schemas = document(ApiVersion.V1)["schemas"]
    takes = "filterConfig" in schemas["ExportDicomDataRequest"]["properties"]
    seen = "v1beta1 is used with a filter; v1 of the installed client "
    return Check("", Status.PASS, seen + ("takes one too" if takes else "takes none"), "")


def _running(store: HealthcareStore) -> Check:
    running = sum(not state.done for state in store.operations().states)
    status = Status.WARN if running >= _MANY else Status.PASS
    return Check("", status, f"{running} operations of the dataset are running", "")
