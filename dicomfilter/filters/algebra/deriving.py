"""From filter files to another one, written with its manifest or not at all."""

from __future__ import annotations

import json
import os
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import Coverage, counted
from dicomfilter.errors import DicomFilterError, EmptyFilterError, UsageError
from dicomfilter.faces import Face
from dicomfilter.filters.algebra.few import Few
from dicomfilter.filters.algebra.inputs import Input, check_distinct, open_sources
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.authors import Author
from dicomfilter.filters.lines.changed import digest_of
from dicomfilter.filters.lines.findings import MEMORY_LIMIT, LevelCounts
from dicomfilter.filters.lines.small import suits
from dicomfilter.filters.sidecars import Sidecars, write_text
from dicomfilter.named import named
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import STANDARD_OUTPUT, Written
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from os import PathLike

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.algebra.picks import Algebra, Difference
    from dicomfilter.filters.lines.chunks import Source
    from dicomfilter.filters.lines.repairs import Repaired
    from dicomfilter.storage.protocol import Writer

    FilterUri = str | PathLike[str]

_SMALL_BYTES = 1 << 26
"""Up to which length of all inputs together no engine is opened."""
_VERSION = 1
"""That of the manifest's form."""


@dataclass(frozen=True, slots=True, repr=False)
class Derived(Face):
    """A filter file that was calculated of others, and stands at its destination.

    Args:
        operation: ``union``, ``intersect``, ``subtract``, …
        written: Where, how long, and its checksums.
        levels: How many lines name what.
        studies: How many different studies they name, whole or in part.
        series: How many different series the lines of series and instances name.
        inputs: The files that it was calculated of.
        manifest_uri: Where its manifest is; None where there is none.
        warnings: What a person should know.
    """

    operation: str
    written: Written
    levels: LevelCounts
    studies: int
    series: int
    inputs: tuple[Input, ...]
    manifest_uri: str | None = None
    warnings: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """List where it is, and what its lines name."""
        return [
            ("filter", self.uri),
            ("made by", f"{self.operation} of {', '.join(one.uri for one in self.inputs)}"),
            ("lines", f"{self.levels.total:,}"),
            ("studies", f"{self.studies:,}"),
            *([("manifest", self.manifest_uri)] if self.manifest_uri else []),
            *(("warning", text) for text in self.warnings),
        ]

    @property
    def uri(self) -> str:
        """The filter file as the caller named it."""
        return self.written.uri

    def to_dict(self) -> dict[str, Any]:
        """Give it as ``--json`` shows it."""
        return {
            "uri": self.uri,
            "operation": self.operation,
            "size_bytes": self.written.size_bytes,
            "crc32c": self.written.crc32c,
            "sha256": self.written.sha256,
            "counts": coverage(self.levels, self.studies, self.series).to_dict(),
            "inputs": [one.to_dict() for one in self.inputs],
            "manifest": self.manifest_uri,
            "warnings": self.warnings,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """Where a result goes.

    Args:
        uri: A path, ``gs://bucket/object``, or ``-`` for standard output.
        overwrite: Whether a file that is there may be replaced.
        manifest: Where its manifest goes; None for beside it.
    """

    uri: str
    overwrite: bool = False
    manifest: str | None = None

    def check(self, inputs: Iterable[str]) -> None:
        """Find out before any work starts whether it can be written.

        Raises:
            DestinationError: It cannot, or is an input.
        """
        known = tuple(inputs)
        storage = open_storage(self.uri)
        storage.check_destination(self.uri, overwrite=self.overwrite, inputs=known)
        if self.manifest in (self.uri, STANDARD_OUTPUT):
            raise UsageError(
                f"{self.manifest} cannot be the filter file and its manifest",
                hint="choose another place for the manifest",
            )
        Sidecars.of(self.uri, manifest=self.manifest).check(inputs=known, overwrite=self.overwrite)

    def write(self, operation: str, inputs: tuple[Input, ...], result: Result) -> Derived:
        """Write a result and its manifest.

        Raises:
            EmptyFilterError: It has no line; nothing was written.
            DestinationError: It cannot be written, or exists.
            FilterFileError: An input is no longer what it was; nothing was written.
        """
        if not result.levels.total:
            raise EmptyFilterError(
                f"the {operation} is empty; no filter file was written",
                hint="compare the filters with `dicomfilter diff A B`",
            )
        with self.filled(result) as writer:
            pass
        return self.describe(operation, inputs, result, writer.written)

    @contextmanager
    def filled(self, result: Result) -> Iterator[Writer]:
        """Write all lines; the file is published when the context ends.

        Yields:
            What was written, once the context has ended.
        """
        storage = open_storage(self.uri)
        if storage.is_stream(self.uri):
            # What has gone down a stream cannot be taken back: prove first, then write.
            deque(result.blocks(), maxlen=0)
        with storage.writer(self.uri, overwrite=self.overwrite) as writer:
            lines = 0
            for block in result.blocks():
                writer.write(block)
                lines += block.count(b"\n")
            if lines != result.levels.total:
                raise DicomFilterError(
                    f"{lines:,} lines came where {result.levels.total:,} were counted; "
                    "no filter file was written"
                )
            yield writer

    def describe(
        self, operation: str, inputs: tuple[Input, ...], result: Result, written: Written
    ) -> Derived:
        """Write the manifest of what stands at the destination."""
        sidecars = Sidecars.of(self.uri, manifest=self.manifest)
        with sidecars.beside():
            if sidecars.manifest:
                document = derived_manifest(operation, inputs, result, written)
                write_text(sidecars.manifest, document, overwrite=self.overwrite)
            for stale in (sidecars.rejected, sidecars.unmatched):
                if stale is not None and open_storage(stale).exists(stale):
                    write_text(
                        stale, "", overwrite=self.overwrite
                    )  # of an older filter file in this place
        return Derived(
            operation,
            written,
            result.levels,
            result.studies,
            result.series,
            inputs,
            sidecars.manifest,
            result.warnings,
        )


def repair(
    path: FilterUri, out: FilterUri, *, overwrite: bool = False, memory_limit: str = MEMORY_LIMIT
) -> Repaired:
    """Write a filter file anew without its faults, with a manifest of its own.

    Args:
        path: The file, or ``-`` for standard input.
        out: Where to write, or ``-`` for standard output; not the file itself.
        overwrite: Whether files that are there may be replaced.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        What was written, and what was put right; see ``dicomfilter.filters.lines.repair``.

    Raises:
        FilterFileError: Something has no single meaning; nothing was written.
        DestinationError: The destination cannot be written, or exists.
    """
    from dicomfilter.filters import lines

    target = Target(named(out), overwrite)
    target.check([named(path)])
    repaired = lines.repair(named(path), target.uri, overwrite=overwrite, memory_limit=memory_limit)
    if not open_storage(target.uri).is_stream(target.uri):
        found = lines.summary(target.uri, memory_limit=memory_limit)
        result = Result(repaired.levels, found.studies, found.series, lambda: iter(()))
        source = open_storage(named(path))
        inputs: tuple[Input, ...] = ()
        if not source.is_stream(named(path)):
            before = digest_of(source, named(path))
            inputs = (Input(named(path), before.size_bytes, before.crc32c),)
        target.describe("repair", inputs, result, repaired.written)
    return repaired


def union(
    filters: Sequence[FilterUri],
    out: FilterUri,
    *,
    overwrite: bool = False,
    manifest: str | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Derived:
    """Write what any of some filter files has.

    Args:
        filters: Two or more: paths, ``gs://bucket/object``, or ``-`` for standard input.
        out: Where to write.
        overwrite: Whether a file that is there may be replaced.
        manifest: Where the manifest goes; None for beside the result.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        What was written: no line twice, and none that another covers.

    Raises:
        EmptyFilterError: The result is empty; nothing was written.
        FilterFileError: An input cannot be used as it is; nothing was written.
        DestinationError: The destination cannot be written, or exists.
    """
    target = Target(str(out), overwrite, manifest)
    with opened(filters, target, memory_limit=memory_limit) as algebra:
        return target.write("union", algebra.inputs, _result(algebra.union()))


def intersect(
    filters: Sequence[FilterUri],
    out: FilterUri,
    *,
    overwrite: bool = False,
    manifest: str | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Derived:
    """Write what all of some filter files have; see ``union``."""
    target = Target(str(out), overwrite, manifest)
    with opened(filters, target, memory_limit=memory_limit) as algebra:
        return target.write("intersection", algebra.inputs, _result(algebra.common()))


def subtract(
    filters: Sequence[FilterUri],
    out: FilterUri,
    *,
    against: Engine | None = None,
    overwrite: bool = False,
    manifest: str | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Derived:
    """Write what the first of some filter files has beyond all others; see ``union``.

    Args:
        filters: Two or more.
        out: Where to write.
        against: The table that tells what is left of a study or series where a part of it is
            taken out; without it such lines are refused.
        overwrite: Whether a file that is there may be replaced.
        manifest: Where the manifest goes; None for beside the result.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Raises:
        UsageError: A part is to be taken out of a line, and no table tells what is left.
    """
    target = Target(str(out), overwrite, manifest)
    with opened(filters, target, memory_limit=memory_limit) as algebra, ExitStack() as stack:
        result = difference_result(algebra.minus(), against, stack, memory_limit)
        return target.write("difference", algebra.inputs, result)


def difference_result(
    difference: Difference, against: Engine | None, stack: ExitStack, memory_limit: str
) -> Result:
    """Make a difference ready to be written.

    Args:
        difference: The lines.
        against: The table that cut lines are expanded by.
        stack: Closes what the result reads from.
        memory_limit: What is kept in memory.

    Raises:
        UsageError: A line is cut, and there is no table.
    """
    kept, cut = difference.kept, difference.cut.levels.total
    if not cut:
        return _result(kept)
    if against is None:
        raise UsageError(
            f"{counted(cut, 'line')} of the first filter {'is' if cut == 1 else 'are'} taken out "
            "in part only, and what is left takes metadata to tell",
            hint="name the table with --against TABLE",
        )
    from dicomfilter.filters.algebra.expansion import open_expansion

    before = against.fingerprint()
    rest = stack.enter_context(open_expansion(difference, against, memory_limit=memory_limit))
    if against.paths and against.fingerprint().digest != before.digest:
        raise DicomFilterError(
            f"{against.uri} changed while it was read; no filter file was written",
            hint="run it again when the table is at rest",
        )
    own, more = kept.levels, rest.levels
    return Result(
        LevelCounts(own.study, own.series + more.series, own.instance + more.instance),
        kept.studies + rest.studies,
        kept.series + rest.series,
        lambda: chain(kept.blocks(), rest.blocks()),
        rest.warnings,
        {"against": asdict(before), "expanded_lines": cut},
    )


@contextmanager
def opened(
    filters: Sequence[FilterUri], *targets: Target, memory_limit: str = MEMORY_LIMIT
) -> Iterator[Algebra]:
    """Read filter files, once it is known that what is calculated can be written.

    Raises:
        UsageError: There are not two of them, or two are one file.
        FilterFileError: One cannot be used as it is.
        DestinationError: A target cannot be written, or is an input.
    """
    uris = [os.fspath(uri) for uri in filters]
    if len(uris) < 2:
        raise UsageError("it takes two filter files or more", hint="name another FILTER")
    check_distinct(uris)
    for target in targets:
        target.check(uris)
    with open_sources(uris) as sources, calculator(sources, memory_limit) as algebra:
        yield algebra


@contextmanager
def calculator(sources: Sequence[Source], memory_limit: str) -> Iterator[Algebra]:
    """Read files in the way that suits their length."""
    if suits(sources, memory_limit, _SMALL_BYTES):
        yield Few.read(sources)
        return
    from dicomfilter.filters.algebra.many import Many

    with Many(memory_limit) as many:
        many.read(sources)
        yield many


def _result(pick: Any) -> Result:  # noqa: ANN401 - a Pick
    return Result(pick.levels, pick.studies, pick.series, pick.blocks)


def coverage(levels: LevelCounts, studies: int, series: int) -> Coverage:
    """Say what lines cover, as far as they tell it themselves."""
    coarse = levels.study or levels.series
    return Coverage(
        lines=levels.total,
        study_lines=levels.study,
        series_lines=levels.series,
        instance_lines=levels.instance,
        studies=studies,
        series=series,
        matched_series=None,
        matched_instances=None,
        covered_instances=None if coarse else levels.instance,
        size_bytes=None,
        rejected_rows=0,
    )


def derived_manifest(
    operation: str, inputs: tuple[Input, ...], result: Result, written: Written
) -> str:
    """Write down of what a filter file was calculated."""
    document = {
        "manifest_version": _VERSION,
        "dicomfilter": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "author": Author.of_process().to_dict(),
        "filter": {
            "uri": "" if written.uri == STANDARD_OUTPUT else written.uri,
            "size_bytes": written.size_bytes,
            "crc32c": written.crc32c,
            "sha256": written.sha256,
            "generation": written.generation,
        },
        "derived": {
            "operation": operation,
            "inputs": [one.to_dict() for one in inputs],
            "against": None,
            **result.details,
        },
        "counts": coverage(result.levels, result.studies, result.series).to_dict(),
        "warnings": list(result.warnings),
    }
    return json.dumps(document, indent=2) + "\n"
