"""What every DICOM store promises, shown on a folder and on the Healthcare API."""

from __future__ import annotations

import datetime as dt
import gzip
import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

import pytest
from pydicom import dcmread

from dicomfilter.errors import (
    DestinationError,
    FilterFileError,
    FindingsError,
    OperationFailedError,
    SourceNotFoundError,
    UsageError,
)
from dicomfilter.notebook.asking import StartOptions
from dicomfilter.notebook.store import Store, open_store
from dicomfilter.storage import open_storage
from dicomfilter.stores import store_kinds
from dicomfilter.stores.folder.exports import ImageExport
from dicomfilter.stores.requests import StorageClass, WriteDisposition
from tests.cli.running import call
from tests.localcloud.healthcare import DATASET
from tests.stores.folder.images import STUDIES, Image, files, image, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from google.cloud import bigquery, storage

    from tests.localcloud.healthcare import Control

ONE = STUDIES[4]
ELSEWHERE = "/studies/9.9\n"


class Rig(Protocol):
    """A store of ``STUDIES``, and a place to put things."""

    store: Store

    def uri(self, name: str) -> str:
        """Name something in that place."""

    def write(self, name: str, data: bytes) -> str:
        """Put something there and name it."""

    def written(self, prefix: str) -> dict[str, bytes]:
        """Read what is there, by its name below a prefix."""

    def classes(self) -> dict[str, str]:
        """Tell the storage classes of the store's instances."""

    def other(self, folder: Path) -> Store:
        """Make an empty store beside."""


@dataclass
class FolderRig:
    """A folder of files, and another one beside."""

    store: Store
    root: Path

    def uri(self, name: str) -> str:
        return f"{self.root}/{name}"

    def write(self, name: str, data: bytes) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def written(self, prefix: str) -> dict[str, bytes]:
        return files(self.root / prefix)

    def classes(self) -> dict[str, str]:
        from pyarrow import parquet

        from dicomfilter.dicom.headers.catalog import Catalog

        rows = parquet.read_table(Catalog.open(str(self.store.name)).parquet).to_pylist()
        return {row["SOPInstanceUID"]: row["StorageClass"] for row in rows}

    def other(self, folder: Path) -> Store:
        (folder / "other").mkdir()
        return open_store(str(folder / "other"))


@dataclass
class CloudRig:
    """A store of the Healthcare API, and a bucket."""

    store: Store
    bucket: str
    client: storage.Client
    control: Control

    def uri(self, name: str) -> str:
        return f"gs://{self.bucket}/{name}"

    def write(self, name: str, data: bytes) -> str:
        with open_storage(self.uri(name)).writer(self.uri(name), overwrite=True) as writer:
            writer.write(data)
        return self.uri(name)

    def written(self, prefix: str) -> dict[str, bytes]:
        blobs = self.client.list_blobs(self.bucket, prefix=f"{prefix}/")
        return {b.name.removeprefix(f"{prefix}/"): b.download_as_bytes() for b in blobs}

    def classes(self) -> dict[str, str]:
        every = self.control.instances(str(self.store.name))
        return {each.instance: each.storage_class for each in every}

    def other(self, folder: Path) -> Store:
        parent = str(self.store.name).partition("/dicomStores/")[0]
        return open_store(self.control.make_store(dataset=parent))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of ``STUDIES``."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.02")
    (tmp_path / "place").mkdir()
    return put(tmp_path / "store", *STUDIES)


def folder_rig(folder: Path) -> FolderRig:
    return FolderRig(open_store(str(folder)), folder.parent / "place")


def cloud_rig(request: pytest.FixtureRequest, folder: Path) -> CloudRig:
    control = request.getfixturevalue("hc_control")
    bucket, client = request.getfixturevalue("bucket"), request.getfixturevalue("gcs_client")
    patch = request.getfixturevalue("monkeypatch")
    for name, value in request.getfixturevalue("healthcare").environment.items():
        patch.setenv(name, value)
    name = control.make_store(folder, dataset=f"{DATASET}{uuid.uuid4().hex[:12]}")
    return CloudRig(open_store(name), bucket, client, control)


@pytest.fixture(params=["folder", "healthcare"])
def rig(request: pytest.FixtureRequest, folder: Path) -> FolderRig | CloudRig:
    return folder_rig(folder) if request.param == "folder" else cloud_rig(request, folder)


