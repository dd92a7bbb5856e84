"""Names in Cloud Storage: what is one, and what is refused before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.errors import UsageError
from dicomfilter.storage import open_storage
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.protocol import is_cloud

BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9_-]{1,40}[a-z0-9]", fullmatch=True)
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=80
).filter(lambda name: not name.endswith("/") and name not in {".", ".."})


@given(BUCKETS, NAMES)
def test_what_is_read_is_what_is_written(bucket: str, name: str) -> None:
    at = GcsObject(bucket, name)
    assert GcsObject.parse(str(at)) == at


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("gs://", "a bucket has"),
        ("gs:///x", "a bucket has"),
        ("gs://ab/x", "a bucket has"),
        ("gs://Clinic/x", "a bucket has"),
        ("gs://clinic-/x", "a bucket has"),
        ("gs://-clinic/x", "a bucket has"),
        ("gs://my bucket/x", "a bucket has"),
        ("gs://clinic:x/y", "a bucket has"),
        ("gs://klinik-zürich/x", "a bucket has"),
        (f"gs://{'a' * 223}/x", "a bucket has"),
        (f"gs://{'a' * 64}/x", "between dots"),
        ("gs://a..b/x", "between dots"),
        ("gs://192.168.5.4/x", "IP address"),
        ("gs://clinic", "is a bucket"),
        ("gs://clinic/", "is a bucket"),
        ("gs://clinic/filters/", "is a folder"),
        ("gs://clinic/.", "named"),
        ("gs://clinic/..", "named"),
        ("gs://clinic/a\nb", "control"),
        ("gs://clinic/a\rb", "control"),
        ("gs://clinic/a\x00b", "control"),
        ("gs://clinic/a\x85b", "control"),
        ("gs://clinic/\udc80", "Unicode"),
        (f"gs://clinic/{'ä' * 513}", "1,024 bytes"),
        ("gs://clinic/.well-known/acme-challenge/x", "acme"),
    ],
)
def test_what_cannot_be_a_name_is_refused_and_nothing_is_asked(uri: str, reason: str) -> None:
    storage = open_storage(uri)  # there is no server: a request would fail otherwise
    for act in (
        lambda: storage.check_destination(uri, overwrite=False),
        lambda: storage.stat(uri),
        lambda: storage.exists(uri),
        lambda: storage.writer(uri, overwrite=True).__enter__(),
        lambda: storage.reader(uri).__enter__(),
    ):
        with pytest.raises(UsageError, match=reason) as refused:
            act()
        assert refused.value.hint
        assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    "uri",
    [
        "gs://clinic/x",
        "GS://clinic/x",
        "gs://my.bucket.example.org/a//b",
        "gs://a_b-1/ #?%2F*[x]",
        f"gs://clinic/{'ä' * 512}",
        "gs://clinic/.../x",
    ],
)
def test_odd_names_are_names(uri: str) -> None:
    assert str(GcsObject.parse(uri)).lower() == uri.lower()
    assert is_cloud(uri)


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("gs://clinic", "gs://clinic/"),
        ("gs://clinic/", "gs://clinic/"),
        ("gs://clinic/a/b", "gs://clinic/a/b/"),
        ("gs://clinic/a/b/", "gs://clinic/a/b/"),
    ],
)
def test_a_folder_has_one_last_slash(uri: str, folder: str) -> None:
    assert str(GcsObject.folder(uri)) == folder


@pytest.mark.parametrize(
    ("uri", "parent"), [("gs://clinic/a", "gs://clinic/"), ("gs://clinic/a/b", "gs://clinic/a/")]
)
def test_an_object_lies_in_a_folder(uri: str, parent: str) -> None:
    assert str(GcsObject.parse(uri).parent) == parent


@pytest.mark.parametrize("uri", ["clinic/x", "s3://clinic/x", "-", ""])
def test_what_is_elsewhere_is_no_object(uri: str) -> None:
    with pytest.raises(UsageError, match="not in Cloud Storage"):
        GcsObject.parse(uri)
