"""What a filter asks for, compared with what a destination holds."""

from __future__ import annotations

import json
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

import dicomfilter as dcf
from dicomfilter.errors import (
    DestinationError,
    EmptyFilterError,
    SourceError,
    SourceNotFoundError,
    UsageError,
)
from dicomfilter.proof.verify import VerifyOptions
from tests import tables
from tests.cli.running import call
from tests.stores.folder.images import STUDIES, image, put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cli.running import Ended

UIDS = [(one.study, one.series, one.instance) for one in STUDIES]
LINES = "".join(one.line for one in STUDIES)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of one's own, with a state of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def export(names: Iterable[str] = (), folder: str = "out", data: bytes = b"DICM") -> Path:
    """Make what an export makes, without one."""
    root = Path(folder)
    root.mkdir(exist_ok=True)
    for name in names or [one.name for one in STUDIES]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_filter(lines: str = LINES, name: str = "f.txt") -> str:
    Path(name).write_text(lines)
    return name


def metadata(
    uids: Iterable[tuple[str, str, str]] = UIDS, name: str = "m.parquet", **more: object
) -> str:
    rows = [tables.instance(*each, "CT", **more) for each in uids]
    tables.write(Path(name), tables.INSTANCES, rows)
    return name


def verified(*arguments: object, status: int) -> dict[str, object]:
    ended: Ended = call("verify", *arguments, "--json")
    assert ended.status == status, ended.out + ended.err
    found: dict[str, object] = json.loads(ended.out)
    return found


def listed(path: str) -> list[str]:
    return Path(path).read_text().replace('"', "").splitlines()[1:]


def test_all_that_was_asked_for_is_there() -> None:
    export()
    found = verified(write_filter(), "out", status=0)
    assert (found["verdict"], found["expected"], found["arrived"]) == ("complete", 12, 12)
    assert not Path("f.txt.missing.csv").exists()
    assert not Path("f.txt.retry.txt").exists()
    assert sorted(Path("f.txt.delivered.txt").read_text().splitlines()) == sorted(
        LINES.splitlines()
    )


def test_what_is_missing_is_listed_and_can_be_asked_for_again() -> None:
    out = export()
    for one in STUDIES[:3]:
        (out / one.name).unlink()
    found = verified(write_filter(), "out", status=6)
    assert found["verdict"] == "incomplete"
    assert found["missing"] == {
        "count": 3,
        "reasons": {"unknown": 3},
        "file": "f.txt.missing.csv",
    }
    assert listed("f.txt.missing.csv") == [
        f"{one.study},{one.series},{one.instance},unknown" for one in STUDIES[:3]
    ]
    assert stat.S_IMODE(Path("f.txt.missing.csv").stat().st_mode) == 0o600
    assert sorted(Path("f.txt.retry.txt").read_text().splitlines()) == [
        one.line.strip() for one in STUDIES[:3]
    ]
    assert (
        json.loads(Path("f.txt.retry.txt.manifest.json").read_text())["derived"]["operation"]
        == "retry"
    )


def test_a_file_of_0_bytes_is_no_image() -> None:
    out = export()
    (out / STUDIES[0].name).write_bytes(b"")
    found = verified(write_filter(), "out", status=6)
    assert found["suspicious"] == {"empty": 1, "another_instance": 0}
    assert found["missing"]["reasons"] == {"empty": 1}  # type: ignore[index]
    assert found["arrived"] == 11


def test_nothing_there_is_a_finding_and_no_empty_cohort() -> None:
    Path("out").mkdir()
    assert verified(write_filter(), "out", status=6)["verdict"] == "nothing-arrived"
    assert Path("f.txt.retry.txt").exists()


def test_a_destination_that_does_not_exist_could_not_be_looked_at() -> None:
    ended = call("verify", write_filter(), "out")
    assert ended.status == 2
    assert "there is no folder out" in ended.err