def named(*images: Image) -> dict[str, bytes]:
    return {each.name: each.data for each in images}


def text(error: BaseException, rig: Rig) -> str:
    """Give an error's text without the names that differ."""
    said = str(error).replace(rig.uri(""), "PLACE/")
    for state in rig.store.operations().states:
        said = said.replace(state.name, "OPERATION")
    return said


LEVELS = {
    "study": ("/studies/1.2\n", [each for each in STUDIES if each.study == "1.2"]),
    "series": ("/studies/1.1/series/1.1.2\n", [e for e in STUDIES if e.series == "1.1.2"]),
    "instance": (ONE.line, [ONE]),
    "mixed": (
        f"/studies/1.2\n/studies/1.1/series/1.1.1\n{ONE.line}",
        [e for e in STUDIES if e.study == "1.2" or e.series == "1.1.1" or e == ONE],
    ),
    "without a last newline": (ONE.line.removesuffix("\n"), [ONE]),
    "with carriage returns": (ONE.line.replace("\n", "\r\n"), [ONE]),
}


@pytest.mark.parametrize("level", LEVELS)
def test_an_export_brings_just_what_its_filter_names(rig: Rig, level: str) -> None:
    lines, chosen = LEVELS[level]
    uri = rig.write("filter.txt", lines.encode())
    outcome = rig.store.export_to_gcs(rig.uri("out"), filter=uri).wait()
    assert rig.written("out") == named(*chosen)
    assert outcome.state.counters.success == len(chosen)
    assert outcome.state.verdict == "done"


def test_a_request_is_checked_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []

    def counting(check: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object) -> object:
            checked.append(arguments)
            return check(*arguments)

        return counted

    monkeypatch.setattr(store_kinds, "prepare", counting(store_kinds.prepare))
    monkeypatch.setattr(ImageExport, "check", counting(ImageExport.check))
    uri = rig.write("f.txt", f"/studies/{STUDIES[0].study}\n".encode())
    prefix = ["--gcs-uri-prefix", rig.uri("out/")]
    assert call("export", "gcs", str(rig.store.name), "--filter", uri, *prefix).status == 0
    assert len(checked) == 1


def test_the_whole_store_is_exported_only_when_that_is_said(rig: Rig) -> None:
    with pytest.raises(UsageError, match="no filter is named"):
        rig.store.export_to_gcs(rig.uri("out"))
    assert rig.written("out") == {}
    rig.store.export_to_gcs(rig.uri("out"), everything=True).wait()
    assert rig.written("out") == named(*STUDIES)


def test_a_line_that_names_nothing_is_a_failure_and_the_others_are_exported(rig: Rig) -> None:
    lines = ELSEWHERE + ONE.line + "/studies/1.1/series/1.2.1\n" + "/studies/1.1/series/1\n"
    uri = rig.write("filter.txt", lines.encode())
    operation = rig.store.export_to_gcs(rig.uri("out"), filter=uri)
    with pytest.raises(FindingsError) as caught:
        operation.wait()
    assert text(caught.value, rig) == "OPERATION is done, and 3 of 4 failed"
    assert rig.written("out") == named(ONE)
    assert rig.store.describe(operation.name).verdict == "done with failures"


