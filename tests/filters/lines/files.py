"""Filter files as hypothesis makes them: right, wrong, and wrong in ways that look right."""

from __future__ import annotations

import codecs

from hypothesis import strategies as st

UIDS = st.one_of(
    st.sampled_from(["1", "1.2", "1.2.3", "2", "2.25.7", "9" * 64]),  # few, so that they meet
    st.sampled_from(["0", "0.0", "01", "1.02", "1..2", ".", "1.", ".1", "9" * 65]),
    st.text("0123456789.", min_size=1, max_size=9),
    st.sampled_from(["", "x", "1 2", "1\r", "1\x0b", "1\x0c", "1\x85", "1\u2028", "\u0661", "1\0"]),
)
GOOD_UIDS = st.sampled_from(["1", "1.2", "1.2.3", "2", "2.25.7", "0.1", "9" * 64])


def paths(uids: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("/studies/{}".format, uids),
        st.builds("/studies/{}/series/{}".format, uids, uids),
        st.builds("/studies/{}/series/{}/instances/{}".format, uids, uids, uids),
    )


LIKE_PATHS = st.sampled_from(
    [
        "/studies/1/",
        "//studies/1",
        "/Studies/1",
        "/stu1dies/1",
        "/studies/1/series",
        "/studies/1/instances/2",
        "/series/1",
        "/studies/1/series/2/instances/3/frames/4",
        "/studies/1studies/series/2",
        "/studies/1/2/series/3",
        "/studies1/series2",
        "studies",
        "/studies/1/series/2?x",
        "1.2.840",
        "path",
        "StudyInstanceUID",
        "",
        " ",
        '"',
        '""',
        "\r",
        "\ufeff",
    ]
)
PREFIXES = st.sampled_from(
    [
        "/dicomWeb",
        "dicomWeb",
        "x",
        "/x",
        "https://healthcare.googleapis.com/v1/projects/p/locations/l/datasets/d/dicomStores/s/dicomWeb",
        "projects/p/locations/l/datasets/d/dicomStores/t/dicomWeb",
        "/v1/projects/p/locations/l/datasets/d/dicomStores/s/dicomWeb",
        "https://orthanc:8042/dicom-web",
        "http://",
        "https://host?x",
        "https://host/studies/1",
        "//dicomWeb",
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    line = draw(st.one_of(paths(UIDS), paths(GOOD_UIDS), LIKE_PATHS))
    if draw(st.integers(0, 3)) == 0:
        line = draw(PREFIXES) + line
    if draw(st.integers(0, 5)) == 0:
        line = line.removeprefix("/")
    for ends in ("'", '"', " ", "\t", "\x0b", '" '):
        if draw(st.integers(0, 19)) == 0:
            line = draw(st.sampled_from([ends + line + ends, line + ends, ends + line]))
    data = line.encode("utf-8")
    wrap = draw(st.integers(0, 29))
    if wrap == 0:
        data = codecs.BOM_UTF8 + data
    if wrap == 1:
        data += b"\xff"
    if wrap in (2, 3):
        data += b"\r"
    return data.replace(b"\n", b"")


@st.composite
def files(draw: st.DrawFn, line: st.SearchStrategy[bytes]) -> bytes:
    data = b"".join(one + b"\n" for one in draw(st.lists(line, min_size=1, max_size=25)))
    if draw(st.booleans()):
        data = data.removesuffix(b"\n")
    if draw(st.integers(0, 4)) == 0:
        data = data.replace(b"\n", b"\r\n")
    return data or b"\n"


ANY_FILES = files(lines())
GOOD_FILES = files(paths(GOOD_UIDS).map(str.encode))
