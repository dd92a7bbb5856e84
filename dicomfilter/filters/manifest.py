"""The sidecar that says where a filter file came from and lets it be made again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.counts import Coverage, human_count
from dicomfilter.engines.protocol import Fingerprint
from dicomfilter.errors import ManifestError, ParameterError, UsageError
from dicomfilter.filters import sidecars
from dicomfilter.filters.authors import Author
from dicomfilter.googlesql.types.parameters import CURRENT_DATE, Origin, Parameter
from dicomfilter.paths import Level
from dicomfilter.schema import SqlType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 1
"""The form of the document; raised when a reader of an older form would misread it."""
SUFFIX = sidecars.SUFFIX
_UNKNOWN = Fingerprint("", None, None, None, "")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a filter file came from.

    Args:
        tool: The version of dicomfilter that wrote the filter.
        created: When, ISO 8601 in UTC.
        filter_uri: The filter file as it was named.
        predicates: The ANDed clauses in canonical GoogleSQL; values are parameters.
        parameters: What the clauses bind. A value is there only where it was to be recorded.
        recorded: Whether values were recorded.
        current_date: What CURRENT_DATE stood for, ISO 8601.
        all_versions: Whether superseded and deleted rows counted.
        level: The finest level of a line.
        compact: Whether whole studies and series were written as one line.
        skipped_bad_uids: Whether rows with unusable UIDs were left out.
        sql: The staging query in GoogleSQL.
        coverage: What the lines cover.
        size_bytes: Length of the filter file.
        crc32c: Its CRC32C, base64 as Cloud Storage writes it.
        sha256: Its SHA-256; None where the bytes did not pass through us.
        generation: Its version in Cloud Storage; None for a local file.
        table: The table's state.
        unmatched: How many identifiers of lists matched nothing.
        bytes_processed: Bytes that the scan read; None where the engine does not say.
        warnings: What the person was told.
        statements: The SELECTs that rows had to be among, in canonical GoogleSQL.
        others: Further tables: what these call them, and their URIs.
        derived: Of which filter files it was calculated, and how; None where it was built.
        author: Who made it, from where and why; of nobody where that was not recorded.
    """

    tool: str
    created: str
    filter_uri: str
    predicates: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    recorded: bool
    current_date: str
    all_versions: bool
    level: Level
    compact: bool
    skipped_bad_uids: bool
    sql: str
    coverage: Coverage
    size_bytes: int
    crc32c: str
    sha256: str | None
    generation: int | None = None
    table: Fingerprint = _UNKNOWN
    unmatched: int = 0
    bytes_processed: int | None = None
    warnings: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    others: dict[str, str] = field(default_factory=dict)
    derived: dict[str, Any] | None = None
    author: Author = field(default_factory=Author)

    def to_json(self) -> str:
        """Write the document.

        Returns:
            JSON, indented, ended by a newline. Values of parameters stand in it only where they
            were to be recorded.
        """
        document = {
            "manifest_version": VERSION,
            "dicomfilter": self.tool,
            "created": self.created,
            "author": self.author.to_dict(),
            "filter": {
                "uri": self.filter_uri,
                "size_bytes": self.size_bytes,
                "crc32c": self.crc32c,
                "sha256": self.sha256,
                "generation": self.generation,
            },
            "table": asdict(self.table),
            "selection": {
                "predicates": list(self.predicates),
                "statements": list(self.statements),
                "tables": self.others,
                "parameters": [self._parameter(p) for p in self.parameters],
                "current_date": self.current_date,
                "all_versions": self.all_versions,
                "level": str(self.level),
                "compact": self.compact,
                "skip_bad_uids": self.skipped_bad_uids,
            },
            "sql": self.sql,
            "counts": self.coverage.to_dict(),
            "unmatched_ids": self.unmatched,
            "bytes_processed": self.bytes_processed,
            "warnings": list(self.warnings),
        }
        return json.dumps(document, indent=2) + "\n"

    def _parameter(self, parameter: Parameter) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": parameter.name, "type": str(parameter.type)}
        if self.recorded or parameter.is_public or parameter.origin is Origin.CLOCK:
            entry["value"] = str(parameter).split(":", 2)[2]
        return entry

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the document.

        Args:
            text: What ``to_json`` wrote.

        Returns:
            The manifest; parameters whose value was not recorded have the value None.

        Raises:
            ManifestError: The text is no manifest, or of a later form.
        """
        try:
            document = json.loads(text)
            version = document["manifest_version"]
            if version != VERSION:
                raise ManifestError(
                    f"the manifest is of form {version}, and this version reads form {VERSION}",
                    hint="install the dicomfilter that wrote it, named under `dicomfilter` in it",
                )
            if "derived" in document:
                return cls._parse_derived(document)
            selection, file = document["selection"], document["filter"]
            return cls(
                tool=document["dicomfilter"],
                created=document["created"],
                filter_uri=file["uri"],
                table=_fingerprint(document["table"]),
                predicates=tuple(selection["predicates"]),
                parameters=tuple(_parameter(entry) for entry in selection["parameters"]),
                recorded=all("value" in entry for entry in selection["parameters"]),
                current_date=date.fromisoformat(selection["current_date"]).isoformat(),
                all_versions=selection["all_versions"],
                level={str(level): level for level in Level}[selection["level"]],
                compact=selection["compact"],
                skipped_bad_uids=selection["skip_bad_uids"],
                sql=document["sql"],
                coverage=Coverage(**document["counts"]),
                size_bytes=file["size_bytes"],
                crc32c=file["crc32c"],
                sha256=file["sha256"],
                generation=file.get("generation"),
                unmatched=document["unmatched_ids"],
                bytes_processed=document["bytes_processed"],
                warnings=tuple(document["warnings"]),
                statements=tuple(selection.get("statements", ())),
                others=dict(selection.get("tables", {})),
                author=Author.parse(document.get("author")),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, UsageError):
                raise
            raise ManifestError(
                "this is not a manifest of a filter file", hint="name a FILTER.manifest.json"
            ) from error

    @classmethod
    def _parse_derived(cls, document: dict[str, Any]) -> Self:
        """Read what is written of a filter that was calculated of others."""
        file, coverage = document["filter"], Coverage(**document["counts"])
        return cls(
            tool=document["dicomfilter"],
            created=document["created"],
            filter_uri=file["uri"],
            predicates=(),
            parameters=(),
            recorded=False,
            current_date=document["created"][:10],
            all_versions=False,
            level=Level.INSTANCE,
            compact=False,
            skipped_bad_uids=False,
            sql="",
            coverage=coverage,
            size_bytes=file["size_bytes"],
            crc32c=file["crc32c"],
            sha256=file["sha256"],
            generation=file.get("generation"),
            warnings=tuple(document["warnings"]),
            derived=dict(document["derived"]),
            author=Author.parse(document.get("author")),
        )

    def with_values(self, clause: str) -> str:
        """Write a canonical clause as it was asked, or say which value was not recorded."""
        values = {
            one.name: literal(str(one.type), str(one).split(":", 2)[2])
            for one in self.parameters
            if one.value is not None
        }
        return with_values(clause, values)

    def replayed(self, given: Sequence[Parameter]) -> tuple[Parameter, ...]:
        """Fill in what was not recorded.

        Args:
            given: Values by name, as from ``--param``.

        Returns:
            All parameters of the clauses, with values, but for the date of the run.

        Raises:
            ParameterError: A value is missing, of another type, or of no parameter here.
        """
        by_name = {p.name: p for p in given}
        if unknown := sorted(set(by_name) - {p.name for p in self.parameters}):
            raise ParameterError(f"the manifest has no parameter @{unknown[0]}")
        filled = []
        for own in self.parameters:
            other = by_name.get(own.name)
            if own.origin is Origin.CLOCK and other is None:
                continue  # the date of the run comes with the run
            if other is not None and other.type != own.type:
                raise ParameterError(f"@{own.name} is {own.type} in the manifest, not {other.type}")
            if other is None and own.origin is Origin.LITERAL:
                raise ParameterError(
                    f"the manifest does not record the value of @{own.name} ({own.type})",
                    hint=f"give it with --param {own.name}:{own.type}:VALUE",
                )
            filled.append(other or own)
        return tuple(filled)

    def changes(self, now: Manifest) -> tuple[str, ...]:
        """Say what a replay found other than the first run.

        Args:
            now: The manifest of the replay.

        Returns:
            Sentences; none where nothing that is recorded differs.
        """
        found = []
        if self.tool != now.tool:
            found.append(f"dicomfilter {self.tool} made it, this is {now.tool}")
        if self.table.uri != now.table.uri:
            found.append(f"table was {self.table.uri}, now {now.table.uri}")
        elif self.table.digest != now.table.digest:
            found.append(
                f"the table has changed: modified {self.table.modified}, now {now.table.modified}"
            )
        before, after = self.coverage.to_dict(), now.coverage.to_dict()
        for name, count in before.items():
            if count != after[name]:
                words = name.replace("_", " ")
                found.append(f"{words}: {human_count(count)}, now {human_count(after[name])}")
        return tuple(found)


def _fingerprint(entry: dict[str, Any]) -> Fingerprint:
    return Fingerprint(**{**entry, "names": tuple(entry.get("names", ()))})


def _parameter(entry: dict[str, Any]) -> Parameter:
    of = SqlType.parse(entry["type"])
    if entry["name"] == CURRENT_DATE:
        return Parameter(CURRENT_DATE, of, origin=Origin.CLOCK)
    if "value" not in entry:
        return Parameter(entry["name"], of, None, Origin.LITERAL)
    return Parameter.parse(f"{entry['name']}:{of}:{entry['value']}")


def calculation(derived: Mapping[str, Any]) -> str:
    """Say of which filters one was calculated, and how."""
    inputs = ", ".join(str(one.get("uri")) for one in derived.get("inputs", ()))
    return f"{derived.get('operation')} of {inputs or 'standard input'}"


def with_values(clause: str, values: Mapping[str, str]) -> str:
    """Write values in the place of their parameters.

    Args:
        clause: Canonical GoogleSQL.
        values: In GoogleSQL, by the names of their parameters.

    >>> with_values("Modality = @p1 AND x > @p2", {"p1": "'CT'"})
    "Modality = 'CT' AND x > (not recorded)"
    """
    return re.sub(r"@(\w+)", lambda found: values.get(found[1], "(not recorded)"), clause)


def literal(of: str, value: str) -> str:
    """Write a recorded value in GoogleSQL.

    >>> literal("STRING", "CT"), literal("INT64", "3"), literal("DATE", "2021-01-31")
    ("'CT'", '3', "DATE '2021-01-31'")
    """
    if of in {"INT64", "FLOAT64", "BOOL"}:
        return value
    quoted = json.dumps(value, ensure_ascii=False) if "'" in value else f"'{value}'"
    return quoted if of == "STRING" else f"{of} {quoted}"
