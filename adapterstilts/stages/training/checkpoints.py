"""Checkpoints of a stage in progress that can be trusted after a kill, and after a disk has changed them.

`transformers.Trainer` writes a checkpoint file by file into its final folder, so a killed save leaves a folder that
looks finished. Here a checkpoint counts once it holds a marker, written last, and while each file is what the marker
says. Where many weights are trained, some have no optimiser: nothing can go on from them, but their weights can be
taken in the end, and the last one tells that training has ended.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from adapterstilts.errors import StoreError
from adapterstilts.files import sync, write_json
from adapterstilts.runs.content import entry_of, first_damage
from adapterstilts.runs.records import Entries, Record, read_record
from adapterstilts.runs.store import delete

SAVE_SECONDS = 300
"""The longest time between two checkpoints that can be gone on with."""
LARGE_BYTES = 256_000_000
"""Bytes of trained weights from which writing all of one, which is three times as large, is left to time."""
_MARKER = "complete.json"
_STATE = "trainer_state.json"
_CLOCK = "clock.json"
_OPTIMISER = "optimizer.safetensors"
_PREFIX = "checkpoint-"
_ASIDE = "damaged"


class TrainerState(Record):
    """What is read of the state that `transformers.Trainer` writes."""

    global_step: int = Field(ge=0)
    max_steps: int = Field(ge=0)
    best_global_step: int | None = None
    best_metric: float | None = None
    log_history: list[dict[str, Any]]
    stateful_callbacks: dict[str, Any]

    @property
    def best(self) -> int:
        """The step whose weights would be taken: the last one where there were no evaluations."""
        return self.global_step if self.best_metric is None else self.best_global_step or 0


class Clock(Record):
    """How long training took until a checkpoint, and what its losses were."""

    seconds: float = Field(ge=0, allow_inf_nan=False)
    losses: dict[str, Any] = {}


def mark_complete(folder: Path, clock: Clock) -> None:
    """Declares a checkpoint finished, after all its files have reached the disk."""
    write_json(folder / _CLOCK, clock.model_dump())
    files = sorted(folder.iterdir())
    for path in files:
        sync(path)
    write_json(folder / _MARKER, {path.name: entry_of(path).model_dump() for path in files})


def latest_complete(folder: Path, note: Callable[[str], None] = lambda text: None) -> Path | None:
    """The newest checkpoint below `folder` that can be gone on with: it and the best one until then are whole.

    Unfinished ones are deleted, and those of weights alone that come after it; damaged ones are set aside beside them.

    Args:
        note: Told of each that is damaged, and what is gone on with instead.
    """
    damaged = []
    for path in sorted(checkpoints(folder), key=_step):
        if not (path / _MARKER).is_file():
            delete(path)
        elif problem := _problem(path):
            damaged.append(problem)
            _set_aside(path)
    resumable = resumable_checkpoints(folder)
    newest = max((path for path in resumable if _best_of(path).is_dir()), key=_step, default=None)
    for path in [path for path in checkpoints(folder) if newest is None or _step(path) > _step(newest)]:
        if path in resumable:  # whole, but not what was the best until then
            _set_aside(path)
        else:
            _delete(path)
    if damaged:
        instead = f"from step {_step(newest)}" if newest else "from its beginning"
        note(f"{folder.parent.name}: training goes on {instead}, because {'; '.join(damaged)}")
    return newest


def keep_usable(folder: Path, best: Path) -> None:
    """Deletes all checkpoints below `folder` but the last two to go on from, the best of each, and `best`."""
    last = resumable_checkpoints(folder)[-2:]
    kept = {best, *(path for one in last for path in (one, _best_of(one)))}
    for path in checkpoints(folder):
        if path not in kept:
            _delete(path)


def checkpoints(folder: Path) -> Iterator[Path]:
    """All checkpoints below a folder, whole or not."""
    return (path for path in folder.glob(f"{_PREFIX}*") if path.name[len(_PREFIX) :].isdecimal() and path.is_dir())


def resumable_checkpoints(folder: Path) -> list[Path]:
    """All that training can go on from, or that it has ended with, in the order of their steps."""
    return sorted((path for path in checkpoints(folder) if _is_resumable(path)), key=_step)


def checkpoint_of_step(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` optimiser steps lies."""
    return folder / f"{_PREFIX}{step}"


def trainer_state(checkpoint: Path) -> TrainerState:
    """How far training was.

    Raises:
        StoreError: The file is damaged.
    """
    return read_record(checkpoint / _STATE, TrainerState)


def clock_of(checkpoint: Path) -> Clock:
    """How long training took until a checkpoint.

    Raises:
        StoreError: The file is damaged.
    """
    return read_record(checkpoint / _CLOCK, Clock)


def finished_training(checkpoint: Path) -> bool:
    """Whether training had ended, by its last step or by early stopping, when `checkpoint` was written."""
    state = trainer_state(checkpoint)
    stopping = state.stateful_callbacks.get("EarlyStoppingCallback")
    out_of_patience = stopping and (
        stopping["attributes"]["early_stopping_patience_counter"] >= stopping["args"]["early_stopping_patience"]
    )
    return bool(out_of_patience) or state.global_step >= state.max_steps


def _problem(checkpoint: Path) -> str | None:
    """What is wrong with a finished checkpoint, None if nothing is."""
    try:
        damage = first_damage(checkpoint, read_record(checkpoint / _MARKER, Entries).root, whole=True)
        trainer_state(checkpoint), clock_of(checkpoint)
    except StoreError as error:
        return error.message.rstrip(".")
    return damage


def _is_resumable(checkpoint: Path) -> bool:
    try:
        return _OPTIMISER in read_record(checkpoint / _MARKER, Entries).root or finished_training(checkpoint)
    except StoreError:  # is being written
        return False


def _best_of(checkpoint: Path) -> Path:
    """The checkpoint whose weights would be taken if training ended with one; itself where that cannot be told."""
    try:
        return checkpoint_of_step(checkpoint.parent, trainer_state(checkpoint).best)
    except StoreError:
        return checkpoint


def _delete(checkpoint: Path) -> None:
    # The marker goes first: a deletion that is cut short must not leave a trusted folder. Over NFS it is, where an
    # optimiser still has its moments in the file that they were read from.
    (checkpoint / _MARKER).unlink(missing_ok=True)
    delete(checkpoint)


def _set_aside(checkpoint: Path) -> None:
    aside = checkpoint.parent / _ASIDE / checkpoint.name
    aside.parent.mkdir(exist_ok=True)
    shutil.rmtree(aside, ignore_errors=True)
    checkpoint.replace(aside)


def _step(path: Path) -> int:
    return int(path.name[len(_PREFIX) :])
