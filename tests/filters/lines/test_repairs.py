from __future__ import annotations

import codecs
import gzip
import os

import pytest
from hypothesis import HealthCheck, given, settings

from dicomfilter.errors import DestinationError, DestinationExistsError, FilterFileError
from dicomfilter.filters.lines import Kind, LevelCounts, check, chunks, repair, repairs
from dicomfilter.storage.digest import Digest
from tests.filters.lines.files import ANY_FILES, GOOD_FILES
from tests.filters.lines.reference import expected

pytestmark = pytest.mark.usefixtures("way")
BROKEN = (
    codecs.BOM_UTF8
    + b"path\r\n/studies/1\n \n'/studies/2/series/1'\nstudies/1\n/studies/1/series/9\n"
    + b"\t/dicomWeb/studies/3 \r\n/studies/2/series/1\npath\n\n/studies/4"
)
FIXED = b"/studies/1\n/studies/2/series/1\n/studies/3\n/studies/4\n"


@pytest.fixture
def put(tmp_path):
    def put(data):
        path = tmp_path / "broken.txt"
        path.write_bytes(data)
        return path

    return put


@pytest.mark.parametrize(
    "data",
    [
        b"/studies/1\n",
        codecs.BOM_UTF8 + b"/studies/1\n",
        b"/studies/1\r\n",
        b"  /studies/1\t\n",
        b"\n/studies/1\n\n",
        b'"/studies/1"\n',
        b"path\n/studies/1\n",
        b"/dicomWeb/studies/1\n",
        b"https://host/v1/projects/p/locations/l/datasets/d/dicomStores/s/dicomWeb/studies/1\n",
        b"studies/1\n",
        b"/studies/1\n/studies/1\n",
        b"/studies/1/series/2\n/studies/1\n",
        b"/studies/1",
        gzip.compress(b"/studies/1\n", mtime=0),
        "/studies/1\n".encode("utf-16"),
        gzip.compress(codecs.BOM_UTF8 + b"f0_\r\n' studies/1'\r\n/studies/1/series/2\r\n", mtime=0),
    ],
)
def test_what_has_one_meaning_is_put_right(put, tmp_path, data):
    out = tmp_path / "fixed.txt"
    repaired = repair(put(data), out)
    assert out.read_bytes() == b"/studies/1\n"
    assert repaired.lines == 1
    assert repaired.levels == LevelCounts(study=1)


def test_all_at_once_in_the_order_of_the_file(put, tmp_path):
    out = tmp_path / "fixed.txt"
    repaired = repair(put(BROKEN), out)
    assert out.read_bytes() == FIXED
    assert repaired.lines_before == 11
    assert repaired.levels == LevelCounts(study=3, series=1)
    assert {finding.kind for finding in repaired.fixed} == {
        Kind.BOM,
        Kind.HEADER,
        Kind.BLANK,
        Kind.WHITESPACE,
        Kind.QUOTES,
        Kind.DICOMWEB_PREFIX,
        Kind.NO_LEADING_SLASH,
        Kind.DUPLICATE,
        Kind.COVERED,
        Kind.CRLF,
        Kind.NO_FINAL_NEWLINE,
    }


def test_what_was_written_is_summed(put, tmp_path):
    out, digest = tmp_path / "fixed.txt", Digest()
    digest.add(FIXED)
    written = repair(put(BROKEN), out).written
    assert (written.uri, written.size_bytes) == (str(out), len(FIXED))
    assert (written.crc32c, written.sha256) == (digest.crc32c, digest.sha256)


