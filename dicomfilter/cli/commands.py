"""Which commands there are, each loaded only when it is called.

The list of all and TAB show names and sentences from here; a test compares them with the commands'.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from dicomfilter.cli.help import Command, TextCommand, read_lightly

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listed(NamedTuple):
    """A command as the list of all shows it.

    Args:
        home: Its module in ``dicomfilter.cli``, and its name there: a function, or a Typer of
            several.
        sentence: What it does.
    """

    home: str
    sentence: str


COMMANDS = {
    "build": Listed("build.build", "Write the filter file of a selection."),
    "count": Listed("count.count", "Count patients, studies, series, instances and bytes."),
    "columns": Listed("columns.columns", "List a table's columns with types and examples."),
    "query": Listed("query.query", "Run a named query, or a SELECT of your own."),
    "queries": Listed("query.queries", "List the named queries, or show one."),
    "sql": Listed("sql.sql", "Say what the dialect makes of a text."),
    "check": Listed("check.check", "Check every line of a filter file."),
    "summary": Listed("summary.summary", "Say what a filter file names and where it came from."),
    "upload": Listed("upload.upload", "Check a filter file and carry it to Cloud Storage."),
    "union": Listed("sets.union", "Write what any of some filter files has."),
    "intersect": Listed("sets.intersect", "Write what all of some filter files have."),
    "subtract": Listed("sets.subtract", "Write what the first filter has and others lack."),
    "diff": Listed("sets.diff", "Compare two filters; status 1 if they differ."),
    "split": Listed("split.split", "Write a filter file in several parts, no unit divided."),
    "doctor": Listed("doctor.doctor", "Check what an export needs, and change nothing."),
    "freshness": Listed(
        "freshness.freshness", "Say whether a table still tells what its store holds."
    ),
    "index": Listed("index.index", "Write the metadata table of a folder of DICOM files."),
    "set-storage-class": Listed(
        "set_storage_class.set_storage_class", "Change what images are stored as."
    ),
    "deidentify": Listed(
        "deidentify.deidentify", "Write de-identified copies into another DICOM store."
    ),
    "export": Listed("export.export", "Export from a DICOM store."),
    "import": Listed("import_.import_", "Import into a DICOM store."),
    "operations": Listed(
        "operations.operations", "Look at operations, wait for them, cancel them."
    ),
    "report": Listed("report.report", "Write a page that says what left, on whose word."),
    "log": Listed("log.log", "List what was exported, imported and de-identified."),
    "verify": Listed("verify.verify", "Compare what a filter asks for with what arrived."),
    "handoff": Listed("handoff.handoff", "List what arrived for gcloud, rclone and others."),
}
_CLASSES = {"sql": TextCommand}


class _Loading(Mapping[str, Any]):
    """The commands by name, each loaded when it is looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - Typer hides the type
        if name not in self._loaded:
            module, attribute = COMMANDS[name].home.split(".")
            found = getattr(import_module(f"dicomfilter.cli.{module}"), attribute)
            alone = typer.Typer(rich_markup_mode=None)
            if isinstance(found, typer.Typer):
                alone.add_typer(found)
            else:
                alone.command(name, cls=_CLASSES.get(name, Command))(found)
                alone.callback()(lambda: None)  # else Typer would make no group of the one
            self._loaded[name] = typer.main.get_command(alone).commands[name]  # type: ignore[attr-defined]
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """All commands of dicomfilter."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**attributes)
        self.commands = _Loading()  # type: ignore[assignment]

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - Typer hides the type
        """Give the options, those that Typer adds too."""
        return read_lightly(super().get_params(ctx))

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer hides both types
        """List the commands without loading them."""
        with self._only_listed():
            super().format_commands(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - likewise
        """Complete the name of a command without loading it."""
        with self._only_listed():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _only_listed(self) -> Iterator[None]:
        loading = self.commands
        self.commands = {
            name: TyperCommand(name, help=listed.sentence) for name, listed in COMMANDS.items()
        }
        try:
            yield
        finally:
            self.commands = loading
