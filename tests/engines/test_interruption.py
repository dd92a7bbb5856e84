"""Work that a signal ends, and work that it does not disturb."""

from __future__ import annotations

import os
import signal
import threading
import time

import duckdb
import pytest

from dicomfilter.engines.duckdb.interruption import interruptible

LONG = "SELECT count(DISTINCT hash(a.i, b.i)) FROM range(100_000) a(i), range(100_000) b(i)"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def later(number: int, seconds: float) -> None:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()


def test_work_gives_what_it_returns(connection: duckdb.DuckDBPyConnection) -> None:
    found = interruptible(connection, lambda: connection.execute("SELECT 7").fetchall())
    assert found == [(7,)]


def test_an_error_of_the_work_comes_out_as_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException, match="nothing"):
        interruptible(connection, lambda: connection.execute("FROM nothing"))


def test_ctrl_c_ends_a_long_query_at_once(connection: duckdb.DuckDBPyConnection) -> None:
    later(signal.SIGINT, 0.3)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interruptible(connection, lambda: connection.execute(LONG))
    assert time.monotonic() - began < 5


def test_another_signal_raises_what_its_handler_does(connection: duckdb.DuckDBPyConnection) -> None:
    def handler(*_: object) -> None:
        raise SystemExit(7)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        later(signal.SIGUSR1, 0.1)
        with pytest.raises(SystemExit, match="7"):
            interruptible(connection, lambda: connection.execute(LONG))
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_connection_works_on_afterwards(connection: duckdb.DuckDBPyConnection) -> None:
    later(signal.SIGINT, 0.1)
    with pytest.raises(KeyboardInterrupt):
        interruptible(connection, lambda: connection.execute(LONG))
    assert connection.execute("SELECT 7").fetchall() == [(7,)]


def test_a_call_that_comes_before_the_work_has_begun_is_repeated(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    def late() -> None:
        time.sleep(0.4)  # as if the thread were slow to start
        connection.execute(LONG)

    later(signal.SIGINT, 0.1)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interruptible(connection, late)
    assert time.monotonic() - began < 5
