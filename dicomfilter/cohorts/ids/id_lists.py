"""Lists of identifiers: the column of a file that holds them, and its values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from dicomfilter.cohorts.ids.heading import IDENTIFIERS, choose
from dicomfilter.cohorts.ids.spreadsheet import find_damage
from dicomfilter.engines.delimited import UNMATCHED, Column, Delimited, unmarked
from dicomfilter.errors import IdListError
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import STANDARD_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_INVISIBLE = " \t\n\r\v\f\u00a0\u2007\u202f\u200b\u200c\u200d\ufeff"


@dataclass(frozen=True, slots=True)
class IdList:
    """Identifiers to look for in one column of the metadata.

    Args:
        values: An Arrow array of strings: distinct, none of them empty, without whitespace
            around, in the order in which they were first seen. Not in the ``repr``, as they
            are a patient's.
        column: The metadata column to match.
        source: Where they come from, for messages.
        rows: How many rows were read, blank ones included.
        blanks: How many rows hold no identifier.
        duplicates: How many rows repeat an earlier one.
        padded: How many rows had whitespace around the identifier.
        findings: What a person should know: encodings, what a spreadsheet seems to have spoilt.
    """

    values: pa.Array = field(repr=False, hash=False)
    column: str
    source: str
    rows: int
    blanks: int = 0
    duplicates: int = 0
    padded: int = 0
    findings: tuple[str, ...] = ()

    @classmethod
    def of(cls, column: str, values: Iterable[str], *, source: str = "the call") -> Self:
        """Make a list of values that are at hand.

        Args:
            column: The metadata column to match.
            values: Text, or whole numbers that are taken as decimal text: a list, a set, an
                Arrow array, a pandas or polars Series.
            source: Where they come from, for messages.

        Returns:
            The list.

        Raises:
            IdListError: There is no value, or the values are neither text nor whole numbers.
        """
        import pyarrow as pa

        values = column_of(values, column)
        if isinstance(values, str):
            raise IdListError(f"one value is no list of {column}", hint="put it in a list")
        try:
            # What is in order may be an array already; a set and a generator are not.
            array = pa.array(values if hasattr(values, "__getitem__") else list(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # it quotes a value
            array = None
        if array is None:
            raise IdListError(
                f"the values for {column} are of several types", hint="give all of them as text"
            )
        return cls._distinct(Column(_as_text(array, f"{column} of {source}")), column, source)

    @classmethod
    def _distinct(cls, found: Column, column: str, source: str) -> Self:
        from pyarrow import compute as pc

        trimmed = _trim(found.values)
        filled = pc.not_equal(trimmed, "")
        count = pc.sum(filled).as_py() or 0
        if not count:
            raise IdListError(
                f"{source} holds no identifier for {column}", hint="give a list of at least one"
            )
        values = pc.unique(trimmed.filter(filled))
        padded = pc.and_(filled, pc.not_equal(found.values, trimmed))
        return cls(
            values,
            column,
            source,
            rows=len(trimmed) + len(found.blank_rows),
            blanks=len(trimmed) - count + len(found.blank_rows),
            duplicates=count - len(values),
            padded=pc.sum(padded).as_py() or 0,
        )

    @classmethod
    def _of_file(
        cls, found: Column, column: str, source: str, *, findings: tuple[str, ...]
    ) -> Self:
        ids = cls._distinct(found, column, source)
        rows, is_uid = _trim(found.values), column.lower().endswith("uid")
        damage = (
            f"{seen.what}: {seen.count:,} value{'s' * (seen.count > 1)},"
            f" first in row {found.row(seen.first):,}"
            for seen in find_damage(ids.values, rows=rows, is_uid=is_uid)
        )
        return replace(ids, findings=(*findings, *damage))


AnyFrame: TypeAlias = Any
"""A DataFrame of pandas or polars, an Arrow table, or values: whatever is made of columns."""


def is_frame(values: object) -> bool:
    """Tell a DataFrame or an Arrow table from a list of values."""
    return hasattr(values, "columns") and hasattr(values, "__getitem__")


def frame_column(frame: AnyFrame, column: str | None) -> str:
    """Choose the column of a DataFrame that holds identifiers.

    Args:
        frame: A DataFrame.
        column: Its name, in any case; None where it is the only one, or the only identifier.

    Raises:
        IdListError: There is none, or more than one.
    """
    names = [str(name) for name in getattr(frame, "column_names", frame.columns)]
    wanted = column.lower() if column else None
    found = [name for name in names if name.lower() == wanted]
    if column is None:
        found = names if len(names) == 1 else [name for name in names if name in IDENTIFIERS]
    if len(found) == 1:
        return found[0]
    raise IdListError(
        f"the frame has no column {column}"
        if column
        else f"the frame has {len(found)} columns of identifiers",
        hint=f"name one with --column; it has {', '.join(names)}",
    )


def column_of(values: AnyFrame, column: str) -> AnyFrame:
    """Give the values of a DataFrame's column, and of whatever else itself."""
    if not is_frame(values):
        return values
    names = getattr(values, "column_names", values.columns)
    return values[names[0] if len(names) == 1 else frame_column(values, column)]


