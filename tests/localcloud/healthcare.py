"""The Healthcare API of the tests: starts it, speaks to it, tells it how to behave."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.localcloud.process import Server
from tests.localcloud.proxy import FaultProxy

if TYPE_CHECKING:
    from types import TracebackType

PROJECT = "demo"
DATASET = f"projects/{PROJECT}/locations/us-central1/datasets/imaging"


def test_files() -> Path:
    """Find the DICOM files that pydicom is tested with: 29 studies of every kind."""
    import pydicom.data

    return Path(pydicom.data.__file__).with_name("test_files")


test_files.__test__ = False  # type: ignore[attr-defined]  # no test, for all its name


@dataclass(frozen=True)
class Stored:
    """An instance of a store."""

    study: str
    series: str
    instance: str
    storage_class: str
    size_bytes: int

    @property
    def path(self) -> str:
        """Its line in a filter file."""
        return f"/studies/{self.study}/series/{self.series}/instances/{self.instance}"


@dataclass(frozen=True)
class Control:
    """Tells the server how to behave; see ``switches.py`` and ``assumptions.py`` for the names."""

    url: str

    def set(self, **switches: Any) -> None:
        """Set switches."""
        self._ask("set", switches)

    def assume(self, **assumptions: Any) -> None:
        """Set what is assumed about the real service."""
        self._ask("assume", assumptions)

    def hold(self, after: int = 0) -> None:
        """Let every operation wait when it has done so many items."""
        self.set(hold_after=after)

    def release(self) -> None:
        """Let all operations go on."""
        self.set(hold_after=None)

    def reset(self) -> None:
        """Cancel what runs and put all switches and assumptions back."""
        self._ask("reset", {})

    def add(self, store: str, *folders: Path) -> int:
        """Make a store unless it is there, add the DICOM files below folders, count what is new."""
        return int(
            self._ask("add", {"store": store, "folders": [str(f) for f in folders]})["added"]
        )

    def make_store(self, *folders: Path, dataset: str = DATASET) -> str:
        """Make a store with a fresh name; without folders it is empty."""
        name = f"{dataset}/dicomStores/s{uuid.uuid4().hex[:12]}"
        self.add(name, *folders)
        return name

    def remove(self, store: str, *instances: str) -> None:
        """Remove instances from a store, by their own UIDs."""
        self._ask("remove", {"store": store, "instances": list(instances)})

    def instances(self, store: str) -> list[Stored]:
        """List what a store holds, in the order of the UIDs."""
        return [Stored(*each) for each in self._ask("instances", {"store": store})["instances"]]

    def operations(self, store: str) -> list[dict[str, Any]]:
        """List what was ever started in a store's dataset, as the API describes it, past faults."""
        start = store.partition("/dicomStores/")[0] + "/operations/"
        every = self._ask("operations", {})["operations"]
        return [each for each in every if each["name"].startswith(start)]

    def export(self, store: str, prefix: str, filter_uri: str | None = None) -> str:
        """Start an export as another user does, past all faults; gives the operation's name."""
        body: dict[str, Any] = {"gcsDestination": {"uriPrefix": prefix}}
        if filter_uri is not None:
            body["filterConfig"] = {"resourcePathsGcsUri": filter_uri}
        answer = requests.post(f"{self.url}/v1beta1/{store}:export", json=body, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["name"])

    def services(self, **urls: str) -> None:
        """Name the ``storage`` and ``bigquery`` that the server writes to."""
        self._ask("services", urls)

    def _ask(self, what: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.url}/_test/{what}", json=body, timeout=30)
        if answer.status_code != 200:
            raise ValueError(f"{what}: {answer.text}")
        return answer.json()


@dataclass
class HealthcareServer:
    """A Healthcare API on this machine, without a store at the start and forgotten at the end.

    Args:
        storage_url: Where it reads filters and writes objects.
        bigquery_url: Where it writes rows.
    """

    storage_url: str
    bigquery_url: str = ""
    faults: FaultProxy = field(init=False)
    """What clients go through."""
    _server: Server = field(init=False, repr=False)

    def __post_init__(self) -> None:
        program = (sys.executable, "-m", "tests.localcloud.healthcare_server")
        self._server = Server(program)

    @property
    def url(self) -> str:
        """Where clients go."""
        return self.faults.url + "/"

    @property
    def control(self) -> Control:
        """What tells it how to behave."""
        return Control(self._server.addresses["rest"])

    @property
    def environment(self) -> dict[str, str]:
        """The variable that sends dicomfilter to this server."""
        return {"DICOMFILTER_HEALTHCARE_ENDPOINT": self.url}

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    def client(self, version: str = "v1beta1") -> Any:
        """Make a client of Google's own, without credentials."""
        from google.auth.credentials import AnonymousCredentials
        from googleapiclient import discovery

        return discovery.build(
            "healthcare",
            version,
            static_discovery=True,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )

    def launch(self) -> Self:
        """Start it without waiting."""
        self._server.launch()
        return self

    def ready(self) -> Self:
        """Wait until it answers."""
        self._server.ready()
        port = int(self._server.addresses["rest"].rpartition(":")[2])
        self.faults = FaultProxy(port=port).start()
        self.control.services(storage=self.storage_url, bigquery=self.bigquery_url)
        return self

    def start(self) -> Self:
        """Start it and wait until it answers."""
        return self.launch().ready()

    def stop(self) -> None:
        """Stop it."""
        if hasattr(self, "faults"):
            self.faults.stop()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
