"""From the selection options of a command to a cohort."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dicomfilter.errors import ParameterError, UsageError
from dicomfilter.storage import open_storage
from dicomfilter.uids import is_usable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.notebook.cohort import Cohort
    from dicomfilter.notebook.table import Table

_MAX_SQL_BYTES = 1 << 22
"""A megabyte of characters, at most four bytes each."""
_DAYS = {"d": 1, "w": 7}
_MAX_DAYS = 100_000
"""Counted back from today, a date that GoogleSQL still has."""


@dataclass(frozen=True, slots=True)
class Selecting:
    """What a command line says of which rows are wanted.

    Args:
        tables: The table's names.
        where: Predicates, ANDed.
        params: ``NAME:TYPE:VALUE`` texts.
        patient_ids: PatientIDs, any of them.
        study_uids: StudyInstanceUIDs, any of them.
        ids: A file of identifiers.
        column: The column that the file is matched with.
        sql: A file with a whole SELECT.
        since: An age, as ``30d``.
        every: Whether every row is wanted.
        all_versions: Whether superseded and deleted rows count.
        options: How the engine may spend.
        exclude_ids: A file of identifiers that are left out.
        exclude_column: The column that it is matched with.
        exclude_filter: A filter file of what is left out.
        where_files: Files with predicates, ANDed with the others.
    """

    tables: Sequence[str]
    where: Sequence[str]
    params: Sequence[str]
    patient_ids: Sequence[str]
    study_uids: Sequence[str]
    ids: Path | None
    column: str | None
    sql: Path | None
    since: str | None
    every: bool
    all_versions: bool
    options: EngineOptions
    exclude_ids: Path | None = None
    exclude_column: str | None = None
    exclude_filter: str | None = None
    where_files: Sequence[Path] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the table is said."""
        texts = (self.where, self.where_files, self.sql, self.since)
        return any((*texts, self.patient_ids, self.study_uids, self.ids))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The values of ``--param``, read.

        Raises:
            ParameterError: One is ill-typed, or given twice.
        """
        return given_parameters(self.params)

    def check(self, *, needs_selection: bool) -> None:
        """Refuse what contradicts itself before any table is opened.

        Raises:
            UsageError: Nothing is selected, or ``--all`` stands beside a selection.
        """
        if self.every and self.is_narrowed:
            raise UsageError("--all and a selection exclude each other", hint="drop --all")
        if needs_selection and not self.every and not self.is_narrowed:
            raise UsageError(
                "nothing is selected, and a filter of everything must be asked for",
                hint="add --where SQL, or --all",
            )
        if self.column and not self.ids:
            raise UsageError("--column goes with --ids", hint="add --ids FILE")
        self._check_files()
        if self.options.others and not self.sql and needs_selection:
            raise UsageError("--table goes with --sql", hint="add --sql FILE")
        if self.since is not None:
            days(self.since)
        for option, texts in (
            ("--param", self.params),
            ("--patient-id", self.patient_ids),
            ("--study-uid", self.study_uids),
        ):
            for text in texts:
                if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
                    raise UsageError(
                        f"{option} {text!r} holds a control character",
                        hint="type the value again; was it pasted?",
                    )
        self._check_ids()
        _ = self.parameters

    def _among(self, table: Table, selection: Selection) -> Selection:
        from dicomfilter.cohorts.select import among, read_statement, standing_in

        statement = read_statement(
            read_sql(self.sql) if self.sql else "",
            table.engine.schemas(),
            parameters=self.parameters,
            first=selection.next_literal,
            all_versions=self.all_versions,
            standing=standing_in(table.engine),
        )
        return among(selection, statement)

    def _check_files(self) -> None:
        if self.exclude_column and not self.exclude_ids:
            raise UsageError("--exclude-column goes with --exclude-ids", hint="add --exclude-ids")
        files = (*self.where_files, self.ids, self.exclude_ids, self.exclude_filter, self.sql)
        read = [str(p) for p in files if p]
        if read.count("-") > 1:
            raise UsageError(
                "standard input is named twice, and can be read once", hint="name a file"
            )

    def _check_ids(self) -> None:
        """Refuse identifiers that no one means: empty ones, and other scripts' digits."""
        for uid in self.study_uids:
            if not is_usable(uid):
                raise UsageError(
                    f"--study-uid {uid!r} is not a usable UID", hint="write digits 0-9 and dots"
                )
        for patient in self.patient_ids:
            if not patient.strip():
                raise UsageError(f"--patient-id {patient!r} is empty", hint="write a PatientID")
            if any(c.isdecimal() and not c.isascii() for c in patient):
                raise UsageError(
                    f"--patient-id {patient!r} holds digits that look like 0-9 and are others",
                    hint="type it again, or write --where if the table has it so",
                )

    def cohort(self, table: Table) -> Cohort:
        """Select from an open table.

        Args:
            table: The table.

        Returns:
            The cohort.

        Raises:
            UsageError: A predicate, parameter or identifier list cannot be taken.
        """
        from dicomfilter.googlesql.types.parameters import require_used

        cohort = table.all(all_versions=self.all_versions)
        given = self.parameters
        selection = cohort.selection
        for sql in (*self.where, *map(read_predicate, self.where_files)):
            selection = selection.where(sql, parameters=given)
        if self.sql is not None:
            selection = self._among(table, selection)
        require_used(given, selection.parameters)
        cohort = replace(cohort, selection=selection)
        if self.patient_ids:
            cohort = cohort.where_in("PatientID", self.patient_ids)
        if self.study_uids:
            cohort = cohort.where_in("StudyInstanceUID", self.study_uids)
        if self.ids is not None:
            cohort = cohort.where_ids(str(self.ids), column=self.column)
        if self.since is not None:
            cohort = cohort.since(days(self.since))
        if self.exclude_ids is not None:
            cohort = cohort.exclude_ids(self.exclude_ids, column=self.exclude_column)
        if self.exclude_filter is not None:
            cohort = cohort.exclude_filter(self.exclude_filter)
        return cohort


