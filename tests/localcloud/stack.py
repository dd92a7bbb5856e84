"""The whole local cloud at once: Cloud Storage, BigQuery and the Healthcare API.

    with Cloud() as cloud:
        os.environ.update(cloud.environment)
        store = cloud.healthcare.control.make_store(test_files())
        table = cloud.export_metadata(store, cloud.make_dataset())      # bq://demo.….metadata

or, for a shell, until its input closes:

    python -m tests.localcloud.stack

Starts in about two seconds; nothing survives the process, however it ends.
"""

from __future__ import annotations

import sys
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.localcloud.bigquery import PROJECT, BigQueryServer
from tests.localcloud.ensure import ensure
from tests.localcloud.healthcare import HealthcareServer, test_files
from tests.localcloud.storage import StorageServer

if TYPE_CHECKING:
    from types import TracebackType


class OperationFailedError(RuntimeError):
    """An operation of the local cloud ended in an error."""


@dataclass
class Cloud:
    """All servers.

    Args:
        storage: Given where it runs already, as are the others.
        bigquery: Likewise.
        healthcare: Likewise.
    """

    storage: StorageServer = field(default_factory=StorageServer)
    bigquery: BigQueryServer = field(default=None)  # type: ignore[assignment]
    healthcare: HealthcareServer = field(default=None)  # type: ignore[assignment]
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send dicomfilter, and Google's clients, to these servers."""
        servers = (self.storage, self.bigquery, self.healthcare)
        return {name: value for each in servers for name, value in each.environment.items()}

    def start(self) -> Self:
        """Start them all and wait until they answer."""
        ensure()
        with ExitStack() as starting:
            self.storage.start()
            starting.callback(self.storage.stop)
            self.bigquery = BigQueryServer(self.storage.services.url).launch()
            starting.callback(self.bigquery.stop)
            self.healthcare = HealthcareServer(self.storage.services.url).launch()
            starting.callback(self.healthcare.stop)
            self.healthcare.ready()
            self.bigquery.ready()
            self.healthcare.control.services(bigquery=self.bigquery.url)
            self._stack = starting.pop_all()
        return self

    def stop(self) -> None:
        """Stop what was started here."""
        self._stack.close()

    def make_bucket(self, location: str = "US") -> str:
        """Make a bucket with a fresh name."""
        return self.storage.make_bucket(location)

    def make_dataset(self) -> str:
        """Make a BigQuery dataset with a fresh name."""
        name = f"{PROJECT}.t{uuid.uuid4().hex[:12]}"
        with self.bigquery.client() as client:
            client.create_dataset(name)
        return name

    def make_store(self) -> str:
        """Make a DICOM store of pydicom's files: 116 instances of 29 studies."""
        return self.healthcare.control.make_store(test_files())

    def export_metadata(
        self, store: str, dataset: str, *, name: str = "metadata", **destination: Any
    ) -> str:
        """Export a store's metadata into a table, as an administrator would have done.

        Args:
            store: Its name.
            dataset: ``project.dataset``.
            name: Of the table.
            destination: More of ``bigqueryDestination``, such as ``schemaJson={}``.

        Returns:
            The table's URI.
        """
        uri = f"bq://{dataset}.{name}"
        body = {"bigqueryDestination": {"tableUri": uri, **destination}}
        with self.healthcare.client("v1") as client:
            stores = client.projects().locations().datasets().dicomStores()
            operation = stores.export(name=store, body=body).execute()
            self.wait(client, operation["name"])
        return uri

    @staticmethod
    def wait(client: Any, operation: str) -> dict[str, Any]:
        """Wait for an operation.

        Args:
            client: Of the Healthcare API.
            operation: Its name.

        Returns:
            What the API says of it.

        Raises:
            OperationFailedError: It ended in an error.
        """
        operations = client.projects().locations().datasets().operations()
        while not (described := operations.get(name=operation).execute()).get("done"):
            time.sleep(0.01)
        if "error" in described:
            raise OperationFailedError(described["error"]["message"])
        return dict(described)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def main() -> int:
    """Serve until the input closes."""
    with Cloud() as cloud:
        lines = [f"export {name}={value}" for name, value in cloud.environment.items()]
        store = cloud.make_store()
        lines += [f"# DICOM store: {store}", f"# bucket: {cloud.make_bucket()}"]
        lines += [f"# metadata: {cloud.export_metadata(store, cloud.make_dataset())}"]
        print("\n".join(lines), flush=True)  # noqa: T201 - the result of a program
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
