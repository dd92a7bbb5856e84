from __future__ import annotations

import codecs
import gzip
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings

from dicomfilter.errors import FilterFileError, SourceError, UsageError
from dicomfilter.filters.lines import Kind, LevelCounts, check, chunks, ledger, lines
from dicomfilter.filters.lines.findings import MAX_LINES_SHOWN
from tests.filters.lines.files import ANY_FILES, GOOD_FILES
from tests.filters.lines.reference import expected

pytestmark = pytest.mark.usefixtures("way")
STORE = "projects/p/locations/l/datasets/d/dicomStores/{}/dicomWeb"
URL = "https://healthcare.googleapis.com/v1/" + STORE.format("s")
IN_A_FIXTURE = [HealthCheck.function_scoped_fixture]


@pytest.fixture
def found(tmp_path):
    def found(data):
        path = tmp_path / "f.txt"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return {f.kind: (f.count, f.first_lines) for f in check(path).findings}

    return found


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("/studies/1.2", set()),
        ("/studies/1.2/series/3", set()),
        ("/studies/1.2/series/3/instances/4", set()),
        (f"/studies/{'1' * 64}", set()),
        (f"/studies/{'1' * 65}", {Kind.IRREGULAR_UID}),
        ("/studies/1.02", {Kind.IRREGULAR_UID}),
        ("/studies/1..2", {Kind.IRREGULAR_UID}),
        ("/studies/1/series/2.", {Kind.IRREGULAR_UID}),
        ("/studies/1.2/", {Kind.WRONG_SHAPE}),
        ("/studies/1/instances/2", {Kind.WRONG_SHAPE}),
        ("/Studies/1", {Kind.WRONG_SHAPE}),
        ("//studies/1", {Kind.WRONG_SHAPE}),
        ("1.2.840", {Kind.WRONG_SHAPE}),
        ("/studies/1,/studies/2", {Kind.WRONG_SHAPE}),
        ("/studies/1\r/studies/2", {Kind.WRONG_SHAPE}),
        ("/studies/1/series/2/metadata", {Kind.WRONG_SHAPE}),
        ("/studies/", {Kind.UNUSABLE_UID}),
        ("/studies/1/series/", {Kind.UNUSABLE_UID}),
        ("/studies//series/1", {Kind.UNUSABLE_UID}),
        ("/studies/1.2a", {Kind.UNUSABLE_UID}),
        ("/studies/1.2?x=1", {Kind.UNUSABLE_UID}),
        ("/studies/1 .2", {Kind.UNUSABLE_UID}),
        ("/studies/\u0661", {Kind.NON_ASCII}),
        ("/studies/1\u2028", {Kind.NON_ASCII}),
        ("\u00a0/studies/1", {Kind.NON_ASCII}),
        ("/studies/1\0", {Kind.NUL}),
        ("/studies/1\x0b", {Kind.WHITESPACE}),
        ("\t/studies/1 ", {Kind.WHITESPACE}),
        ("", {Kind.BLANK}),
        (" \t", {Kind.BLANK, Kind.WHITESPACE}),
        ('"/studies/1"', {Kind.QUOTES}),
        ("'/studies/1'", {Kind.QUOTES}),
        ('" /studies/1"', {Kind.QUOTES, Kind.WHITESPACE}),
        ('"/studies/1', {Kind.QUOTES, Kind.WRONG_SHAPE}),
        ('/studies/1"', {Kind.QUOTES, Kind.UNUSABLE_UID}),
        ("studies/1", {Kind.NO_LEADING_SLASH}),
        ("/dicomWeb/studies/1", {Kind.DICOMWEB_PREFIX}),
        (STORE.format("s") + "/studies/1", {Kind.DICOMWEB_PREFIX}),
        (URL + "/studies/1/series/2/instances/3", {Kind.DICOMWEB_PREFIX}),
        ("https://server:8042/dicom-web/studies/1", {Kind.DICOMWEB_PREFIX}),
        (URL + "/studies/1x", {Kind.DICOMWEB_PREFIX, Kind.UNUSABLE_UID}),
        (URL + "/studies/1/rendered", {Kind.WRONG_SHAPE}),
        ("/other/studies/1", {Kind.WRONG_SHAPE}),
        ("\ufeff/studies/1", {Kind.BOM}),
        ("/studies/1\r", {Kind.CRLF}),
        ("/studies/1\r\r", {Kind.CRLF, Kind.WHITESPACE}),
    ],
)
def test_a_line_is_what_it_is(found, line, kinds):
    kinds_found = found(f"/studies/7\n{line}\n/studies/8\n")
    assert kinds_found == dict.fromkeys(kinds, (1, (2,)))


