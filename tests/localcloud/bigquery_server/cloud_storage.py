"""Let ``gs://`` be the Cloud Storage of the tests: read, listed and written over HTTP.

bqemulator itself maps buckets to folders, knows nothing of missing buckets, and writes the files of
a dry run.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from bqemulator.api.routes import jobs
from bqemulator.domain.errors import InvalidQueryError, NotFoundError, PermissionDeniedError
from bqemulator.jobs import executor
from sqlglot import exp, parse_one

from tests.localcloud.bigquery_server.patching import replace
from tests.localcloud.bigquery_server.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

_TRIES = 3
_MULTI_REGIONS = {"US": ("US", "NORTHAMERICA"), "EU": ("EU", "EUROPE")}


def patch(url: str) -> None:
    """Send ``gs://`` to a server."""
    SETTINGS.url = url
    replace(executor, "_resolve_uri", _fetched)
    replace(executor, "_plan_export_shards", _planned)
    replace(executor, "_copy_relation_to_file", _sent)
    replace(executor, "_extract_export_options", _without_header)
    replace(executor, "write_export", _sharded)
    replace(executor, "_execute_export_data_job", _located)
    replace(jobs, "_build_dry_run_query_response", _dry)


def clean() -> None:
    """Remove what was kept on disk."""
    shutil.rmtree(SETTINGS.scratch, ignore_errors=True)


def _asked(verb: str, path: str, what: str, body: bytes | None = None) -> bytes:
    """Ask Cloud Storage, a few times where it is only unwell."""
    for attempt in range(_TRIES):
        address = urlsplit(SETTINGS.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
        try:
            connection.request(verb, path, body, {"content-type": "application/octet-stream"})
            answer = connection.getresponse()
            status, data = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            status, data = 503, b""
        finally:
            connection.close()
        if status < 500:
            break
        time.sleep(0.05 * attempt)
    if status == 404:
        raise NotFoundError(f"Not found: {what}")
    if status in (401, 403):
        raise PermissionDeniedError(f"Access Denied: {what}: {_words(data)}")
    if status != 200:
        raise InvalidQueryError(f"Cloud Storage answered {status} for {what}")
    return data


def _words(data: bytes) -> str:
    try:
        return str(json.loads(data)["error"]["message"])
    except (ValueError, KeyError):
        return "Permission denied"


def _split(uri: str) -> tuple[str, str]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return bucket, name


def _names(uri: str) -> Iterator[str]:
    """List the objects that a URI with at most one wildcard names."""
    bucket, name = _split(uri)
    before, star, after = name.partition("*")
    token = ""
    while True:
        query = f"prefix={quote(before, safe='')}&pageToken={quote(token, safe='')}"
        page = json.loads(_asked("GET", f"/storage/v1/b/{bucket}/o?{query}", f"Bucket {bucket}"))
        for each in page.get("items", []):
            if (star and each["name"].endswith(after)) or each["name"] == name:
                yield each["name"]
        token = page.get("nextPageToken", "")
        if not token:
            return


def _fetched(original: Callable[..., str]) -> Callable[..., str]:
    """Fetch what a URI names, and give the path of the copy."""

    def resolve(uri: str, context: Any) -> str:
        if not uri.startswith("gs://"):
            return original(uri, context)
        bucket, name = _split(uri)
        folder = Path(tempfile.mkdtemp(dir=SETTINGS.scratch))
        found = 0
        for found, each in enumerate(_names(uri), 1):
            path = f"/download/storage/v1/b/{bucket}/o/{quote(each, safe='')}?alt=media"
            (folder / f"{found}").write_bytes(_asked("GET", path, f"File gs://{bucket}/{each}"))
        if not found:
            raise NotFoundError(f"Not found: URI {uri}")
        return f"{folder}/{'*' if '*' in name else '1'}"

    return resolve


def _planned(_original: Callable[..., Any]) -> Callable[..., Any]:
    """Plan shards in a folder of their own; what is there already is in the bucket."""

    def plan(
        uri: str, *, wildcards: int, offsets: list[tuple[int, int]], overwrite: bool, ctx: Any
    ) -> list[tuple[int, int, str, str]]:
        del ctx
        there = next(_names(uri), None)
        if there is not None and not overwrite:
            raise InvalidQueryError(f"Destination already exists and overwrite is false: {uri}")
        folder = tempfile.mkdtemp(dir=SETTINGS.scratch)
        planned = []
        for number, (offset, length) in enumerate(offsets):
            name = uri.replace("*", f"{number:012d}") if wildcards else uri
            path = f"{folder}/{_split(name)[0]}/{quote(_split(name)[1], safe='')}"
            planned.append((offset, length, name, path))
        return planned

    return plan


def _sent(original: Callable[..., None]) -> Callable[..., None]:
    """Write a shard to Cloud Storage."""

    def copy(relation: str, path: str, fmt: str, context: Any, **options: Any) -> None:
        original(relation, path, fmt, context, **options)
        written = Path(path)
        if not written.is_relative_to(SETTINGS.scratch):
            return
        bucket, query = written.parent.name, f"uploadType=media&name={written.name}"
        target = f"/upload/storage/v1/b/{bucket}/o?{query}"
        _asked("POST", target, f"File gs://{bucket}/{unquote(written.name)}", written.read_bytes())
        written.unlink()

    return copy


def _without_header(original: Callable[..., Any]) -> Callable[..., Any]:
    """Leave the header out unless it is asked for, as BigQuery does."""

    def extract(properties: Any) -> Any:
        options = original(properties)
        asked = "header" in executor._parse_export_properties(properties)[1]
        return options if asked else dataclasses.replace(options, header=False)

    return extract


def _sharded(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(rows: Any, options: Any, context: Any) -> Any:
        if rows.num_rows == 0 and not SETTINGS.writes_empty:
            return executor._ExportOutcome(rows=0, file_count=0, uris=[])
        context.settings.export_shard_threshold_bytes = SETTINGS.shard_bytes
        return original(rows, options, context)

    return write


def _located(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Refuse an export to another place than the data are in."""

    async def execute(**job: Any) -> Any:
        request = executor.parse_export_data(job["bq_sql"])
        bucket = _split(request.options.uri)[0]
        described = json.loads(_asked("GET", f"/storage/v1/b/{bucket}", f"Bucket {bucket}"))
        target = described.get("location", "US").upper()
        for table in parse_one(request.select_sql, read="bigquery").find_all(exp.Table):
            dataset = job["ctx"].catalog.get_dataset(table.catalog or job["project_id"], table.db)
            source = (dataset.location if dataset else target).upper()
            if source != target and not target.startswith(_MULTI_REGIONS.get(source, (source,))):
                words = "Cannot read and write in different locations"
                raise InvalidQueryError(f"{words}: source: {source}, destination: {target}")
        return await original(**job)

    return execute


def _dry(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Dry-run the query of an export, and write nothing."""

    async def dry_run(**job: Any) -> Any:
        request = executor.parse_export_data(job["bq_sql"])
        if request is None:
            return await original(**job)
        response = await original(**{**job, "bq_sql": request.select_sql})
        response["statistics"]["query"]["statementType"] = "EXPORT_DATA"
        response["statistics"]["query"]["schema"] = {"fields": []}
        return response

    return dry_run
