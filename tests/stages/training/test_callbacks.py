"""What happens between the steps of a stage."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapterstilts.stages.ending import Terminated, ended_by_signals, put_off
from adapterstilts.stages.training.callbacks import LARGE_BYTES, SAVE_SECONDS, EndAtCheckpoint, Log, Saving


def control() -> Any:
    return SimpleNamespace(should_save=False, should_evaluate=False)


@pytest.mark.parametrize("strategy", ["steps", "no"])
def test_the_last_step_is_saved_and_scored_where_anything_is(strategy: str) -> None:
    for step in (9, 10):
        found = control()
        state = SimpleNamespace(global_step=step, max_steps=10)
        EndAtCheckpoint().on_step_end(SimpleNamespace(eval_strategy=strategy), state, found)
        assert (found.should_save, found.should_evaluate) == (step == 10, step == 10 and strategy == "steps")


@pytest.mark.parametrize("trained_bytes", [LARGE_BYTES, LARGE_BYTES + 1])
def test_a_checkpoint_is_due_after_a_while(trained_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few weights are trained, all that is written is all that is needed to go on."""
    saving, now = Saving(trained_bytes), time.perf_counter()
    for later, late in ((SAVE_SECONDS - 60, False), (SAVE_SECONDS + 1, True)):
        monkeypatch.setattr(time, "perf_counter", lambda later=later: now + later)
        found = control()
        saving.on_step_end(None, None, found)
        assert found.should_save is late
        assert saving.is_due() is (late or trained_bytes == LARGE_BYTES)
    saving.done(5)
    assert saving.is_due() is (trained_bytes == LARGE_BYTES)


def test_the_step_of_a_signal_is_saved_and_is_the_last_one() -> None:
    saving, found, state = Saving(LARGE_BYTES + 1), control(), SimpleNamespace(global_step=7)
    saving.on_step_end(None, state, found)
    saving.on_save(None, state, found)
    assert not found.should_save and not saving.is_due()
    with pytest.raises(Terminated) as ended, ended_by_signals(), put_off():
        os.kill(os.getpid(), signal.SIGTERM)
        saving.on_save(None, state, found)  # of weights alone, with which nothing could go on
        saving.on_step_end(None, state, found)
        assert saving.is_due()
        saving.done(7)
        saving.on_save(None, state, found)
    assert found.should_save and (ended.value.step, ended.value.exit_code) == (7, 143)


def test_lines_past_the_resumed_step_are_written_again(tmp_path: Path) -> None:
    path, told = tmp_path / "log.jsonl", []
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n{"step": 3, "lo')
    log = Log(path, lambda step, steps, logged: told.append((step, steps, logged)))
    state = SimpleNamespace(global_step=1, max_steps=4)
    log.on_train_begin(None, state, None)
    state.global_step = 2
    log.on_log(None, state, None, logs={"loss": 0.5})
    log.on_step_end(None, state, None)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 1, "loss": 2.0},
        {"step": 2, "loss": 0.5},
    ]
    assert told == [(2, 4, {"loss": 0.5}), (2, 4, {})]
