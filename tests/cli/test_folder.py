"""Commands on a folder of images: the same words and statuses as on a store of the cloud."""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from dicomfilter.counts import human_size
from dicomfilter.storage import open_storage
from tests.cli.running import PROGRAM, Ended, call, run
from tests.localcloud.healthcare import DATASET
from tests.stores.folder.images import STUDIES, files, image, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.localcloud.healthcare import Control, HealthcareServer

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
EVERYTHING = {each.name: each.data for each in STUDIES}


@pytest.fixture(autouse=True)
def _fresh_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.02")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "store", *STUDIES)


@pytest.fixture
def arguments(folder: Path, tmp_path: Path) -> list[str]:
    return ["export", "gcs", str(folder), "--all", "--gcs-uri-prefix", str(tmp_path / "out")]


def two_lines(err: str) -> tuple[str, str]:
    error, hint = err.splitlines()[-2:]
    assert error.startswith("error[")
    assert hint.startswith("hint: ")
    return error, hint


LINES = "".join(each.line for each in STUDIES)
CASES: dict[str, tuple[str, ...]] = {
    "all": ("export", "gcs", "STORE", "--all", "--gcs-uri-prefix", "PLACE/out"),
    "filter": ("export", "gcs", "STORE", "--filter", "PLACE/f", "--gcs-uri-prefix", "PLACE/out/"),
    "missing": ("export", "gcs", "STORE", "--filter", "PLACE/m", "--gcs-uri-prefix", "PLACE/out"),
    "empty": ("export", "gcs", "STORE", "--filter", "PLACE/e", "--gcs-uri-prefix", "PLACE/out"),
    "doubled": ("export", "gcs", "STORE", "--filter", "PLACE/d", "--gcs-uri-prefix", "PLACE/out"),
    "no such filter": (
        *("export", "gcs", "STORE", "--filter", "PLACE/none", "--gcs-uri-prefix", "PLACE/out"),
    ),
    "neither": ("export", "gcs", "STORE", "--gcs-uri-prefix", "PLACE/out"),
    "both": (
        *("export", "gcs", "STORE", "--all", "--filter", "PLACE/f"),
        *("--gcs-uri-prefix", "PLACE/out"),
    ),
    "mime": (
        *("export", "gcs", "STORE", "--all", "--gcs-uri-prefix", "PLACE/out"),
        *("--mime-type", "image/webp"),
    ),
    "json": ("export", "gcs", "STORE", "--all", "--gcs-uri-prefix", "PLACE/out", "--json"),
    "import": ("import", "gcs", "STORE", "--gcs-uri", "PLACE/in/**.dcm"),
    "import of nothing": ("import", "gcs", "STORE", "--gcs-uri", "PLACE/in/*.jpg"),
    "import of what is none": ("import", "gcs", "STORE", "--gcs-uri", "PLACE/in/**"),
    "pattern": ("import", "gcs", "STORE", "--gcs-uri", "PLACE/**/a.dcm"),
    "class": ("set-storage-class", "STORE", "ARCHIVE", "--filter", "PLACE/f"),
    "no class": ("set-storage-class", "STORE", "FROZEN", "--all"),
    "itself": ("deidentify", "STORE", "--all", "--destination-store", "STORE"),
    "list": ("operations", "list", "--store", "STORE"),
}
OBJECTS = {
    "f": LINES.encode(),
    "m": f"/studies/9\n{LINES}".encode(),
    "e": b"",
    "d": (LINES + LINES).encode(),
    "in/a.dcm": image("1.3", "1.3.1", "1.3.1.1").data,
    "in/b/c.dcm": image("1.3", "1.3.1", "1.3.1.2").data,
    "in/note.txt": b"a note",
}


def same(ended: Ended, store: str, place: str) -> tuple[int, str, str]:
    """Give a run without what differs by nature: names of things, times, where logs are."""

    def plain(text: str) -> str:
        text = re.sub(r"\S+/operations/[\w-]+(?![\w.-]*csv)", "OPERATION", text)
        text = re.sub(r"(?m)^(logs|resume|into) .*\n", "", text)
        text = re.sub(r"(failed|pending), [\d.]+ (bytes|kB|MB)", r"\1", text)
        text = re.sub(r'"size_bytes": (\d+|null)', '"size_bytes": …', text)
        text = re.sub(r"hint: see \S+$", "hint: see LOGS", text)
        text = text.replace("hint: check the path", "hint: check the name")
        text = re.sub(r'"(created|ended|logs_url|method)": ("[^"]*"|null)', r'"\1": …', text)
        return text.replace(store, "STORE").replace(place, "PLACE")

    return ended.status, plain(ended.out), plain(ended.err)


