from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import UsageError
from dicomfilter.stores.uris import (
    GcsPlace,
    check_object,
    check_pattern,
    check_prefix,
    table_dataset,
    table_project,
    table_uri,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = [
    "",
    "b/o",
    "s3://b/o",
    "gs:/b/o",
    "gs://",
    "gs:///o",
    "gs://B/o",
    "gs://-b/o",
    "gs://b\n/o",
]


@pytest.mark.parametrize("uri", NOWHERE)
@pytest.mark.parametrize("check", [check_object, check_pattern, check_prefix])
def test_what_is_not_in_cloud_storage_is_refused(check: Callable[[str], None], uri: str) -> None:
    with pytest.raises(UsageError):
        check(uri)


@pytest.mark.parametrize("uri", ["gs://b", "gs://b/", "gs://b/f", "gs://b/f/", "gs://b.c-d/e/ü/"])
def test_results_go_under_any_folder(uri: str) -> None:
    check_prefix(uri)


@pytest.mark.parametrize("uri", ["gs://b/*/", "gs://b/f?/", "gs://b/" + "x" * 1025, "gs://b/a\nb"])
def test_results_do_not_go_under_a_pattern(uri: str) -> None:
    with pytest.raises(UsageError):
        check_prefix(uri)


@pytest.mark.parametrize("uri", ["gs://b/f.txt", "gs://b/a/b c/f"])
def test_an_object_is_named_in_full(uri: str) -> None:
    check_object(uri)
    assert str(GcsPlace.parse(uri)) == uri


@pytest.mark.parametrize("uri", ["gs://b", "gs://b/", "gs://b/f/", "gs://b/*.txt", "gs://b/f?"])
def test_what_is_not_one_object_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        check_object(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "gs://b/a.dcm",
        "gs://b/*",
        "gs://b/*/x?.dcm",
        "gs://b/a/*/*.dcm",
        "gs://b/**",
        "gs://b/a/**",
        "gs://b/a/**.dcm",
        "gs://b/a/ct**.dcm",
        "gs://b/a/?",
    ],
)
def test_patterns_of_the_document_are_taken(uri: str) -> None:
    check_pattern(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "gs://b",
        "gs://b/",
        "gs://b/a/",
        "gs://b/**/a.dcm",
        "gs://b/**/*.dcm",
        "gs://b/*/**",
        "gs://b/a?/**.dcm",
        "gs://b/***",
        "gs://b/**dcm",
        "gs://b/**.d*",
        "gs://b/** .dcm/x",
        "gs://b/a[0-9].dcm",
        "gs://b/{a,b}.dcm",
        "gs://b*/a.dcm",
        "gs://*/a.dcm",
    ],
)
def test_other_patterns_are_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        check_pattern(uri)


@pytest.mark.parametrize(
    ("text", "uri", "project", "dataset"),
    [
        ("bq://p.d.t", "bq://p.d.t", "p", "d"),
        ("p.d.t", "bq://p.d.t", "p", "d"),
        ("p:d.t", "bq://p.d.t", "p", "d"),
        ("bq://example.com:p.d.t", "bq://example.com:p.d.t", "example.com:p", "d"),
        ("p-1.d_2.t-3 x", "bq://p-1.d_2.t-3 x", "p-1", "d_2"),
    ],
)
def test_a_table_is_named_as_people_name_it(
    text: str, uri: str, project: str, dataset: str
) -> None:
    assert table_uri(text) == uri
    assert (table_project(uri), table_dataset(uri)) == (project, dataset)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "t",
        "d.t",
        "bq://d.t",
        "bq://p.d",
        "bq://p.d.t.u",
        "bq://p/d/t",
        "gs://p.d.t",
        "p.d-e.t",
        "bq://p.d.t\n",
        "bq://p.d.*",
        "bq://p.d." + "t" * 2000,
    ],
)
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not the name of a BigQuery table"):
        table_uri(text)
