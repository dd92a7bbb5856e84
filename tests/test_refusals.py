"""The list of what is refused is that of the code, and each line of it helps."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

TOOL = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "refusals.py"))


def test_the_list_of_refusals_is_up_to_date() -> None:
    text, kept = TOOL["document"](), TOOL["DOCUMENT"]
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(text, encoding="utf-8")
    assert kept.read_text(encoding="utf-8") == text, "run `make golden`"


def test_every_refusal_has_a_way_round() -> None:
    assert [refusal.message for refusal in TOOL["refusals"]() if not refusal.hint] == []
