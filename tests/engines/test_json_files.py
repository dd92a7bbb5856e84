"""JSON: keys as they stand there, arrays as well as lines, and what is wrong named by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.engines import open_engine
from dicomfilter.errors import TableError
from tests.engines.test_relations import UIDS, ndjson, one, rows, save

if TYPE_CHECKING:
    from tests.engines.test_relations import Save

__all__ = ["save"]
PLANTED = "PLANTED77"


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_read_as_bq_writes_it(save: Save, indent: int | None) -> None:
    objects = [{**UIDS, "Rows": "512", "StudyDate": "2020-01-01"}, {**UIDS, "PatientID": "007"}]
    found = rows(save(json.dumps(objects, indent=indent), "t.json"))
    assert [(row["PatientID"], row["Rows"]) for row in found] == [(None, 512), ("007", None)]


def test_arrays_and_lines_are_one_table(save: Save) -> None:
    array = json.dumps([{**UIDS, "StudyInstanceUID": "2", "Extra": 1.5}])
    found = rows(save(array, "a.json"), save(ndjson({"PatientID": "p"}), "b.ndjson"))
    assert [(row["StudyInstanceUID"], row["Extra"]) for row in found] == [("1", None), ("2", 1.5)]


@pytest.mark.parametrize("key", ["a.b", 'say "a"', "it's", "a b", "ä", "select", "a;b", "_1"])
def test_a_key_of_any_name_is_a_column_of_that_name(save: Save, key: str) -> None:
    inner = {key: "y"}
    assert one(save(ndjson({key: "x", "Nested": inner}), "t.ndjson")) == {
        **UIDS,
        key: "x",
        "Nested": inner,
    }


def test_a_column_called_as_a_renamed_one_is_itself(save: Save) -> None:
    value = {"Modality": "CT", "Modality_1": "MR"}
    assert one(save(ndjson(value), "t.ndjson")) == {**UIDS, **value}


@pytest.mark.parametrize(
    "objects",
    [
        [{"Modality": "CT"}, {"modality": "CT"}],
        [{"Modality": "CT", "modality": "CT"}],
        [{"Modality": {"Code": 1}}, {"Modality": {"code": 1}}],
        [{"Modality": [{"Code": 1}, {"code": 1}]}],
        [{"Modality": {"In": {"Code": 1}}}, {"Modality": {"In": {"CODE": 1}}}],
    ],
)
def test_keys_that_differ_in_case_alone_are_named(
    save: Save, objects: list[dict[str, Any]]
) -> None:
    with pytest.raises(TableError, match=r"spells one key in two ways: (Modality|Code) and"):
        rows(save(ndjson(*objects), "t.ndjson"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"a": 1, "a": 2}', "line 2 has the key a twice"),
        ('{"n": {"a": 1, "a": 2}}', "line 2 has the key a twice"),
        ('{"a": ', "line 2 is no JSON object"),
        (f"{PLANTED} is no JSON", "line 2 is no JSON object"),
        ('{"a": 1} {"a": 2}', "line 2 is no JSON object"),
        (f'"{PLANTED}"', "holds no objects alone"),
        (f'["{PLANTED}"]', "holds no objects alone"),
        ('{"": 1}', "a key of no characters"),
        ('{"a": 18446744073709551615}', "or is too large"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_without_its_values(
    save: Save, line: str, said: str
) -> None:
    first = ndjson({"PatientID": PLANTED})
    with pytest.raises(TableError, match=said) as caught:
        rows(save(first + line + "\n", "t.ndjson"))
    assert PLANTED not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__context__ is caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content", ['[{"a": 1}, {"a": 2]', '[{"a": 1}', f'[{{"a": 1}}, "{PLANTED}"]']
)
def test_a_broken_array_is_named(save: Save, content: str) -> None:
    with pytest.raises(
        TableError, match=r"t\.json (cannot be read: it begins as|holds no)"
    ) as caught:
        rows(save(content, "t.json"))
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1"])
def test_another_encoding_is_named(save: Save, encoding: str) -> None:
    content = json.dumps({**UIDS, "PatientID": "é"}, ensure_ascii=False).encode(encoding)
    with pytest.raises(TableError, match=r"in UTF-16|line 1 of .* is not in UTF-8"):
        open_engine([save(content, "t.ndjson")])


def test_whole_numbers_of_any_sign_keep_their_values(save: Save) -> None:
    found = rows(save(ndjson({"a": -1}, {"a": 9223372036854775807}), "t.ndjson"))
    assert sorted(row["a"] for row in found) == [-1, 9223372036854775807]
