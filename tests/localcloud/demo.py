"""The whole chain in the local cloud, step by step, with the commands that a person would type.

    python -m tests.localcloud.demo            # or `make demo-cloud`

A DICOM store of pydicom's test files; its metadata exported to BigQuery; a look at whether all is
there for an export, and whether the table is fresh; a filter file built there and joined in Cloud
Storage; the images that it names exported, three of which fail, verified, and completed; and what
arrived read again, to see that it is what was asked for.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tests.localcloud.stack import Cloud

if TYPE_CHECKING:
    from google.cloud import storage

PREDICATE = "Modality IN ('CT', 'MR')"
FINDINGS = 6
COMMAND = Path(sys.executable).with_name("dicomfilter")


def main() -> int:
    """Show the chain; the exit status is 0 where what arrived is what was asked for."""
    with Cloud() as cloud, tempfile.TemporaryDirectory() as home:
        here = os.environ | cloud.environment | {"XDG_STATE_HOME": home, "NO_COLOR": "1"}
        store, bucket = cloud.make_store(), cloud.make_bucket()
        make_known(cloud, bucket)
        here["DICOMFILTER_RESOURCE_MANAGER_ENDPOINT"] = cloud.healthcare.url
        table = f"bq://{cloud.make_dataset()}.metadata"
        say(f"a DICOM store of pydicom's test files: {store}")

        say("\n1. the store's metadata becomes a table, a row an instance")
        run(here, "export", "bq", store, "--all", "--bq-table", table)

        say("\n2. whether all is there that an export needs, and whether the table is fresh")
        prefix = f"gs://{bucket}/out"
        run(here, "doctor", store, "--table", table, "--gcs-uri-prefix", prefix)
        run(here, "freshness", table, store)

        say("\n3. BigQuery makes the filter file and Cloud Storage joins it; no line comes here")
        filter_uri = f"gs://{bucket}/filters/ct-mr.txt"
        manifest = str(Path(home) / "ct-mr.manifest.json")
        run(here, "build", table, "--where", PREDICATE, "-o", filter_uri, "--manifest", manifest)
        run(here, "check", filter_uri)

        say("\n4. the images that it names are exported")
        cloud.healthcare.control.set(fail=3)
        say("(three of them are made to fail)")
        export = ("export", "gcs", store, "--gcs-uri-prefix", prefix, "--filter")
        run(here, *export, filter_uri, status=FINDINGS)
        run(here, "operations", "list", "--store", store)

        say("\n5. what was asked for against what arrived; and what is missing once more")
        cloud.healthcare.control.set(fail=0)
        retry = str(Path(home) / "retry.txt")
        verify = ("verify", filter_uri, prefix, "--manifest", manifest)
        run(here, *verify, "--retry", retry, status=FINDINGS)
        run(here, *export, retry, "--staging", f"gs://{bucket}/filters/")
        run(here, *verify)

        say("\n6. what arrived, read again with pydicom, against what the predicate selects")
        wanted, arrived = selected(cloud, table), exported(cloud.storage.client(), bucket)
        say(f"selected {len(wanted)} instances, arrived {len(arrived)}")
        for sign, uids in (("missing", wanted - arrived), ("unexpected", arrived - wanted)):
            say(*(f"{sign}: {uid}" for uid in sorted(uids)))
        say("the same UIDs" if wanted == arrived else "NOT the same UIDs")
        return int(wanted != arrived)


def make_known(cloud: Cloud, bucket: str) -> None:
    """Let the bucket be as an owner makes it: uniform access, and the service agent may write."""
    number = "1234567890"
    agent = f"serviceAccount:service-{number}@gcp-sa-healthcare.iam.gserviceaccount.com"
    uniform = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}
    cloud.storage.fidelity.details[bucket] = uniform
    binding = {"role": "roles/storage.objectAdmin", "members": [agent]}
    cloud.storage.fidelity.policies[bucket] = [binding]
    cloud.healthcare.control.set(projects={"demo": number})


def say(*lines: str) -> None:
    """Print lines at once, so that they stand before what a command prints."""
    for line in lines:
        print(line, flush=True)  # noqa: T201 - the result of a program


def run(environment: dict[str, str], *arguments: str, status: int = 0) -> None:
    """Run a command as a person would, and show it; it must end with a status."""
    words = (f'"{word}"' if "'" in word else shlex.quote(word) for word in arguments)
    say(f"\n$ dicomfilter {' '.join(words)}")
    done = subprocess.run([COMMAND, *arguments], env=environment, stderr=sys.stdout, check=False)
    if done.returncode != status:
        raise SystemExit(f"it ended with {done.returncode}, not with {status}")


def selected(cloud: Cloud, table: str) -> set[str]:
    """Ask BigQuery, in words of one's own, which instances the predicate selects."""
    name = table.removeprefix("bq://")
    with cloud.bigquery.client() as client:
        rows = client.query(f"SELECT SOPInstanceUID AS uid FROM `{name}` WHERE {PREDICATE}")
        return {row["uid"] for row in rows.result()}


def exported(client: storage.Client, bucket: str) -> set[str]:
    """Read every exported object as DICOM."""
    from pydicom import dcmread

    blobs = client.list_blobs(bucket, prefix="out/")
    files = (BytesIO(blob.download_as_bytes()) for blob in blobs)
    return {str(dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files}


if __name__ == "__main__":
    sys.exit(main())