def read_ids(path: str | Path, *, column: str | None = None) -> IdList:
    """Read a list of identifiers from a file.

    Args:
        path: CSV, TSV or other delimited text, plain text of one identifier a line, or Parquet;
            ``-`` is standard input.
        column: The column of the file, in any case, and of the metadata. Without it the header
            must name exactly one of `IDENTIFIERS`, as such or in a friendly spelling
            (``Accession Number``, ``patient_id``, ``StudyUID``). A file of one column needs no
            header where this is given.

    Returns:
        The identifiers, with counts.

    Raises:
        SourceNotFoundError: There is no such file.
        SourceError: It cannot be read.
        IdListError: It is no such file, its column cannot be told, or it holds no identifier.
    """
    uri = str(path)
    source = "standard input" if uri == STANDARD_OUTPUT else Path(uri).name
    with open_storage(uri).reader(uri) as file:
        raw = file.read()
    if raw.startswith(b"PAR1") or Path(uri).suffix.lower() == ".parquet":
        return _read_parquet(raw, source, column)
    text = Delimited.parse(raw, source)
    if text.sample[0] == UNMATCHED:
        return _read_unmatched(text, source, column)
    chosen = choose(text.sample, column=column, source=source)
    found = text.column(chosen.index, has_header=chosen.has_header)
    found, taken = _plain(found)
    findings = text.findings + chosen.findings + taken
    return IdList._of_file(found, chosen.keyword, source, findings=findings)  # noqa: SLF001 - ours


def _read_unmatched(text: Delimited, source: str, column: str | None) -> IdList:
    """Read the list that a build left of what it did not find."""
    names = set(text.column(0, has_header=True).values.to_pylist())
    wanted = column or next(iter(names), "")
    if names != {wanted}:
        raise IdListError(
            f"{source} lists values of {', '.join(sorted(names))}",
            hint="keep those of one column, and name it with --column",
        )
    found, taken = _plain(text.column(1, has_header=True))
    return IdList._of_file(found, wanted, source, findings=text.findings + taken)  # noqa: SLF001 - ours


def _plain(found: Column) -> tuple[Column, tuple[str, ...]]:
    """Take the marks off that keep a spreadsheet from computing, and say so."""
    plain = unmarked(found.values)
    if plain.equals(found.values):
        return found, ()
    said = "apostrophes that keep a spreadsheet from computing were taken off"
    return replace(found, values=plain), (said,)


def _read_parquet(raw: bytes, source: str, column: str | None) -> IdList:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(raw))
        names = tuple(file.schema_arrow.names)
        chosen = choose((names,), column=column, source=source, is_header=True)
        name = names[chosen.index]
        # A dot in a column's name would be taken for a path into a structure.
        values = file.read(None if "." in name else [name]).column(name)
    except (pa.ArrowInvalid, OSError):
        values = None
    if values is None:
        raise IdListError(f"{source} is no whole Parquet file", hint="write or copy it again")
    found = Column(_as_text(values, f"column {name} of {source}"))
    return IdList._of_file(found, chosen.keyword, source, findings=())  # noqa: SLF001 - ours


def _trim(values: pa.ChunkedArray) -> pa.ChunkedArray:
    from pyarrow import compute as pc

    return pc.utf8_trim(pc.fill_null(values, ""), characters=_INVISIBLE)


def _as_text(values: pa.Array | pa.ChunkedArray, what: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if isinstance(values, pa.Array):
        values = pa.chunked_array([values])
    of = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    is_text = pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of)
    if not (is_text or pa.types.is_integer(of) or pa.types.is_null(of)):
        raise IdListError(
            f"{what} is {of}, neither text nor whole numbers", hint="store identifiers as text"
        )
    return values.cast(of).cast(pa.string())
