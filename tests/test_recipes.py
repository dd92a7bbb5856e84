"""Each recipe is followed, in a folder like the one that its page describes, and prints what it shows."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import dicomfilter
from tests.cli.running import call
from tests.documents import PAGES, ROOT, Example, examples
from tests.stores.folder.images import image, put

BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
SERIES = (
    # patient, sex, study, date, series, modality, body part, description, slices, thickness
    ("P001", "F", "1.1", "20190304", "1.1.1", "CT", "CHEST", "Chest 5.0", 3, "5"),
    ("P001", "F", "1.1", "20190304", "1.1.2", "CT", "CHEST", "CHEST THIN 1.0", 4, "1"),
    ("P001", "F", "1.2", "20210610", "1.2.1", "CT", "CHEST", "chest follow-up", 3, "1"),
    ("P002", "M", "1.3", "20200115", "1.3.1", "MR", "HEAD", "T1", 3, "3"),
    ("P002", "M", "1.3", "20200115", "1.3.2", "MR", "HEAD", "T2 FLAIR", 3, "3"),
    ("P003", "F", "1.4", "20210201", "1.4.1", "CT", "ABDOMEN", "Abdomen", 3, "5"),
    ("P004", None, "1.5", "20210909", "1.5.1", "CT", "CHEST", "Chest", 3, "1.25"),
    ("P005", "M", "1.6", "20220505", "1.6.1", "CR", None, "PA view", 1, None),
    ("P006", "F", "1.7", "20221111", "1.7.1", "MR", "PROSTATE", "T2 axial", 4, "3"),
)
FILES = {
    "cohort.csv": "PatientID,Arm\nP001,A\nP004,B\nP777,A\n",
    "withdrawn.csv": "PatientID\nP004\n",
    "surgery.csv": "PatientID,SurgeryDate\nP001,2021-06-01\nP003,2021-08-15\n",
    "chest-ct.sql": "Modality = 'CT'\nAND BodyPartExamined = 'CHEST'\nAND SAFE_CAST(SliceThickness AS FLOAT64) <= @thickest\n",
    "modalities.sql": "SELECT Modality, COUNT(DISTINCT SeriesInstanceUID) AS series\nFROM metadata\nGROUP BY Modality\nORDER BY series DESC, Modality\n",
    "newest.sql": "SELECT StudyInstanceUID\nFROM metadata\nQUALIFY ROW_NUMBER() OVER (PARTITION BY PatientID ORDER BY StudyDate DESC, SOPInstanceUID) = 1\n",
    "near-surgery.sql": "SELECT StudyInstanceUID\nFROM metadata JOIN surgery USING (PatientID)\nWHERE ABS(DATE_DIFF(StudyDate, CAST(SurgeryDate AS DATE), DAY)) <= 30\n",
    "elsewhere.txt": "/studies/1.1/series/1.1.1\n/studies/1.1/series/1.1.1\nstudies/1.3\n/studies/01.4\n",
}
VARYING = (
    (r"/[^\s\"]*/desk/", "…/"),
    (r"CRC32C \S+", "CRC32C …"),
    (r"(?m)^((?:crc32c|sha256|by|purpose|logs) +)\S.*", r"\1…"),
    (r"(?m)^(made +)\S+ \S+", r"\1…"),
    (r"modified .*", "modified …"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?", "…"),
    (r"/operations/[\w-]+", "/operations/…"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder that the page describes."""
    folder = tmp_path_factory.mktemp("desk")
    images = []
    for patient, sex, study, date, series, modality, part, text, count, thickness in SERIES:
        given = {
            "PatientID": patient,
            "PatientName": "",
            "PatientSex": sex,
            "StudyDate": date,
            "AccessionNumber": f"A{study[2:]}",
            "Modality": modality,
            "BodyPartExamined": part,
            "SeriesDescription": text,
            "SliceThickness": thickness,
        }
        of = {name: value for name, value in given.items() if value is not None}
        images += [image(study, series, f"{series}.{n}", **of) for n in range(1, count + 1)]
    put(folder / "scans", *images)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        indexed = call("index", "scans", "-o", "metadata.parquet")
    assert indexed.status == 0, indexed.err
    return folder


def recipes() -> dict[str, str]:
    """Cut the page of recipes by their titles; the API's page is one more."""
    titles = re.split(r"^### (.+)\n", PAGES["recipes"], flags=re.MULTILINE)[1:]
    return {**dict(zip(titles[::2], titles[1::2], strict=True)), "The Python API": PAGES["api"]}


def typed(command: str) -> str:
    """Type a command, in this process where no shell is needed; what a terminal would show."""
    words = shlex.split(command)
    if words[0] == "dicomfilter" and not {"|", "&&", ">"} & set(words) and "$(" not in command:
        return call(*words[1:], together=True).out
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],  # noqa: S607 - whichever shell the machine has
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


def followed(recipe: str) -> str:
    """Follow a recipe; the same with what was printed in place of what is shown, where they differ."""
    names: dict[str, object] = {}
    printed = ""

    def follow(block: re.Match[str]) -> str:
        nonlocal printed
        language, text = block.groups()
        if language == "console":
            shown = "".join(redone(example) for example in examples(text))
        elif language == "python":
            out = io.StringIO()
            with redirect_stdout(out):
                exec(compile(text, "recipe", "exec"), names)  # noqa: S102 - our own
            shown, printed = text, out.getvalue()
        else:
            shown = text if Example("", text).shows(printed) else printed
        return f"```{language}\n{shown}```"

    return BLOCK.sub(follow, recipe)


def redone(example: Example) -> str:
    """Type an example again; its text, or a new one if something else was printed."""
    new = typed(example.command)
    if not example.shows(new):
        for pattern, text in VARYING:
            new = re.sub(pattern, text, new)
        return f"$ {example.command}\n{new}"
    return f"$ {example.command}\n{example.printed}"


@pytest.mark.parametrize("title", recipes())
def test_a_recipe_does_what_it_shows(
    title: str, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(desk, folder, copy_function=os.link)
    shutil.rmtree(folder / "scans/.dicomfilter", ignore_errors=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    recipe = recipes()[title]
    made = followed(recipe)
    if os.environ.get("UPDATE_GOLDEN"):
        page = ROOT / "docs" / ("recipes.md" if recipe in PAGES["recipes"] else "api.md")
        page.write_text(page.read_text().replace(recipe, made))
    assert made == recipe or os.environ.get("UPDATE_GOLDEN")
    assert BLOCK.search(recipe), "a recipe has something to type"
    assert "Traceback" not in made


def test_a_recipe_fails_only_where_that_is_its_point() -> None:
    failing = {title for title, recipe in recipes().items() if "error[" in recipe}
    assert failing == {"Use the result in a script", "Ask whether BigQuery takes a text"}


def test_the_api_page_has_every_public_name() -> None:
    shown = re.findall(r"^[.][.] auto\w+:: dicomfilter[.](\w+)", PAGES["api"], flags=re.MULTILINE)
    with_errors = {"__version__", "DicomFilterError"}  # which the module of errors brings along
    assert sorted(shown) == sorted(set(dicomfilter.__all__) - with_errors)


def test_there_are_recipes_for_both_kinds_of_readers() -> None:
    analysts, engineers = re.split(r"^## ", PAGES["recipes"], flags=re.MULTILINE)[-2:]
    assert analysts.count("\n### ") >= 10
    assert engineers.count("\n### ") >= 10
