"""Google's own GoogleSQL analyzer and reference evaluator, as PyPI's ``zetasql`` packs them.

Its WebAssembly module takes half a minute to compile; what comes out is kept in the user's cache,
one file a version.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from wasmtime import Config, Engine, Linker, Module, Store, WasiConfig
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError, StatusCode
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.lexer import tokens
from dicomfilter.googlesql.parse.operands import INTEGERS
from dicomfilter.schema import Kind
from tests.googlesql import protos
from tests.googlesql.dicom import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import SqlType
    from tests.googlesql.dicom import Table

_FEATURES = """
    ADDITIONAL_STRING_FUNCTIONS ANALYTIC_FUNCTIONS ANNOTATION_FRAMEWORK BIGNUMERIC_TYPE CIVIL_TIME
    CONCAT_MIXED_TYPES DATE_ARITHMETICS DATE_TIME_CONSTRUCTORS DECIMAL_ALIAS
    EXTENDED_DATE_TIME_SIGNATURES FORMAT_IN_CAST HAVING_IN_AGGREGATE INTERVAL_TYPE IS_DISTINCT
    ALIASES_FOR_STRING_AND_DATE_FUNCTIONS ALLOW_REGEXP_EXTRACT_OPTIONALS
    JSON_ARRAY_FUNCTIONS JSON_ARRAY_VALUE_EXTRACTION_FUNCTIONS JSON_KEYS_FUNCTION
    JSON_LAX_VALUE_EXTRACTION_FUNCTIONS JSON_MORE_VALUE_EXTRACTION_FUNCTIONS
    JSON_TYPE JSON_VALUE_EXTRACTION_FUNCTIONS
    LIKE_ANY_SOME_ALL LIMIT_IN_AGGREGATE NAMED_ARGUMENTS
    NULL_HANDLING_MODIFIER_IN_AGGREGATE NULLS_FIRST_LAST_IN_ORDER_BY NUMERIC_TYPE
    ORDER_BY_IN_AGGREGATE PARAMETERIZED_TYPES QUALIFY SAFE_FUNCTION_CALL
    SELECT_STAR_EXCEPT_REPLACE TEMPLATE_FUNCTIONS UNNEST_AND_FLATTEN_ARRAYS WEEK_WITH_WEEKDAY
    WITH_ON_SUBQUERY WITH_RECURSIVE GROUP_BY_ALL GROUPING_SETS BARE_ARRAY_ACCESS
    GROUP_BY_ARRAY GROUP_BY_STRUCT NULL_HANDLING_MODIFIER_IN_ANALYTIC
""".split()
"""Features of the language that BigQuery has switched on."""
_CATALOG = "dicom"
_LACKING = (StatusCode.UNIMPLEMENTED, StatusCode.INTERNAL, StatusCode.UNKNOWN)


class _Client(wasm_client.WasmClient):  # type: ignore[misc] - the package has no types
    """The package's client with a module compiled once, and memory copied in bulk."""

    def __init__(self) -> None:  # the base compiles anew at every start
        config = Config()
        config.shared_memory = True
        engine = Engine(config)
        wasi = WasiConfig()
        zones = wasm_client.get_tzinfo_dir()
        if zones:
            wasi.preopen_dir(zones, "/usr/share/zoneinfo")
        self.store = Store(engine)
        self.store.set_wasi(wasi)
        self.module = _module(engine)
        linker = Linker(engine)
        linker.define_wasi()
        self.instance = linker.instantiate(self.store, self.module)
        self.exports = self.instance.exports(self.store)
        self.exports["_initialize"](self.store)
        self.memory = self.exports["memory"]

    def _address(self) -> int:
        return ctypes.addressof(self.memory.data_ptr().contents)

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._address() + ptr, data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._address() + ptr, size)


def _module(engine: Engine) -> Module:
    """Load the compiled module, or compile it and keep it for the next time."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dicomfilter-tests"
    kept = base / f"zetasql-{version('zetasql')}-wasmtime-{version('wasmtime')}.cwasm"
    if kept.exists():
        return Module.deserialize_file(engine, str(kept))
    module = Module.from_file(engine, str(get_wasm_path()))
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=base, delete=False) as part:
        part.write(module.serialize())
    Path(part.name).replace(kept)
    return module


@dataclass(frozen=True, slots=True)
class Answer:
    """What the evaluator answers.

    Args:
        columns: Names and types.
        rows: Python values, as of `tests.googlesql.cells`.
    """

    columns: list[tuple[str, str]]
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the analyzer or the evaluator fails.

    Args:
        message: In Google's words.
        at_run_time: Whether the query was analyzed well and failed over the rows.
        known: False where the evaluator lacks what BigQuery has.
    """

    message: str
    at_run_time: bool
    known: bool = True


