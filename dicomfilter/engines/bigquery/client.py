"""Connect to BigQuery: Google's own, or the one that an emulator variable names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dicomfilter.errors import UsageError
from dicomfilter.google_errors import Place, google_errors

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage import BigQueryReadClient

    from dicomfilter.engines.bigquery.table_names import BigQueryTable

REST_VARIABLE = "BIGQUERY_EMULATOR_HOST"
"""``host:port`` or URL of an emulator's REST; Google's client knows it too."""
STORAGE_VARIABLE = "BIGQUERY_STORAGE_EMULATOR_HOST"
"""``host:port`` of an emulator's Storage Read API; without it rows come over REST."""


def emulator() -> str | None:
    """Tell the URL of the emulator in use, if any."""
    host = os.environ.get(REST_VARIABLE)
    return host if not host or "://" in host else f"http://{host}"


def connect(table: BigQueryTable) -> Client:
    """Make a client of BigQuery, anonymous where an emulator is in use.

    Args:
        table: Jobs run in its project unless ``GOOGLE_CLOUD_PROJECT`` or the credentials name
            another.

    Returns:
        A client that has not sent anything yet.

    Raises:
        UsageError: The client's package is not installed.
        RemotePermissionError: There are no credentials.
    """
    try:
        from google.cloud import bigquery
    except ImportError as error:
        raise UsageError(
            "BigQuery's client is not installed",
            hint="install it with `pip install 'dicomfilter[bigquery]'`",
        ) from error
    wanted = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if url := emulator():
        from google.auth.credentials import AnonymousCredentials

        return bigquery.Client(
            project=wanted or table.project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": url},
        )
    import google.auth

    place = Place("BigQuery", str(table), table.project, "bigquery.jobs.create")
    with google_errors(place):
        credentials, found = google.auth.default(scopes=bigquery.Client.SCOPE)
        project = wanted or found or table.project
        return bigquery.Client(project=project, credentials=credentials)


def connect_storage(client: Client) -> BigQueryReadClient | None:
    """Make a client of the Storage Read API beside one of BigQuery.

    Args:
        client: Whose credentials are used.

    Returns:
        None where there is none to talk to: the package is missing, or an emulator has none.
    """
    try:
        from google.cloud import bigquery_storage
    except ImportError:
        return None
    if emulator() is None:
        credentials = client._credentials  # noqa: SLF001 - the client has no public name for them
        return bigquery_storage.BigQueryReadClient(credentials=credentials)  # type: ignore[no-untyped-call]
    host = os.environ.get(STORAGE_VARIABLE)
    if not host:
        return None
    import grpc  # type: ignore[import-untyped]
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
        BigQueryReadGrpcTransport,
    )

    channel = grpc.insecure_channel(host, options=[("grpc.max_receive_message_length", -1)])
    transport = BigQueryReadGrpcTransport(channel=channel)
    return bigquery_storage.BigQueryReadClient(transport=transport)  # type: ignore[no-untyped-call]