@pytest.mark.parametrize("options", [[], ["--one-way"]])
def test_what_was_not_asked_for_is_unexpected(options: list[str]) -> None:
    export()
    lines = "".join(one.line for one in STUDIES[:10])
    found = verified(write_filter(lines), "out", *options, status=0 if options else 6)
    assert found["verdict"] == ("complete" if options else "unexpected")
    assert found["unexpected"]["count"] == 2  # type: ignore[index]
    assert listed("f.txt.unexpected.csv") == [
        f"{one.study},{one.series},{one.instance},not-asked-for" for one in STUDIES[10:]
    ]


def test_names_that_no_export_makes_are_counted_apart() -> None:
    out = export()
    for name in ("ct.txt", "a/b/c.dcm", "1.1/1.1.1/1.1.1.1/1.1.1.1.1/x.dcm", ".hidden"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"x")
    found = verified(write_filter(), "out", status=0)
    assert found["others"] == {"count": 4 - 1}  # what lies deeper than images do is not looked at


def test_a_folder_that_cannot_be_read_is_not_an_empty_one() -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    out = export()
    (out / "1.1").chmod(0)
    try:
        ended = call("verify", write_filter(), "out")
    finally:
        (out / "1.1").chmod(0o755)
    assert ended.status == 2
    assert "cannot be read" in ended.err


# lines of studies and series

SERIES_LINES = "/studies/1.1/series/1.1.1\n/studies/1.2\n"


def test_lines_are_expanded_by_a_table() -> None:
    out = export([one.name for one in STUDIES if one.series != "1.1.2"])
    (out / "1.2/1.2.1/1.2.1.2.dcm").unlink()
    found = verified(write_filter(SERIES_LINES), "out", "--against", metadata(), status=6)
    assert (found["expected"], found["arrived"]) == (9, 8)
    assert Path("f.txt.retry.txt").read_text() == "/studies/1.2/series/1.2.1/instances/1.2.1.2\n"


def test_a_line_of_which_nothing_arrived_is_asked_for_as_it_was() -> None:
    out = export([one.name for one in STUDIES if one.study == "1.1"])
    shutil.rmtree(out / "1.1/1.1.1")
    lines = "/studies/1.1\n/studies/1.2\n"
    verified(write_filter(lines), "out", "--against", metadata(), status=6)
    assert sorted(Path("f.txt.retry.txt").read_text().splitlines()) == [
        "/studies/1.1/series/1.1.1",
        "/studies/1.2",
    ]


def test_a_retry_is_never_wider_than_the_filter() -> None:
    export([one.name for one in STUDIES[3:]])
    lines = "".join(one.line for one in (*STUDIES[:2], *STUDIES[3:]))
    verified(write_filter(lines), "out", "--against", metadata(), status=6)
    assert sorted(Path("f.txt.retry.txt").read_text().splitlines()) == [
        one.line.strip() for one in STUDIES[:2]
    ]


def test_without_a_table_such_lines_are_unproved() -> None:
    export()
    found = verified(write_filter("/studies/1.1\n/studies/1.2\n"), "out", status=6)
    assert found["verdict"] == "unproved"
    assert found["unproved"] == {"lines": 2, "instances": 0}
    assert found["missing"]["count"] == 0  # type: ignore[index]


def test_a_table_of_series_counts() -> None:
    series = [
        {"StudyInstanceUID": s, "SeriesInstanceUID": n, "instanceCount": 3, "series_size_MB": 1.0}
        for s, n in sorted({(one.study, one.series) for one in STUDIES})
    ]
    parquet.write_table(pa.Table.from_pylist(series), "series.parquet")
    out = export()
    filter_file = write_filter("/studies/1.1\n/studies/1.2\n")
    found = verified(filter_file, "out", "--against", "series.parquet", status=0)
    assert (found["expected"], found["by_count"]) == (12, 12)
    (out / STUDIES[0].name).unlink()
    found = verified(filter_file, "out", "--against", "series.parquet", status=6)
    assert found["missing"]["reasons"] == {"fewer": 1}  # type: ignore[index]
    assert Path("f.txt.retry.txt").read_text() == "/studies/1.1/series/1.1.1\n"