BAD = {
    "empty": (b"", "PLACE/f.txt is empty"),
    "blank": (b"\n\n", "no line names anything"),
    "gzip": (gzip.compress(ONE.line.encode()), "compressed with gzip"),
    "header": (b"path\n" + ONE.line.encode(), "is a header"),
    "twice": (2 * ONE.line.encode(), "repeats an earlier line"),
    "covered": (b"/studies/1.1\n" + ONE.line.encode(), "is covered by a coarser line"),
    "mark": (b"\xef\xbb\xbf" + ONE.line.encode(), "byte order mark"),
    "wrong": (b"/series/1\n", "is not /studies/UID"),
    "upwards": (b"/studies/../../x\n", "is not /studies/UID"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_filter_that_is_none_is_refused_and_nothing_written(rig: Rig, kind: str) -> None:
    data, words = BAD[kind]
    uri = rig.write("f.txt", data)
    with pytest.raises(FilterFileError) as caught:
        rig.store.export_to_gcs(rig.uri("out"), filter=uri)
    assert words in text(caught.value, rig)
    assert rig.written("out") == {}
    assert not rig.store.operations().states


def test_what_is_there_is_overwritten_and_what_is_beside_it_stays(rig: Rig) -> None:
    rig.write(f"out/{ONE.name}", b"old")
    rig.write("out/1.1/other.txt", b"other")
    rig.store.export_to_gcs(rig.uri("out"), everything=True).wait()
    assert rig.written("out") == named(*STUDIES) | {"1.1/other.txt": b"other"}


def test_a_manifest_that_is_named_has_to_be_there(rig: Rig) -> None:
    uri = rig.write("f.txt", ONE.line.encode())
    options = StartOptions(manifest=rig.uri("none.json"))
    with pytest.raises(SourceNotFoundError):
        rig.store.export_to_gcs(rig.uri("out"), filter=uri, options=options)


def test_operations_are_listed_and_described(rig: Rig) -> None:
    operation = rig.store.export_to_gcs(rig.uri("out"), everything=True)
    operation.wait()
    (listed,) = rig.store.operations().states
    described = rig.store.describe(operation.name.rpartition("/")[2])
    assert listed == described
    assert described.name == operation.name
    assert described.counters.success == len(STUDIES)
    assert described.method.endswith("ExportDicomData")
    assert described.created_at is not None
    assert described.ended >= described.created
    assert rig.store.operation(operation.name).wait().state == described


NEW = image("1.3", "1.3.1", "1.3.1.1")


def test_an_import_takes_what_its_pattern_fits(rig: Rig) -> None:
    others = [image("1.3", "1.3.1", f"1.3.1.{number}") for number in (2, 3)]
    rig.write("in/a.dcm", NEW.data)
    rig.write("in/b.dcm", others[0].data)
    rig.write("in/deep/er/c.dcm", others[1].data)
    rig.write("in/d.txt", b"a note")
    assert rig.store.import_from_gcs(rig.uri("in/?.dcm")).wait().state.counters.success == 2
    rig.store.import_from_gcs(rig.uri("in/**.dcm")).wait()
    rig.store.export_to_gcs(rig.uri("out"), everything=True).wait()
    assert rig.written("out") == named(*STUDIES, NEW, *others)


def test_an_import_ignores_what_is_there_and_overwrites_nothing(rig: Rig) -> None:
    rig.write("in/a.dcm", image(ONE.study, ONE.series, ONE.instance, PatientID="P2").data)
    rig.write("in/b.dcm", NEW.data)
    rig.write("in/c.dcm", NEW.data)
    operation = rig.store.import_from_gcs(rig.uri("in/*"))
    if isinstance(
        rig, FolderRig
    ):  # the service ignores what has the UIDs of another; a folder says so
        with pytest.raises(FindingsError, match="1 of 3 failed"):
            operation.wait()
    else:
        assert operation.wait().state.counters.success == 3
    rig.store.export_to_gcs(rig.uri("out"), everything=True).wait()
    assert rig.written("out") == named(*STUDIES, NEW)


def test_a_file_that_is_no_dicom_is_a_failure_of_an_import(rig: Rig) -> None:
    rig.write("in/a.dcm", NEW.data)
    rig.write("in/b.dcm", b"no DICOM at all")
    rig.write("in/c.dcm", b"")
    operation = rig.store.import_from_gcs(rig.uri("in/**"))
    with pytest.raises(FindingsError) as caught:
        operation.wait()
    assert text(caught.value, rig) == "OPERATION is done, and 2 of 3 failed"
    assert NEW.instance in rig.classes()


def test_an_import_of_nothing_fails(rig: Rig) -> None:
    rig.write("in/a.dcm", NEW.data)
    operation = rig.store.import_from_gcs(rig.uri("in/*.jpg"))
    with pytest.raises(OperationFailedError) as caught:
        operation.wait()
    assert text(caught.value, rig) == (
        "OPERATION failed: NOT_FOUND: No objects match PLACE/in/*.jpg."
    )


@pytest.mark.parametrize("pattern", ["in/**/a.dcm", "in/?/**", "in/***"])
def test_a_pattern_that_would_be_taken_otherwise_is_refused(rig: Rig, pattern: str) -> None:
    with pytest.raises(UsageError, match=r"\*\* stands at the end"):
        rig.store.import_from_gcs(rig.uri(pattern))


def test_storage_classes_are_set_and_kept(rig: Rig) -> None:
    assert set(rig.classes().values()) == {"STANDARD"}
    uri = rig.write("filter.txt", b"/studies/1.2\n")
    outcome = rig.store.set_storage_class(StorageClass.ARCHIVE, filter=uri).wait()
    assert outcome.state.counters.success == 6
    rig.write("in/a.dcm", NEW.data)
    rig.store.import_from_gcs(rig.uri("in/*"), storage_class=StorageClass.NEARLINE).wait()
    found = rig.classes()
    assert {e.instance: found[e.instance] for e in STUDIES} == {
        e.instance: "ARCHIVE" if e.study == "1.2" else "STANDARD" for e in STUDIES
    }
    assert found[NEW.instance] == "NEARLINE"


def test_a_format_that_no_store_has_is_refused(rig: Rig) -> None:
    with pytest.raises(UsageError, match="is not a MIME type that a store exports"):
        rig.store.export_to_gcs(rig.uri("out"), everything=True, mime_type="image/webp")


@pytest.mark.parametrize("mime", ["application/dicom; transfer-syntax=*", None])
def test_images_come_as_they_are_stored(rig: Rig, mime: str | None) -> None:
    rig.store.export_to_gcs(rig.uri("out"), everything=True, mime_type=mime).wait()
    assert rig.written("out") == named(*STUDIES)


def test_a_destination_that_is_not_there(rig: Rig, tmp_path: Path) -> None:
    if isinstance(rig, CloudRig):
        with pytest.raises(DestinationError, match="no bucket"):
            rig.store.export_to_gcs("gs://no-such-bucket/out/", everything=True)
        return
    (tmp_path / "file").write_text("x")
    with pytest.raises(DestinationError, match="is a file"):
        rig.store.export_to_gcs(str(tmp_path / "file"), everything=True)


def test_deidentified_copies_are_of_nobody_and_belong_together(rig: Rig, tmp_path: Path) -> None:
    uri = rig.write("f.txt", b"/studies/1.2\n")
    other = rig.other(tmp_path)
    outcome = rig.store.deidentify(other.name, filter=uri).wait()
    assert outcome.state.counters.success == 6
    other.export_to_gcs(rig.uri("out"), everything=True).wait()
    copies = [dcmread(BytesIO(data)) for data in rig.written("out").values()]
    assert len(copies) == len({copy.SOPInstanceUID for copy in copies}) == 6
    assert {copy.PatientID for copy in copies}.isdisjoint({"P1"})
    assert len({copy.PatientID for copy in copies}) == 1
    assert not any("DOE" in str(copy.get("PatientName", "")) for copy in copies)
    assert len({copy.StudyInstanceUID for copy in copies}) == 1
    assert len({copy.SeriesInstanceUID for copy in copies}) == 2
    before = {uid for each in STUDIES for uid in (each.study, each.series, each.instance)}
    after = {c.SOPInstanceUID for c in copies} | {c.StudyInstanceUID for c in copies}
    assert not before & after


def test_nothing_is_deidentified_into_itself(rig: Rig) -> None:
    with pytest.raises(UsageError, match="is the source itself"):
        rig.store.deidentify(rig.store.name, everything=True)


def test_a_configuration_that_is_none_is_refused(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        rig.store.deidentify(
            rig.other(tmp_path).name, everything=True, config={"dicomTagConfg": {}}
        )


class Tables(Protocol):
    """Tables that metadata can be written to."""

    def uri(self, name: str) -> str:
        """Name one."""

    def read(self, name: str) -> list[dict[str, object]]:
        """Read one: a row an instance, a column a tag."""


@dataclass
class FileTables:
    """Parquet files, or tables of one DuckDB file."""

    folder: Path
    kind: str

    def uri(self, name: str) -> str:
        if self.kind == "parquet":
            return str(self.folder / f"{name}.parquet")
        return f"{self.folder / 'tables.duckdb'}::{name}"

    def read(self, name: str) -> list[dict[str, object]]:
        import duckdb
        from pyarrow import parquet

        if self.kind == "parquet":
            return parquet.read_table(self.uri(name)).to_pylist()
        with duckdb.connect(self.folder / "tables.duckdb", read_only=True) as connection:
            return connection.table(name).to_arrow_table().to_pylist()


@dataclass
class BigQueryTables:
    """Tables of a dataset of BigQuery."""

    client: bigquery.Client
    dataset: str

    def uri(self, name: str) -> str:
        return f"bq://{self.dataset}.{name}"

    def read(self, name: str) -> list[dict[str, object]]:
        found = self.client.query(f"SELECT * FROM `{self.dataset}.{name}`").result()
        return [dict(row) for row in found]


@pytest.fixture(params=["parquet", "duckdb", "bigquery"])
def tables(
    request: pytest.FixtureRequest, folder: Path
) -> tuple[FolderRig | CloudRig, FileTables | BigQueryTables]:
    """Give a store, and what its metadata can be written to."""
    if request.param != "bigquery":
        return folder_rig(folder), FileTables(folder.parent, request.param)
    server, client = (request.getfixturevalue(n) for n in ("bigquery_server", "bq_client"))
    rig = cloud_rig(request, folder)
    rig.control.services(bigquery=server.url)
    return rig, BigQueryTables(client, request.getfixturevalue("dataset"))


def instances(rows: list[dict[str, object]]) -> list[str]:
    return sorted(str(row["SOPInstanceUID"]) for row in rows)


def test_metadata_are_written_in_one_of_three_ways(
    tables: tuple[Rig, Tables],
) -> None:  # four loads of BigQuery's: over a second
    rig, place = tables
    everything = sorted(each.instance for each in STUDIES)
    few = rig.write("f.txt", b"/studies/1.2/series/1.2.1\n")
    rig.store.export_to_bigquery(place.uri("a"), everything=True).wait()
    assert instances(place.read("a")) == everything
    again = rig.store.export_to_bigquery(place.uri("a"), filter=few)
    with pytest.raises(OperationFailedError, match="failed: ALREADY_EXISTS: Already Exists: Table"):
        again.wait()
    assert instances(place.read("a")) == everything
    append, truncate = WriteDisposition.WRITE_APPEND, WriteDisposition.WRITE_TRUNCATE
    rig.store.export_to_bigquery(place.uri("a"), filter=few, write_disposition=append).wait()
    assert instances(place.read("a")) == sorted([*everything, "1.2.1.1", "1.2.1.2", "1.2.1.3"])
    rig.store.export_to_bigquery(place.uri("a"), filter=few, write_disposition=truncate).wait()
    assert instances(place.read("a")) == ["1.2.1.1", "1.2.1.2", "1.2.1.3"]


def test_a_row_says_what_the_image_is(tables: tuple[Rig, Tables]) -> None:
    rig, place = tables
    uri = rig.write("f.txt", ONE.line.encode())
    rig.store.set_storage_class(StorageClass.COLDLINE, filter=uri).wait()
    operation = rig.store.export_to_bigquery(place.uri("a"), filter=uri, include_source_store=True)
    assert operation.wait().state.counters.success == 1
    (row,) = place.read("a")
    assert row["StudyInstanceUID"] == ONE.study
    assert row["StudyDate"] == dt.date(2021, 1, 31)
    assert row["Rows"] == 2
    assert row["Type"] == "CREATE"
    assert row["StorageClass"] == "COLDLINE"
    assert row["BlobStorageSize"] == len(ONE.data)
    assert row["SourceDicomStore"] == str(rig.store.name)
    person = row["PatientName"]
    assert isinstance(person, dict)
    assert person["Alphabetic"]["FamilyName"] == "DOE"


def test_a_table_gets_the_columns_that_it_lacks(tables: tuple[Rig, Tables]) -> None:
    rig, place = tables
    uri = rig.write("f.txt", ONE.line.encode())
    rig.store.export_to_bigquery(place.uri("a"), filter=uri).wait()
    rig.write("in/a.dcm", image("1.3", "1.3.1", "1.3.1.1", BodyPartExamined="CHEST").data)
    rig.store.import_from_gcs(rig.uri("in/*")).wait()
    other = rig.write("g.txt", b"/studies/1.3\n")
    append = WriteDisposition.WRITE_APPEND
    rig.store.export_to_bigquery(place.uri("a"), filter=other, write_disposition=append).wait()
    rows = {row["SOPInstanceUID"]: row["BodyPartExamined"] for row in place.read("a")}
    assert rows == {ONE.instance: None, "1.3.1.1": "CHEST"}
