"""Checks of a store of the service, and of what the caller may there."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.proof.doctor.checks import Check, Status, tried
from dicomfilter.stores.healthcare import resources
from dicomfilter.stores.healthcare.discovery import ApiVersion, document
from dicomfilter.stores.healthcare.grants import caller_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.stores.healthcare.store import HealthcareStore

_ON_STORE = ("healthcare.dicomStores.export", "healthcare.dicomStores.dicomWebRead")
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


def of_store(store: HealthcareStore) -> list[Check]:
    """Check a store."""
    there = tried("store.there", "dicomStores.get", partial(_there, store))
    checks = [there]
    for name, permissions, of_dataset in (
        ("caller.store", _ON_STORE, False),
        ("caller.operations", _ON_DATASET, True),
    ):
        if there.status is Status.FAIL:
            how = "testIamPermissions"
            checks.append(Check(name, Status.SKIPPED, "there is no such store", how))
            continue
        look = partial(_caller, store, permissions, of_dataset=of_dataset)
        checks.append(tried(name, "testIamPermissions", look))
    checks.append(tried("api.version", "the discovery document", _version))
    checks.append(tried("operations.running", "operations.list", partial(_running, store)))
    return checks


def _there(store: HealthcareStore) -> Check:
    answer = resources.described(store)
    skew = abs((datetime.now(UTC) - answer.date).total_seconds()) if answer.date else 0
    if skew > _SKEW_S:
        seen = f"{store.name} is there; this clock is {skew:,.0f} s away from the service's"
        return Check("", Status.WARN, seen, "", fix=("set the clock of this machine",))
    return Check("", Status.PASS, f"{store.name} is there, and its API is enabled", "")


def _caller(store: HealthcareStore, permissions: Sequence[str], *, of_dataset: bool) -> Check:
    held = resources.granted(store, permissions, of_dataset=of_dataset)
    lacking = [each for each in permissions if each not in held]
    on = str(store.name.parent if of_dataset else store.name)
    if not lacking:
        return Check("", Status.PASS, f"you hold {', '.join(permissions)}", "", on=on, who="caller")
    lines = {
        caller_line(_ROLES.get(each, "roles/healthcare.dicomViewer"), store.name.parent)
        for each in lacking
    }
    needed = {"healthcare.dicomStores.export", "healthcare.operations.get"} & set(lacking)
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
