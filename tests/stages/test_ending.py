"""Signals are interrupts while a graph runs, wait where a step is to be saved, and are what they were afterwards."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from pydantic_core import SchemaError

from adapterstilts.errors import UsageError
from adapterstilts.stages import ending
from adapterstilts.stages.ending import ENDING, Terminated, ended_by_signals, put_off, signal_waiting


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """As in a terminal: a shell has what it runs in the background ignore Ctrl-C."""
    kept = {one: signal.signal(one, signal.SIG_DFL) for one in ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for one, handler in kept.items():
        signal.signal(one, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138)])
def test_a_signal_ends_what_runs_unless_somebody_else_handles_it(number: int, code: int) -> None:
    before = [signal.getsignal(one) for one in ENDING]
    with pytest.raises(KeyboardInterrupt) as ended, ended_by_signals():
        os.kill(os.getpid(), number)
    assert type(ended.value) is Terminated and ended.value.exit_code == code and ended.value.step is None
    assert [signal.getsignal(one) for one in ENDING] == before and signal_waiting() is None
    came: list[int] = []
    kept = signal.signal(number, lambda number, frame: came.append(number))
    try:
        with ended_by_signals():
            os.kill(os.getpid(), number)
        assert came == [number]
        with pytest.raises(Terminated), ended_by_signals(owned=True):
            os.kill(os.getpid(), number)
    finally:
        signal.signal(number, kept)


def test_the_first_signal_can_wait_and_the_second_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[int | None] = []
    with pytest.raises(Terminated) as ended, ended_by_signals(), put_off():
        os.kill(os.getpid(), signal.SIGUSR1)
        reached.append(signal_waiting())
    assert reached == [signal.SIGUSR1] and ended.value.number == signal.SIGUSR1
    for second in (signal.SIGTERM, signal.SIGINT):
        monkeypatch.setattr(ending, "_TOLD_AGAIN", 0.0 if second == signal.SIGTERM else 5.0)
        with pytest.raises(Terminated) as ended, ended_by_signals(), put_off():
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), second)
            reached.append(None)
        assert len(reached) == 1 and ended.value.number == second
    with ended_by_signals(), put_off():
        assert signal_waiting() is None


def test_an_end_that_several_tell_of_is_one_signal() -> None:
    """As where a job's time is over: Slurm tells all of its processes, and a launcher or a parent the workers again."""
    saved = False
    with pytest.raises(Terminated) as ended, ended_by_signals(owned=True), put_off():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR1)
        saved = True
    assert saved and ended.value.number == signal.SIGTERM and ended.value.exit_code == 143
    told = False
    with pytest.raises(Terminated) as ended, ended_by_signals(owned=True):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:  # that a step was saved is said while the first one ends what runs
            os.kill(os.getpid(), signal.SIGTERM)
            told = True
    assert told and ended.value.__context__ is None


def test_a_signal_while_an_object_is_deleted_is_known_and_said_by_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """Python cannot raise anything there."""

    class Deleted:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    class Broken:
        def __del__(self) -> None:
            raise ValueError("something else")

    before = sys.unraisablehook
    heard: list[type[BaseException] | None] = []
    sys.unraisablehook = lambda told: heard.append(told.exc_type)
    try:
        with pytest.raises(Terminated), ended_by_signals(owned=True):
            one, other = Deleted(), Broken()
            del one, other
            assert signal_waiting() == signal.SIGTERM
    finally:
        sys.unraisablehook = before
    assert heard == [ValueError] and capsys.readouterr().err == ""


def test_an_error_that_a_library_has_made_of_a_signal_is_the_signal() -> None:
    with pytest.raises(Terminated) as ended, ended_by_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise SchemaError("Error building `literal` serializer") from None
    assert ended.value.exit_code == 143
    for said in (UsageError("there is no room"), OSError(errno.ENOSPC, "No space left")):
        with pytest.raises(type(said)), ended_by_signals(), put_off():
            os.kill(os.getpid(), signal.SIGTERM)
            raise said
    with pytest.raises(ValueError, match="plain"), ended_by_signals():
        raise ValueError("plain")
