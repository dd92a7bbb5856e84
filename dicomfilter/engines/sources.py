"""Open files as DuckDB sees them, under a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.engines.files import Format
from dicomfilter.engines.views import readings
from dicomfilter.errors import TableError
from dicomfilter.schema import TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb
    from sqlglot import exp

    from dicomfilter.engines.files import Files
    from dicomfilter.engines.views import Reading


@dataclass(frozen=True, slots=True)
class Opened:
    """A table beside the one that is selected from.

    Args:
        files: What it is.
        columns: How each column is read.
    """

    files: Files
    columns: tuple[Reading, ...]

    @property
    def schema(self) -> TableSchema:
        """The columns that GoogleSQL sees."""
        return TableSchema(tuple(reading.column for reading in self.columns))


def create_view(
    connection: duckdb.DuckDBPyConnection, files: Files, name: str, source: str
) -> tuple[Reading, ...]:
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

    open_source(connection, files, source)
    found = readings(connection.table(source))
    if not found:
        raise TableError(f"{files.name} has no column of a type that BigQuery has")
    outputs = [r.expression.as_(exp.to_identifier(r.column.name, quoted=True)) for r in found]
    view = exp.Create(
        this=exp.table_(name, quoted=True),
        kind="VIEW",
        expression=exp.select(*outputs).from_(exp.to_table(source)),
    )
    connection.execute(view.sql("duckdb"))
    return found


def allow(connection: duckdb.DuckDBPyConnection, tables: Iterable[Files]) -> None:
    """Let queries read these files and no others; a DuckDB file is open already."""
    named = [path for files in tables if files.format is not Format.DUCKDB for path in files.paths]
    if named:
        # DuckDB asks for the pattern and then for what it finds.
        paths = sorted({*named, *map(exactly, named)})
        connection.execute("SET allowed_paths = $paths", {"paths": paths})


def open_source(connection: duckdb.DuckDBPyConnection, files: Files, name: str) -> None:
    """Create a view over the files.

    Args:
        connection: A session that may still read files.
        files: What to read. Text files are read as text: only the views above give types.
        name: What the view is called.

    Raises:
        TableError: A DuckDB file holds no table of metadata, or several.
    """
    from sqlglot import exp

    if files.format is Format.DUCKDB:
        table = _attached(connection, files, f"{name}_file")
    else:
        table = _reader(connection, files)
    view = exp.Create(
        this=exp.table_(name, quoted=True), kind="VIEW", expression=exp.select("*").from_(table)
    )
    connection.execute(view.sql("duckdb"))


def _reader(connection: duckdb.DuckDBPyConnection, files: Files) -> exp.Expr:
    if files.format is Format.PARQUET:
        return _call("read_parquet", files, union_by_name=len(files.paths) > 1)
    if files.format is Format.CSV:
        # A quote that stands nowhere in DuckDB's sample would be taken for a part of the values.
        quoting = {"quote": '"', "escape": '"', "comment": ""}
        form = {"all_varchar": True, "header": True, "union_by_name": True}
        return _call("read_csv", files, **form, **quoting)
    options = {"format": "newline_delimited", "union_by_name": True, "sample_size": -1}
    found = connection.sql(f"FROM {_call('read_json', files, **options).sql('duckdb')}")
    # DuckDB guesses dates and times out of texts, in more spellings than the service writes.
    spelled = {
        name: "VARCHAR" if kind.id.startswith(("date", "time", "uuid", "null")) else str(kind)
        for name, kind in zip(found.columns, found.types, strict=True)
    }
    options.pop("sample_size")
    return _call("read_json", files, columns=spelled, **options)


def _call(function: str, files: Files, **options: object) -> exp.Expr:
    """Compose a call of one of DuckDB's readers; names are literals of a tree."""
    from sqlglot import exp

    paths = exp.Array(expressions=[exp.Literal.string(exactly(path)) for path in files.paths])
    # A folder `PatientID=00123` holds a text: as a number it would lose its zeros.
    options["hive_types_autocast"] = False
    named = [
        exp.PropertyEQ(this=exp.to_identifier(name), expression=_literal(value))
        for name, value in options.items()
    ]
    return exp.Anonymous(this=function, expressions=[paths, *named])


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
