"""The discovery document of Google's client: where calls go, what they may say.

The client does not compare a body with the document, and a misspelt ``filterConfig`` would export
a whole store.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import UsageError
from dicomfilter.named import Choice
from dicomfilter.stores.protocol import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.requests import Request

ENDPOINT = "https://healthcare.googleapis.com"
SERVICE = "healthcare"
ENDPOINT_VARIABLE = "DICOMFILTER_HEALTHCARE_ENDPOINT"
"""URL of another server that speaks the Healthcare API; it is sent no credentials."""
NOT_INSTALLED = "Google's API client is not installed"
INSTALL = "install it with `pip install 'dicomfilter[cloud]'`"


class ApiVersion(Choice):
    """The versions of the Healthcare API."""

    V1 = "v1"
    V1BETA1 = "v1beta1"

    @classmethod
    def fit_for(cls, request: Request) -> ApiVersion:
        """Choose the version: v1 takes the filter of an export only since September 2026."""
        return cls.V1 if request.filter_uri is None else cls.V1BETA1


def parameter(version: str, verb: str) -> str:
    """Tell what a method calls the store: ``name``, ``resource`` or ``sourceStore``."""
    return str(_method(ApiVersion(version), verb)["parameterOrder"][0])


def prepare(store: StoreName, request: Request, version: str | None = None) -> Call:
    """Make a call and compare its body with the discovery document.

    Args:
        store: The store that it is for.
        request: What is asked.
        version: Of the API; None to choose.

    Returns:
        The call, not sent.

    Raises:
        UsageError: This version of the API, as the installed client knows it, has no such field
            or value; or the environment names an endpoint that is no URL.
    """
    version = ApiVersion(version) if version else ApiVersion.fit_for(request)
    body = request.body()
    schema = _method(version, request.verb)["request"]["$ref"]
    for wrong in _differences(document(version)["schemas"], {"$ref": schema}, body, ""):
        other = next(v for v in ApiVersion if v is not version)
        raise UsageError(
            f"{version} of the Healthcare API, as the installed client knows it: {wrong}",
            hint=f"try --api-version {other}, or `pip install -U google-api-python-client`",
        )
    path = _method(version, request.verb)["path"]
    name = parameter(version, request.verb)
    url = f"{other_endpoint() or ENDPOINT}/{path}".replace(f"{{+{name}}}", str(store))
    return Call(store, request, version, url)


def other_endpoint() -> str | None:
    """Tell the URL of the server that the environment names, if any.

    Raises:
        UsageError: It is none.
    """
    endpoint = os.environ.get(ENDPOINT_VARIABLE, "").rstrip("/")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise UsageError(f"{ENDPOINT_VARIABLE}={endpoint} is no URL", hint="write http://HOST:PORT")
    return endpoint or None


@cache
def document(version: ApiVersion) -> dict[str, Any]:
    """Read the document of a version.

    Raises:
        UsageError: The client is not installed, or has none.
    """
    try:
        from googleapiclient.discovery_cache import get_static_doc
    except ImportError as error:
        raise UsageError(NOT_INSTALLED, hint=INSTALL) from error
    text = get_static_doc(SERVICE, str(version))
    if text is None:
        raise UsageError(
            f"the installed google-api-python-client knows no {version} of the Healthcare API",
            hint="run `pip install -U google-api-python-client`",
        )
    return dict(json.loads(text))


def _method(version: ApiVersion, verb: str) -> dict[str, Any]:
    node = document(version)
    for name in ("projects", "locations", "datasets", "dicomStores"):
        node = node["resources"][name]
    found = node["methods"].get(verb)
    if found is None:
        raise UsageError(
            f"the installed google-api-python-client knows no dicomStores.{verb} in {version}",
            hint="run `pip install -U google-api-python-client`",
        )
    return dict(found)


def _differences(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], value: object, path: str
) -> Iterator[str]:
    """Say where a value is not what its schema allows."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type")
    if kind == "object" and isinstance(value, dict):
        fields, more = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            inside = f"{path}.{name}".removeprefix(".")
            if (field := fields.get(name, more)) is None:
                yield f"there is no field {inside}"
            else:
                yield from _differences(schemas, field, inner, inside)
    elif kind == "array" and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _differences(schemas, schema["items"], inner, f"{path}[{number}]")
    elif not _is(kind, schema.get("format"), value):
        yield f"{path or 'the body'} is {json.dumps(value)}, not of type {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {json.dumps(value)}, not one of {', '.join(schema['enum'])}"


def _is(kind: str | None, form: str | None, value: object) -> bool:
    match kind:
        case "string" if form in {"int64", "uint64"}:
            return isinstance(value, str | int) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return kind == "any"