def test_what_a_line_covers_and_the_table_does_not_know_is_not_unexpected() -> None:
    export()
    found = verified(
        write_filter("/studies/1.1\n/studies/1.2\n"),
        "out",
        "--against",
        metadata(UIDS[:11]),
        status=0,
    )
    assert found["expected"] == 11
    assert found["delivered"]["count"] == 12  # type: ignore[index]


def test_a_line_that_the_table_does_not_know_is_unproved_and_not_fulfilled() -> None:
    export()
    found = verified(
        write_filter("/studies/1.1\n/studies/1.2\n"),
        "out",
        "--against",
        metadata(UIDS[:6]),
        status=6,
    )
    assert (found["verdict"], found["expected"]) == ("unproved", 6)
    assert found["unproved"] == {"lines": 1, "instances": 0}


def test_the_manifest_names_the_table_and_a_changed_one_is_said() -> None:
    export()
    call("build", metadata(), "--all", "--level", "study", "-o", "f.txt")
    assert verified("f.txt", "out", status=0)["warnings"] == []
    os.utime(metadata(UIDS[:11]), (1, 1))
    found = verified("f.txt", "out", status=0)
    assert "has changed since the filter was built" in str(found["warnings"])
    Path("m.parquet").unlink()
    found = verified("f.txt", "out", status=6)
    assert found["verdict"] == "unproved"
    assert "cannot be asked" in str(found["warnings"])


# reasons

STREAMED = tables.INSTANCES
NOW = datetime.now(UTC).replace(microsecond=0)


def streamed(*rows: tuple[tuple[str, str, str], str, datetime]) -> str:
    """Write a table as streaming leaves it."""
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    found = [
        {**dict(zip(names, uids, strict=True)), "Type": kind, "LastUpdated": when}
        for uids, kind, when in rows
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in (*names, "Type")),
            ("LastUpdated", pa.timestamp("us", "UTC")),
        ]
    )
    parquet.write_table(pa.Table.from_pylist(found, schema=schema), "m.parquet")
    return "m.parquet"


OLD = NOW - timedelta(days=9)


@pytest.mark.parametrize("level", ["study", "instance"])
def test_what_was_deleted_since_is_missing_for_a_reason_and_not_asked_for_again(level: str) -> None:
    everything = [(uids, "CREATE", OLD) for uids in UIDS]
    call("build", streamed(*everything), "--all", "--level", level, "-o", "f.txt")
    out = export()
    for one in STUDIES[:2]:
        (out / one.name).unlink()
    later = NOW + timedelta(hours=1)
    streamed(*everything, (UIDS[0], "DELETE", later))
    found = verified("f.txt", "out", status=6)
    assert found["missing"]["reasons"] == {"deleted": 1, "unknown": 1}  # type: ignore[index]
    assert Path("f.txt.retry.txt").read_text() == STUDIES[1].line


def test_what_was_deleted_before_the_filter_was_made_was_never_asked_for() -> None:
    rows = [*((uids, "CREATE", OLD) for uids in UIDS), (UIDS[0], "DELETE", OLD + timedelta(days=1))]
    call("build", streamed(*rows), "--all", "--level", "study", "-o", "f.txt")
    export([one.name for one in STUDIES[1:]])
    assert verified("f.txt", "out", status=0)["expected"] == 11


def test_only_what_was_deleted_is_missing_and_there_is_nothing_to_retry() -> None:
    everything = [(uids, "CREATE", OLD) for uids in UIDS]
    call("build", streamed(*everything), "--all", "-o", "f.txt")
    (export() / STUDIES[0].name).unlink()
    streamed(*everything, (UIDS[0], "DELETE", NOW + timedelta(hours=1)))
    found = verified("f.txt", "out", status=6)
    assert found["retry"] == {"lines": 0, "file": None}
    assert not Path("f.txt.retry.txt").exists()


