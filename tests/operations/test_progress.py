"""The line that a person sees while an operation runs."""

from __future__ import annotations

import io
import sys
from types import ModuleType

import pytest

from dicomfilter.operations.operation import Operation
from dicomfilter.operations.polling import Pace
from dicomfilter.operations.progress import Bar, bar, line
from dicomfilter.stores.state import Counters, Missed, State


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Service:
    """Gives one look after the other."""

    def __init__(self, *looks: State | Missed) -> None:
        self.looks = list(looks)

    def poll(self, name: str) -> State | Missed:
        return self.looks.pop(0)

    def cancel(self, name: str) -> None:
        raise AssertionError(name)


RUNNING = State("n", counters=Counters(5, 0, 15))
DONE = State("n", done=True, counters=Counters(20))


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State("n"), "running [........................] 0 succeeded, 0 failed"),
        (RUNNING, "running [######..................] 5 succeeded, 0 failed, 15 pending"),
        (DONE, "done [########################] 20 succeeded, 0 failed"),
        (
            State("n", done=True, counters=Counters(1_000, 3_000)),
            "done with failures [########################] 1,000 succeeded, 3,000 failed",
        ),
    ],
)
def test_a_line_shows_how_far_it_is(state: State, text: str) -> None:
    assert line(state) == text


def test_a_bar_is_one_line_that_is_drawn_over(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    service = Service(RUNNING, Missed("HTTP 503"), DONE)
    Operation("n", service).wait(pace=Pace(sleep=lambda _: None))
    first, second, third, fourth = stream.getvalue().split("\r")
    assert first == ""
    assert second == line(RUNNING)
    assert third == "looking again: HTTP 503".ljust(len(line(RUNNING)))
    assert fourth.rstrip() == line(DONE)
    assert fourth.endswith("\n")
    assert stream.getvalue().count("\n") == 1


def test_nobody_watches_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert bar() is None
    Operation("n", Service(DONE)).wait()
    assert capsys.readouterr() == ("", "")


def test_a_notebook_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    assert isinstance(bar(), Bar)


def test_whoever_watches_already_needs_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    seen: list[State | Missed] = []
    Operation("n", Service(DONE)).wait(watch=seen.append)
    assert seen == [DONE]
    assert stream.getvalue() == ""
