"""A filter file on its way to a store: looked through once, and put where it can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import FilterFileError, ManifestError, UsageError
from dicomfilter.filters import transfer
from dicomfilter.filters.transfer import hand_over, planned, staging_folder, take_up
from dicomfilter.filters.used import FilterUsed
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

    from tests.localcloud.proxy import FaultProxy

INSTANCES = "/studies/1/series/2/instances/3\n/studies/1/series/2/instances/4\n"


def put(uri: str, text: str) -> str:
    with open_storage(uri).writer(uri, overwrite=True) as writer:
        writer.write(text.encode())
    return uri


def manifest(crc32c: str, covered: int | None) -> str:
    """Write what a manifest of such a file says."""
    from dicomfilter.counts import Coverage
    from dicomfilter.filters.manifest import Manifest
    from dicomfilter.paths import Level

    coverage = Coverage(2, 0, 0, 2, 1, 1, None, 2, covered, None, 0)
    return Manifest(
        tool="0",
        created="2026-11-21T00:00:00+00:00",
        filter_uri="f.txt",
        predicates=(),
        parameters=(),
        recorded=False,
        current_date="2026-11-21",
        all_versions=False,
        level=Level.INSTANCE,
        compact=False,
        skipped_bad_uids=False,
        sql="SELECT 1",
        coverage=coverage,
        size_bytes=len(INSTANCES),
        crc32c=crc32c,
        sha256=None,
    ).to_json()


def test_an_object_is_used_where_it_is(bucket: str, gcs_client: storage.Client) -> None:
    uri = put(f"gs://{bucket}/f.txt", INSTANCES)
    found = hand_over(uri)
    blob = gcs_client.bucket(bucket).get_blob("f.txt")
    assert found.used == FilterUsed(uri, blob.crc32c, blob.generation, covered=2)
    assert found.used.lines == 2
    assert found.notes == ()
    assert found.afterwards() == ()


def test_what_is_named_has_one_digest_in_any_order_and_with_any_ends(
    bucket: str, tmp_path: Path
) -> None:
    lines = [f"/studies/1.{n}/series/2.{n}/instances/3.{n}" for n in range(40)]
    lines += [f"/studies/2.{n}" for n in range(9)] + ["/studies/3/series/4"]
    texts = ["\n".join(lines) + "\n", "\n".join(lines[::-1]), "\r\n".join(sorted(lines))]
    found = [hand_over(put(f"gs://{bucket}/{n}.txt", text)).used for n, text in enumerate(texts)]
    (tmp_path / "local.txt").write_text(texts[0])
    found.append(take_up(str(tmp_path / "local.txt")).used)
    assert {(used.lines, used.digest) for used in found} == {(50, found[0].digest)}
    others = [lines[1:], [*lines, "/studies/5"], [*lines[1:], "/studies/1.0/series/2.0"]]
    for number, other in enumerate(others):
        used = hand_over(put(f"gs://{bucket}/other-{number}.txt", "\n".join(other))).used
        assert used.digest != found[0].digest


def test_lines_of_series_cover_an_unknown_number(bucket: str) -> None:
    uri = put(f"gs://{bucket}/f.txt", "/studies/1/series/2\n")
    assert hand_over(uri).used.covered is None


def test_a_manifest_tells_what_lines_cover(bucket: str, tmp_path: Path) -> None:
    uri = put(f"gs://{bucket}/f.txt", "/studies/1/series/2\n")
    crc32c = hand_over(uri).used.crc32c
    assert crc32c
    put(f"{uri}.manifest.json", manifest(crc32c, 77))
    assert hand_over(uri).used.covered == 77
    elsewhere = tmp_path / "m.json"
    elsewhere.write_text(manifest(crc32c, 78))
    assert hand_over(uri, manifest=str(elsewhere)).used.covered == 78


def test_a_filter_that_was_changed_after_its_manifest_is_not_handed_over(bucket: str) -> None:
    uri = put(f"gs://{bucket}/f.txt", "/studies/1/series/2\n")
    put(f"{uri}.manifest.json", manifest("AAAAAA==", 77))
    with pytest.raises(FilterFileError, match=r"is not the file that .* describes"):
        hand_over(uri)


def test_a_manifest_that_is_none_is_an_error(bucket: str) -> None:
    uri = put(f"gs://{bucket}/f.txt", INSTANCES)
    put(f"{uri}.manifest.json", "{}")
    with pytest.raises(ManifestError):
        hand_over(uri)


def test_a_large_object_that_its_manifest_vouches_for_is_not_read(
    bucket: str, gcs_faults: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, reads = put(f"gs://{bucket}/f.txt", INSTANCES), r"GET .*f\.txt\?.*alt=media"
    crc32c = hand_over(uri).used.crc32c
    assert crc32c
    assert gcs_faults.count(reads)
    put(f"{uri}.manifest.json", manifest(crc32c, 2))
    monkeypatch.setattr(transfer, "_LOOKED_THROUGH", 10)
    gcs_faults.clear()
    found = hand_over(uri)
    assert "describes it" in found.notes[0]
    assert not gcs_faults.count(reads)
    put(uri, "path\n" + INSTANCES)
    with pytest.raises(FilterFileError, match=r"is not the file that .* describes"):
        hand_over(uri)


def test_what_real_stores_hold_too_is_told_and_not_refused(bucket: str) -> None:
    uri = put(f"gs://{bucket}/f.txt", "/studies/1/series/2\n/studies/3/series/2\n")
    assert "another study" in hand_over(uri).notes[0]


def test_an_irregular_uid_is_no_matter(bucket: str) -> None:
    uri = put(f"gs://{bucket}/f.txt", "/studies/1.02\n")
    assert hand_over(uri).notes == ()


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_what_becomes_of_it_meanwhile_is_found(
    bucket: str, gcs_client: storage.Client, change: str
) -> None:
    uri = put(f"gs://{bucket}/f.txt", INSTANCES)
    found = hand_over(uri)
    if change == "removed":
        gcs_client.bucket(bucket).blob("f.txt").delete()
    else:
        put(uri, INSTANCES)
    (text,) = found.afterwards()
    assert f"was {change} while the operation ran" in text


def test_a_local_file_is_staged_once_and_named_after_its_content(
    bucket: str, gcs_client: storage.Client, tmp_path: Path
) -> None:
    path = tmp_path / "f.txt"
    path.write_text(INSTANCES)
    first = hand_over(str(path), staging=f"gs://{bucket}/a")
    second = hand_over(str(path), staging=f"gs://{bucket}/a/")
    assert first.used == second.used
    assert first.used.uri == planned(str(path), staging=f"gs://{bucket}/a")
    (blob,) = gcs_client.list_blobs(bucket)
    assert blob.generation == first.used.generation
    path.write_text(INSTANCES.replace("4", "5"))
    assert hand_over(str(path), staging=f"gs://{bucket}/a").used.uri != first.used.uri


def test_where_it_was_staged_is_noted_beside_it_and_nothing_else_changes(
    bucket: str, tmp_path: Path
) -> None:
    path, beside = tmp_path / "f.txt", tmp_path / "f.txt.manifest.json"
    path.write_text(INSTANCES)
    crc32c = hand_over(str(path), staging=f"gs://{bucket}/").used.crc32c
    assert crc32c
    before = manifest(crc32c, 2)
    beside.write_text(before)
    used = hand_over(str(path), staging=f"gs://{bucket}/").used
    said = json.loads(beside.read_text())
    assert said["filter"].pop("staged") == {"uri": used.uri, "generation": used.generation}
    assert said == json.loads(before)


def test_a_plan_reads_no_object() -> None:
    assert planned("gs://nowhere-at-all/f.txt") == "gs://nowhere-at-all/f.txt"


@pytest.mark.parametrize(
    ("uri", "staging", "words"),
    [
        ("-", "gs://b/", "standard input"),
        ("f.txt", None, "local file"),
        ("f.txt", "folder/", "not in Cloud Storage"),
    ],
)
def test_a_local_file_needs_a_folder_in_the_cloud(
    uri: str, staging: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        staging_folder(uri, staging)
