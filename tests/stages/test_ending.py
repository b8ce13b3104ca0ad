"""Signals are interrupts while a graph runs, wait where a step is to be saved, and are what they were afterwards."""

from __future__ import annotations

import os
import signal

import pytest

from adapterstilts.stages.ending import ENDING, Terminated, ended_by_signals, put_off, signal_waiting


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


def test_the_first_signal_can_wait_and_the_second_ends_at_once() -> None:
    reached: list[int | None] = []
    with pytest.raises(Terminated) as ended, ended_by_signals(), put_off():
        os.kill(os.getpid(), signal.SIGUSR1)
        reached.append(signal_waiting())
    assert reached == [signal.SIGUSR1] and ended.value.number == signal.SIGUSR1
    with pytest.raises(Terminated) as ended, ended_by_signals(), put_off():
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append(None)
    assert len(reached) == 1 and ended.value.number == signal.SIGTERM
    with ended_by_signals(), put_off():
        assert signal_waiting() is None
