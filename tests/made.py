"""Metadata tables as hypothesis makes them: doubled, spoilt, superseded and deleted rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from tests.reference import is_usable, key
from tests.tables import instance

Row = dict[str, Any]
UNUSABLE = (None, "", "1/2", "1.2\n", "x", " 1", "１")
MOMENTS = (None, *(datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute in (1, 2)))
DAYS = (None, date(2026, 11, 20), date(2020, 1, 1))


def uids(*, spoilt: bool) -> st.SearchStrategy[str | None]:
    """Give one of a few UIDs, so that studies and series have several rows."""
    good = st.sampled_from(["1", "1.2", "1.3"])
    if not spoilt:
        return good
    return st.integers(0, 11).flatmap(lambda n: st.sampled_from(UNUSABLE) if n == 0 else good)


@st.composite
def rows(draw: st.DrawFn, *, spoilt: bool = True, versions: bool = False) -> list[Row]:
    """Make the rows of an instance table.

    Args:
        draw: Of hypothesis.
        spoilt: Whether some UIDs are unusable.
        versions: Whether rows supersede each other; of one moment, an instance then has at most
            one row that is no deletion, for which of two would count is nobody's promise. Where
            none does, rows of one instance agree in its size, for the same reason.
    """
    one = st.builds(
        instance,
        uids(spoilt=spoilt),
        uids(spoilt=spoilt),
        uids(spoilt=spoilt),
        st.sampled_from(["CT", "CT", "MR", None]),
        PatientID=st.sampled_from(["p1", "p2", None]),
        StudyDate=st.sampled_from(DAYS),
        BlobStorageSize=st.sampled_from([100, 7, 100, None]),
        **(
            {
                "LastUpdated": st.sampled_from(MOMENTS),
                "Type": st.sampled_from(["CREATE", "CREATE", "DELETE", None]),
            }
            if versions
            else {}
        ),
    )
    made: list[Row] = draw(st.lists(one, min_size=1, max_size=14))
    if not versions:
        sizes = {key(row): row["BlobStorageSize"] for row in made}
        return [row | {"BlobStorageSize": sizes[key(row)]} for row in made]
    kept: dict[Any, Row] = {}
    for number, row in enumerate(made):
        moment = (key(row), row["LastUpdated"], row["Type"] == "DELETE")
        kept.setdefault(moment if is_usable(key(row)) else number, row)
    return list(kept.values())
