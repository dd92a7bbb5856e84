"""Google's own GoogleSQL analyzer and reference evaluator, as PyPI's ``zetasql`` packs them.

Its WebAssembly module takes half a minute to compile; what comes out is kept in the user's cache,
one file a version.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wasmtime import Config, Engine, Linker, Module, Store, WasiConfig
from zetasql.core import wasm_client
from zetasql.core.exceptions import ZetaSQLError
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public

from tests.googlesql import protos
from tests.googlesql.dicom import NAME, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.parameters import Parameter

_FEATURES = """
    ADDITIONAL_STRING_FUNCTIONS ANALYTIC_FUNCTIONS ANNOTATION_FRAMEWORK BIGNUMERIC_TYPE CIVIL_TIME
    CONCAT_MIXED_TYPES DATE_ARITHMETICS DATE_TIME_CONSTRUCTORS DECIMAL_ALIAS
    EXTENDED_DATE_TIME_SIGNATURES FORMAT_IN_CAST HAVING_IN_AGGREGATE INTERVAL_TYPE IS_DISTINCT
    JSON_ARRAY_FUNCTIONS JSON_TYPE JSON_VALUE_EXTRACTION_FUNCTIONS
    LIKE_ANY_SOME_ALL LIMIT_IN_AGGREGATE NAMED_ARGUMENTS
    NULL_HANDLING_MODIFIER_IN_AGGREGATE NULLS_FIRST_LAST_IN_ORDER_BY NUMERIC_TYPE
    ORDER_BY_IN_AGGREGATE PARAMETERIZED_TYPES QUALIFY SAFE_FUNCTION_CALL
    SELECT_STAR_EXCEPT_REPLACE TEMPLATE_FUNCTIONS UNNEST_AND_FLATTEN_ARRAYS WEEK_WITH_WEEKDAY
    WITH_ON_SUBQUERY WITH_RECURSIVE GROUP_BY_ALL GROUPING_SETS BARE_ARRAY_ACCESS
""".split()
"""Features of the language that BigQuery has switched on."""
_CATALOG = "dicom"


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
    """

    message: str
    at_run_time: bool


class Oracle:
    """The evaluator with the ten-row table in it."""

    def __init__(self) -> None:
        self._client = _Client()
        self._options = _options()
        request = service.RegisterCatalogRequest()
        request.simple_catalog.CopyFrom(_catalog(self._options))
        data = request.table_content[NAME].table_data
        for values in table().rows:
            row = data.row.add()
            for column, value in zip(table().schema, values, strict=True):
                row.cell.append(protos.to_value(column.type, value))
        registered = self._call("RegisterCatalog", request, service.RegisterResponse)
        self._catalog_id = registered.registered_id

    def ask(self, sql: str, parameters: Sequence[Parameter] = ()) -> Answer | Refusal:
        """Evaluate a query over the table."""
        request = service.EvaluateQueryRequest(sql=sql, registered_catalog_id=self._catalog_id)
        request.options.CopyFrom(self._analyzer(parameters))
        for parameter in parameters:
            bound = request.params.add(name=parameter.name)
            bound.value.CopyFrom(protos.to_value(parameter.type, parameter.value))
        try:
            response = self._call("EvaluateQuery", request, service.EvaluateQueryResponse)
        except ZetaSQLError as error:
            return Refusal(str(error), at_run_time=self._analyzes(sql, parameters))
        types = [protos.from_type(column.type) for column in response.prepared.columns]
        names = [column.name for column in response.prepared.columns]
        rows = [
            [protos.from_value(of, cell) for of, cell in zip(types, row.cell, strict=True)]
            for row in response.content.table_data.row
        ]
        return Answer(list(zip(names, map(str, types), strict=True)), rows)

    def _analyzes(self, sql: str, parameters: Sequence[Parameter]) -> bool:
        request = service.AnalyzeRequest(sql_statement=sql, registered_catalog_id=self._catalog_id)
        request.options.CopyFrom(self._analyzer(parameters))
        try:
            self._call("Analyze", request, service.AnalyzeResponse)
        except ZetaSQLError:
            return False
        return True

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
    options: options_pb2.LanguageOptionsProto,
) -> simple_catalog_pb2.SimpleCatalogProto:
    catalog = simple_catalog_pb2.SimpleCatalogProto(name=_CATALOG)
    catalog.builtin_function_options.language_options.CopyFrom(options)
    stored = catalog.table.add(name=NAME, name_in_catalog=NAME, serialization_id=1)
    for column in table().schema:
        added = stored.column.add(name=column.name)
        added.type.CopyFrom(protos.to_type(column.type))
    return catalog