def test_what_the_table_does_not_know_may_still_arrive() -> None:
    export([one.name for one in STUDIES[1:]])
    found = verified(write_filter(), "out", "--against", metadata(UIDS[1:]), status=6)
    assert found["missing"]["reasons"] == {"not-in-table": 1}  # type: ignore[index]
    assert Path("f.txt.retry.txt").read_text() == STUDIES[0].line


def with_columns(**columns: list[object]) -> str:
    """Write a table of the images with further columns, a value each."""
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    found = {
        name: list(values) for name, values in zip(names, zip(*UIDS, strict=True), strict=True)
    }
    parquet.write_table(pa.table({**found, **columns}), "m.parquet")
    return "m.parquet"


def test_what_is_too_large_to_be_transcoded_is_said_so() -> None:
    table = with_columns(BlobStorageSize=[2 << 30] + [9] * 11)
    export([one.name for one in STUDIES[2:]])
    jpeg = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50"
    found = verified(write_filter(), "out", "--against", table, "--mime-type", jpeg, status=6)
    assert found["missing"]["reasons"] == {"too-large-to-transcode": 1, "unknown": 1}  # type: ignore[index]
    found = verified(write_filter(), "out", "--against", table, status=6)
    assert found["missing"]["reasons"] == {"unknown": 2}  # type: ignore[index]


# pictures


def pictures(frames: dict[str, object], *names: str) -> dict[str, object]:
    """Verify an export to PNG of two images, the second one of several frames."""
    uids = [("1", "1.1", "1.1.1"), ("1", "1.1", "1.1.2")]
    names_of = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    columns = dict(zip(names_of, map(list, zip(*uids, strict=True)), strict=True))
    parquet.write_table(pa.table({**columns, **frames}), "m.parquet")  # type: ignore[arg-type]
    export(["1/1.1/1.1.1.png", *names])
    lines = "".join(f"/studies/{a}/series/{b}/instances/{c}\n" for a, b, c in uids)
    ended = call(
        "verify",
        write_filter(lines),
        "out",
        "--against",
        "m.parquet",
        "--mime-type",
        "image/png",
        "--json",
    )
    found: dict[str, object] = json.loads(ended.out)
    assert (ended.status == 0) == (found["verdict"] == "complete")
    return found


def frames(*numbers: int) -> list[str]:
    return [f"1/1.1/1.1.2/{number}.png" for number in numbers]


KNOWN = {"NumberOfFrames": [None, "3"]}


@pytest.mark.parametrize(
    ("known", "names", "verdict"),
    [
        (KNOWN, frames(1, 2, 3), "complete"),
        (KNOWN, frames(1, 3), "incomplete"),
        (KNOWN, frames(1, 2), "incomplete"),
        (KNOWN, [], "incomplete"),
        (KNOWN, ["1/1.1/1.1.2.png"], "unproved"),
        (KNOWN, frames(1, 2, 3, 4), "complete"),
        ({}, frames(1, 2, 3), "unproved"),
        ({}, frames(1, 3), "incomplete"),
        ({}, ["1/1.1/1.1.2.png"], "complete"),
        ({"NumberOfFrames": pa.array([1, 3], pa.int64())}, frames(1, 2, 3), "complete"),
    ],
)
def test_an_image_of_several_frames_has_arrived_with_all_of_them(
    known: dict[str, object], names: list[str], verdict: str
) -> None:
    assert pictures(known, *names)["verdict"] == verdict


def test_a_frame_of_0_bytes_is_no_frame() -> None:
    export(frames(2), data=b"")
    Path("out/1/1.1/1.1.2/2.png").write_bytes(b"")
    found = pictures(KNOWN, *frames(1, 3))
    assert found["missing"]["reasons"] == {"empty": 1}  # type: ignore[index]


def test_an_image_without_pixels_makes_no_picture() -> None:
    found = pictures({**KNOWN, "Rows": pa.array([2, None], pa.int64())})
    assert found["missing"]["reasons"] == {"no-pixels": 1}  # type: ignore[index]
    assert found["retry"] == {"lines": 0, "file": None}