@pytest.mark.parametrize("case", CASES)
def test_a_run_on_a_folder_reads_like_a_run_in_the_cloud(  # noqa: PLR0917 - fixtures
    case: str,
    folder: Path,
    tmp_path: Path,
    bucket: str,
    healthcare: HealthcareServer,
    hc_control: Control,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in healthcare.environment.items():
        monkeypatch.setenv(name, value)
    in_cloud = hc_control.make_store(folder, dataset=f"{DATASET}{uuid.uuid4().hex[:12]}")
    places = {in_cloud: f"gs://{bucket}", str(folder): str(tmp_path / "place")}
    (tmp_path / "place/in/b").mkdir(parents=True)
    found = []
    for store, place in places.items():
        for name, data in OBJECTS.items():
            uri = f"{place}/{name}"
            with open_storage(uri).writer(uri, overwrite=True) as writer:
                writer.write(data)
        words = (w.replace("STORE", store).replace("PLACE", place) for w in CASES[case])
        found.append(same(call(*words), store, place))
    assert found[1] == found[0]


def test_an_export_of_a_folder_says_where_the_images_are_and_how_many_bytes(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["export", "gcs", folder, "--all", "--gcs-uri-prefix", out]
    ended = call(*words)
    files = [path for path in out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    assert ended.err.splitlines() == [
        f"into     {out}",
        f"done     {len(files)} succeeded, 0 failed, {human_size(size)}",
    ]
    again = call("operations", "describe", ended.out.strip())
    assert human_size(size) in again.out
    assert call(*words, "--json").object["size_bytes"] == size
    assert call(*words, "--quiet").err == ""


def test_an_export_names_its_operation_and_says_how_it_ended(
    arguments: list[str], tmp_path: Path
) -> None:
    ended = call(*arguments)
    assert ended.status == 0, ended.err
    assert re.fullmatch(rf"{tmp_path}/store/operations/[\w-]+\n", ended.out)
    assert f"done     {len(STUDIES)} succeeded, 0 failed" in ended.err
    assert files(tmp_path / "out") == EVERYTHING
    name = ended.out.strip()
    assert call("operations", "wait", name).status == 0
    described = call("operations", "describe", name, "--json").object
    assert (described["success"], described["done"]) == (len(STUDIES), True)
    listed = call("operations", "list", "--store", tmp_path / "store", "--json").object
    assert listed["operations"] == [described]
    error, _ = two_lines(call("operations", "cancel", name).err)
    assert error.endswith("has already ended")


def test_it_is_done_on_return_whatever_is_asked(arguments: list[str]) -> None:
    found = call(*arguments, "--async", "--json").object
    assert found["done"] is True
    assert call(*arguments, "--timeout-s", "0").status == 0


def test_what_failed_is_listed_where_the_log_is(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text(f"/studies/9.9\n{STUDIES[0].line}")
    arguments[3:4] = ["--filter", str(tmp_path / "f.txt")]
    ended = call(*arguments)
    assert ended.status == 6
    assert "is done, and 1 of 2 failed" in ended.err
    (path,) = re.findall(r"logs     (\S+)", ended.err)
    with open(path, encoding="utf-8") as file:
        assert file.read() == "path,reason\n/studies/9.9,it is not in the store\n"


def test_the_request_is_shown_and_nothing_done(arguments: list[str], tmp_path: Path) -> None:
    ended = call(*arguments, "--print-request", "--json")
    assert ended.object["body"] == {"gcsDestination": {"uriPrefix": str(tmp_path / "out")}}
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "store/.dicomfilter").exists()


def test_the_environment_names_the_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICOMFILTER_STORE", str(folder))
    assert call("export", "gcs", "--all", "--gcs-uri-prefix", tmp_path / "out").status == 0
    assert call("set-storage-class", "COLDLINE", "--all").status == 0
    assert len(call("operations", "list", "--json").object["operations"]) == 2


@pytest.mark.parametrize("place", ["store", "store/out"])
def test_a_destination_in_the_store(arguments: list[str], tmp_path: Path, place: str) -> None:
    arguments[-1] = str(tmp_path / place)
    ended = call(*arguments)
    assert ended.status == 2
    error, hint = two_lines(ended.err)
    assert error.startswith("error[destination]: ")
    assert hint == "hint: choose a destination outside of the store"


def may_not_write() -> None:
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def test_a_destination_that_may_not_be_written(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o555)
    ended = run(*arguments, before=may_not_write)
    assert ended.status == 2
    error, hint = two_lines(ended.err)
    assert error == f"error[destination]: {tmp_path}/out was not written: permission denied"
    assert hint == "hint: choose a folder that you can write to"


def test_a_store_that_may_not_be_written_is_exported_all_the_same(
    arguments: list[str], folder: Path, tmp_path: Path
) -> None:
    folder.chmod(0o555)
    try:
        ended = run(*arguments, before=may_not_write)
    finally:
        folder.chmod(0o755)
    assert ended.status == 0, ended.err
    assert files(tmp_path / "out") == EVERYTHING
    assert not (folder / ".dicomfilter").exists()


def no_larger_than(size_bytes: int) -> Callable[[], None]:
    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    return before


def test_a_disk_that_is_full_ends_it_and_the_next_run_completes_it(
    arguments: list[str], folder: Path, tmp_path: Path
) -> None:
    large = image("1.9", "1.9.9", "1.9.9.9", PixelData=os.urandom(1 << 20))
    (folder / "large").write_bytes(large.data)
    call("set-storage-class", folder, "STANDARD", "--all")  # the catalog is there already
    ended = run(*arguments, before=no_larger_than(1 << 19))
    assert ended.status == 5, ended.err
    error, hint = two_lines(ended.err)
    assert "failed: RESOURCE_EXHAUSTED: " in error
    assert "files may not grow that large here" in error
    assert hint == "hint: make room, and run the same command again: it goes on from there"
    there = files(tmp_path / "out")
    assert all(EVERYTHING[name] == data for name, data in there.items())
    assert call(*arguments).status == 0
    assert files(tmp_path / "out") == EVERYTHING | {large.name: large.data}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Make a store that takes a while to copy."""
    data = os.urandom(2 << 20)
    many = [image("1.1", "1.1.1", f"1.1.1.{n}", PixelData=data) for n in range(40)]
    return put(tmp_path / "large", *many)


def whole(folder: Path, out: Path) -> bool:
    """Tell whether all that is there is equal to what it is a copy of."""
    originals = set(files(folder).values())
    there = files(out)
    return set(there.values()) <= originals and all(name.endswith(".dcm") for name in there)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_cut_off_leaves_whole_files_and_is_completed_by_the_next(
    large: Path, tmp_path: Path, number: signal.Signals
) -> None:  # copies 80 MB, twice: over a second
    out = tmp_path / "out"
    words = ["export", "gcs", str(large), "--all", "--gcs-uri-prefix", str(out)]
    with subprocess.Popen(
        [PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        give_up = time.monotonic() + 30
        while not list(out.glob("1.1/1.1.1/*.dcm")) and time.monotonic() < give_up:
            time.sleep(0.002)
        running.send_signal(number)
        _, err = running.communicate(timeout=30)
    assert running.returncode == (-9 if number == signal.SIGKILL else 128 + number), err
    assert whole(large, out)
    before = {path.name: path.stat().st_ino for path in out.rglob("*.dcm")}
    assert 0 < len(before) < 40
    (state,) = call("operations", "list", "--store", large, "--json").object["operations"]
    assert state["verdict"] == ("failed" if number == signal.SIGKILL else "cancelled")
    assert call(*words).status == 0
    assert set(files(out).values()) == set(files(large).values())
    after = {path.name: path.stat().st_ino for path in out.rglob("*.dcm")}
    assert before.items() <= after.items()
    shutil.rmtree(tmp_path / "large")


def test_a_bar_is_shown_to_a_person_only(arguments: list[str]) -> None:
    assert "running" not in call(*arguments).err
    assert json.loads(call(*arguments, "--quiet", "--json").out)["done"] is True
