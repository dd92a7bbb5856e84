"""A filter file as lists of studies, series and instances."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.membership import FilterLines
from dicomfilter.filters.algebra.deriving import calculator
from dicomfilter.filters.algebra.inputs import open_sources
from dicomfilter.filters.lines.findings import MEMORY_LIMIT
from dicomfilter.googlesql.pieces import UID_COLUMNS
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from os import PathLike

    import pyarrow as pa

_START = b"/studies/"


def looks_like_filter(path: str | PathLike[str]) -> bool:
    """Check whether a file starts as a filter file; streams are not looked into.

    Raises:
        SourceError: It cannot be read.
    """
    uri = os.fspath(path)
    storage = open_storage(uri)
    if storage.is_stream(uri):
        return False
    with storage.reader(uri) as file:
        return file.read(len(_START)) == _START


def read_lines(path: str | PathLike[str]) -> FilterLines:
    """Read what a filter file names.

    Args:
        path: A path, ``gs://bucket/object``, or ``-`` for standard input.

    Returns:
        Its lines by level, none covered by another.

    Raises:
        FilterFileError: It cannot be used as it is.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    from dicomfilter.filters.lines.lines import texts

    uri = os.fspath(path)
    with open_sources([uri]) as sources, calculator(sources, MEMORY_LIMIT) as algebra:
        batches = [texts(block) for block in algebra.union().blocks()]
    text = pa.chunked_array([batch.column(0) for batch in batches], pa.string())
    is_instance = pc.match_substring(text, "/instances/")
    is_series = pc.and_not(pc.match_substring(text, "/series/"), is_instance)
    is_study = pc.invert(pc.or_(is_instance, is_series))
    source = os.path.basename(uri) or uri  # noqa: PTH119 - of an object, too
    masks = (is_study, is_series, is_instance)
    lists = [_list(text.filter(mask), depth, source) for depth, mask in enumerate(masks, 1)]
    return FilterLines(source, (lists[0], lists[1], lists[2]))


def _list(text: pa.ChunkedArray, depth: int, source: str) -> IdList | None:
    from pyarrow import compute as pc

    if not len(text):
        return None
    keys = pc.utf8_slice_codeunits(text, len(_START))
    for word in ("/series/", "/instances/"):
        keys = pc.replace_substring(keys, word, "/")
    return IdList.of("/".join(UID_COLUMNS[:depth]), keys, source=source)