def test_images_of_another_form_are_not_taken_for_those_asked_for() -> None:
    export([one.name.replace(".dcm", ".jpg") for one in STUDIES])
    found = verified(write_filter(), "out", status=6)
    assert found["verdict"] == "nothing-arrived"
    assert "--mime-type" in str(found["warnings"])
    jpeg = "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"
    assert verified(write_filter(), "out", "--mime-type", jpeg, status=0)["arrived"] == 12


# reading


def test_files_are_opened_where_that_is_asked_for() -> None:
    out = export()
    for one in STUDIES:
        (out / one.name).write_bytes(one.data)
    assert verified(write_filter(), "out", "--read", "all", status=0)["listed"]["read"] == 12  # type: ignore[index]
    (out / STUDIES[3].name).write_bytes(STUDIES[4].data)
    (out / STUDIES[5].name).write_bytes(b"no DICOM")
    found = verified(write_filter(), "out", "--read", "all", status=6)
    assert found["missing"]["reasons"] == {"another-instance": 2}  # type: ignore[index]


# tables


def rows_of(uids: Iterable[tuple[str, str, str]], name: str = "arrived.parquet") -> str:
    return metadata(uids, name)


def test_a_table_is_compared_row_by_row() -> None:
    assert verified(write_filter(), rows_of(UIDS), status=0)["arrived"] == 12
    found = verified(write_filter(), rows_of(UIDS[2:]), status=6)
    assert found["missing"]["count"] == 2  # type: ignore[index]
    found = verified(write_filter("".join(s.line for s in STUDIES[:9])), rows_of(UIDS), status=6)
    assert found["unexpected"]["count"] == 3  # type: ignore[index]


def test_rows_that_were_appended_twice_are_doubled() -> None:
    found = verified(write_filter(), rows_of([*UIDS, *UIDS[:5]]), status=6)
    assert (found["verdict"], found["doubled"]) == ("unexpected", {"count": 5})


def test_a_table_of_duckdb_is_a_destination() -> None:
    import duckdb

    rows_of(UIDS)
    with duckdb.connect("out.duckdb") as connection:
        connection.execute("CREATE TABLE images AS FROM 'arrived.parquet'")
    assert verified(write_filter(), "out.duckdb::images", status=0)["arrived"] == 12


def test_versions_of_a_row_are_not_doubled_and_a_deleted_one_is_not_there() -> None:
    rows = [(uids, "CREATE", OLD) for uids in UIDS]
    streamed(*rows, (UIDS[0], "CREATE", NOW), (UIDS[1], "DELETE", NOW))
    found = verified(write_filter(), "m.parquet", status=6)
    assert (found["doubled"], found["missing"]["count"]) == ({"count": 0}, 1)  # type: ignore[index]


def test_a_table_that_does_not_exist_could_not_be_looked_at() -> None:
    assert call("verify", write_filter(), "none.parquet").status == 2


# names gathered elsewhere


def _text(names: list[str]) -> str:
    return "".join(f"gs://b/out/{name}\n" for name in names)


def _long(names: list[str]) -> str:
    rows = "".join(f"       9  2026-11-20T02:11:09Z  gs://b/out/{name}\n" for name in names)
    return f"gs://b/out/:\n{rows}TOTAL: {len(names)} objects, 108 bytes (108B)\n".replace(
        "(108B)", "gs://b/"
    )


def _csv(names: list[str]) -> str:
    head = "project,bucket,name,location,size,timeCreated\n"
    rows = "".join(f"p,b,out/{name},EU,9,2026-11-20T02:11:09Z\n" for name in names)
    return f"{head}{rows}p,b,elsewhere/1/2/3.dcm,EU,9,2026-11-20T02:11:09Z\n"


