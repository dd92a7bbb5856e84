"""What the tests of the language share: the embedded engine with the hazardous tables in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.googlesql.dicom import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open it, once a module."""
    with connect() as opened:
        yield opened
