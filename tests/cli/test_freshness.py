"""``dicomfilter freshness`` and the gate ``--fresh-within``, as their users run them."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import dicomfilter as dcf
from tests.cli.running import call
from tests.localcloud.dicom import write_instances

if TYPE_CHECKING:
    from pathlib import Path


def aged(path: Path, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_a_table_of_files_is_judged_by_its_age(desk: Path) -> None:
    assert call("freshness", "metadata.parquet", "--quiet").out == "fresh\n"
    aged(desk / "metadata.parquet", 3)
    old = call("freshness", "metadata.parquet")
    assert old.status == 6
    assert "verdict   stale: it was last written 3 days ago" in old.out
    assert all(len(line) <= 80 for line in old.out.splitlines())
    assert call("freshness", "metadata.parquet", "--max-age", "4d").status == 0
    document = json.loads(call("freshness", "metadata.parquet", "--json").out)
    assert (document["verdict"], document["fresh"]) == ("stale", False)
    assert call("freshness", "metadata.parquet", "--max-age", "soon").status == 2


def test_a_gate_stops_a_build_before_it_starts(desk: Path) -> None:
    aged(desk / "metadata.parquet", 3)
    words = ("build", "metadata.parquet", "--all", "-o", "out.txt", "--fresh-within")
    stopped = call(*words, "24h")
    assert stopped.status == 9
    assert stopped.err.startswith("error[gate]: ")
    assert not (desk / "out.txt").exists()
    assert call(*words, "4d").status == 0
    assert call("build", "metadata.parquet", "--all", "-o", "x", "--store", "s").status == 2


def test_a_gate_stops_an_export_before_it_starts(tmp_path: Path) -> None:
    images, table, out = tmp_path / "images", tmp_path / "metadata.parquet", tmp_path / "out"
    images.mkdir()
    write_instances(images, 2)
    dcf.index_folder(images, table)
    lines = tmp_path / "lines.txt"
    assert call("build", table, "--all", "-o", lines).status == 0
    words = ("export", "gcs", images, "--filter", lines, "--gcs-uri-prefix", out, "--fresh-within")
    assert call(*words, "1h").status == 0
    write_instances(images, 1)
    (out / "kept").mkdir(parents=True)
    stopped = call(*words, "1h")
    assert stopped.status == 9
    assert "drifted: of the folder's instances 1 new, 0 changed, 0 gone" in stopped.err
    (tmp_path / "lines.txt.manifest.json").unlink()
    unknown = call(*words, "1h")
    assert unknown.status == 9
    assert "cannot be told" in unknown.err
