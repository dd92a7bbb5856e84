"""Every error that dicomfilter raises on purpose, as one tree.

::

    DicomFilterError                 1  our failure
    ├── UsageError (ValueError)      2  usage, predicate or input
    │   ├── PredicateError              a predicate that cannot be taken
    │   ├── ParameterError              a query parameter missing, unused or ill-typed
    │   ├── TableError                  a table that cannot be read as metadata
    │   │   └── TableNotFoundError (FileNotFoundError)
    │   ├── FilterFileError             a filter file that is not one
    │   ├── ManifestError               a manifest that cannot be replayed
    │   ├── IdListError                 a list of identifiers that cannot be read
    │   ├── UnusableUidError            selected rows whose UIDs cannot make a line
    │   ├── SourceError (OSError)       a file that cannot be read
    │   │   └── SourceNotFoundError (FileNotFoundError)
    │   └── DestinationError (OSError)  a destination that cannot be written
    │       └── DestinationExistsError (FileExistsError)
    ├── UnprovedError                   lines that may not be sound; a build makes them another way
    ├── EmptyFilterError             3  the selection matched nothing
    ├── RemoteError                  4  the remote side refused
    │   ├── RemoteNotFoundError (LookupError)
    │   ├── RemotePermissionError (PermissionError)
    │   ├── StartUnclearError           whether an operation was started is not known
    │   └── AlreadyRunningError         the same runs, and was not to be started twice
    ├── OperationFailedError         5  the operation failed
    │   └── TripwireError               it took more than its filter covers, and was cancelled
    ├── FindingsError                6  done, with findings
    ├── CostLimitError               7  over a cost limit
    ├── StillRunningError (TimeoutError)  8  the operation goes on
    └── GateError                    9  a gate stopped it, and nothing was started

Each error has a ``code`` for scripts, a ``hint`` in the imperative for people and an
``exit_status`` for the command line. Each is also the builtin that a caller would expect.
"""

from __future__ import annotations

from typing import ClassVar


class UnmatchedWarning(UserWarning):
    """Identifiers of a list match no row of the table."""


class DicomFilterError(Exception):
    """Base of all errors that dicomfilter raises on purpose.

    Args:
        message: What happened, naming the thing and showing the bad value.
        hint: What to do about it, in the imperative; None where there is nothing to say.
    """

    code: ClassVar[str] = "failure"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self._added: list[str] = []

    def __str__(self) -> str:
        return self.message

    @property
    def mark(self) -> tuple[str, int] | None:
        """The line of SQL that it is in, and its column there; None without SQL."""
        from dicomfilter.visible import excerpt

        sql, offset = getattr(self, "sql", None), getattr(self, "offset", None)
        return None if sql is None or offset is None or not sql.strip() else excerpt(sql, offset)

    def add_note(self, note: str) -> None:
        """Add a note below those that the error shows by itself."""
        self._added.append(note)

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]  # Python reads it, and adds by the method above
        """The text with its mark, and the hint: Python shows them below the message."""
        from dicomfilter.visible import in_python

        notes = []
        if (mark := self.mark) is not None:
            line, caret = mark
            notes.append(f"  {line}\n  {' ' * caret}^")
        if self.hint:
            notes.append(f"hint: {in_python(self.hint)}")
        return notes + self._added

    def _render_traceback_(self) -> list[str]:
        """Show a notebook what is wrong and what to do, without the way through our code."""
        from dicomfilter.visible import in_python, visible

        lines = [f"{type(self).__name__}: {in_python(self.message)}", *self.__notes__]
        return [visible(line, keep="\n") for line in lines]


class UsageError(DicomFilterError, ValueError):
    """The call, a predicate or an input cannot be taken as given."""

    code = "usage"
    exit_status = 2


class PredicateError(UsageError):
    """A predicate or query that BigQuery would refuse, or that we do not take.

    Args:
        message: What is wrong, in GoogleSQL's words where it has some.
        hint: A way round.
        sql: The text as the user wrote it, for the caret.
        offset: Where in ``sql`` the trouble starts, counted in characters from 0.
        refused: True where it is we who do not take the construct, whatever BigQuery does; False
            where BigQuery refuses it.
        unknown: ``column`` or ``table`` where it names one that is not among those given.
    """

    code = "predicate"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        sql: str | None = None,
        offset: int | None = None,
        refused: bool = False,
        unknown: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.sql = sql
        self.offset = offset
        self.refused = refused
        self.unknown = unknown


class ParameterError(UsageError):
    """A query parameter is missing, unused, doubled or ill-typed."""

    code = "parameter"


class TableError(UsageError):
    """A table that cannot be read as DICOM metadata."""

    code = "table"


class TableNotFoundError(TableError, FileNotFoundError):
    """There is no such table."""

    code = "table-not-found"


class FilterFileError(UsageError):
    """A file that is not a filter file, or cannot be made one."""

    code = "filter-file"


class ManifestError(UsageError):
    """A manifest that cannot be read or replayed."""

    code = "manifest"


class IdListError(UsageError):
    """A list of identifiers that cannot be read."""

    code = "ids"


class UnusableUidError(UsageError):
    """Selected rows hold a NULL or unusable UID and cannot make a line."""

    code = "unusable-uid"


class SourceError(UsageError, OSError):
    """A file cannot be read."""

    code = "source"


class SourceNotFoundError(SourceError, FileNotFoundError):
    """There is no such file."""

    code = "source-not-found"


class DestinationError(UsageError, OSError):
    """A destination cannot be written."""

    code = "destination"


class DestinationExistsError(DestinationError, FileExistsError):
    """The destination exists and was not to be overwritten."""

    code = "exists"


class UnprovedError(DicomFilterError):
    """What an engine presumed of the lines may not hold; a build goes the long way."""

    code = "unproved"


class EmptyFilterError(DicomFilterError):
    """The selection matched nothing, so there is no filter file."""

    code = "empty-filter"
    exit_status = 3


class RemoteError(DicomFilterError):
    """The remote side refused or failed.

    Args:
        message: What happened.
        hint: What to do about it.
        is_busy: Whether it only takes no more requests for the moment.
    """

    code = "remote"
    exit_status = 4

    def __init__(self, message: str, *, hint: str | None = None, is_busy: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_busy = is_busy


class RemoteNotFoundError(RemoteError, LookupError):
    """The remote side does not know the resource."""

    code = "remote-not-found"


class RemotePermissionError(RemoteError, PermissionError):
    """The remote side does not allow it."""

    code = "remote-permission"


class StartUnclearError(RemoteError):
    """Whether an operation was started is not known, so it is not repeated."""

    code = "start-unclear"


class AlreadyRunningError(RemoteError):
    """The same operation runs already, and was not to be started twice."""

    code = "already-running"


class OperationFailedError(DicomFilterError):
    """The operation ended with an error."""

    code = "operation-failed"
    exit_status = 5


class TripwireError(OperationFailedError):
    """A filtered operation took more than its filter covers."""

    code = "tripwire"


class FindingsError(DicomFilterError):
    """The work is done and there is something to look at."""

    code = "findings"
    exit_status = 6


class CostLimitError(DicomFilterError):
    """The query would scan more than the limit allows."""

    code = "cost-limit"
    exit_status = 7


class StillRunningError(DicomFilterError, TimeoutError):
    """The operation was not done in time; it goes on."""

    code = "still-running"
    exit_status = 8


class GateError(DicomFilterError):
    """A condition that was asked for does not hold, so nothing was started."""

    code = "gate"
    exit_status = 9
