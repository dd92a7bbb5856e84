"""The methods of the API that are answered; every other is refused as unimplemented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.localcloud.healthcare_server.discovery import Document, Method, unknown_field
from tests.localcloud.healthcare_server.exports import Mover
from tests.localcloud.healthcare_server.objects import Objects
from tests.localcloud.healthcare_server.operations import Operations, Work
from tests.localcloud.healthcare_server.refusals import (
    DENIED,
    INVALID,
    NOT_FOUND,
    PRECONDITION,
    UNIMPLEMENTED,
    RefusedError,
)
from tests.localcloud.healthcare_server.stores import STRUCTURED_SIZE_BYTES, Instance, Store, Stores
from tests.localcloud.healthcare_server.switches import CALLER, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_STUDIES_AT_MOST = 5000
NEEDED = {
    "datasets.get": "healthcare.datasets.get",
    "datasets.getIamPolicy": "healthcare.datasets.getIamPolicy",
    "datasets.operations.get": "healthcare.operations.get",
    "datasets.operations.list": "healthcare.operations.list",
    "datasets.operations.cancel": "healthcare.operations.cancel",
    "get": "healthcare.dicomStores.get",
    "getIamPolicy": "healthcare.dicomStores.getIamPolicy",
    "getDICOMStoreMetrics": "healthcare.dicomStores.get",
    "dicomWeb.studies.getStudyMetrics": "healthcare.dicomStores.dicomWebRead",
    "dicomWeb.studies.series.getSeriesMetrics": "healthcare.dicomStores.dicomWebRead",
    "dicomWeb.studies.series.instances.getStorageInfo": "healthcare.dicomStores.dicomWebRead",
    "export": "healthcare.dicomStores.export",
    "import": "healthcare.dicomStores.import",
    "deidentify": "healthcare.dicomStores.deidentify",
    "setBlobStorageSettings": "healthcare.dicomStores.dicomWebWrite",
}
"""The permission that a caller needs for a method."""


@dataclass(frozen=True)
class Call:
    """A call of a method, checked."""

    method: Method
    document: Document
    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    @property
    def location(self) -> str:
        """The location that it names."""
        return "projects/{projectsId}/locations/{locationsId}".format(**self.path)

    @property
    def dataset(self) -> str:
        """The dataset that it names."""
        return f"{self.location}/datasets/{self.path['datasetsId']}"

    @property
    def store(self) -> str:
        """The store that it names."""
        return f"{self.dataset}/dicomStores/{self.path['dicomStoresId']}"

    def page(self, values: list[Any], name: str, size: int, at_most: int = 1000) -> dict[str, Any]:
        """Give a page of a list."""
        at = int(self.query.get("pageToken") or 0)
        size = min(at_most, int(self.query.get("pageSize") or size))
        page = {name: values[at : at + size]} if values[at : at + size] else {}
        return {**page, "nextPageToken": str(at + size)} if at + size < len(values) else page


class Api:
    """Answers calls."""

    def __init__(self, storage_url: str) -> None:
        self.settings = Settings()
        self.stores = Stores()
        self.operations = Operations(self.settings)
        self.storage_url, self.bigquery_url = storage_url, ""
        self._methods: dict[str, Callable[[Call], Any]] = {
            "datasets.testIamPermissions": self._test_permissions,
            "datasets.getIamPolicy": self._policy,
            "testIamPermissions": self._test_permissions,
            "getIamPolicy": self._policy,
            "datasets.get": self._dataset,
            "datasets.list": self._datasets,
            "datasets.operations.get": self._operation,
            "datasets.operations.list": self._list_operations,
            "datasets.operations.cancel": self._cancel,
            "get": self._store,
            "list": self._list_stores,
            "create": self._create,
            "getDICOMStoreMetrics": self._metrics,
            "searchForStudies": self._search,
            "export": self._export,
            "import": self._import,
            "deidentify": self._deidentify,
            "setBlobStorageSettings": self._set_class,
            "dicomWeb.studies.setBlobStorageSettings": self._set_class,
            "dicomWeb.studies.getStudyMetrics": self._study_metrics,
            "dicomWeb.studies.series.getSeriesMetrics": self._study_metrics,
            "dicomWeb.studies.series.instances.getStorageInfo": self._storage_info,
        }

    def answer(self, call: Call) -> Any:
        """Answer a call with what becomes JSON.

        Raises:
            RefusedError: It is refused.
        """
        name, switches = call.method.name, self.settings.switches
        if switches.disabled:
            words = (
                "Cloud Healthcare API has not been used in project demo before or it is disabled."
            )
            raise RefusedError(DENIED, words, "SERVICE_DISABLED")
        if (needed := NEEDED.get(name)) in switches.denied:
            raise RefusedError(
                DENIED, f"Permission {needed} denied on resource (or it may not exist)."
            )
        if name not in self._methods:
            raise RefusedError(UNIMPLEMENTED, f"{name} is not implemented here.")
        return self._methods[name](call)

    @property
    def _mover(self) -> Mover:
        return Mover(self.settings, Objects(self.storage_url), self.bigquery_url)

    def _dataset(self, call: Call) -> Any:
        if call.dataset not in self.stores.datasets():
            raise RefusedError(NOT_FOUND, f"dataset not found: {call.dataset}.")
        return {"name": call.dataset, **self.settings.switches.details.get(call.dataset, {})}

    def _resource(self, call: Call) -> str:
        """Name the store or dataset that a call is about."""
        return call.store if "dicomStoresId" in call.path else call.dataset

    def _test_permissions(self, call: Call) -> Any:
        """Tell which permissions the caller holds; of what is not there none, and no error."""
        held, asked = self._resource(call), call.body.get("permissions", [])
        opens = self.settings.assumptions.permissions_fail_open
        if held not in self.stores.by_name and held not in self.stores.datasets() and not opens:
            return {}
        found = [each for each in asked if opens or each not in self.settings.switches.denied]
        return {"permissions": found} if found else {}

    def _policy(self, call: Call) -> Any:
        bindings = self.settings.switches.policies.get(self._resource(call), [])
        return {"version": 1, "etag": "BwY=", **({"bindings": list(bindings)} if bindings else {})}

    def _datasets(self, call: Call) -> Any:
        names = [name for name in self.stores.datasets() if name.startswith(call.location + "/")]
        return call.page([{"name": name} for name in names], "datasets", 100)

    def _operation(self, call: Call) -> Any:
        self._refuse(self.settings.switches.refuse_get)
        name = f"{call.dataset}/operations/{call.path['operationsId']}"
        return self.operations.get(name).described(self.settings)

    def _cancel(self, call: Call) -> Any:
        self._refuse(self.settings.switches.refuse_cancel)
        self.operations.cancel(f"{call.dataset}/operations/{call.path['operationsId']}")
        return {}

    def _list_operations(self, call: Call) -> Any:
        self._refuse(self.settings.switches.refuse_list)
        if call.query.get("filter") and self.settings.assumptions.list_filter == "refused":
            raise RefusedError(INVALID, "invalid filter")
        listed = self.operations.listed(call.dataset)
        if self.settings.assumptions.newest_first:
            listed.reverse()
        most = self.settings.switches.page_at_most
        every = [each.described(self.settings) for each in listed]
        return call.page(every, "operations", 20, most)

    def _store(self, call: Call) -> Any:
        name = self.stores.get(call.store).name
        return {"name": name, **self.settings.switches.details.get(name, {})}

    def _list_stores(self, call: Call) -> Any:
        self._dataset(call)
        names = sorted(n for n in self.stores.by_name if n.startswith(call.dataset + "/"))
        return call.page([{"name": name} for name in names], "dicomStores", 100)

    def _create(self, call: Call) -> Any:
        if not call.query.get("dicomStoreId"):
            raise RefusedError(INVALID, "dicom_store_id is required")
        name = f"{call.dataset}/dicomStores/{call.query['dicomStoreId']}"
        return {"name": self.stores.create(name).name}

    def _metrics(self, call: Call) -> Any:
        store = self.stores.get(call.store)
        return {"name": store.name, **_measured(self._measurable(store))}

    def _measurable(self, store: Store) -> list[Instance]:
        """List the instances that metrics have heard of."""
        lag_s = self.settings.switches.metrics_lag_s
        if not lag_s:
            return list(store.instances.values())
        return store.as_of(datetime.now(UTC) - timedelta(seconds=lag_s))

    def _study_metrics(self, call: Call) -> Any:
        names = ("studiesId", "seriesId")
        wanted = tuple(call.path[name] for name in names if name in call.path)
        store = self.stores.get(call.store)
        found = [i for i in self._measurable(store) if i.uids[: len(wanted)] == wanted]
        if not found:
            raise RefusedError(NOT_FOUND, "no such resource in the DICOM store")
        measured = _measured(found)
        kind = "series" if len(wanted) == 2 else "study"
        del measured["studyCount"]
        if kind == "series":
            del measured["seriesCount"]
        path = "/".join(f"{n.removesuffix('Id')}/{u}" for n, u in zip(names, wanted, strict=False))
        return {kind: f"{store.name}/dicomWeb/{path}", **measured}

    def _storage_info(self, call: Call) -> Any:
        uids = (call.path["studiesId"], call.path["seriesId"], call.path["instancesId"])
        store = self.stores.get(call.store)
        if uids not in store.instances:
            raise RefusedError(NOT_FOUND, "no such instance in the DICOM store")
        instance = store.instances[uids]
        path = "dicomWeb/studies/{}/series/{}/instances/{}".format(*uids)
        return {
            "referencedResource": f"{store.name}/{path}",
            "blobStorageInfo": {
                "sizeBytes": str(instance.size_bytes),
                "storageClass": instance.storage_class,
            },
            "structuredStorageInfo": {"sizeBytes": str(STRUCTURED_SIZE_BYTES)},
        }

    def _search(self, call: Call) -> Any:
        limit, offset = int(call.query.get("limit", 100)), int(call.query.get("offset", 0))
        if limit > _STUDIES_AT_MOST:
            raise RefusedError(INVALID, f"limit must not exceed {_STUDIES_AT_MOST}")
        first: dict[str, Instance] = {}
        for uids, instance in sorted(self.stores.get(call.store).instances.items()):
            first.setdefault(uids[0], instance)
        found = []
        for study, instance in first.items():
            of = {
                "StudyInstanceUID": study,
                "PatientID": str(instance.dataset.get("PatientID", "")),
            }
            if all(call.query.get(name, value) == value for name, value in of.items()):
                tags = {"0020000D": ("UI", study), "00100020": ("LO", of["PatientID"])}
                found.append({t: {"vr": vr, "Value": [v]} for t, (vr, v) in tags.items()})
        return found[offset : offset + limit]

    def _export(self, call: Call) -> Any:
        lacks = call.method.version == "v1" and not self.settings.switches.v1_has_filter
        if lacks and "filterConfig" in call.body:
            raise RefusedError(INVALID, unknown_field("filterConfig"))
        return self._started(call, lambda store: self._mover.export(store, call.body))

    def _import(self, call: Call) -> Any:
        return self._started(call, lambda store: self._mover.import_(store, call.body))

    def _set_class(self, call: Call) -> Any:
        study = call.path.get("studiesId")
        return self._started(call, lambda store: self._mover.set_class(store, call.body, study))

    def _deidentify(self, call: Call) -> Any:
        if not call.body.get("destinationStore"):
            raise RefusedError(INVALID, "destination_store is required")

        def work(store: Store) -> Work:
            target = self.stores.get(call.body["destinationStore"])
            if target is store:
                raise RefusedError(INVALID, "the destination is the source")
            if target.name.split("/")[:4] != store.name.split("/")[:4]:
                raise RefusedError(PRECONDITION, "the stores must be in the same location")
            return self._mover.deidentify(store, target, call.body, call.document)

        return self._started(call, work)

    def _started(self, call: Call, plan: Callable[[Store], Work]) -> Any:
        switches = self.settings.switches
        self._refuse(switches.refuse_start, switches.refuse_start_message)
        store = self.stores.get(call.store)
        return self.operations.start(store.dataset, call.method.version, plan(store))

    @staticmethod
    def _refuse(code: int, message: str = CALLER) -> None:
        if code:
            raise RefusedError(code, message)


def _measured(instances: Iterable[Instance]) -> dict[str, str]:
    every = list(instances)
    numbers = {
        "studyCount": len({each.uids[0] for each in every}),
        "seriesCount": len({each.uids[:2] for each in every}),
        "instanceCount": len(every),
        "structuredStorageSizeBytes": STRUCTURED_SIZE_BYTES * len(every),
        "blobStorageSizeBytes": sum(each.size_bytes for each in every),
    }
    return {name: str(number) for name, number in numbers.items()}