@pytest.mark.parametrize("write", [_text, _long, _csv])
def test_a_listing_may_come_from_elsewhere(write: object) -> None:
    names = [one.name for one in STUDIES]
    Path("names").write_text(write(names))  # type: ignore[operator]
    found = verified(write_filter(), "gs://b/out/", "--listing", "names", status=0)
    assert found["arrived"] == 12
    Path("names").write_text(write(names[1:]))  # type: ignore[operator]
    found = verified(write_filter(), "gs://b/out/", "--listing", "names", status=6)
    assert found["missing"]["count"] == 1  # type: ignore[index]


def test_a_listing_in_parquet() -> None:
    names = [f"out/{one.name}" for one in STUDIES]
    parquet.write_table(pa.table({"name": names, "size": [9] * 11 + [0]}), "names")
    found = verified(write_filter(), "gs://b/out", "--listing", "names", status=6)
    assert found["missing"]["reasons"] == {"empty": 1}  # type: ignore[index]


@pytest.mark.parametrize("content", ["", "\n\n", "gs://b/other/:\n", "gs://b/other/1/2/3.dcm\n"])
def test_an_empty_listing_is_taken_for_one_that_failed(content: str) -> None:
    Path("names").write_text(content)
    ended = call("verify", write_filter(), "gs://b/out/", "--listing", "names")
    assert ended.status == 2
    assert "names nothing below gs://b/out/" in ended.err


def test_a_listing_that_is_cut_off_is_refused() -> None:
    names = [f"out/{one.name}" for one in STUDIES]
    parquet.write_table(pa.table({"name": names}), "names")
    Path("names").write_bytes(Path("names").read_bytes()[:-9])
    assert call("verify", write_filter(), "gs://b/out/", "--listing", "names").status == 2


# what is written


def test_a_second_run_replaces_what_the_first_one_wrote() -> None:
    out = export([one.name for one in STUDIES[1:]])
    verified(write_filter(), "out", status=6)
    export()
    found = verified("f.txt", out, status=0)
    assert found["retry"] == {"lines": 0, "file": None}
    assert listed("f.txt.missing.csv") == []
    assert not Path("f.txt.retry.txt").exists()
    assert not Path("f.txt.retry.txt.manifest.json").exists()


@pytest.mark.parametrize("name", ["f.txt.retry.txt", "f.txt.missing.csv", "f.txt.delivered.txt"])
def test_a_file_of_a_person_is_not_replaced(name: str) -> None:
    export([one.name for one in STUDIES[1:]])
    write_filter()
    Path(name).write_text("my notes\n")
    ended = call("verify", "f.txt", "out")
    assert ended.status == 2
    assert Path(name).read_text() == "my notes\n"


def test_a_retry_that_was_edited_is_not_replaced() -> None:
    export([one.name for one in STUDIES[1:]])
    verified(write_filter(), "out", status=6)
    with Path("f.txt.retry.txt").open("a") as file:
        file.write("/studies/9\n")
    assert call("verify", "f.txt", "out").status == 2


def test_lists_go_where_they_are_sent() -> None:
    export([one.name for one in STUDIES[1:]])
    named = [
        "--missing",
        "a.csv",
        "--retry",
        "b.txt",
        "--delivered",
        "c.txt",
        "--unexpected",
        "d.csv",
    ]
    found = verified(write_filter(), "out", *named, status=6)
    assert found["missing"]["file"] == "a.csv"  # type: ignore[index]
    assert Path("b.txt").read_text() == STUDIES[0].line
    assert not Path("f.txt.missing.csv").exists()
    assert call("verify", "f.txt", "out", *named).status == 2  # they exist
    verified("f.txt", "out", *named, "--overwrite", status=6)


def test_two_lists_do_not_go_to_one_file() -> None:
    export()
    ended = call("verify", write_filter(), "out", "--missing", "a", "--unexpected", "a")
    assert ended.status == 2


def test_standard_input_is_a_filter_and_nothing_lies_beside_it(here: Path) -> None:
    from tests.cli.running import run

    export([one.name for one in STUDIES[1:]])
    ended = run("verify", "-", "out", "--json", stdin=LINES, cwd=here)
    assert ended.status == 6
    assert {path.name for path in here.iterdir()} <= {"out", "state", "cache"}


