"""Carrying a filter file to Cloud Storage: only one that is usable, and as it is."""

from __future__ import annotations

import hashlib
import io
import sys
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    FilterFileError,
    SourceNotFoundError,
    UsageError,
)
from dicomfilter.filters.lines import Kind
from dicomfilter.filters.lines.ledger import Ledger
from dicomfilter.filters.transfer import upload_filter
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

GOOD = b"/studies/1.1/series/1.1.1\n/studies/1.2\n"


@pytest.fixture
def uri(bucket: str) -> str:
    return f"gs://{bucket}/filters/ct.txt"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "ct.txt"
    path.write_bytes(GOOD)
    return path


def content(uri: str) -> bytes:
    with open_storage(uri).reader(uri) as file:
        return file.read()


def test_a_good_file_arrives_as_it_is(good: Path, uri: str) -> None:
    done = upload_filter(good, uri)

    assert content(uri) == GOOD
    assert (done.uri, done.lines, done.levels.study, done.levels.series) == (uri, 2, 1, 1)
    assert done.written.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert done.written.generation == open_storage(uri).stat(uri).generation
    assert done.report.findings == ()


@pytest.mark.parametrize("text", [GOOD.replace(b"\n", b"\r\n"), GOOD[:-1]], ids=["crlf", "no end"])
def test_what_the_format_allows_is_only_noticed(tmp_path: Path, uri: str, text: bytes) -> None:
    (tmp_path / "f.txt").write_bytes(text)
    done = upload_filter(tmp_path / "f.txt", uri)

    assert content(uri) == text
    assert len(done.report.notices) == 1


@pytest.mark.parametrize(
    ("text", "kind", "repairable"),
    [
        (b"path\n" + GOOD, Kind.HEADER, True),
        (b'"/studies/1.1"\n', Kind.QUOTES, True),
        (b"/dicomWeb/studies/1.1\n", Kind.DICOMWEB_PREFIX, True),
        (GOOD + b"\n", Kind.BLANK, True),
        (b"\xef\xbb\xbf" + GOOD, Kind.BOM, True),
        (GOOD + GOOD, Kind.DUPLICATE, True),
        (b"/studies/1.1\nPatient X\n", Kind.WRONG_SHAPE, False),
        (b"\n\n", Kind.NO_PATHS, False),
    ],
    ids=lambda value: str(value) if isinstance(value, Kind) else "",
)
def test_what_is_not_usable_as_it_is_is_refused_and_not_uploaded(
    tmp_path: Path, uri: str, *, text: bytes, kind: Kind, repairable: bool
) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(text)
    with pytest.raises(FilterFileError, match="was not uploaded") as refused:
        upload_filter(path, uri)

    assert refused.value.exit_status == 2
    assert str(kind) in refused.value.message
    assert (f"check {path} --repair" in (refused.value.hint or "")) == repairable
    assert not open_storage(uri).exists(uri)


@pytest.mark.parametrize("text", [b"", b"\x1f\x8b broken"])
def test_what_is_no_file_of_lines_is_refused(tmp_path: Path, uri: str, text: bytes) -> None:
    (tmp_path / "f.txt").write_bytes(text)
    with pytest.raises(FilterFileError):
        upload_filter(tmp_path / "f.txt", uri)

    assert not open_storage(uri).exists(uri)


def test_what_is_there_is_replaced_only_if_asked(good: Path, uri: str) -> None:
    first = upload_filter(good, uri)
    good.write_bytes(b"/studies/7\n")
    with pytest.raises(DestinationExistsError):
        upload_filter(good, uri)
    second = upload_filter(good, uri, overwrite=True)

    assert content(uri) == b"/studies/7\n"
    assert second.written.generation != first.written.generation


def test_a_taken_destination_is_found_before_the_file_is_read(tmp_path: Path, uri: str) -> None:
    with open_storage(uri).writer(uri, overwrite=False) as out:
        out.write(GOOD)
    with pytest.raises(DestinationExistsError):
        upload_filter(tmp_path / "missing.txt", uri)


def test_a_file_that_is_not_there_is_said(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SourceNotFoundError, match=r"missing\.txt"):
        upload_filter(tmp_path / "missing.txt", uri)


def test_standard_input_is_carried_too(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    done = upload_filter("-", uri)

    assert content(uri) == GOOD
    assert done.report.uri == "-"


def test_an_object_is_carried_to_another_bucket(
    good: Path, uri: str, gcs_client: storage.Client
) -> None:
    upload_filter(good, uri)
    other = f"{uri.split('/')[2]}-other"
    gcs_client.create_bucket(other, project="demo")
    upload_filter(uri, f"gs://{other}/ct.txt")

    assert content(f"gs://{other}/ct.txt") == GOOD


def test_an_object_is_not_carried_onto_itself(good: Path, uri: str) -> None:
    upload_filter(good, uri)
    with pytest.raises(DestinationError, match="read here"):
        upload_filter(uri, uri, overwrite=True)


@pytest.mark.parametrize("destination", ["ct2.txt", "-", "s3://bucket/x"])
def test_another_place_than_cloud_storage_is_refused(good: Path, destination: str) -> None:
    with pytest.raises(UsageError, match="not in Cloud Storage") as refused:
        upload_filter(good, destination)

    assert "gs://BUCKET/OBJECT" in (refused.value.hint or "")


def test_a_file_that_changes_after_its_check_is_not_uploaded(
    good: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = Ledger.findings

    def change(ledger: Ledger) -> object:
        good.write_bytes(GOOD.replace(b"1.2", b"1.3"))
        return findings(ledger)

    monkeypatch.setattr(Ledger, "findings", change)
    with pytest.raises(FilterFileError, match="changed while it was read"):
        upload_filter(good, uri)

    assert not open_storage(uri).exists(uri)