def test_irregular_uids_are_left_as_they_are(put, tmp_path):
    out = tmp_path / "fixed.txt"
    repaired = repair(put(b"/studies/01\n/studies/1\n/studies/1..2\r\n"), out)
    assert out.read_bytes() == b"/studies/01\n/studies/1\n/studies/1..2\n"
    assert [finding.kind for finding in repaired.fixed] == [Kind.CRLF]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"/studies/1/\n", Kind.WRONG_SHAPE),
        (b"/studies/x\n", Kind.UNUSABLE_UID),
        (b"/studies/1\0\n", Kind.NUL),
        (b"/studies/1\xff\n", Kind.NON_ASCII),
        (b"path\n\n", Kind.NO_PATHS),
        (b"/studies/1/series/2\n/studies/3/series/2\n", Kind.SERIES_IN_TWO_STUDIES),
        (
            b"/studies/1/series/2/instances/4\n/studies/1/series/3/instances/4\n",
            Kind.INSTANCE_IN_TWO_SERIES,
        ),
        (b"http://a/studies/1\nhttp://b/studies/2\n", Kind.MIXED_STORES),
    ],
)
def test_the_rest_is_refused_by_name_and_nothing_is_written(put, tmp_path, data, kind):
    out = tmp_path / "fixed.txt"
    with pytest.raises(FilterFileError, match=kind) as caught:
        repair(put(data), out)
    assert caught.value.hint
    assert os.listdir(tmp_path) == ["broken.txt"]


def test_a_refusal_names_all_classes_with_their_first_lines(put, tmp_path):
    data = b"/studies/1\n" + b"x/\n" * 7 + b"/studies/y\n"
    with pytest.raises(FilterFileError) as caught:
        repair(put(data), tmp_path / "fixed.txt")
    message = str(caught.value)
    assert "wrong-shape, lines 2, 3, 4, 5, 6 and 2 more; unusable-uid, line 9" in message


def test_nothing_is_replaced_unasked(put, tmp_path):
    out = tmp_path / "fixed.txt"
    out.write_bytes(b"old")
    with pytest.raises(DestinationExistsError):
        repair(put(BROKEN), out)
    assert out.read_bytes() == b"old"
    repair(put(BROKEN), out, overwrite=True)
    assert out.read_bytes() == FIXED


def test_a_refusal_leaves_what_was_to_be_replaced(put, tmp_path):
    out = tmp_path / "fixed.txt"
    out.write_bytes(b"old")
    with pytest.raises(FilterFileError):
        repair(put(b"x/\n"), out, overwrite=True)
    assert out.read_bytes() == b"old"


def test_a_file_is_not_repaired_onto_itself(put):
    path = put(BROKEN)
    with pytest.raises(DestinationError, match="cannot be the output too"):
        repair(path, path, overwrite=True)
    assert path.read_bytes() == BROKEN


def test_the_result_can_go_to_standard_output(put, capfdbinary):
    repair(put(BROKEN), "-")
    assert capfdbinary.readouterr().out == FIXED


@pytest.mark.usefixtures("large")
def test_a_file_that_changes_under_the_repair_is_not_written(put, tmp_path, monkeypatch):
    path = put(b"/studies/1\n/studies/1\n")
    refuse = repairs._refuse

    def change(*args):
        path.write_bytes(b"/studies/2\n/studies/1\n")
        refuse(*args)

    monkeypatch.setattr(repairs, "_refuse", change)
    with pytest.raises(FilterFileError, match="changed while it was read"):
        repair(path, tmp_path / "fixed.txt")
    assert os.listdir(tmp_path) == ["broken.txt"]


@pytest.mark.parametrize("size", [1, 9, 64])
def test_blocks_of_any_size_give_the_same_file(put, tmp_path, monkeypatch, size):
    monkeypatch.setattr(chunks, "_BLOCK_BYTES", size)
    out = tmp_path / "fixed.txt"
    repair(put(BROKEN), out)
    assert out.read_bytes() == FIXED


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=ANY_FILES | GOOD_FILES)
def test_a_repaired_file_is_right_and_names_what_the_broken_one_did(data, tmp_path):
    path, out = tmp_path / "broken.txt", tmp_path / "fixed.txt"
    path.write_bytes(data)
    wanted = expected(data)
    kinds = {Kind(kind) for kind in wanted.found}
    if any(kind.severity == "error" and not kind.repairable for kind in kinds):
        with pytest.raises(FilterFileError):
            repair(path, out, overwrite=True)
        return
    repaired = repair(path, out, overwrite=True)
    assert out.read_text().splitlines() == [str(kept) for kept in wanted.kept]
    assert {finding.kind for finding in repaired.fixed} == {k for k in kinds if k.repairable}
    report = check(out)
    assert {finding.kind for finding in report.findings} <= {Kind.IRREGULAR_UID}
    assert report.levels == repaired.levels
