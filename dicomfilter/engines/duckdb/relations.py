"""Open files as DuckDB sees them, under a name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dicomfilter.engines.delimited import MARKED
from dicomfilter.engines.duckdb.csv_files import csv_forms, is_sidecar
from dicomfilter.engines.duckdb.files import Format
from dicomfilter.engines.duckdb.hive import FILE, folder_keys, folder_value
from dicomfilter.engines.duckdb.json_files import json_columns, json_forms
from dicomfilter.engines.duckdb.views import view_of
from dicomfilter.errors import TableError
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb
    from sqlglot import exp

    from dicomfilter.engines.duckdb.files import Files
    from dicomfilter.engines.duckdb.views import Reading, View
    from dicomfilter.schema import SqlType


@dataclass(frozen=True, slots=True)
class Opened:
    """A table beside the one that is selected from.

    Args:
        files: What it is.
        view: How each column is read.
    """

    files: Files
    view: View


def create_view(
    connection: duckdb.DuckDBPyConnection, files: Files, name: str, source: str
) -> View:
    """Create a view of files as they are, and one of that with exact types.

    Args:
        connection: A session that may still read files.
        files: What to read.
        name: What queries call the table.
        source: What the first view is called.

    Returns:
        How each column is read.

    Raises:
        TableError: The files have no column of a type that BigQuery has.
    """
    from sqlglot import exp

    notes = open_source(connection, files, source)
    found = replace(view_of(connection.table(source)), notes=notes)
    if not found.columns:
        raise TableError(f"{files.name} has no column of a type that BigQuery has")
    if files.format is Format.PARQUET:
        found = replace(found, columns=tuple(map(_with_nan, found.columns)))
    outputs = [
        r.expression.as_(exp.to_identifier(r.column.name, quoted=True)) for r in found.columns
    ]
    view = exp.Create(
        this=exp.table_(name, quoted=True),
        kind="VIEW",
        expression=exp.select(*outputs).from_(exp.to_table(source)),
    )
    connection.execute(view.sql("duckdb"))
    return found


def _with_nan(reading: Reading) -> Reading:
    """Keep DuckDB from what a Parquet file says of the smallest and the greatest number.

    Writers leave NaN out of both, as the format asks them to. DuckDB takes that for proof that
    there is none, and skips rows that would be selected. It knows nothing of what TRY gives.
    """
    from sqlglot import exp

    if not _holds_float(reading.column.type):
        return reading
    return replace(reading, expression=exp.Anonymous(this="TRY", expressions=[reading.expression]))


def _holds_float(of: SqlType) -> bool:
    if of.kind is Kind.ARRAY and of.element is not None:
        return _holds_float(of.element)
    return of.kind is Kind.FLOAT64 or any(_holds_float(field) for _, field in of.fields)


def allow(connection: duckdb.DuckDBPyConnection, tables: Iterable[Files]) -> None:
    """Let queries read these files and no others; a DuckDB file is open already."""
    named = [path for files in tables if files.format is not Format.DUCKDB for path in files.paths]
    if named:
        # DuckDB asks for the pattern and then for what it finds.
        paths = sorted({*named, *map(exactly, named)})
        connection.execute("SET allowed_paths = $paths", {"paths": paths})


def open_source(connection: duckdb.DuckDBPyConnection, files: Files, name: str) -> tuple[str, ...]:
    """Create a view over the files.

    Args:
        connection: A session that may still read files.
        files: What to read. Text files are read as text: only the views above give types.
        name: What the view is called.

    Returns:
        What a person should know of how the files are read.

    Raises:
        TableError: A DuckDB file holds no table of metadata, or several; a name or a key stands
            there twice.
    """
    from sqlglot import exp

    notes: tuple[str, ...] = ()
    if files.format is Format.DUCKDB:
        query: exp.Query = exp.select("*").from_(_attached(connection, files, f"{name}_file"))
    else:
        query, notes = _read(connection, files)
    view = exp.Create(this=exp.table_(name, quoted=True), kind="VIEW", expression=query)
    connection.execute(view.sql("duckdb"))
    return notes


@dataclass(frozen=True, slots=True)
class _Reader:
    """A call of one of DuckDB's readers, for files that are alike."""

    function: str
    paths: Sequence[str]
    options: dict[str, object]


def _read(connection: duckdb.DuckDBPyConnection, files: Files) -> tuple[exp.Query, tuple[str, ...]]:
    """Compose what reads the files: what stands in them counts, then what their folders say."""
    from sqlglot import exp

    readers, columns = _readers(connection, files)
    keys = folder_keys(files.paths)
    stored = {name.lower() for name in columns}
    doubled = [key for key in keys if key.lower() in stored]
    # A folder `PatientID=00123` holds a text: as a number it would lose its zeros.
    hive: dict[str, object] = {"hive_partitioning": bool(keys), "hive_types_autocast": False}
    outputs: list[exp.Expr] = [exp.Star()]
    if files.format is Format.CSV and is_sidecar(columns):
        outputs = [exp.Star(replace=[_unmarked(name) for name in columns])]
    if doubled:
        # DuckDB would take the folder's word against the file's.
        hive = {"hive_partitioning": False, "filename": FILE}
        outputs = [exp.Star(except_=[exp.to_identifier(FILE)])]
        outputs += [folder_value(key) for key in keys if key not in doubled]
    selects = [
        exp.select(*(output.copy() for output in outputs)).from_(
            _call(replace(reader, options={**reader.options, **hive}))
        )
        for reader in readers
    ]
    query: exp.Query = selects[0]
    for select in selects[1:]:
        query = exp.Union(this=query, expression=select, distinct=False, by_name=True)
    return query, tuple(
        f"{key} is read from the files: what their folders' names say of it is not used"
        for key in doubled
    )


