"""Hashes, and bytes as literals and as text."""

from __future__ import annotations

import hashlib

import duckdb
import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from tests.googlesql.dicom import tables, value
from tests.googlesql.metadata import problem


@pytest.mark.parametrize("name", ["MD5", "SHA1", "SHA256"])
@pytest.mark.parametrize(("of", "data"), [("'ß'", "ß".encode()), ("`Hash`", b"\0\1")])
def test_a_hash_is_that_of_the_bytes(
    name: str, of: str, data: bytes, connection: duckdb.DuckDBPyConnection
) -> None:
    digest = hashlib.new(name.lower(), data)
    assert value(connection, f"{name}({of})") == digest.digest()
    assert value(connection, f"TO_HEX({name}({of}))") == digest.hexdigest()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("`Hash` = b'\\x00\\001'", True),
        ("b'é'", "é".encode()),
        ("rb'\\x'", b"\\x"),
        ("b'''a\nb\\n'''", b"a\nb\n"),
        ("TO_HEX(b'\\377\\x00')", "ff00"),
        ("FROM_HEX('616')", b"\x06\x16"),
        ("SAFE.FROM_HEX('6 1')", None),
        ("TO_BASE64(b'ab')", "YWI="),
        ("FROM_BASE64('YWI')", b"ab"),
        ("FROM_BASE64(' Y W\\nI=')", b"ab"),
        ("SAFE.FROM_BASE64('YQ=')", None),
        ("FROM_BASE64('')", b""),
        ("MD5(NULL)", None),
    ],
)
def test_an_expression_has_bigquerys_value(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert value(connection, expression) == expected


@pytest.mark.parametrize(
    "expression", ["FROM_HEX('zz')", "FROM_BASE64('YQ=')", "FROM_BASE64('Y-')"]
)
def test_what_is_no_code_fails(expression: str, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize("name", ["SHA512", "FARM_FINGERPRINT"])
def test_a_hash_that_duckdb_lacks_is_refused(name: str) -> None:
    sql = f"SELECT {name}(Modality) AS x FROM d"
    with pytest.raises(PredicateError) as caught:
        to_duckdb(check_query(sql, {"d": tables()["d"].schema}).tree)
    assert caught.value.refused
    assert caught.value.hint == "use SHA256 or MD5"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("TO_HEX(Modality) = 'a'", "No matching signature for function TO_HEX"),
        ("MD5(`Rows`) IS NULL", "No matching signature for function MD5"),
        ("`Hash` = b'\\u00e9'", "Syntax error: Illegal escape sequence: \\u00e9"),
        ("`Hash` = 'a'", "No matching signature for operator ="),
    ],
)
def test_what_bigquery_rejects_is_rejected_in_its_words(sql: str, message: str) -> None:
    assert problem(sql).message.startswith(message)
