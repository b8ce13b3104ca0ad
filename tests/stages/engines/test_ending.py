"""SIGTERM is an interrupt while a graph runs, and what it was before afterwards."""

from __future__ import annotations

import os
import signal

import pytest

from adapterstilts.stages.engines.ending import Terminated, ended_by_signals


def test_a_signal_ends_what_runs_unless_somebody_else_handles_it() -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with pytest.raises(KeyboardInterrupt) as ended, ended_by_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert type(ended.value) is Terminated and ended.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    came: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with ended_by_signals():
            os.kill(os.getpid(), signal.SIGTERM)
        assert came == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