def _unmarked(name: str) -> exp.Expr:
    """Compose a column of a list beside a filter file without the marks of its cells."""
    from sqlglot import exp

    column = exp.to_identifier(name, quoted=True)
    parts = [exp.column(column.copy()), exp.Literal.string(MARKED), exp.Literal.string(r"\1")]
    return exp.Anonymous(this="regexp_replace", expressions=parts).as_(column)


def _readers(
    connection: duckdb.DuckDBPyConnection, files: Files
) -> tuple[list[_Reader], list[str]]:
    """Choose the readers of the files, and tell the names of their columns."""
    if files.format is Format.CSV:
        forms = csv_forms(files)
        names = [name for _, options in forms for name in options["columns"]]  # type: ignore[attr-defined]  # a dict
        return [_Reader("read_csv", *form) for form in forms], names
    if files.format is Format.NDJSON:
        forms = json_forms(files)
        columns = json_columns(_structure(connection, forms), files.name)
        made = [_Reader("read_json", paths, {**form, "columns": columns}) for paths, form in forms]
        return made, list(columns)
    reader = _Reader("read_parquet", files.paths, {"union_by_name": len(files.paths) > 1})
    return [reader], _parquet_columns(connection, reader, files.name)


def _structure(
    connection: duckdb.DuckDBPyConnection, forms: Iterable[tuple[list[str], dict[str, object]]]
) -> str | None:
    """Ask which keys stand in all objects of JSON files, and with values of which types."""
    from sqlglot import exp

    objects = [
        exp.select("json").from_(_call(_Reader("read_json_objects", *form))) for form in forms
    ]
    every: exp.Query = objects[0]
    for more in objects[1:]:
        every = exp.Union(this=every, expression=more, distinct=False)
    tree = exp.select(exp.func("json_group_structure", exp.column("json")))
    query = tree.from_(every.subquery("objects")).sql("duckdb")
    ((found,),) = connection.execute(query).fetchall()
    return None if found is None else str(found)


def _parquet_columns(
    connection: duckdb.DuckDBPyConnection, reader: _Reader, name: str
) -> list[str]:
    """List the columns of Parquet files, and make sure that DuckDB renamed none."""
    from sqlglot import exp

    alone = replace(reader, options={**reader.options, "hive_partitioning": False})
    columns = connection.sql(exp.select("*").from_(_call(alone)).sql("duckdb")).columns
    known = {column.lower() for column in columns}
    renamed = {c for c in columns if c.rpartition("_")[0].lower() in known and c[-1].isdigit()}
    if renamed:
        schema = _call(_Reader("parquet_schema", reader.paths, {}))
        stored = connection.execute(exp.select("name").from_(schema).sql("duckdb")).fetchall()
        for column in sorted(renamed - {name for (name,) in stored}):
            raise TableError(
                f"{name} has two columns called {column.rpartition('_')[0]}, in small or in "
                "capital letters",
                hint="rename one of them; GoogleSQL does not tell capitals from small letters",
            )
    return columns


def _call(reader: _Reader) -> exp.Expr:
    """Compose a call of one of DuckDB's readers; names are literals of a tree."""
    from sqlglot import exp

    paths = exp.Array(expressions=[exp.Literal.string(exactly(path)) for path in reader.paths])
    named = [
        exp.PropertyEQ(this=exp.to_identifier(name), expression=_literal(value))
        for name, value in reader.options.items()
    ]
    return exp.Anonymous(this=reader.function, expressions=[paths, *named])


def exactly(path: str) -> str:
    """Spell a path so that DuckDB, which takes it for a pattern, finds that file.

    >>> exactly("scans [1].parquet")
    'scans [[]1].parquet'
    """
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def _literal(value: object) -> exp.Expr:
    from sqlglot import exp

    if isinstance(value, dict):
        return exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.Literal.string(k), expression=_literal(v))
                for k, v in value.items()
            ]
        )
    return exp.convert(value)


def _attached(connection: duckdb.DuckDBPyConnection, files: Files, catalog: str) -> exp.Expr:
    from sqlglot import exp

    attach = exp.Attach(
        this=exp.alias_(
            exp.Literal.string(files.paths[0]), exp.to_identifier(catalog, quoted=True)
        ),
        expressions=[exp.AttachOption(this=exp.var("READ_ONLY"))],
    )
    connection.execute(attach.sql("duckdb"))
    rows = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.columns "
        "WHERE table_catalog = $catalog AND CASE WHEN $wanted IS NULL "
        "THEN lower(column_name) IN ('studyinstanceuid', 'seriesinstanceuid') "
        "ELSE lower($wanted) IN (lower(table_name), lower(table_schema || '.' || table_name)) END "
        "GROUP BY ALL HAVING count(*) > 1 OR $wanted IS NOT NULL ORDER BY ALL",
        {"wanted": files.table, "catalog": catalog},
    ).fetchall()
    if len(rows) != 1:
        what = f"called {files.table}" if files.table else "with the UID columns"
        names = ", ".join(f"{schema}.{name}" for schema, name in rows)
        file = files.name.removesuffix(f"::{files.table}")
        raise TableError(
            f"{file} holds {len(rows) or 'no'} tables {what}" + (f": {names}" if names else ""),
            hint=f"name one as {file}::TABLE",
        )
    return exp.table_(rows[0][1], db=rows[0][0], catalog=catalog, quoted=True)