class Oracle:
    """The evaluator with tables in it.

    Args:
        held: The tables by name, by default those of `tests.googlesql.dicom`.
    """

    def __init__(self, held: Mapping[str, Table] | None = None) -> None:
        self._client = _Client()
        self._options = _options()
        self._catalog_id = self._register(tables() if held is None else held)

    @contextmanager
    def holding(self, held: Mapping[str, Table]) -> Iterator[Oracle]:
        """Share the evaluator with another one, which holds other tables."""
        other = copy(self)
        other._catalog_id = self._register(held)
        try:
            yield other
        finally:
            request = service.UnregisterRequest(registered_id=other._catalog_id)
            self._call("UnregisterCatalog", request, empty_pb2.Empty)

    def _register(self, held: Mapping[str, Table]) -> int:
        request = service.RegisterCatalogRequest()
        request.simple_catalog.CopyFrom(_catalog(held, self._options))
        for name, table in held.items():
            data = request.table_content[name].table_data
            for values in table.rows:
                row = data.row.add()
                for column, value in zip(table.schema, values, strict=True):
                    row.cell.append(protos.to_value(column.type, value))
        registered: int = self._call(
            "RegisterCatalog", request, service.RegisterResponse
        ).registered_id
        return registered

    def ask(self, sql: str, parameters: Sequence[Parameter] = ()) -> Answer | Refusal:
        """Evaluate a query over the tables."""
        request = service.EvaluateQueryRequest(
            sql=spelled_out(sql), registered_catalog_id=self._catalog_id
        )
        request.options.CopyFrom(self._analyzer(parameters))
        for parameter in parameters:
            bound = request.params.add(name=parameter.name)
            bound.value.CopyFrom(protos.to_value(parameter.type, parameter.value))
        try:
            response = self._call("EvaluateQuery", request, service.EvaluateQueryResponse)
        except ServerError as error:
            return Refusal(
                str(error),
                at_run_time=error.code is StatusCode.OUT_OF_RANGE,
                known=error.code not in _LACKING,
            )
        try:
            types = [protos.from_type(column.type) for column in response.prepared.columns]
        except KeyError:
            return Refusal("a type that BigQuery has not", at_run_time=False, known=False)
        names = [column.name for column in response.prepared.columns]
        rows = [
            [protos.from_value(of, cell) for of, cell in zip(types, row.cell, strict=True)]
            for row in response.content.table_data.row
        ]
        if any(_has_null_element(cell) for row in rows for cell in row):
            return Refusal("Array cannot have a null element", at_run_time=True)
        rows = [[_come_out(of, cell) for of, cell in zip(types, row, strict=True)] for row in rows]
        return Answer(list(zip(names, map(str, types), strict=True)), rows)

    def _analyzer(self, parameters: Sequence[Parameter]) -> options_pb2.AnalyzerOptionsProto:
        options = options_pb2.AnalyzerOptionsProto(default_timezone="UTC")
        options.language_options.CopyFrom(self._options)
        for parameter in parameters:
            declared = options.query_parameters.add(name=parameter.name)
            declared.type.CopyFrom(protos.to_type(parameter.type))
        return options

    def _call(self, name: str, request: Any, response: Any) -> Any:
        return self._client.call_grpc_func(f"ZetaSqlLocalService_{name}", request, response)


@cache
def oracle() -> Oracle:
    """Start the evaluator, once a process."""
    return Oracle()


def spelled_out(sql: str) -> str:
    """Write INT64 for its other names, which BigQuery takes and this build does not.

    >>> spelled_out("SELECT CAST(x AS Int) AS int, ARRAY<BIGINT>[] FROM d")
    'SELECT CAST(x AS INT64) AS int, ARRAY<INT64>[] FROM d'
    """
    try:
        words = list(tokens(sql))
    except PredicateError:
        return sql
    opened, types = [""], []
    for before, token, after in zip(words, words[1:], words[2:], strict=False):
        if token.word in ("(", "<"):
            angle = token.word == "<" and before.word in ("ARRAY", "STRUCT")
            opened += ["<"] * angle + [before.word] * (token.word == "(")
        elif token.word == ")" or (token.word in (">", ">>") and opened[-1] == "<"):
            del opened[max(1, len(opened) - len(token.word)) :]
        elif token.word in INTEGERS and (
            (before.word == "AS" and opened[-1] in ("CAST", "SAFE_CAST"))
            or (opened[-1] == "<" and after.word in (",", ">", ">>"))
        ):
            types.append(token)
    for token in reversed(types):
        sql = f"{sql[: token.offset]}INT64{sql[token.end :]}"
    return sql


def _has_null_element(cell: Any) -> bool:
    """Tell whether BigQuery refuses to write a cell that the evaluator gives."""
    if isinstance(cell, dict):
        return any(map(_has_null_element, cell.values()))
    return isinstance(cell, list) and any(x is None or _has_null_element(x) for x in cell)


def _come_out(of: SqlType, cell: Any) -> Any:
    """Give a cell as BigQuery writes it: a NULL array is empty."""
    if of.kind is Kind.ARRAY:
        return [_come_out(of.element, item) for item in cell or []]
    if of.kind is Kind.STRUCT and cell is not None:
        return {
            key: _come_out(field, cell[key])
            for key, (_, field) in zip(cell, of.fields, strict=True)
        }
    return cell


def _options() -> options_pb2.LanguageOptionsProto:
    options = options_pb2.LanguageOptionsProto(
        product_mode=public.ProductMode.Value("PRODUCT_EXTERNAL"),
        name_resolution_mode=public.NameResolutionMode.Value("NAME_RESOLUTION_DEFAULT"),
    )
    known = set(public.LanguageFeature.keys())
    options.enabled_language_features.extend(
        public.LanguageFeature.Value(f"FEATURE_{name}")
        for name in _FEATURES
        if f"FEATURE_{name}" in known
    )
    options.reserved_keywords.append("QUALIFY")
    return options


def _catalog(
    held: Mapping[str, Table], options: options_pb2.LanguageOptionsProto
) -> simple_catalog_pb2.SimpleCatalogProto:
    catalog = simple_catalog_pb2.SimpleCatalogProto(name=_CATALOG)
    catalog.builtin_function_options.language_options.CopyFrom(options)
    for number, (name, table) in enumerate(held.items(), start=1):
        stored = catalog.table.add(name=name, name_in_catalog=name, serialization_id=number)
        for column in table.schema:
            added = stored.column.add(name=column.name)
            added.type.CopyFrom(protos.to_type(column.type))
    return catalog
