"""Plain files: DuckDB splits them, and what it made of them is proved by counting."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomfilter.filters.lines import check, ledger, plain, summary
from dicomfilter.filters.lines.ledger import open_ledger
from dicomfilter.storage.digest import Digest
from tests.filters.lines.files import ANY_FILES, GOOD_FILES
from tests.filters.lines.test_check import assert_agrees

IN_A_FIXTURE = [HealthCheck.function_scoped_fixture]
LINE = "/studies/1.2/series/3.4/instances/5.{}\n"
LINES = "".join(LINE.format(n) for n in range(1, 2001)).encode()


def is_plain(path: Path) -> bool:
    with open_ledger(str(path)) as opened:
        opened.read()
        return opened.plain is not None


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all files tried, so that the proof alone decides."""
    monkeypatch.setattr(ledger, "may_be_plain", lambda _: True)


@settings(max_examples=50, suppress_health_check=IN_A_FIXTURE, deadline=None)
@given(data=st.one_of(ANY_FILES, GOOD_FILES))
@pytest.mark.usefixtures("tried")
def test_what_is_not_plain_is_never_taken_for_it(data: bytes, tmp_path: Path) -> None:
    assert_agrees(data, tmp_path / "f.txt")


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("lines", [b"/studies/1\n", b"/studies/1/series/0.2\n", LINES])
def test_a_file_of_regular_paths_is_plain(tmp_path: Path, lines: bytes, *, ends: bool) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(lines if ends else lines.removesuffix(b"\n"))
    assert is_plain(path)
    assert {str(f.kind) for f in check(path).findings} == (
        {"no-final-newline"} - {ends * "no-final-newline"}
    )


@pytest.mark.parametrize("where", [0, 1999, 2000])
@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "/studies",
        "/studies/",
        "/studies/1/series",
        "/studies/1//series/2",
        "/studies/1/series/2/instances",
        "/studies/1/series/2/instances/3/",
        "/studies/1/serise/2",
        "/studies/1/instances/2",
        "/studies/1/2",
        "studies/1",
        '"/studies/1"',
        "/studies/1\r",
        "/studies/-",
        "/studies/1.02",
        "/studies/1..2",
        "/studies/.1",
        "/studies/1.",
        "/studies/1a",
        "/studies/1:",
        "/studies/1\0",
        "/studies/1é",
        "\ufeff/studies/1",
        "# /studies/1",
    ],
)
@pytest.mark.usefixtures("tried")
def test_one_odd_line_among_many_makes_it_none(tmp_path: Path, where: int, line: str) -> None:
    lines = LINES.splitlines(keepends=True)
    lines.insert(where, line.encode() + b"\n")
    path = tmp_path / "f.txt"
    path.write_bytes(b"".join(lines))
    assert not is_plain(path)


@pytest.mark.parametrize("piece", [3, 7, 64, 1000])
def test_it_does_not_matter_where_the_pieces_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(plain, "PIECE", piece)
    path = tmp_path / "f.txt"
    path.write_bytes(LINES)
    assert is_plain(path)
    path.write_bytes(LINES.replace(b"5.1777\n", b"5..777\n"))
    assert not is_plain(path)


@pytest.mark.parametrize("line", ["/studies/1.", "/studies/", "/studies/1/series/2/"])
@pytest.mark.usefixtures("tried")
def test_a_last_line_without_an_end_may_be_odd_too(tmp_path: Path, line: str) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(LINES + line.encode())
    assert not is_plain(path)


@pytest.mark.parametrize("column", ["start", "studies", "study", "series_uid", "instance"])
def test_the_name_of_a_folder_is_no_uid(tmp_path: Path, column: str) -> None:
    folder = tmp_path / f"{column}=1.2.3"
    folder.mkdir()
    lines = b"/studies/1.2.4/series/8/instances/1\n/studies/1.2.5/series/8/instances/2\n"
    (folder / "f.txt").write_bytes(lines)
    found = check(folder / "f.txt").findings
    assert [str(f.kind) for f in found] == ["series-in-two-studies"]


def test_a_link_leads_where_the_system_goes(tmp_path: Path) -> None:
    (tmp_path / "x/real/sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "x/real/sub")
    (tmp_path / "x/real/f.txt").write_bytes(LINES)
    (tmp_path / "f.txt").write_bytes(b"/studies/1\n/studies/1\n")
    assert check(f"{tmp_path}/link/../f.txt").lines == 2000


def test_a_name_may_be_no_text(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")
    try:
        Path(path).write_bytes(LINES)
    except OSError:
        pytest.skip("a file system with Unicode names alone")
    assert check(path).ok


def test_a_file_that_vanishes_after_it_was_read_was_read(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(LINES)
    with open_ledger(str(path)) as opened:
        opened.read()
        path.unlink()
        opened.compare()
        assert opened.report().ok


def test_a_packed_file_is_read_the_other_way(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(gzip.compress(LINES))
    assert not is_plain(path)


@pytest.mark.parametrize("name", ["a*.txt", "[ab].txt", "what?.txt", "it's {}.csv.gz", "é ü.txt"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    (tmp_path / "another.txt").write_bytes(LINES)
    (tmp_path / name).write_bytes(LINES + LINES[: LINES.index(b"\n") + 1])
    report = check(tmp_path / name)
    assert report.lines == 2001
    assert [(str(f.kind), f.first_lines) for f in report.findings] == [("duplicate", (2001,))]


@pytest.mark.parametrize("few", [0, 10**9])
@pytest.mark.parametrize("most", [0, 10**9])
def test_what_repeats_is_found_however_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, most: int
) -> None:
    monkeypatch.setattr(ledger, "_FEW", few)
    monkeypatch.setattr(ledger, "_SORTED", most)
    monkeypatch.setattr(plain, "_BATCH_LINES", 700)
    lines = LINES.splitlines(keepends=True)
    lines[1500] = lines[3]
    lines[1999] = b"/studies/9/series/3.4/instances/5.7\n"
    lines += [b"/studies/8/series/1\n", b"/studies/8\n"]
    path = tmp_path / "f.txt"
    path.write_bytes(b"".join(lines))
    assert is_plain(path)
    found = {str(f.kind): f.first_lines for f in check(path).findings}
    assert found == {
        "duplicate": (1501,),
        "covered": (2001,),
        "series-in-two-studies": (2000,),
    }


def test_checksums_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(LINES)
    digest = Digest()
    digest.add(LINES)
    found = summary(path)
    assert (found.size_bytes, found.crc32c, found.sha256) == (
        len(LINES),
        digest.crc32c,
        digest.sha256,
    )


def test_a_file_that_grows_while_it_is_read_is_not_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(LINES)
    of = plain.PlainBytes.of

    def grows(*arguments: object) -> object:
        found = of(*arguments)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(b"/studies/1\n")
        return found

    monkeypatch.setattr(plain.PlainBytes, "of", grows)
    assert not is_plain(path)


def test_a_session_may_read_its_own_file_alone(tmp_path: Path) -> None:
    import duckdb

    path, other = tmp_path / "f.txt", tmp_path / "other.txt"
    path.write_bytes(LINES)
    other.write_bytes(LINES)
    with open_ledger(str(path)) as opened:
        opened.read()
        with pytest.raises(duckdb.PermissionException):
            opened.connection.execute("SELECT * FROM read_csv($path)", {"path": str(other)})
