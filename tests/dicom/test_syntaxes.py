"""The table of transfer syntaxes that people read is the one that holds."""

from __future__ import annotations

import runpy

from dicomfilter.dicom.pixels.encoding import LARGEST_ERROR, MEAN_ERROR
from dicomfilter.dicom.pixels.syntaxes import SYNTAXES
from tests.documents import ROOT, part


def test_the_readme_tells_what_reads_and_writes_each_transfer_syntax() -> None:
    made = runpy.run_path(str(ROOT / "tools/transfer_syntaxes.py"))["lines"]
    assert part("syntaxes").splitlines() == made()


def test_every_transfer_syntax_is_in_the_dictionary_under_its_uid() -> None:
    assert all(syntax.uid == uid for uid, syntax in SYNTAXES.items())
    assert len({syntax.name for syntax in SYNTAXES.values()}) == len(SYNTAXES)


def test_errors_as_measured_are_within_what_is_promised() -> None:
    lines = (ROOT / "docs/transfer-syntaxes.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    measured = {row[0]: row for row in rows if len(row) == 7 and row[1].isdigit()}
    assert set(measured) == {s.name for s in SYNTAXES.values() if s.lossy and s.writers}
    for _, written, _, median, mean, greatest, _ in measured.values():
        assert int(written) > 50
        assert float(median) <= float(mean) <= MEAN_ERROR
        assert int(greatest) <= LARGEST_ERROR
    lossless = {row[0]: row for row in rows if len(row) == 5 and row[1].isdigit()}
    assert set(lossless) == {s.name for s in SYNTAXES.values() if not s.lossy and s.writers}
    for _, written, _, greatest, _ in lossless.values():
        assert int(written) > 50
        assert greatest == "0"