def test_the_screen_is_80_columns_wide() -> None:
    out = export([one.name for one in STUDIES[3:]])
    (out / STUDIES[3].name).write_bytes(b"")
    ended = call("verify", write_filter(), "out")
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    assert ended.out.splitlines()[-1] == "verdict    incomplete"
    assert call("verify", "f.txt", "out", "--quiet").out == "incomplete\n"


# in a notebook


def test_a_notebook_has_the_same() -> None:
    out = export([one.name for one in STUDIES[1:]])
    found = dcf.verify(write_filter(), out)
    assert found.verdict == "incomplete"
    assert list(found.missing().columns) == ["study", "series", "instance", "reason"]
    assert found.missing()["instance"].tolist() == [STUDIES[0].instance]
    assert found.unexpected().empty
    derived = found.retry_filter("again.txt")
    assert derived.uri == "again.txt"
    assert Path("again.txt").read_text() == STUDIES[0].line
    assert "incomplete" in repr(found)
    assert "<table>" in found._repr_html_()
    assert not Path("f.txt.missing.csv").exists()


def test_a_complete_one_has_no_retry() -> None:
    export()
    found = dcf.verify(write_filter(), "out")
    with pytest.raises(EmptyFilterError):
        found.retry_filter("again.txt")


def test_its_private_folder_is_removed_with_it() -> None:
    export()
    found = dcf.verify(write_filter(), "out")
    assert found._kept is not None
    folder = Path(found._kept.database).parent
    assert folder.is_dir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    del found
    assert not folder.exists()


