"""The table of transfer syntaxes that people read is the one that holds."""

from __future__ import annotations

import runpy

from dicomfilter.dicomfiles.syntaxes import SYNTAXES
from tests.documents import ROOT, part


def test_the_readme_tells_what_reads_and_writes_each_transfer_syntax() -> None:
    made = runpy.run_path(str(ROOT / "tools/transfer_syntaxes.py"))["lines"]
    assert part("syntaxes").splitlines() == made()


def test_every_transfer_syntax_is_in_the_dictionary_under_its_uid() -> None:
    assert all(syntax.uid == uid for uid, syntax in SYNTAXES.items())
    assert len({syntax.name for syntax in SYNTAXES.values()}) == len(SYNTAXES)