@pytest.mark.parametrize(
    ("data", "kind", "count", "first"),
    [
        ("/studies/1\n/studies/2\n/studies/1\n/studies/1\n", Kind.DUPLICATE, 2, (3, 4)),
        ("/studies/1\n/studies/1\r\n", Kind.DUPLICATE, 1, (2,)),
        ('/studies/1\n"studies/1"\n', Kind.DUPLICATE, 1, (2,)),
        ("/studies/1/series/2\n/studies/1\n", Kind.COVERED, 1, (1,)),
        ("/studies/1\n/studies/1/series/2/instances/3\n", Kind.COVERED, 1, (2,)),
        ("/studies/1/series/2/instances/3\n/studies/1/series/2\n", Kind.COVERED, 1, (1,)),
        ("/studies/1/series/2\n/studies/3/series/2\n", Kind.SERIES_IN_TWO_STUDIES, 1, (2,)),
        (
            "/studies/1/series/2\n/studies/3/series/2/instances/4\n",
            Kind.SERIES_IN_TWO_STUDIES,
            1,
            (2,),
        ),
        (
            "/studies/1/series/2/instances/4\n/studies/1/series/3/instances/4\n",
            Kind.INSTANCE_IN_TWO_SERIES,
            1,
            (2,),
        ),
        ("path\n/studies/1\npath\n", Kind.HEADER, 2, (1, 3)),
        (URL + "/studies/1\n" + STORE.format("t") + "/studies/2\n", Kind.MIXED_STORES, 1, (2,)),
        ("/studies/1", Kind.NO_FINAL_NEWLINE, 1, (1,)),
        ("path\n\n", Kind.NO_PATHS, 1, ()),
        (gzip.compress(b"/studies/1\n", mtime=0), Kind.GZIP, 1, ()),
        (codecs.BOM_UTF16_LE + "/studies/1\n".encode("utf-16-le"), Kind.UTF_16, 1, ()),
    ],
)
def test_lines_are_compared_and_files_looked_at(found, data, kind, count, first):
    assert found(data)[kind] == (count, first)


def test_a_duplicate_that_is_covered_is_counted_once(found):
    data = "/studies/1/series/2\n/studies/1\n/studies/1/series/2\n"
    assert found(data) == {Kind.DUPLICATE: (1, (3,)), Kind.COVERED: (1, (1,))}


def test_one_store_by_several_addresses_is_one_store(found):
    data = f"{URL}/studies/1\n/{STORE.format('s')}/studies/2\n/dicomWeb/studies/3\n"
    assert found(data) == {Kind.DICOMWEB_PREFIX: (3, (1, 2, 3))}


def test_only_the_first_lines_are_listed(found):
    assert found("\n" * 9) == {Kind.NO_PATHS: (1, ()), Kind.BLANK: (9, (1, 2, 3, 4, 5))}


def test_a_word_is_a_header_only_at_the_start(found):
    assert found("/studies/1\npath\n") == {Kind.WRONG_SHAPE: (1, (2,))}


def test_what_is_covered_by_nothing_is_not_covered(found):
    assert found("/studies/1/series/2\n/studies/12\n/studies/1/series/21/instances/3\n") == {}


