"""Which instances a filter names: the same as the local Healthcare API says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from dicomfilter.errors import FilterFileError, SourceNotFoundError
from dicomfilter.storage.digest import Digest
from dicomfilter.stores.folder.choosing import BATCH, choose
from tests.localcloud.healthcare_server import filters
from tests.localcloud.healthcare_server.assumptions import Assumptions

if TYPE_CHECKING:
    from pathlib import Path

Uids = tuple[str, str, str]


def catalog(path: Path, *instances: Uids, types: str = "CREATE") -> Path:
    """Write what a folder's catalog would say."""
    count = len(instances)
    columns = {
        "StudyInstanceUID": [each[0] for each in instances],
        "SeriesInstanceUID": [each[1] for each in instances],
        "SOPInstanceUID": [each[2] for each in instances],
        "path": [f"IM{number}" for number in range(count)],
        "TransferSyntaxUID": ["1.2.840.10008.1.2.1"] * count,
        "StorageClass": ["STANDARD"] * count,
        "Type": [types] * count,
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    numbers = dict.fromkeys(("size_bytes", "modified_ns", "LastUpdated"), pa.array(range(count)))
    for name, values in numbers.items():
        table = table.append_column(name, values.cast(pa.int64()))
    parquet.write_table(table, path)
    return path


UIDS = st.sampled_from(["1", "1.2", "1.20", "1.02", "12", "2"])
INSTANCES = st.lists(st.tuples(UIDS, UIDS, UIDS), max_size=12, unique=True)
LINES = st.lists(
    st.tuples(UIDS, UIDS, UIDS, st.integers(1, 3)).map(
        lambda drawn: "/".join(
            f"/{word}/{uid}".removeprefix("/") if at else f"/{word}/{uid}"
            for at, (word, uid) in enumerate(
                zip(("studies", "series", "instances")[: drawn[3]], drawn, strict=False)
            )
        )
    ),
    min_size=1,
    max_size=8,
    unique=True,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(instances=INSTANCES, lines=LINES)
def test_a_filter_means_the_same_here_and_there(
    tmp_path: Path, instances: list[Uids], lines: list[str]
) -> None:  # twenty sessions of DuckDB: over a second
    text = "".join(f"{line}\n" for line in lines)
    (tmp_path / "f.txt").write_text(text)
    expected = filters.choose(text, instances, Assumptions())
    with choose(catalog(tmp_path / "c.parquet", *instances), str(tmp_path / "f.txt")) as found:
        chosen = [each.uids for batch in found.batches() for each in batch]
        assert sorted(chosen) == sorted(expected.instances)
        assert list(found.missing_lines()) == expected.failed
        assert (found.instances, found.missing) == (len(chosen), len(expected.failed))


def test_without_a_filter_it_is_everything_that_is_there(tmp_path: Path) -> None:
    uids = [("1", "1.1", f"1.1.{number}") for number in range(3 * BATCH + 1)]
    with choose(catalog(tmp_path / "c.parquet", *uids), None) as found:
        assert found.instances == len(uids)
        assert [len(batch) for batch in found.batches()][:3] == [BATCH] * 3
        assert not list(found.missing_lines())
    with choose(catalog(tmp_path / "d.parquet", *uids, types="DELETE"), None) as found:
        assert found.instances == 0


def test_the_lines_are_those_that_were_checked(tmp_path: Path) -> None:
    known = catalog(tmp_path / "c.parquet", ("1", "1.1", "1.1.1"))
    (tmp_path / "f.txt").write_bytes(b"/studies/1\n")
    digest = Digest()
    digest.add(b"/studies/1\n")
    with choose(known, str(tmp_path / "f.txt"), crc32c=digest.crc32c) as found:
        assert found.instances == 1
    (tmp_path / "f.txt").write_bytes(b"/studies/2\n")
    choice = choose(known, str(tmp_path / "f.txt"), crc32c=digest.crc32c)
    with pytest.raises(FilterFileError, match="was replaced while it was read"):
        choice.__enter__()


def test_lines_of_windows_and_a_missing_last_newline(tmp_path: Path) -> None:
    known = catalog(tmp_path / "c.parquet", ("1", "1.1", "1.1.1"), ("2", "2.1", "2.1.1"))
    (tmp_path / "f.txt").write_bytes(b"/studies/1\r\n/studies/2")
    with choose(known, str(tmp_path / "f.txt")) as found:
        assert (found.instances, found.missing) == (2, 0)


def test_what_is_no_path_names_nothing(tmp_path: Path) -> None:
    known = catalog(tmp_path / "c.parquet", ("1", "1.1", "1.1.1"))
    (tmp_path / "f.txt").write_bytes(b"/studies/1/series\n/studies\nx\n")
    with choose(known, str(tmp_path / "f.txt")) as found:
        assert (found.instances, found.missing) == (0, 3)


def test_a_filter_that_is_gone(tmp_path: Path) -> None:
    choice = choose(catalog(tmp_path / "c.parquet"), str(tmp_path / "gone.txt"))
    with pytest.raises(SourceNotFoundError):
        choice.__enter__()
