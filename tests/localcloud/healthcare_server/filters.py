"""Which instances a filter file chooses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.localcloud.healthcare_server.refusals import INVALID, NOT_FOUND, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.localcloud.healthcare_server.assumptions import Assumptions
    from tests.localcloud.healthcare_server.stores import Uids

_PATH = re.compile(r"/studies/([0-9.]+)(?:/series/([0-9.]+)(?:/instances/([0-9.]+))?)?")


@dataclass(frozen=True)
class Chosen:
    """What a filter comes to: instances in the order of the lines, and lines that count as failed."""

    instances: list[Uids]
    failed: list[str]


def choose(text: str, store: Iterable[Uids], assumed: Assumptions) -> Chosen:
    """Choose instances of a store.

    Raises:
        RefusedError: A line, or the lack of any, ends the operation.
    """
    below: dict[tuple[str, ...], list[Uids]] = {}
    everything = list(store)
    for uids in everything:
        for depth in (1, 2, 3):
            below.setdefault(uids[:depth], []).append(uids)
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if assumed.byte_order_mark == "ignored":
        lines[0] = lines[0].removeprefix("\ufeff")
    if assumed.blank_line == "ignored" or lines == [""]:
        lines = [line for line in lines if line]
    if not lines:
        if assumed.empty_filter == "error":
            raise RefusedError(INVALID, "The filter file is empty.")
        return Chosen(everything if assumed.empty_filter == "everything" else [], [])
    instances: list[Uids] = []
    failed = []
    for number, line in enumerate(lines, 1):
        path = f"/{line}" if assumed.slash_optional and not line.startswith("/") else line
        found = _PATH.fullmatch(path)
        if not found:
            if assumed.bad_line == "fails":
                raise RefusedError(
                    INVALID, f"Invalid resource path on line {number} of the filter."
                )
            failed += [line] if assumed.bad_line == "counted" else []
            continue
        covered = below.get(tuple(uid for uid in found.groups() if uid))
        if covered is None and assumed.missing_path == "fails":
            raise RefusedError(
                NOT_FOUND, f"The resource on line {number} of the filter is missing."
            )
        if covered is None:
            failed += [line] if assumed.missing_path == "counted" else []
        instances += covered or []
    return Chosen(
        list(dict.fromkeys(instances)) if assumed.doubled == "once" else instances, failed
    )
