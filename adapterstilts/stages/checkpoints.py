"""Checkpoints of a stage in progress that can be trusted after a kill.

`transformers.Trainer` writes a checkpoint file by file into its final folder, so a killed save leaves a folder that
looks finished. Here a checkpoint counts once it holds a marker, written last.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from adapterstilts.files import sync, write_json

_MARKER = "complete.json"
_STATE = "trainer_state.json"
_PREFIX = "checkpoint-"


def mark_complete(folder: Path) -> None:
    """Declares a checkpoint finished, after all its files have reached the disk."""
    for path in folder.iterdir():
        sync(path)
    write_json(folder / _MARKER, {path.name: path.stat().st_size for path in folder.iterdir()})


def latest_complete(folder: Path) -> Path | None:
    """The newest finished checkpoint below `folder`; unfinished and damaged ones are deleted."""
    newest: Path | None = None
    for path in sorted(folder.glob(f"{_PREFIX}*"), key=_step):
        if _is_complete(path):
            newest = path
        else:
            shutil.rmtree(path)
    return newest


def keep_only(folder: Path, kept: set[int]) -> None:
    """Deletes the checkpoints below `folder` whose step is not in `kept`."""
    for path in folder.glob(f"{_PREFIX}*"):
        if _step(path) not in kept:
            # The marker goes first: a deletion that is cut short must not leave a trusted folder.
            (path / _MARKER).unlink(missing_ok=True)
            shutil.rmtree(path)


def checkpoint_of_step(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` optimiser steps lies."""
    return folder / f"{_PREFIX}{step}"


def finished_training(checkpoint: Path) -> bool:
    """Whether training had ended, by its last step or by early stopping, when `checkpoint` was written."""
    state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    stopping = state["stateful_callbacks"].get("EarlyStoppingCallback")
    out_of_patience = stopping and (
        stopping["attributes"]["early_stopping_patience_counter"] >= stopping["args"]["early_stopping_patience"]
    )
    return bool(out_of_patience) or state["global_step"] >= state["max_steps"]


def _is_complete(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def _step(path: Path) -> int:
    return int(path.name[len(_PREFIX) :])
