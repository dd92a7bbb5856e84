"""What tests ask of the server, under ``/_test``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.localcloud.healthcare_server.stores import Store, instances_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localcloud.healthcare_server.methods import Api


def _set(api: Api, body: dict[str, Any]) -> Any:
    api.settings.set(**body)
    return {}


def _assume(api: Api, body: dict[str, Any]) -> Any:
    api.settings.assume(**body)
    return {}


def _reset(api: Api, _body: dict[str, Any]) -> Any:
    for name in list(api.operations.by_name):
        api.operations.cancel(name)
    api.settings.reset()
    return {}


def _add(api: Api, body: dict[str, Any]) -> Any:
    """Make a store unless it is there, and fill it from a folder."""
    store = api.stores.by_name.setdefault(body["store"], Store(body["store"]))
    added = [store.add(each) for folder in body["folders"] for each in instances_of(Path(folder))]
    return {"added": sum(added)}


def _remove(api: Api, body: dict[str, Any]) -> Any:
    for uid in body["instances"]:
        api.stores.get(body["store"]).remove(uid)
    return {}


def _instances(api: Api, body: dict[str, Any]) -> Any:
    store = api.stores.get(body["store"])
    return {
        "instances": [
            [*uids, instance.storage_class, instance.size_bytes]
            for uids, instance in sorted(store.instances.items())
        ]
    }


def _operations(api: Api, _body: dict[str, Any]) -> Any:
    every = [each.described(api.settings) for each in api.operations.by_name.values()]
    return {"operations": every}


def _services(api: Api, body: dict[str, Any]) -> Any:
    api.storage_url = body.get("storage", api.storage_url)
    api.bigquery_url = body.get("bigquery", api.bigquery_url)
    return {}


CONTROLS: dict[str, Callable[[Api, dict[str, Any]], Any]] = {
    "set": _set,
    "assume": _assume,
    "reset": _reset,
    "add": _add,
    "remove": _remove,
    "instances": _instances,
    "operations": _operations,
    "services": _services,
}
