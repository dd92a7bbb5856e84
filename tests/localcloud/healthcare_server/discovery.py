"""The methods of the API and the form of their requests, from Google's discovery documents."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import googleapiclient

from tests.localcloud.healthcare_server.refusals import INVALID, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("v1", "v1beta1")
_TYPES = {
    "boolean": (bool, "TYPE_BOOL"),
    "integer": (int, "TYPE_INT32"),
    "number": ((int, float), "TYPE_DOUBLE"),
    "string": (str, "TYPE_STRING"),
}


@dataclass(frozen=True)
class Method:
    """One method of one version."""

    name: str
    """For example ``dicomStores.export``, without what stands before the dataset."""
    version: str
    verb: str
    path: str
    """With ``{projectsId}`` and the like."""
    request: str | None
    """The schema of its body."""
    parameters: frozenset[str]
    """What may stand in the query."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Order of routes: ``…:verb`` first, since an id would swallow it, then the longer path."""
        return ":" not in self.path.rpartition("/")[2], -len(self.path)


@dataclass(frozen=True)
class Document:
    """The discovery document of a version."""

    version: str
    whole: dict[str, Any]

    @classmethod
    def of(cls, version: str) -> Document:
        """Read the document that Google's client ships."""
        folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
        text = (folder / f"healthcare.{version}.json").read_text(encoding="utf-8")
        return cls(version, json.loads(text))

    def methods(self) -> list[Method]:
        """List the methods, in the order in which routes must be tried."""
        return sorted(self._walk(self.whole, ()), key=lambda method: method.rank)

    def _walk(self, resource: dict[str, Any], above: tuple[str, ...]) -> Iterator[Method]:
        shared = frozenset(self.whole["parameters"])
        for name, method in resource.get("methods", {}).items():
            whole = ".".join((*above, name))
            yield Method(
                whole.removeprefix("projects.locations.").removeprefix("datasets.dicomStores."),
                self.version,
                method["httpMethod"],
                "/" + method["flatPath"],
                method.get("request", {}).get("$ref"),
                shared | frozenset(method.get("parameters", {})),
            )
        for name, inner in resource.get("resources", {}).items():
            yield from self._walk(inner, (*above, name))

    def checked(self, schema: str, body: Any) -> Any:
        """Check a body as the front end of Google's APIs does.

        Args:
            schema: The name of its form.
            body: As it came.

        Returns:
            The body; fields that were spelt as in the protocol buffer are respelt as in JSON.

        Raises:
            RefusedError: Fields that nobody knows, values of the wrong type.
        """
        wrong: list[str] = []
        value = self._checked({"$ref": schema}, body, "", wrong)
        if wrong:
            raise RefusedError(INVALID, "\n".join(wrong))
        return value

    def _checked(self, form: dict[str, Any], value: Any, at: str, wrong: list[str]) -> Any:
        if "$ref" in form:
            form = self.whole["schemas"][form["$ref"]]
        kind = form.get("type")
        if value is None or kind == "any":
            return value
        if kind == "object":
            return self._fields(form, value, at, wrong)
        if kind == "array":
            values = value if isinstance(value, list) else [value]
            return [self._checked(form["items"], each, at, wrong) for each in values]
        expected, words = _TYPES[kind]
        if form.get("format") in ("int64", "uint64") and isinstance(value, int):
            return value
        fits = isinstance(value, expected) and not (kind == "integer" and isinstance(value, bool))
        if not fits or ("enum" in form and value not in form["enum"]):
            shown = words if "enum" not in form else "TYPE_ENUM"
            wrong.append(f"Invalid value at '{at}' ({shown}), {json.dumps(value)}")
        return value

    def _fields(self, form: dict[str, Any], value: Any, at: str, wrong: list[str]) -> Any:
        if not isinstance(value, dict):
            wrong.append(f"Invalid value at '{at}' (TYPE_MESSAGE), {json.dumps(value)}")
            return value
        known, others = form.get("properties", {}), form.get("additionalProperties")
        respelt = {snake(name): name for name in known}
        checked = {}
        for given, inner in value.items():
            name = respelt.get(given, given)
            inside = f"{at}.{snake(name)}" if at else snake(name)
            if name in known:
                checked[name] = self._checked(known[name], inner, inside, wrong)
            elif others is not None:
                checked[name] = self._checked(others, inner, inside, wrong)
            else:
                wrong.append(unknown_field(given, at))
        return checked


def unknown_field(name: str, at: str = "") -> str:
    """Say that nobody knows a field, in the API's words."""
    place = f" at '{at}'" if at else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'


def snake(name: str) -> str:
    """Spell a field as in the protocol buffer.

    >>> snake("resourcePathsGcsUri")
    'resource_paths_gcs_uri'
    """
    return re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name)