def read_predicate(path: Path) -> str:
    """Read a file that holds a predicate; ``-`` is standard input.

    Raises:
        SourceError: It cannot be read.
        UsageError: It is no UTF-8 text, or is empty.
    """
    text = _read_text(path)
    if not text.strip():
        raise UsageError(f"{path} is empty, and a predicate is needed", hint="write one into it")
    return text


def given_parameters(texts: Sequence[str]) -> tuple[Parameter, ...]:
    """Read the values of ``--param``.

    Raises:
        ParameterError: One is ill-typed, or given twice.
    """
    from dicomfilter.googlesql.types.parameters import Parameter

    given = tuple(Parameter.parse(text) for text in texts)
    names = [parameter.name for parameter in given]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ParameterError(f"@{min(twice)} is given twice", hint="give it once")
    return given


def read_sql(path: Path) -> str:
    """Read a file of GoogleSQL; ``-`` is standard input.

    Raises:
        SourceError: It cannot be read.
        UsageError: It is no UTF-8 text, or the SELECT itself was given.
    """
    if str(path).lower().split(maxsplit=1)[:1] in (["select"], ["with"]) and " " in str(path):
        raise UsageError(
            "--sql takes the name of a file, and this is a SELECT itself",
            hint="write it to a file, or pipe it into --sql -",
        )
    return _read_text(path)


def _read_text(path: Path) -> str:
    with open_storage(str(path)).reader(str(path)) as file:
        data = file.read(_MAX_SQL_BYTES + 1)
    if len(data) > _MAX_SQL_BYTES:
        raise UsageError(f"{path} is no query: it is too long", hint="name a file of GoogleSQL")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8", hint="save it as UTF-8") from error


def other_tables(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read further tables.

    Args:
        texts: ``NAME=URI`` each.

    Returns:
        Names and URIs.

    Raises:
        UsageError: One is of another form, or a name is taken.

    >>> other_tables(["labels=labels.csv", "`my-project.dicom.all`=all.parquet"])
    (('labels', 'labels.csv'), ('my-project.dicom.all', 'all.parquet'))
    """
    from dicomfilter.googlesql.query import table_name

    found: dict[str, str] = {}
    taken = {"metadata", "source", "stage"}
    for text in texts:
        given, _, uri = text.partition("=")
        name = table_name(given)
        if name is None or not uri:
            raise UsageError(
                f"--table {text!r} is not NAME=URI", hint="write --table labels=labels.csv"
            )
        if name.lower() in taken or name.lower().startswith(("source_", "stage_")):
            raise UsageError(f"--table {name} is a name in use", hint="choose another name")
        taken.add(name.lower())
        found[name] = uri
    return tuple(found.items())


def days(age: str) -> int:
    """Read an age.

    Args:
        age: A number of days or weeks, as ``30d`` or ``4w``.

    Returns:
        Days.

    Raises:
        UsageError: It is no age.

    >>> days("30d"), days("4w")
    (30, 28)
    """
    found = re.fullmatch(r"([0-9]{1,7})([dw])", age)
    if found is None or not 0 < int(found[1]) * _DAYS[found[2]] <= _MAX_DAYS:
        raise UsageError(f"--since {age!r} is not an age", hint="write 30d or 4w")
    return int(found[1]) * _DAYS[found[2]]
