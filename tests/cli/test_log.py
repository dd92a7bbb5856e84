"""What left, on whose word: the log, the manifest's author, and a filter that was changed."""

from __future__ import annotations

import getpass
import json
import platform
import shutil
from typing import TYPE_CHECKING

import pytest

from dicomfilter.filters.authors import Author
from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a folder with two images that pydicom ships."""
    from pydicom.data import get_testdata_file

    folder = tmp_path / "store"
    folder.mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm"):
        path = get_testdata_file(name)
        assert isinstance(path, str)
        shutil.copy(path, folder / name)
    return folder


def entries(*words: object) -> list[dict[str, object]]:
    found = call("log", "--json", *words).object["entries"]
    assert isinstance(found, list)
    return found


def test_an_export_is_logged_with_who_where_why_and_how_it_ended(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert entries() == []
    said = call("log")
    assert (said.status, said.out) == (0, "")
    assert "knows of nothing" in said.err
    index = call("index", store, "-o", "t.parquet", "-q")
    assert index.status == 0, index.err
    assert (
        call("build", "t.parquet", "--where", "Modality = 'CT'", "-o", "ct.txt", "-q").status == 0
    )
    words = ["export", "gcs", store, "--filter", "ct.txt", "--gcs-uri-prefix", "out", "-q"]
    first = call(*words, "--purpose", "a second opinion")
    assert first.status == 0, first.err
    assert call("export", "gcs", store, "--all", "--gcs-uri-prefix", "all", "-q").status == 0
    newest, oldest = entries()
    assert newest["filter"] is None
    assert oldest["place"] == str(tmp_path / "out")
    assert oldest["filter"] == str(tmp_path / "ct.txt")
    assert oldest["filter_crc32c"]
    assert oldest["store"] == str(store)
    assert oldest["operation"] == first.out.strip()
    assert (oldest["user"], oldest["machine"]) == (getpass.getuser(), platform.node())
    assert oldest["purpose"] == "a second opinion"
    assert (oldest["standing"], oldest["success"], oldest["failure"]) == ("done", 1, 0)
    assert oldest["ended"]
    assert len(entries("--limit", "1")) == 1
    assert len(entries("--store", store)) == 2
    assert entries("--store", tmp_path) == []
    shown = call("log").out
    assert "a second opinion" in shown
    assert "1 done, 0 failed" in shown


def test_an_export_that_failed_is_logged_as_failed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out = tmp_path / "out"
    (store / "CT_small.dcm").write_bytes((store / "CT_small.dcm").read_bytes()[:1000])
    assert call("export", "gcs", store, "--all", "--gcs-uri-prefix", out, "-q").status == 6
    (found,) = entries()
    assert (found["standing"], found["success"], found["failure"]) == ("done", 1, 1)


def test_a_journal_of_an_older_version_and_half_lines_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    journal = tmp_path / "dicomfilter" / "operations.jsonl"
    journal.parent.mkdir()
    old = {
        "event": "intent",
        "attempt": "a",
        "time": "2026-01-01T00:00:00+00:00",
        "store": "projects/p/locations/l/datasets/d/dicomStores/s",
        "verb": "export",
        "version": "v1",
        "place": "gs://b/out/",
    }
    lost = {**old, "event": "lost"}
    started = {**old, "attempt": "b", "event": "submitted", "time": "2026-01-02", "operation": "o"}
    lines = [json.dumps(one) for one in (old, lost, started)]
    journal.write_text("\n".join(lines) + '\n{"event": "int')
    newest, oldest = entries()
    assert (newest["standing"], oldest["standing"]) == ("started", "unclear")
    assert oldest["user"] is None
    assert "not recorded" in call("log").out


def test_a_summary_says_who_why_and_the_predicate_with_its_values(desk: Path) -> None:
    words = ["build", "metadata.parquet", "--where", "Modality = 'CT'"]
    words += ["--where", 'PatientID != "it\'s" OR FALSE', "-q"]
    call(*words, "-o", "bare.txt")
    call(*words, "-o", "told.txt", "--record-values", "--purpose", "trial 7")
    bare, told = (call("summary", f"{name}.txt").out for name in ("bare", "told"))
    assert "(Modality = (not recorded)) AND (PatientID <> (not recorded) OR FALSE)" in bare
    assert "purpose   not recorded" in bare
    assert "(Modality = 'CT') AND (PatientID <> \"it's\" OR FALSE)" in told
    assert "purpose   trial 7" in told
    assert f"by        {getpass.getuser()}, on {platform.node()}" in told
    author = json.loads((desk / "told.txt.manifest.json").read_text())["author"]
    assert author["purpose"] == "trial 7"


def test_a_filter_that_was_changed_after_its_manifest_does_not_pass(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call("index", store, "-o", "t.parquet", "-q")
    call("build", "t.parquet", "--all", "-o", "all.txt", "-q")
    whole = (tmp_path / "all.txt").read_text()
    assert call("check", "all.txt").status == 0
    (tmp_path / "all.txt").write_text(whole.splitlines(keepends=True)[0])
    checked = call("check", "all.txt")
    assert checked.status == 6
    assert "changed-since-manifest" in checked.out
    refused = call("export", "gcs", store, "--filter", "all.txt", "--gcs-uri-prefix", "out")
    assert refused.status == 2
    assert "is not the file that all.txt.manifest.json describes" in refused.err
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    # The ways out: a difference, or a filter of its own.
    assert call("check", "all.txt", "--repair", "-o", "own.txt").status == 0
    assert call("check", "own.txt").status == 0
    assert "repair of all.txt" in call("summary", "own.txt").out
    assert (
        call("export", "gcs", store, "--filter", "own.txt", "--gcs-uri-prefix", "out").status == 0
    )
    (tmp_path / "all.txt").write_text(whole)
    assert call("subtract", "all.txt", "own.txt", "-o", "rest.txt", "-q").status == 0
    assert call("check", "rest.txt").status == 0


@pytest.mark.parametrize(
    "text", ["{}", "no json", '{"client_email": 3}', '["a"]', '{"client_email": "a@b"}']
)
def test_the_account_is_that_of_the_key_and_nothing_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    key = tmp_path / "key.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    assert Author.of_process().account is None
    key.write_text(text)
    assert Author.of_process().account == ("a@b" if "@" in text else None)
    assert str(Author()) == "not recorded"
    assert Author.parse({"user": 3, "machine": "m"}) == Author(machine="m")