@pytest.mark.parametrize(
    ("destination", "error"),
    [("-", UsageError), ("s3://b/out", UsageError), ("f.txt", SourceNotFoundError)],
)
def test_what_is_no_destination_is_refused(destination: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        dcf.verify(write_filter(), destination)


def test_an_irregular_filter_is_refused_as_elsewhere() -> None:
    export()
    assert call("verify", write_filter("/studies/1.1\nhello\n"), "out").status == 2


# a folder as a store: the whole circle


def test_three_images_fail_are_retried_and_the_set_is_complete() -> None:
    put(Path("store"), *STUDIES)
    write_filter()
    # Three destinations that cannot be written: a folder stands at the name of each.
    for one in STUDIES[:3]:
        (Path("out") / one.name).mkdir(parents=True)
    ended = call("export", "gcs", "./store", "--filter", "f.txt", "--gcs-uri-prefix", "out")
    assert ended.status == 6
    found = verified("f.txt", "out", status=6)
    assert found["missing"]["count"] == 3  # type: ignore[index]
    assert found["counters"] == {"success": 9, "failure": 3}
    assert found["agrees_with_counters"] is True
    for one in STUDIES[:3]:
        (Path("out") / one.name).rmdir()
    retry = ["--filter", "f.txt.retry.txt", "--gcs-uri-prefix", "out"]
    assert call("export", "gcs", "./store", *retry).status == 0
    assert verified("f.txt", "out", status=0)["verdict"] == "complete"


def test_what_is_older_than_the_export_is_left_over() -> None:
    put(Path("store"), *STUDIES)
    out = export(["1.9/1.9.1/1.9.1.1.dcm"])
    long_ago = (NOW - timedelta(days=1)).timestamp()
    os.utime(out / "1.9/1.9.1/1.9.1.1.dcm", (long_ago, long_ago))
    write_filter()
    call("export", "gcs", "./store", "--filter", "f.txt", "--gcs-uri-prefix", "out")
    found = verified("f.txt", "out", status=0)
    assert found["left_over"] == {"count": 1}
    export(["1.8/1.8.1/1.8.1.1.dcm"])
    assert verified("f.txt", "out", status=6)["unexpected"]["count"] == 1  # type: ignore[index]


def test_an_equal_copy_that_a_folder_left_as_it_was_has_arrived() -> None:
    put(Path("store"), *STUDIES)
    write_filter()
    arguments = ["export", "gcs", "./store", "--filter", "f.txt", "--gcs-uri-prefix", "out"]
    call(*arguments)
    long_ago = (NOW - timedelta(days=1)).timestamp()
    for path in Path("out").rglob("*.dcm"):
        os.utime(path, (long_ago, long_ago))
    call(*arguments)
    assert verified("f.txt", "out", status=0)["arrived"] == 12


def test_a_folder_is_its_own_table() -> None:
    put(Path("store"), *STUDIES)
    write_filter("/studies/1.1\n/studies/1.2\n")
    call("export", "gcs", "./store", "--filter", "f.txt", "--gcs-uri-prefix", "out")
    (Path("out") / STUDIES[0].name).unlink()
    found = verified("f.txt", "out", status=6)
    assert (found["expected"], found["missing"]["count"]) == (12, 1)  # type: ignore[index]


def test_pictures_of_a_folder_are_verified_by_their_frames() -> None:
    moving = image("1.3", "1.3.1", "1.3.1.1", NumberOfFrames=3, PixelData=bytes(range(12)))
    put(Path("store"), *STUDIES, moving)
    write_filter("/studies/1.1\n/studies/1.3\n")
    arguments = ["--filter", "f.txt", "--gcs-uri-prefix", "out", "--mime-type", "image/png"]
    assert call("export", "gcs", "./store", *arguments).status in {0, 6}
    assert verified("f.txt", "out", status=0)["arrived"] == 7
    (Path("out") / "1.3/1.3.1/1.3.1.1/3.png").unlink()
    found = verified("f.txt", "out", status=6)
    assert found["missing"]["reasons"] == {"frames": 1}  # type: ignore[index]


@pytest.mark.parametrize("name", ["none", "/none/operations/7"])
def test_an_operation_that_is_not_known_is_no_excuse(name: str) -> None:
    export()
    assert call("verify", write_filter(), "out", "--operation", name).status in {2, 4}


def test_a_file_that_is_no_list_is_refused() -> None:
    with pytest.raises((SourceError, DestinationError, UsageError)):
        dcf.verify(write_filter(), "gs://b/out/", options=_listing("absent"))


def _listing(name: str) -> VerifyOptions:
    return VerifyOptions(listing=name)


# export --verify


def exported(*options: str) -> Ended:
    arguments = ["--filter", "f.txt", "--gcs-uri-prefix", "out", "--verify"]
    return call("export", "gcs", "./store", *arguments, *options)


def test_an_export_may_verify_itself() -> None:
    put(Path("store"), *STUDIES)
    write_filter()
    ended = exported()
    assert ended.status == 0
    assert ended.out.count("\n") == 1  # the operation's name alone
    assert "verdict    complete" in ended.err
    assert exported("--json").object["verification"]["verdict"] == "complete"
    assert Path("f.txt.delivered.txt").exists()


def test_the_worse_status_counts() -> None:
    put(Path("store"), *STUDIES)
    write_filter()
    export(["1.9/1.9.1/1.9.1.1.dcm"])
    now = NOW.timestamp() + 86_400
    os.utime("out/1.9/1.9.1/1.9.1.1.dcm", (now, now))
    ended = exported("--json")
    assert ended.status == 6
    found = json.loads(ended.out)
    assert (found["failure"], found["verification"]["verdict"]) == (0, "unexpected")


@pytest.mark.parametrize(
    "options", [("--all", "--verify"), ("--filter", "f.txt", "--verify", "--async")]
)
def test_what_cannot_be_verified_is_not_started(options: tuple[str, ...]) -> None:
    put(Path("store"), *STUDIES)
    write_filter()
    assert call("export", "gcs", "./store", *options, "--gcs-uri-prefix", "out").status == 2
    assert not Path("out").exists()


def test_a_table_of_a_folder_is_verified() -> None:
    put(Path("store"), *STUDIES)
    write_filter()
    arguments = ["--filter", "f.txt", "--bq-table", "out.parquet", "--verify", "--json"]
    ended = call("export", "bq", "./store", *arguments)
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["verification"]["arrived"] == 12
