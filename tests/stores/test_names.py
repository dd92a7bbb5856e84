from __future__ import annotations

import pytest

from dicomfilter.errors import UsageError
from dicomfilter.stores.healthcare.names import DatasetName, OperationName, StoreName

DATASET = "projects/p-1/locations/europe-west4/datasets/imaging"
STORE = f"{DATASET}/dicomStores/ct.store_1"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (DatasetName, DATASET),
        (DatasetName, "projects/123/locations/us/datasets/Bilder_ä"),
        (DatasetName, "projects/example.com:p/locations/us/datasets/d"),
        (StoreName, STORE),
        (OperationName, f"{DATASET}/operations/1234567890"),
    ],
)
def test_text_and_name_are_inverses(
    kind: type[DatasetName | StoreName | OperationName], text: str
) -> None:
    assert str(kind.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "/" + STORE,
        STORE + "/",
        STORE + "\n",
        STORE + "/dicomWeb",
        STORE.replace("dicomStores", "fhirStores"),
        STORE.replace("projects/", "project/"),
        STORE.replace("europe-west4", "Europe West"),
        STORE.replace("p-1", ""),
        STORE.replace("ct.store_1", "a b"),
        STORE.replace("ct.store_1", "a?b"),
        STORE.replace("ct.store_1", "a" * 257),
        f"https://healthcare.googleapis.com/v1/{STORE}",
    ],
)
def test_what_is_no_store_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        StoreName.parse(text)
    assert "projects/PROJECT" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["", "7", f"{DATASET}/operations/", f"{STORE}/operations/7", STORE]
)
def test_what_is_no_operation_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        OperationName.parse(text)


def test_a_number_is_an_operation_of_a_dataset_that_is_known() -> None:
    parent = DatasetName.parse(DATASET)
    assert str(OperationName.of("7", parent=parent)) == f"{DATASET}/operations/7"
    full = "projects/q/locations/l/datasets/d/operations/8"
    assert str(OperationName.of(full, parent=parent)) == full
    with pytest.raises(UsageError):
        OperationName.of("7")


@pytest.mark.parametrize("dataset", ["imaging", DATASET])
def test_gcloud_s_spelling_makes_the_same_name(dataset: str) -> None:
    found = StoreName.of("ct.store_1", dataset=dataset, location="europe-west4", project="p-1")
    assert str(found) == STORE


def test_a_dataset_in_full_needs_no_more() -> None:
    assert str(StoreName.of("ct.store_1", dataset=DATASET)) == STORE


def test_a_name_in_full_may_be_repeated_by_flags() -> None:
    assert str(StoreName.of(STORE, dataset="imaging", project="p-1")) == STORE
    assert str(StoreName.of(STORE, dataset=DATASET)) == STORE


@pytest.mark.parametrize(
    "flags",
    [
        {"project": "q"},
        {"location": "us"},
        {"dataset": "other"},
        {"dataset": "projects/q/locations/us/datasets/imaging"},
    ],
)
def test_flags_may_not_contradict_a_name_in_full(flags: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="contradicts"):
        StoreName.of(STORE, **flags)


@pytest.mark.parametrize(
    ("flags", "missing"),
    [
        ({}, ["--dataset", "--location", "--project"]),
        ({"dataset": "d"}, ["--location", "--project"]),
        ({"dataset": "d", "location": "l"}, ["--project"]),
    ],
)
def test_a_short_name_says_what_is_missing(flags: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        StoreName.of("s", **flags)
    assert all(flag in caught.value.message for flag in missing)
    assert len(missing) == caught.value.message.count("--")


def test_the_project_of_a_store_is_at_hand() -> None:
    assert StoreName.parse(STORE).project == "p-1"
