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

from adapterstilts.stages.callbacks import SAVE_SECONDS, EndAtCheckpoint, Log, SaveAtSignal, SaveByTime
from adapterstilts.stages.ending import Terminated, ended_by_signals, put_off


def control() -> Any:
    return SimpleNamespace(should_save=False, should_evaluate=False)


@pytest.mark.parametrize("strategy", ["steps", "no"])
def test_the_last_step_is_saved_and_scored_where_anything_is(strategy: str) -> None:
    for step in (9, 10):
        found = control()
        state = SimpleNamespace(global_step=step, max_steps=10)
        EndAtCheckpoint().on_step_end(SimpleNamespace(eval_strategy=strategy), state, found)
        assert (found.should_save, found.should_evaluate) == (step == 10, step == 10 and strategy == "steps")


def test_a_checkpoint_is_due_after_a_while() -> None:
    for ago, due in ((SAVE_SECONDS + 1, True), (SAVE_SECONDS - 60, False)):
        found = control()
        SaveByTime(lambda ago=ago: time.perf_counter() - ago).on_step_end(None, None, found)
        assert found.should_save is due


def test_the_step_of_a_signal_is_saved_and_is_the_last_one() -> None:
    found, state = control(), SimpleNamespace(global_step=7)
    SaveAtSignal().on_step_end(None, state, found)
    SaveAtSignal().on_save(None, state, found)
    assert not found.should_save
    with pytest.raises(Terminated) as ended, ended_by_signals(), put_off():
        os.kill(os.getpid(), signal.SIGTERM)
        SaveAtSignal().on_step_end(None, state, found)
        SaveAtSignal().on_save(None, state, found)
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
