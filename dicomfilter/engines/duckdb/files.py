"""From the names of local tables to the files behind them."""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.engines.protocol import Fingerprint
from dicomfilter.errors import TableError, TableNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

IDC = "idc"
"""The name of the public index of NCI Imaging Data Commons."""
_LOOKED_AT = 50
"""Files of a folder without tables that are looked at, to tell whether they are images."""
_INNER = "::"
"""What stands between a DuckDB file and the name of a table in it."""


class Format(StrEnum):
    """The kinds of files that can be a table."""

    PARQUET = "Parquet"
    NDJSON = "NDJSON"
    CSV = "CSV"
    DUCKDB = "DuckDB"


_SUFFIXES = {
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".json": Format.NDJSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".duckdb": Format.DUCKDB,
    ".ddb": Format.DUCKDB,
    ".db": Format.DUCKDB,
}
_PACKED = (".gz", ".zst")
_SIDECARS = (".manifest.json", ".rejected.csv", ".unmatched.csv", ".paths.parquet")
"""What a build or an index leaves beside its file: never part of a folder's or glob's table."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one table.

    Args:
        name: The table as it was named, for messages.
        format: What all of the files are.
        paths: Absolute paths, in the order they were named; never empty.
        table: A table inside a DuckDB file, where one was named.
        names: The names as they were given.
    """

    name: str
    format: Format
    paths: tuple[str, ...]
    table: str | None = None
    names: tuple[str, ...] = ()

    def called(self, path: str) -> str:
        """Tell how messages name one of the files."""
        return path if len(self.paths) > 1 else self.name

    def fingerprint(self) -> Fingerprint:
        """Tell the files' present state from their names, sizes and times of change.

        Raises:
            TableError: A file has gone since the table was opened.
        """
        try:
            stats = [Path(path).stat() for path in self.paths]
        except OSError as error:
            raise TableError(
                f"{self.name} cannot be read any more: {error.filename} has gone",
                hint="run it again when the table is at rest",
            ) from error
        digest = hashlib.sha256()
        for path, stat in zip(self.paths, stats, strict=True):
            # The name and not the folder: a copy of the same files is the same table.
            digest.update(f"{Path(path).name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        newest = max(stat.st_mtime for stat in stats)
        return Fingerprint(
            uri=self.name,
            rows=None,
            size_bytes=sum(stat.st_size for stat in stats),
            modified=datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds"),
            digest=digest.hexdigest(),
            names=self.names if len(self.names) > 1 else (),
        )


def looks_like_files(name: str) -> bool:
    """Tell whether a table's name is one of files rather than of a BigQuery table.

    >>> looks_like_files("metadata/*.parquet"), looks_like_files("hospital.duckdb::metadata")
    (True, True)
    >>> looks_like_files("my-proj.imaging.metadata")
    False
    """
    return name == IDC or "/" in name or is_named_as_table(name) or _exists(name)


def is_named_as_table(name: str) -> bool:
    """Tell whether a file's name ends as a table's does.

    >>> is_named_as_table("metadata.csv.gz"), is_named_as_table("ct.txt")
    (True, False)
    """
    file = name.partition(_INNER)[0]
    suffixes = {suffix.lower() for suffix in Path(file).suffixes[-2:]}
    return bool(suffixes & set(_SUFFIXES))


def find_files(names: Sequence[str]) -> Files:
    """Find the files behind a table's names.

    Args:
        names: ``idc``, files, folders or globs; DuckDB files may end in ``::TABLE``.

    Returns:
        The files; all of one format.

    Raises:
        TableNotFoundError: A name stands for no file.
        TableError: The files are of no known format, or of several.
    """
    if IDC in names:
        if len(names) > 1:
            raise TableError(
                "idc is a table of its own and cannot be read with others", hint="name it alone"
            )
        return Files(IDC, Format.PARQUET, (_idc(),))
    if not names:
        raise TableError("no table is named", hint="name bq://project.dataset.table, idc or files")
    label, given, inner = " ".join(names), tuple(names), None
    if len(names) == 1 and _INNER in names[0] and not _exists(names[0]):
        path, _, inner = names[0].partition(_INNER)
        names = [path]
    paths = tuple(dict.fromkeys(path for name in names for path in _expand(name)))
    formats = {_format(path) for path in paths}
    if len(formats) > 1:
        raise TableError(
            f"{label} mixes {' and '.join(sorted(formats))} files",
            hint="name files of one format",
        )
    found = formats.pop()
    if found is Format.DUCKDB and len(paths) > 1:
        raise TableError(
            f"{label} are {len(paths)} DuckDB files, and only one can be read at a time",
            hint="name one of them",
        )
    if found is not Format.DUCKDB and inner is not None:
        raise TableError(
            f"{label} names a table in a {found} file, which is one table", hint=f"name {names[0]}"
        )
    return Files(label, found, paths, inner, given)


def _expand(name: str) -> Iterable[str]:
    path = Path(name)
    if name and _exists(name) and path.is_dir():
        inside = sorted(p for p in path.rglob("*") if _belongs(p.relative_to(path)) and p.is_file())
        if not inside:
            if any(_is_dicom(file) for file in islice(path.rglob("*"), _LOOKED_AT)):
                raise TableNotFoundError(
                    f"{name} is a folder of DICOM files, and a table of their metadata is needed",
                    hint=f"make one with {_index(name)}",
                )
            raise TableNotFoundError(
                f"{name} holds no Parquet, NDJSON or CSV file",
                hint="name the table's files, or make one of images with `dicomfilter index`",
            )
        return [str(p.resolve()) for p in inside]
    # A file whose own name holds `*` or `[` is itself, not a pattern.
    if name and _exists(name):
        return [str(path.resolve())]
    if glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - pathlib cannot glob an absolute pattern
        files = [match for match in matches if Path(match).is_file()]
        # A pattern that matches nothing but sidecars means them.
        found = [file for file in files if not file.endswith(_SIDECARS)] or files
        if found:
            return [str(Path(p).resolve()) for p in found]
        raise TableNotFoundError(f"no file matches {name}", hint="check the pattern")
    raise _unknown(name)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _index(folder: str) -> str:
    return f"`dicomfilter index {shlex.quote(folder)} -o metadata.parquet`"


def _unknown(name: str) -> TableNotFoundError:
    """Say what a name that leads to no file may have meant, and what to do."""
    scheme = name.partition("://")[0] if "://" in name else ""
    if scheme == "gs":
        return TableNotFoundError(
            f"{name} is in Cloud Storage, and tables are files of this machine or of BigQuery",
            hint="bring it here with `gcloud storage cp`, or load it with `bq load`",
        )
    if scheme:
        return TableNotFoundError(
            f"{name} is on another machine, and tables are files of this one or of BigQuery",
            hint="bring the files here first",
        )
    known = "name a Parquet, NDJSON, CSV or DuckDB file, `idc`, or bq://project.dataset.table"
    if get_close_matches(name.lower(), [IDC], cutoff=0.7):
        known = f"did you mean {IDC}?"
    return TableNotFoundError(f"no such file: {name or repr(name)}", hint=known)


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # a name that no file can have, or that may not be looked at
        return False


def _belongs(path: Path) -> bool:
    """Tell whether a file of a folder is of its table, rather than a log or a filter's sidecar."""
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and not path.name.endswith(_SIDECARS) and _suffix(path) in _SUFFIXES


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _PACKED else suffix


def _format(name: str) -> Format:
    suffix = _suffix(Path(name))
    if suffix not in _SUFFIXES:
        raise TableError(
            f"{name} is no table that can be read: its name has "
            + (f"the ending {suffix}" if suffix else "no ending"),
            hint="index the folder that it is in with `dicomfilter index`"
            if _is_dicom(Path(name))
            else "name a .parquet, .ndjson, .csv or .duckdb file",
        )
    return _SUFFIXES[suffix]


def _idc() -> str:
    # To import the package is to read the schemas of all its tables.
    found = importlib.util.find_spec("idc_index_data")
    beside = Path(found.origin).with_name("idc_index.parquet") if found and found.origin else None
    if beside is not None and beside.is_file():
        return str(beside)
    try:
        import idc_index_data
    except ImportError as error:
        raise TableNotFoundError(
            "the index of NCI Imaging Data Commons is not installed",
            hint="run `pip install 'dicomfilter[demo]'`",
        ) from error
    return str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
