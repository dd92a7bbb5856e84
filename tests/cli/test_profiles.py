"""``config.toml``: places and limits that stand behind options and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.cli.profiles import KEYS
from tests.cli.running import call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def configure(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the configuration file of a home of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(desk)
    for name in ("DICOMFILTER_TABLE", "DICOMFILTER_STORE", "DICOMFILTER_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def write(text: str) -> Path:
        path = tmp_path / "config" / "dicomfilter" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


TABLE = '[profiles.small]\ntable = "{}"\n[profiles.none]\ntable = "missing.parquet"\n'


def test_an_option_comes_before_a_variable_and_that_before_a_profile(
    desk: Path, configure: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(TABLE.format(desk / "metadata.parquet"))
    asked = ["count", "--all", "--json"]
    assert call(*asked).status == 2
    found = call(*asked, "--profile", "small").object
    assert found["instances"] > 0
    assert call("--profile", "small", *asked).object == found
    assert call("--profile", "none", *asked, "--profile", "small").object == found
    assert call(*asked, "--profile", "none").status == 2
    monkeypatch.setenv("DICOMFILTER_PROFILE", "small")
    assert call(*asked).object == found
    monkeypatch.setenv("DICOMFILTER_TABLE", "other.parquet")
    assert "other.parquet" in call(*asked).err
    assert "third.parquet" in call("count", "third.parquet", "--all").err


@pytest.mark.parametrize(
    "words",
    [
        ["columns", "PatientID", "--json"],
        ["count", "--where", "PatientID IS NOT NULL"],
        ["query", "patient", "--param", "patient_id::19045", "--format", "csv"],
        ["sql", "PatientID = '1'", "--check"],
        ["build", "--all", "-o", "out.txt"],
    ],
    ids=lambda words: words[0],
)
def test_each_command_that_takes_a_table_takes_it_from_a_profile(
    desk: Path, configure: Callable[[str], Path], words: list[str]
) -> None:
    table = desk / "metadata.parquet"
    configure(f'profile = "here"\n[profiles.here]\ntable = "{table}"\n')
    assert call(*words).status == 0


def test_a_store_and_its_place_come_from_a_profile(configure: Callable[[str], Path]) -> None:
    configure('[profiles.p]\nstore="s"\ndataset="d"\nlocation="l"\nproject="p"\ntimeout-s = 5\n')
    words = ["export", "gcs", "--all", "--gcs-uri-prefix", "gs://b/f/", "--print-request"]
    shown = call(*words, "--profile", "p", "--api-version", "v1").out
    assert "projects/p/locations/l/datasets/d/dicomStores/s" in shown
    shown = call(*words, "--profile", "p", "--dataset", "other", "--api-version", "v1").out
    assert "/datasets/other/" in shown
    store = ["set-storage-class", "ARCHIVE", "--all", "--print-request", "--api-version", "v1"]
    assert "dicomStores/s" in call(*store, "--profile", "p").out


def test_a_limit_of_a_profile_holds(configure: Callable[[str], Path]) -> None:
    configure('[profiles.p]\nmemory_limit = "no size"\n')
    refused = call("count", "metadata.parquet", "--all", "--profile", "p")
    assert refused.status == 2
    assert "no size" in refused.err
    assert (
        call("count", "metadata.parquet", "--all", "--profile", "p", "--memory-limit", "1GB").status
        == 0
    )


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("", "there is no profile 'p'", "[profiles.p]"),
        ("[profiles.q]\n", "there is no profile 'p'", "write one of q"),
        ("profiles = 3\n", "there is no profile 'p'", "[profiles.p]"),
        ("[profiles.p]\nall = true\n", "names all, which only a command line may say", "table"),
        ("[profiles.p]\noverwrite = true\n", "names overwrite", "staging"),
        ('[profiles.p]\nwhere = "x"\n', "names where", "staging"),
        ("[profiles.p]\nstart-again = true\n", "names start_again", "staging"),
        ("[profiles.p]\nretry_start = true\n", "names retry_start", "staging"),
        ("[profiles.p]\ntable = 3\n", "table of profile 'p' is not a text", "config.toml"),
        ('[profiles.p]\nmaximum_bytes_billed = "3"\n', "is not a number", "config.toml"),
        ("[profiles.p]\nmaximum_bytes_billed = true\n", "is not a number", "config.toml"),
        ("[profiles.p\n", "is not TOML", "correct that line"),
    ],
)
def test_what_a_profile_may_not_say_is_two_lines(
    configure: Callable[[str], Path], text: str, said: str, hint: str
) -> None:
    configure(text)
    ended = call("count", "metadata.parquet", "--all", "--profile", "p")
    assert (ended.status, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert said in first
    assert second.startswith("hint: ")
    assert hint in second


def test_a_file_that_cannot_be_read_is_named(configure: Callable[[str], Path]) -> None:
    path = configure("")
    path.unlink()
    path.mkdir()
    ended = call("count", "metadata.parquet", "--all")
    assert ended.status == 2
    assert f"{path} cannot be read" in ended.err


def test_every_key_is_an_option_or_argument_of_some_command() -> None:
    shown = " ".join(
        call(*words.split(), "--help").out for words in ("build", "export gcs", "count")
    )
    for key in KEYS:
        assert f"--{key.replace('_', '-')}" in shown or f" {key.upper()}" in shown
