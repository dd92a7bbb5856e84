"""Errors name the thing, say what to do, and are what a caller would expect to catch."""

from __future__ import annotations

import copy
import pickle

import pytest

from dicomfilter import errors
from dicomfilter.errors import DicomFilterError, PredicateError

CLASSES = sorted(
    (
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, DicomFilterError)
    ),
    key=lambda error: error.__name__,
)


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_an_error_holds_its_message_and_its_hint(error: type[DicomFilterError]) -> None:
    raised = error("f.txt is no filter", hint="name another")
    assert (str(raised), raised.message, raised.hint) == (
        "f.txt is no filter",
        "f.txt is no filter",
        "name another",
    )
    assert error("x").hint is None
    assert isinstance(raised, Exception)


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_an_error_survives_a_journey_between_processes(error: type[DicomFilterError]) -> None:
    raised = error("f.txt is no filter", hint="name another")
    for back in (pickle.loads(pickle.dumps(raised)), copy.copy(raised)):  # noqa: S301 - our own
        assert type(back) is error
        assert (str(back), back.message, back.hint) == (str(raised), raised.message, raised.hint)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("UsageError", ValueError),
        ("PredicateError", ValueError),
        ("ParameterError", ValueError),
        ("TableError", ValueError),
        ("TableNotFoundError", FileNotFoundError),
        ("SourceError", OSError),
        ("SourceNotFoundError", FileNotFoundError),
        ("DestinationError", OSError),
        ("DestinationExistsError", FileExistsError),
        ("RemotePermissionError", PermissionError),
        ("RemoteNotFoundError", LookupError),
    ],
)
def test_an_error_is_caught_as_the_builtin_of_its_kind(name: str, builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match=r"^what happened$"):
        raise getattr(errors, name)("what happened")


def test_all_errors_are_caught_at_once_and_no_bug_is() -> None:
    for error in CLASSES:
        with pytest.raises(DicomFilterError):
            raise error("x")
    assert not issubclass(TypeError, DicomFilterError)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("DicomFilterError", 1),
        ("UsageError", 2),
        ("PredicateError", 2),
        ("UnusableUidError", 2),
        ("DestinationExistsError", 2),
        ("EmptyFilterError", 3),
        ("RemoteError", 4),
        ("RemotePermissionError", 4),
        ("FindingsError", 6),
        ("CostLimitError", 7),
    ],
)
def test_a_script_can_tell_errors_by_their_status(name: str, status: int) -> None:
    assert getattr(errors, name).exit_status == status


def test_a_predicates_error_knows_the_place() -> None:
    raised = PredicateError("no", sql="PatientID = 1", offset=10, refused=True)
    assert (raised.sql, raised.offset, raised.refused) == ("PatientID = 1", 10, True)
    plain = PredicateError("no")
    assert (plain.sql, plain.offset, plain.refused) == (None, None, False)


def test_nothing_of_an_error_of_the_files_is_lost_to_the_system() -> None:
    raised = errors.DestinationError("f.txt is a folder", hint="name a file")
    assert (raised.errno, raised.filename) == (None, None)
    assert raised.args == ("f.txt is a folder",)
