"""How finished lines come to their destination.

From an embedded engine, or to a local file, they stream through this process. BigQuery puts them
into Cloud Storage by itself, in shards that Cloud Storage then joins: no line passes through here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.engines.arrow_bytes import bytes_of
from dicomfilter.engines.protocol import ShardExporter
from dicomfilter.errors import DicomFilterError, RemoteError
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.cohorts.cover import Cover
    from dicomfilter.engines.protocol import Engine, Staged
    from dicomfilter.storage.gcs.objects import GcsStorage
    from dicomfilter.storage.protocol import Storage, Written

    LinesDone = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Lines that are to stand at a destination.

    Args:
        engine: Where they are made.
        cover: How.
        staged: Of what.
        lines: How many must come.
        digest: Of the table, before anything was read.
    """

    engine: Engine
    cover: Cover
    staged: Staged
    lines: int
    digest: str

    def to(
        self,
        destination: str,
        storage: Storage,
        *,
        overwrite: bool,
        staging: str | None,
        done: LinesDone,
    ) -> tuple[Written, tuple[str, ...]]:
        """Bring them there.

        Args:
            destination: The URI.
            storage: That of the URI.
            overwrite: Whether a file that is there may be replaced.
            staging: Where shards are put, if not near the destination; ``gs://…``.
            done: Is told how many lines have come.

        Returns:
            What stands there, and what a person should know of it.

        Raises:
            UnprovedError: What was presumed of the lines may not hold; nothing was written.
            DestinationError: The destination cannot be written, or exists.
            DicomFilterError: Others came than were counted; nothing was written.
        """
        if isinstance(self.engine, ShardExporter) and is_cloud(destination):
            from dicomfilter.storage.gcs.objects import GcsStorage

            if isinstance(storage, GcsStorage):
                exporter = self.engine
                return self._joined(
                    destination, storage, exporter, overwrite=overwrite, staging=staging
                )
        return self._streamed(destination, storage, overwrite=overwrite, done=done), ()

    def _streamed(
        self, destination: str, storage: Storage, *, overwrite: bool, done: LinesDone
    ) -> Written:
        lines = self.engine.lines
        if self.staged.is_presumed and storage.is_stream(destination):
            # What has gone down a stream cannot be taken back: prove first, then write.
            deque(lines(self.cover.lines, staged=self.staged), maxlen=0)
            lines = self.engine.rows
        with storage.writer(destination, overwrite=overwrite) as writer:
            count = 0
            done(0)
            for batch in lines(self.cover.lines, staged=self.staged):
                writer.write(bytes_of(batch.column(0)))
                count += batch.num_rows
                done(count)
            self._compare(count)
        return writer.written

    def _joined(
        self,
        destination: str,
        storage: GcsStorage,
        exporter: ShardExporter,
        *,
        overwrite: bool,
        staging: str | None,
    ) -> tuple[Written, tuple[str, ...]]:
        (size,) = self.engine.rows(self.cover.size, staged=self.staged).read_all()[0].to_pylist()
        with storage.scratch(destination, staging=staging) as scratch:
            rows = exporter.export_shards(
                self.cover.shard_lines, staged=self.staged, folder=scratch.uri
            )
            if rows is not None and rows != self.lines:
                raise RemoteError(
                    f"BigQuery exported {rows:,} lines where {self.lines:,} were counted; "
                    "no filter file was written",
                    hint="run it again",
                )
            written = scratch.compose(
                scratch.shards(), destination, overwrite=overwrite, size_bytes=int(size)
            )
        return written, scratch.warnings

    def _compare(self, count: int) -> None:
        """Make sure that what was written is what was counted.

        Files are read anew for each query; what BigQuery has staged stays as it is.
        """
        changed = self.engine.paths and self.engine.fingerprint().digest != self.digest
        if count != self.lines or changed:
            raise DicomFilterError(
                f"{self.engine.uri} changed while it was read; no filter file was written",
                hint="run it again when the table is at rest",
            )
