"""No file of a folder is left out without a word: index, export, de-identification and import."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dicomfilter.dicom.headers.index import index_folder
from dicomfilter.notebook.store import open_store
from tests.stores.folder.images import STUDIES, files, image, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dicomfilter.operations.operation import Operation
    from tests.stores.folder.images import Image

WHOLE, SECOND = STUDIES[0], STUDIES[6]
OTHER = image("1.7", "1.7.1", "1.7.1.1")


def add(folder: Path, name: str | bytes, data: bytes) -> None:
    path = os.path.join(os.fsencode(folder), os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


LOST: dict[str, Callable[[Path], None]] = {
    "cut off": lambda p: add(p, "cut.dcm", OTHER.data[:-2]),
    "cut off in its head": lambda p: add(p, "cut.dcm", OTHER.data[:200]),
    "in a folder of its own": lambda p: add(p, "deep/er/cut.dcm", OTHER.data[:-2]),
    "damaged": lambda p: add(p, "bad.dcm", OTHER.data[:-12] + b"\xff" * 40),
    "of no bytes": lambda p: add(p, "empty.dcm", b""),
    "without a preamble": lambda p: add(p, "bare.dcm", OTHER.data[132:]),
    "without a UID": lambda p: add(p, "none.dcm", image("1.7", "", "1.7.1.1").data),
    "a UID that is none": lambda p: add(p, "up.dcm", image("1.7", "../..", "1.7.1.1").data),
    "a dangling link": lambda p: (p / "gone.dcm").symlink_to("nowhere"),
    "a name in Latin-1": lambda p: add(p, b"M\xfcller.dcm", OTHER.data),
    "a folder in Latin-1": lambda p: add(p, b"Z\xfcrich/a.dcm", OTHER.data),
    "a folder deep below in Latin-1": lambda p: add(p, b"a/Z\xfcrich/b/c.dcm", OTHER.data),
    "a name in Shift-JIS": lambda p: add(p, "山田.dcm".encode("shift-jis"), OTHER.data),
    "a name that is half UTF-8": lambda p: add(p, b"a\xe5\xb1.dcm", OTHER.data),
    "a name with a surrogate": lambda p: add(p, b"\xed\xa0\x80.dcm", OTHER.data),
    "another image under one UID": lambda p: add(
        p, "z.dcm", image(WHOLE.study, WHOLE.series, WHOLE.instance, PatientID="P2").data
    ),
    "other pixels under one UID": lambda p: add(p, "z.dcm", WHOLE.data[:-1] + b"?"),
    "the same and more behind it": lambda p: add(p, "z.dcm", WHOLE.data + bytes(2)),
}
"""What an index cannot take, and has to name."""
TAKEN: dict[str, tuple[Callable[[Path], None], int]] = {
    "the same bytes again": (lambda p: add(p, "again.dcm", WHOLE.data), 2),
    "the same through a link": (lambda p: (p / "link.dcm").symlink_to(p / "IM0000"), 2),
    "the same hard link": (lambda p: (p / "hard.dcm").hardlink_to(p / "IM0000"), 2),
    "one SOPInstanceUID in two series": (
        lambda p: add(p, "b.dcm", image(WHOLE.study, "1.1.9", WHOLE.instance).data),
        3,
    ),
    "one SOPInstanceUID in two studies": (
        lambda p: add(p, "b.dcm", image("1.9", WHOLE.series, WHOLE.instance).data),
        3,
    ),
    "a text file": (lambda p: add(p, "notes.txt", b"no DICOM"), 2),
    "a name with a line break": (lambda p: add(p, "a\nb.dcm", OTHER.data), 3),
    "a name in other letters": (lambda p: add(p, "山田.dcm", OTHER.data), 3),
}
"""What is no loss, and how many instances there are then."""
FILTERS = {
    "instances": WHOLE.line + SECOND.line,
    "series": f"/studies/1.1/series/{WHOLE.series}\n/studies/1.2\n",
    "studies": "/studies/1.1\n/studies/1.2\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "in", WHOLE, SECOND)


def ended(operation: Operation) -> tuple[int, int]:
    """Wait for an operation; tell how many succeeded and failed."""
    outcome = operation.wait(allow_findings=True)
    counters = outcome.state.counters
    assert bool(outcome.findings) == bool(counters.failure)
    return counters.success, counters.failure


@pytest.mark.parametrize("kind", LOST)
def test_what_index_cannot_take_export_and_deidentify_name_too(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    LOST[kind](folder)
    indexed = index_folder(folder, tmp_path / "t.parquet", errors=tmp_path / "e.csv")
    assert (indexed.instances, indexed.losses) == (2, 1)
    assert len((tmp_path / "e.csv").read_text().splitlines()) == 2
    store = open_store(str(folder))
    assert ended(store.export_to_gcs(str(tmp_path / "out"), everything=True)) == (2, 1)
    assert ended(store.deidentify(str(tmp_path / "deid"), everything=True)) == (2, 1)
    assert len(files(tmp_path / "out")) == len(files(tmp_path / "deid")) == 2


@pytest.mark.parametrize("level", FILTERS)
@pytest.mark.parametrize("kind", ["cut off", "in a folder of its own", "a name in Latin-1"])
def test_a_filter_may_name_what_cannot_be_read(
    folder: Path, tmp_path: Path, kind: str, level: str
) -> None:
    LOST[kind](folder)
    (tmp_path / "f.txt").write_text(FILTERS[level])
    operation = open_store(str(folder)).export_to_gcs(
        str(tmp_path / "out"), filter=tmp_path / "f.txt"
    )
    assert ended(operation) == (2, 1)


@pytest.mark.parametrize(
    ("line", "failures"), [(WHOLE.line, 1), ("/studies/1.1\n", 1), (SECOND.line, 0)]
)
def test_another_content_of_one_instance_is_lost_where_that_is_named(
    folder: Path, tmp_path: Path, line: str, failures: int
) -> None:
    LOST["other pixels under one UID"](folder)
    (tmp_path / "f.txt").write_text(line)
    operation = open_store(str(folder)).export_to_gcs(
        str(tmp_path / "out"), filter=tmp_path / "f.txt"
    )
    assert ended(operation) == (1, failures)


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_no_loss_is_no_failure(folder: Path, tmp_path: Path, kind: str) -> None:
    make, count = TAKEN[kind]
    make(folder)
    indexed = index_folder(folder, tmp_path / "t.parquet")
    assert (indexed.instances, indexed.losses) == (count, 0)
    store = open_store(str(folder))
    assert ended(store.export_to_gcs(str(tmp_path / "out"), everything=True)) == (count, 0)
    assert ended(store.deidentify(str(tmp_path / "deid"), everything=True)) == (count, 0)


SAME = (WHOLE.study, WHOLE.series, WHOLE.instance)
IMPORTED: dict[str, tuple[Image, tuple[int, int], int]] = {
    "the same": (WHOLE, (2, 0), 1),
    "other pixels": (image(*SAME, PixelData=b"abcd"), (1, 1), 1),
    "another patient": (image(*SAME, PatientID="P2"), (1, 1), 1),
    "another series": (image(WHOLE.study, "1.1.9", WHOLE.instance), (2, 0), 2),
    "another study": (image("1.9", WHOLE.series, WHOLE.instance), (2, 0), 2),
    "another instance": (image(WHOLE.study, WHOLE.series, "1.1.1.9"), (2, 0), 2),
}


@pytest.mark.parametrize("kind", IMPORTED)
def test_an_import_takes_each_instance_once_and_no_other_for_it(tmp_path: Path, kind: str) -> None:
    other, counts, kept = IMPORTED[kind]
    put(tmp_path / "in", WHOLE, other)
    (tmp_path / "store").mkdir()
    store = open_store(str(tmp_path / "store"))
    assert ended(store.import_from_gcs(f"{tmp_path}/in/*")) == counts
    assert len(files(tmp_path / "store")) == kept
