"""The table of the profile is that of the standard, as a package made it of the standard's text."""

from __future__ import annotations

import runpy
from pathlib import Path

from dicomfilter.dicom.deid import profile
from dicomfilter.dicom.deid.profile import Action, basic_profile

TOOL = Path(__file__).parents[2] / "tools/profile.py"


def test_the_table_is_what_the_tool_makes() -> None:
    made = runpy.run_path(str(TOOL))
    table = Path(profile.__file__).with_suffix(".tsv")
    assert table.read_text("ascii") == "".join(f"{row}\n" for row in made["rows"]())
    assert made["EDITION"] == profile.EDITION


def test_every_attribute_of_the_table_is_dealt_with() -> None:
    found = basic_profile()
    assert len(found) > 600
    assert set(found.values()) == {
        Action.REMOVE,
        Action.EMPTY,
        Action.REPLACE,
        Action.NEW_UID,
    }
