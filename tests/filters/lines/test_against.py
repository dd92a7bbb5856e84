from __future__ import annotations

import pyarrow as pa
import pytest

from dicomfilter.errors import TableError
from dicomfilter.filters.lines import Finding, Kind, check

KNOWN = pa.table(
    {
        "study": ["1", "1", "1", "2"],
        "series": ["1.1", "1.1", "1.2", "2.1"],
        "instance": ["1.1.1", "1.1.2", "1.2.1", "2.1.1"],
    }
)
TO_SERIES = KNOWN.drop_columns(["instance"])


@pytest.fixture
def against(tmp_path):
    def against(known, *lines):
        path = tmp_path / "f.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        return check(path, against=known).find(Kind.NOT_IN_METADATA)

    return against


@pytest.mark.parametrize(
    "line",
    [
        "/studies/1",
        "/studies/2",
        "/studies/1/series/1.2",
        "/studies/1/series/1.1/instances/1.1.2",
        '"studies/2/series/2.1"',
    ],
)
def test_what_the_metadata_know_is_known(against, line):
    assert against(KNOWN, line) is None


@pytest.mark.parametrize(
    "line",
    [
        "/studies/3",
        "/studies/1/series/2.1",  # a series, but of another study
        "/studies/1/series/1.1/instances/1.2.1",  # an instance, but of another series
        "/studies/2/series/1.1/instances/1.1.1",
        "/studies/1/series/1.1.1",
    ],
)
def test_what_they_do_not_know_is_found(against, line):
    assert against(KNOWN, "/studies/1", line) == Finding(Kind.NOT_IN_METADATA, 1, (2,))


def test_a_series_given_as_a_study_is_recognised(against):
    found = against(KNOWN, "/studies/2", "/studies/1.2", "/studies/9", "/studies/2.1")
    assert found == Finding(
        Kind.NOT_IN_METADATA,
        3,
        (2, 3, 4),
        ("line 2: 1.2 is a series, of study 1", "line 4: 2.1 is a series, of study 2"),
    )


def test_a_table_without_instances_knows_lines_by_their_series(against):
    found = against(
        TO_SERIES,
        "/studies/1/series/1.1/instances/7",
        "/studies/1/series/2.1/instances/7",
        "/studies/1/series/1.2",
    )
    assert (found.count, found.first_lines) == (1, (2,))


def test_rows_can_come_as_a_stream(against):
    batches = pa.RecordBatchReader.from_batches(KNOWN.schema, KNOWN.to_batches(max_chunksize=1))
    assert against(batches, "/studies/2", "/studies/3").first_lines == (2,)


def test_an_empty_table_knows_nothing(against):
    assert against(KNOWN.slice(0, 0), "/studies/1", "/studies/2/series/2.1").count == 2
    empty = pa.RecordBatchReader.from_batches(KNOWN.schema, [])
    assert against(empty, "/studies/1").count == 1


def test_rows_without_a_uid_know_nothing(against):
    known = pa.table({"study": ["1", None], "series": pa.array([None, "2"], pa.string())})
    found = against(known, "/studies/1", "/studies/1/series/2", "/studies/2")
    assert found.first_lines == (2, 3)


def test_other_columns_and_other_string_types_do_no_harm(against):
    known = KNOWN.append_column("more", [[1, 2, 3, 4]]).cast(
        pa.schema(
            [(n, pa.large_string()) for n in ("study", "series", "instance")]
            + [("more", pa.int8())]
        )
    )
    assert against(known, "/studies/1", "/studies/3").first_lines == (2,)


def test_the_columns_must_be_there(against):
    with pytest.raises(TableError, match="no column series and no column study"):
        against(pa.table({"x": ["1"]}), "/studies/1")


def test_what_goes_wrong_in_the_stream_comes_out_as_it_is(against):
    def rows():
        yield KNOWN.to_batches()[0]
        raise TableError("the table went away")

    reader = pa.RecordBatchReader.from_batches(KNOWN.schema, rows())
    with pytest.raises(TableError, match="the table went away"):
        against(reader, "/studies/1")


def test_all_findings_stay_in_order(tmp_path):
    path = tmp_path / "f.txt"
    path.write_text("/studies/3\r\n/studies/3\n/studies/x")
    kinds = [finding.kind for finding in check(path, against=KNOWN).findings]
    assert kinds == sorted(kinds, key=list(Kind).index)
    assert Kind.NOT_IN_METADATA in kinds
