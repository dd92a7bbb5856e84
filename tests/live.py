"""A real project, for the tests that are marked ``live``; the environment names its parts.

    DICOMFILTER_LIVE_DATASET=my-project.scratch \\
    DICOMFILTER_LIVE_BUCKET=my-scratch-bucket \\
    DICOMFILTER_LIVE_STORE=projects/my-project/locations/us/datasets/imaging/dicomStores/scans \\
    python -m pytest --live

runs them and nothing else. They make tables in the dataset and objects in the bucket, under fresh
names, and remove them; of the store they export metadata and the images of one small study.
"""

from __future__ import annotations

import os
import uuid
from contextlib import closing
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from tests.localcloud.bigquery import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery, storage

    from tests.localcloud.bigquery import LoadTable

PREFIX = "DICOMFILTER_LIVE_"


class NotNamedError(LookupError):
    """The environment does not name a part of the project."""


@dataclass(frozen=True)
class Live:
    """The parts of a project.

    Args:
        dataset: Of BigQuery, ``project.dataset``; tables are made in it.
        bucket: Objects are made in it.
        store: A DICOM store that holds some images, in full.
    """

    dataset: str
    bucket: str
    store: str

    @classmethod
    def of_environment(cls) -> Self:
        """Read what the environment names.

        Raises:
            NotNamedError: A part is missing.
        """
        names = {field.name: PREFIX + field.name.upper() for field in fields(cls)}
        if missing := [name for name in names.values() if not os.environ.get(name)]:
            raise NotNamedError(f"live tests need {', '.join(missing)}; see tests/live.py")
        return cls(**{field: os.environ[name] for field, name in names.items()})

    def bigquery(self) -> bigquery.Client:
        """Make a client as dicomfilter does: an emulator is as good, where one is named."""
        from dicomfilter.engines.bigquery.client import connect
        from dicomfilter.engines.bigquery.table_names import BigQueryTable

        return connect(BigQueryTable.parse(f"bq://{self.dataset}.any"))

    def storage(self) -> storage.Client:
        """Make a client likewise."""
        from dicomfilter.storage.gcs.client import connect

        return connect()

    def make_folder(self) -> Iterator[str]:
        """Name a fresh ``gs://bucket/folder``, and remove what was put there."""
        name = f"dicomfilter-tests/{uuid.uuid4().hex[:12]}"
        yield f"gs://{self.bucket}/{name}"
        with closing(self.storage()) as client:
            for blob in client.list_blobs(self.bucket, prefix=f"{name}/"):
                blob.delete()

    def make_tables(self) -> Iterator[LoadTable]:
        """Give what ``load_table`` gives, in the real dataset, and remove the tables."""
        made: list[str] = []
        with self.bigquery() as client:
            yield partial(self._load, client, made)
            for name in made:
                client.delete_table(name, not_found_ok=True)

    def _load(
        self,
        client: bigquery.Client,
        made: list[str],
        columns: str,
        *rows: dict[str, Any],
        name: str = "metadata",
    ) -> str:
        made.append(f"{self.dataset}.{name}_{uuid.uuid4().hex[:12]}")
        return load(client, made[-1], columns=columns, rows=rows)