def assert_agrees(data, path):
    path.write_bytes(data)
    report, wanted = check(path), expected(data)
    counted = {
        kind: (len(numbers), tuple(numbers[:MAX_LINES_SHOWN]) if numbers[0] else ())
        for kind, numbers in wanted.found.items()
    }
    assert {str(f.kind): (f.count, f.first_lines) for f in report.findings} == counted
    assert report.lines == wanted.lines
    levels = [path.level for _, path in wanted.paths]
    assert report.levels == LevelCounts(
        *(levels.count(level) for level in type(report.levels).__slots__)
    )


@settings(max_examples=100, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(data=ANY_FILES)
def test_any_file_is_classified_as_line_by_line(data, tmp_path):
    assert_agrees(data, tmp_path / "f.txt")


@settings(max_examples=30, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(data=ANY_FILES)
def test_blocks_of_any_size_give_the_same_lines(data, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "_BLOCK_BYTES", 7)
        assert_agrees(data, tmp_path / "f.txt")


@settings(max_examples=40, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(data=GOOD_FILES)
def test_well_formed_lines_are_compared_as_line_by_line(data, tmp_path):
    assert_agrees(data, tmp_path / "f.txt")


@settings(max_examples=30, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(data=ANY_FILES)
def test_proofs_change_nothing_but_the_time_it_takes(data, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "holds_only_paths", lambda *_: False)
        assert_agrees(data, tmp_path / "f.txt")


def many(count):
    return b"".join(
        b"/studies/1.%d/series/2.%d/instances/3.%d\n" % (i // 99, i // 9, i) for i in range(count)
    )


def test_line_numbers_hold_in_many_blocks(tmp_path):
    whole = many(200_000).split(b"\n")
    whole[150_000] = b"x"
    whole[190_000] = whole[3]
    path = tmp_path / "f.txt"
    path.write_bytes(b"\n".join(whole))
    assert path.stat().st_size > 5 * chunks._BLOCK_BYTES
    found = {f.kind: f.first_lines for f in check(path).findings}
    assert found == {Kind.WRONG_SHAPE: (150_001,), Kind.DUPLICATE: (190_001,)}


def test_what_does_not_fit_into_memory_is_spilled(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spill"))
    (tmp_path / "spill").mkdir()
    path = tmp_path / "f.txt"
    path.write_bytes(b"".join(b' "%b"\n' % line for line in many(400_000).split(b"\n") if line))
    report = check(path, memory_limit="60MB")
    assert report.lines == report.levels.instance == report.find(Kind.QUOTES).count == 400_000
    assert list((tmp_path / "spill").iterdir()) == []


@pytest.mark.parametrize("limit", ["", "much", "2 parsecs"])
def test_a_memory_limit_must_be_one(tmp_path, limit):
    path = tmp_path / "f.txt"
    path.write_bytes(b"/studies/1\n")
    with pytest.raises(UsageError, match="not an amount of memory"):
        check(path, memory_limit=limit)


@pytest.mark.usefixtures("large")
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "f.txt"
    path.write_bytes(b"/studies/1\n/studies/1\n")
    again = ledger.texts

    def grows(data):
        with path.open("ab") as file:
            file.write(b"/studies/2\n")
        return again(data)

    monkeypatch.setattr(ledger, "texts", grows)
    check_once = ledger.Ledger.read

    def read(self, digest=None):
        check_once(self, digest)
        with path.open("ab") as file:
            file.write(b"/studies/3\n")

    monkeypatch.setattr(ledger.Ledger, "read", read)
    with pytest.raises(FilterFileError, match="changed while it was read"):
        check(path)


@pytest.mark.parametrize("data", [b"", b"1" * (2 << 20), gzip.compress(b"x" * 99, mtime=0)[:20]])
def test_what_is_no_filter_file_is_one_error_with_a_hint(tmp_path, data):
    path = tmp_path / "f.txt"
    path.write_bytes(data)
    with pytest.raises(FilterFileError) as caught:
        check(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(SourceError):
        check(tmp_path)


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + bytes(3000), b"PAR1" + b"\xff" * 900]
)
def test_other_kinds_of_files_are_told_apart_without_trouble(found, data):
    assert found(data)[Kind.NO_PATHS]
