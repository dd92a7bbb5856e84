"""A cohort as a small JSON text, to be reviewed, kept and opened again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dicomfilter.cohorts.select import among, read_statement
from dicomfilter.cohorts.selection import Clause, Selection
from dicomfilter.errors import ManifestError, ParameterError
from dicomfilter.googlesql import to_googlesql
from dicomfilter.googlesql.query import METADATA
from dicomfilter.googlesql.types.parameters import CURRENT_DATE, Origin, Parameter
from dicomfilter.named import named
from dicomfilter.schema import SqlType
from dicomfilter.storage import open_storage
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.schema import TableSchema

VERSION = 1


def to_json(
    selection: Selection,
    names: Sequence[str],
    others: Mapping[str, str],
    *,
    record_values: bool,
) -> str:
    """Write a selection; values stand in it only where they are asked for.

    Args:
        selection: The rows.
        names: The names that together make the table.
        others: Further tables: what SELECTs call them, and their URIs.
        record_values: Whether values of parameters are written too.
    """
    document = {
        "cohort_version": VERSION,
        "dicomfilter": __version__,
        "tables_named": list(names),
        "tables": dict(others),
        "all_versions": selection.all_versions,
        "predicates": [to_googlesql(c.tree) for c in selection.clauses if not c.statement],
        "statements": [to_googlesql(c.statement.checked) for c in selection.clauses if c.statement],
        "required": sorted({name for c in selection.clauses for name in c.required}),
        "parameters": [_entry(p, record_values=record_values) for p in selection.parameters],
    }
    return json.dumps(document, indent=2) + "\n"


def _entry(parameter: Parameter, *, record_values: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": parameter.name, "type": str(parameter.type)}
    if parameter.origin is not Origin.CLOCK and (record_values or parameter.is_public):
        entry["value"] = str(parameter).split(":", 2)[2]
        entry["public"] = parameter.is_public
    return entry


def parse(text: str, source: str) -> dict[str, Any]:
    """Read the document.

    Raises:
        ManifestError: It is no cohort, or of a later form.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{source} is not JSON", hint="name a file of Cohort.save") from error
    shape = {"tables_named": list, "tables": dict, "all_versions": bool, "predicates": list}
    shape |= {"statements": list, "parameters": list}
    if not isinstance(document, dict) or document.get("cohort_version") != VERSION:
        raise ManifestError(f"{source} is not a cohort of form {VERSION}", hint="save it again")
    for name, kind in shape.items():
        if not isinstance(document.get(name), kind):
            raise ManifestError(f"{source} has no {name}", hint="save the cohort again")
    return document


def restore(
    document: Mapping[str, Any],
    tables: Mapping[str, TableSchema],
    given: Mapping[str, object],
) -> Selection:
    """Make the selection again.

    Args:
        document: As ``parse`` gave it.
        tables: The columns of each table that it may name.
        given: Values of parameters by name: those that were not recorded, or others than those.

    Raises:
        ParameterError: A value is missing, or of no parameter, or of another type.
        PredicateError: The table has not what a predicate reads.
    """
    parameters = tuple(_filled(document["parameters"], given))
    selection = Selection(tables[METADATA], all_versions=document["all_versions"])
    for sql in document["predicates"]:
        selection = selection.where(sql, parameters=parameters)
    for sql in document["statements"]:
        statement = read_statement(
            sql, tables, parameters=parameters, all_versions=selection.all_versions
        )
        selection = among(selection, statement)
    required = tuple(document.get("required", ()))
    if not required:
        return selection
    clauses = tuple(
        replace(c, required=tuple(n for n in required if n in c.columns and _is_share(c)))
        for c in selection.clauses
    )
    return replace(selection, clauses=clauses)


def _is_share(clause: Clause) -> bool:
    from sqlglot import exp

    return any(
        node.name.upper() == "SHA256" for node in clause.tree.find_all(exp.Anonymous, exp.SHA2)
    )


def _filled(entries: list[dict[str, Any]], given: Mapping[str, object]) -> list[Parameter]:
    names = {entry["name"] for entry in entries}
    if unknown := sorted(set(given) - names):
        raise ParameterError(f"the cohort has no parameter @{unknown[0]}")
    found = []
    for entry in entries:
        name, kind = entry["name"], SqlType.parse(entry["type"])
        if name == CURRENT_DATE:
            continue  # the date of the run comes with the run
        if name in given:
            own = Parameter.of(name, given[name])
            if own.type != kind:
                raise ParameterError(f"@{name} is {kind} in the cohort, not {own.type}")
            found.append(own)
        elif "value" in entry:
            read = Parameter.parse(f"{name}:{kind}:{entry['value']}")
            found.append(replace(read, is_public=bool(entry.get("public"))))
        else:
            raise ParameterError(
                f"the cohort does not record the value of @{name} ({kind})",
                hint=f"give it by name: load_cohort(…, {name}=…)",
            )
    return found


def save(
    engine: Engine,
    selection: Selection,
    path: str | PathLike[str],
    *,
    record_values: bool,
    overwrite: bool,
) -> None:
    """Write a selection of an engine's table; see ``Cohort.save``."""
    uri = named(path)
    storage = open_storage(uri)
    storage.check_destination(uri, overwrite=overwrite, inputs=engine.paths)
    names = engine.fingerprint().names or (engine.uri,)
    text = to_json(selection, names, engine.others, record_values=record_values)
    with storage.writer(uri, overwrite=overwrite, private=True) as writer:
        writer.write(text.encode())


def read(path: str | PathLike[str]) -> dict[str, Any]:
    """Read the document of a file.

    Raises:
        ManifestError: It is no cohort, or of a later form.
    """
    uri = named(path)
    with open_storage(uri).reader(uri) as file:
        return parse(file.read().decode("utf-8", "replace"), uri)
