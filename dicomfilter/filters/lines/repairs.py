"""Putting right what can be put right in one way only, and refusing the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.engines.arrow_bytes import column_of, texts_of
from dicomfilter.errors import FilterFileError
from dicomfilter.filters.lines import check_sql
from dicomfilter.filters.lines.chunks import Wrapping, open_source
from dicomfilter.filters.lines.findings import MEMORY_LIMIT, Finding, LevelCounts, Severity
from dicomfilter.filters.lines.lines import Block, Proof, texts
from dicomfilter.filters.lines.small import levels_of, read_small, text_of
from dicomfilter.storage import open_storage
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    import pyarrow as pa

    from dicomfilter.filters.lines.chunks import Source
    from dicomfilter.filters.lines.ledger import Ledger
    from dicomfilter.storage.protocol import Storage, Written


@dataclass(frozen=True, slots=True)
class Repaired:
    """A filter file that was put right.

    Args:
        written: Where it is, its length and its checksums.
        lines_before: How many lines the broken file had.
        levels: How many lines of the new file name what.
        fixed: What was put right.
    """

    written: Written
    lines_before: int
    levels: LevelCounts
    fixed: tuple[Finding, ...]

    @property
    def lines(self) -> int:
        """How many lines the new file has."""
        return self.levels.total


def repair(
    path: str | PathLike[str],
    out: str | PathLike[str],
    *,
    overwrite: bool = False,
    memory_limit: str = MEMORY_LIMIT,
) -> Repaired:
    """Write a filter file anew without its faults.

    Lines keep their order; of lines that repeat each other the first stays.

    Args:
        path: The file, or ``-`` for standard input.
        out: Where to write, or ``-`` for standard output; not the file itself.
        overwrite: Whether a file that is there may be replaced.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        What was written, and what was put right.

    Raises:
        FilterFileError: Something has no single meaning; nothing was written.
        SourceError: The file cannot be read.
        DestinationError: The destination cannot be written.
    """
    path, out = str(path), str(out)
    storage = open_storage(out)
    storage.check_destination(out, overwrite=overwrite, inputs=[path])
    with open_source(path) as source:
        small = read_small(source, memory_limit)
        if small is not None:
            findings = small.report().findings
            _refuse(path, findings)
            kept = small.kept()
            with storage.writer(out, overwrite=overwrite) as writer:
                writer.write(b"".join(map(text_of, kept)))
            fixed = tuple(finding for finding in findings if finding.repairable)
            return Repaired(writer.written, small.wrapping.lines, levels_of(kept), fixed)
        return _repair_large(source, storage, out, overwrite=overwrite, memory_limit=memory_limit)


def _repair_large(
    source: Source, storage: Storage, out: str, *, overwrite: bool, memory_limit: str
) -> Repaired:
    from dicomfilter.filters.lines.ledger import ledger_of

    with ledger_of(source, memory_limit) as ledger:
        before = Digest()
        ledger.read(before)
        ledger.compare()
        findings = ledger.findings()
        _refuse(source.uri, findings)
        ledger.execute(check_sql.EDITS)
        levels = LevelCounts(*ledger.row(check_sql.LEVELS_LEFT))
        with storage.writer(out, overwrite=overwrite) as writer:
            after = Digest()
            for piece in repaired_chunks(ledger, after):
                writer.write(piece)
            if after.crc32c != before.crc32c:
                raise ledger.changed()
        fixed = tuple(finding for finding in findings if finding.repairable)
        return Repaired(writer.written, ledger.wrapping.lines, levels, fixed)


def repaired_chunks(ledger: Ledger, digest: Digest | None = None) -> Iterator[bytes | pa.Buffer]:
    """Read a file again and make its lines what they should be.

    Args:
        ledger: Of a file that was read and compared, with its table of edits.
        digest: Takes in the bytes that are read.

    Yields:
        The lines of the new file, in blocks.
    """
    first_line = 1
    for data in ledger.source.blocks(Wrapping(), digest):
        block = Block.of(data)
        values = {"first": first_line, "count": block.lines}
        edits: pa.Table = ledger.connection.sql(check_sql.EDITS_OF, params=values).to_arrow_table()
        first_line += block.lines
        if block.proof is not Proof.NONE and not len(edits):
            yield data
        else:
            yield _edited(data, edits)


def _refuse(path: str, findings: tuple[Finding, ...]) -> None:
    if refused := [finding for finding in findings if _blocks(finding)]:
        raise FilterFileError(
            f"{path} cannot be repaired: "
            + "; ".join(f"{finding.kind}, {finding.where}" for finding in refused),
            hint="put these lines right by hand, or build the filter anew",
        )


def _blocks(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR and not finding.repairable


def _edited(data: bytes, edits: pa.Table) -> pa.Buffer:
    """Apply the edits of a block: a new path for a line, or none to leave the line out."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = texts(data).column("text")
    rows = column_of(np.arange(len(text), dtype=np.int64))
    found = pc.index_in(rows, value_set=edits.column("row").combine_chunks())
    paths = edits.column("path").combine_chunks().take(found)
    stays = pc.or_(pc.is_null(found), pc.is_valid(paths))
    lines = pc.coalesce(paths, text).filter(stays)
    none, newline = texts_of(["", "\n"])
    ended = pc.binary_join_element_wise(lines, none, newline)
    # The bytes of a fresh array of strings lie one after the other, and room may lie behind them.
    size_bytes = pc.sum(pc.binary_length(ended)).as_py() or 0
    return (ended.buffers()[2] or pa.py_buffer(b"")).slice(0, size_bytes)
