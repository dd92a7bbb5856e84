from __future__ import annotations

import gzip
import json

import pytest

from dicomfilter.errors import FilterFileError, ManifestError, SourceNotFoundError
from dicomfilter.filters.lines import LevelCounts, summary
from dicomfilter.storage.digest import Digest

pytestmark = pytest.mark.usefixtures("way")
DATA = (
    b"/studies/1\n/studies/1\n/studies/2/series/3\n/studies/2/series/4/instances/5\n"
    b"/studies/2/series/4/instances/6\n\nx\n"
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "f.txt"
    path.write_bytes(DATA)
    return path


def sums(data):
    digest = Digest()
    digest.add(data)
    return digest.crc32c, digest.sha256


def test_lines_and_what_they_name_are_counted(path):
    found = summary(path)
    assert found.lines == 7
    assert found.levels == LevelCounts(study=2, series=1, instance=2)
    assert (found.studies, found.series, found.instances) == (2, 2, 2)
    assert found.size_bytes == len(DATA)


def test_what_could_be_repaired_counts_as_what_it_names(tmp_path):
    path = tmp_path / "f.txt"
    path.write_bytes(b"path\r\n'/studies/1'\r\nstudies/2/series/3\r\n")
    found = summary(path)
    assert (found.studies, found.series, found.levels.total) == (2, 1, 2)


def test_checksums_are_of_the_bytes_as_they_lie_there(path, tmp_path):
    packed = tmp_path / "f.gz"
    packed.write_bytes(gzip.compress(DATA))
    assert (summary(path).crc32c, summary(path).sha256) == sums(DATA)
    found = summary(packed)
    assert (found.crc32c, found.sha256) == sums(packed.read_bytes())
    assert found.lines == 7


def test_crc32c_is_written_as_cloud_storage_does(tmp_path):
    path = tmp_path / "f.txt"
    path.write_bytes(b"123456789")
    assert summary(path).crc32c == "4waSgw=="


def test_without_a_manifest_nothing_is_said_of_one(path):
    found = summary(path)
    assert (found.manifest_uri, found.manifest, found.matches_manifest) == (None, None, None)


@pytest.mark.parametrize(("recorded", "matches"), [(sums(DATA)[0], True), ("AAAAAA==", False)])
def test_the_manifest_beside_it_is_compared(path, recorded, matches):
    beside = path.with_name("f.txt.manifest.json")
    beside.write_text(json.dumps({"filter": {"crc32c": recorded}, "x": 1}))
    found = summary(path)
    assert found.manifest_uri == str(beside)
    assert found.manifest["x"] == 1
    assert found.matches_manifest is matches


@pytest.mark.parametrize("said", ["{}", '{"filter": 3}', '{"filter": {}}'])
def test_a_manifest_without_a_checksum_says_nothing_of_the_bytes(path, said):
    path.with_name("f.txt.manifest.json").write_text(said)
    assert summary(path).matches_manifest is None


def test_a_manifest_can_be_elsewhere(path, tmp_path):
    elsewhere = tmp_path / "m.json"
    elsewhere.write_text("{}")
    assert summary(path, manifest=str(elsewhere)).manifest == {}
    with pytest.raises(SourceNotFoundError):
        summary(path, manifest=str(tmp_path / "none.json"))


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"\xff\xfe\xfa"])
def test_a_manifest_must_be_one(path, said):
    path.with_name("f.txt.manifest.json").write_bytes(said)
    with pytest.raises(ManifestError) as caught:
        summary(path)
    assert caught.value.hint


def test_an_empty_file_has_no_summary(tmp_path):
    path = tmp_path / "f.txt"
    path.touch()
    with pytest.raises(FilterFileError, match="is empty"):
        summary(path)
