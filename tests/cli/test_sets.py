"""``union``, ``intersect``, ``subtract`` and ``diff`` on the command line: statuses and streams."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from dicomfilter.storage import open_storage
from tests.cli.running import run
from tests.documents import indented
from tests.tables import INSTANCES, write

if TYPE_CHECKING:
    from pathlib import Path

A, B = "/studies/1\n/studies/2\n", "/studies/2\n/studies/3/series/4\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(A)
    (tmp_path / "b.txt").write_text(B)
    return tmp_path


def test_the_result_is_on_standard_output_and_the_rest_is_not(folder: Path) -> None:
    done = run("union", "a.txt", "b.txt", "-o", "out.txt", cwd=folder)
    assert (done.status, done.out) == (0, "out.txt\n")
    assert "3 (2 studies + 1 series)" in done.err.replace("lines    ", "")
    assert (folder / "out.txt").read_text() == A + "/studies/3/series/4\n"
    assert (folder / "out.txt.manifest.json").stat().st_mode & 0o777 == 0o600
    again = run("union", "a.txt", "b.txt", "-o", "out.txt", cwd=folder)
    assert again.status == 2
    assert "exists" in again.err
    found = run("intersect", "a.txt", "b.txt", "-o", "out.txt", "--overwrite", "--json", cwd=folder)
    assert found.object["operation"] == "intersection"
    assert found.object["counts"]["lines"] == 1


def test_standard_input_and_output_are_files_too(folder: Path) -> None:
    done = run("subtract", "-", "b.txt", "-o", "-", cwd=folder, stdin=A)
    assert (done.status, done.out) == (0, "/studies/1\n")
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]
    twice = run("union", "-", "-", "-o", "-", cwd=folder, stdin=A)
    assert (twice.status, twice.out) == (2, "")
    assert twice.err.splitlines() == [
        "error[usage]: standard input is named twice, and can be read once",
        "hint: name a file",
    ]


def test_nothing_left_is_status_3_and_writes_nothing(folder: Path) -> None:
    done = run("intersect", "a.txt", "-", "-o", "out.txt", cwd=folder, stdin="/studies/9\n")
    assert done.status == 3
    assert len(done.err.splitlines()) == 2
    assert not (folder / "out.txt").exists()


def test_diff_is_0_for_one_set_1_for_two_and_2_for_any_trouble(folder: Path) -> None:
    (folder / "c.txt").write_text("/studies/2\r\n/studies/1\r\n/studies/2\r\n")
    same = run("diff", "a.txt", "c.txt", "--json", cwd=folder)
    assert same.status == 0
    assert same.object["same"] is True
    different = run("diff", "a.txt", "b.txt", "--only-b", "new.txt", "--json", cwd=folder)
    assert different.status == 1
    assert json.loads(different.out)["only_b"]["lines"] == 1
    assert (folder / "new.txt").read_text() == "/studies/3/series/4\n"
    for arguments in (
        ["none.txt"],
        ["b.txt", "--against", "none.parquet"],
        ["b.txt", "--only-b", "new.txt"],
        ["b.txt", "--both", "/proc/none"],
        ["b.txt", "--unknown"],
        ["a.txt"],
    ):
        trouble = run("diff", "a.txt", *arguments, cwd=folder)
        assert (trouble.status, trouble.out) == (2, ""), arguments
        assert trouble.err.startswith("error[")


def test_the_help_of_diff_says_its_own_statuses() -> None:
    said = run("diff", "--help").out.split("Exit status:\n")[1]
    assert " ".join(said.split()) == (
        "0 the same, 1 they differ or only a table could tell, 2 trouble of any kind."
    )


def test_what_is_partly_there_takes_a_table(folder: Path) -> None:
    rows: list[dict[str, object]] = [
        {"StudyInstanceUID": "3", "SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{n}"}
        for series in ("4", "5")
        for n in range(3)
    ]
    write(folder / "metadata.parquet", INSTANCES, rows)
    (folder / "whole.txt").write_text("/studies/3\n")
    (folder / "some.txt").write_text("/studies/3/series/4\n/studies/3/series/5\n")
    refused = run("subtract", "whole.txt", "b.txt", "-o", "out.txt", cwd=folder)
    assert refused.status == 2
    assert "1 line of the first filter" in refused.err
    assert "--against TABLE" in refused.err
    done = run(
        "subtract", "whole.txt", "b.txt", "-o", "-", "--against", "metadata.parquet", cwd=folder
    )
    assert (done.status, done.out) == (0, "/studies/3/series/5\n")
    apart = run("diff", "whole.txt", "some.txt", cwd=folder)
    assert apart.status == 1
    assert "partly" in apart.out
    settled = run("diff", "whole.txt", "some.txt", "--against", "metadata.parquet", cwd=folder)
    assert settled.status == 0


def test_objects_are_read_and_written_whole(folder: Path, bucket: str) -> None:
    with open_storage(f"gs://{bucket}/a.txt").writer(
        f"gs://{bucket}/a.txt", overwrite=False
    ) as out:
        out.write(A.encode())
    made = f"gs://{bucket}/out.txt"
    arguments = ("union", f"gs://{bucket}/a.txt", "b.txt", "-o", made, "--manifest", "out.json")
    done = run(*arguments, cwd=folder)
    assert (done.status, done.out) == (0, f"{made}\n"), done.err
    with open_storage(made).reader(made) as file:
        assert file.read().decode() == A + "/studies/3/series/4\n"
    missing = run("diff", "a.txt", f"gs://{bucket}-not/b.txt", cwd=folder)
    assert (missing.status, missing.out) == (2, "")
    manifest = json.loads((folder / "out.json").read_text())
    first, second = manifest["derived"]["inputs"]
    assert first["generation"] is not None
    assert second["generation"] is None
    assert manifest["filter"]["generation"] is not None


def test_the_readme_divides_and_leaves_out(tmp_path: Path) -> None:
    """The lines of the README as they stand there, over real series."""
    where = "Modality = 'CT' AND BodyPartExamined = 'LIVER'"
    built = run("build", "idc", "--where", where, "-o", "liver-ct.txt", cwd=tmp_path)
    assert built.status == 0, built.err
    lines = (tmp_path / "liver-ct.txt").read_text().splitlines()
    (tmp_path / "sent.txt").write_text("\n".join(lines[:100]) + "\n")
    (tmp_path / "withdrawn.csv").write_text("PatientID\nNOBODY\n")
    for folder in ("parts", "sets"):
        (tmp_path / folder).mkdir()
    commands = [line for line in indented("dicomfilter split") if "liver-ct" in line]
    commands += [line for line in indented("dicomfilter build") if "--exclude" in line]
    assert len(commands) == 3
    for command in commands:
        ended = run(*shlex.split(command)[1:], cwd=tmp_path)
        assert ended.status == 0, ended.err
    for names in ("parts/ct-*.txt", "sets/*.txt"):
        found = [path.read_text().splitlines() for path in sorted(tmp_path.glob(names))]
        assert len(found) in (3, 4)
        assert sorted(line for part in found for line in part) == sorted(lines)
    rest = set((tmp_path / "today.txt").read_text().splitlines())
    assert not rest & set(lines[:100])
    assert set(lines[100:]) <= rest
    assert "NOBODY" in (tmp_path / "today.txt.unmatched.csv").read_text()
