"""What happens between the optimiser steps of a stage, as `transformers.Trainer` calls it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, Trainer, TrainerCallback

from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.records import log_lines
from adapterstilts.stages.devices.group import Group
from adapterstilts.stages.devices.training import Agree
from adapterstilts.stages.ending import Terminated, signal_waiting
from adapterstilts.stages.training.checkpoints import LARGE_BYTES, SAVE_SECONDS
from adapterstilts.stages.training.tracking import Describe, Tracking

# What the last line of a log has, and no other one; and what those with scores have.
_LAST, _SCORE = "train_loss", "eval_score"


class EndAtCheckpoint(TrainerCallback):
    """Saves the last step, and gives it an evaluation too, so that the final weights are a candidate for the best."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_save = True
            control.should_evaluate = args.eval_strategy != "no"


class TellMethod(TrainerCallback):
    """Lets methods that change with time act after each optimiser step, while the gradients are there."""

    def __init__(self, model: TransferModel) -> None:
        self.model = model

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.model.after_step(state.global_step + 1)


class Saving(TrainerCallback):
    """Saves between evaluations that are far apart, so that a kill costs minutes; and at a signal, which ends training.

    Where many weights are trained, all that is needed to go on is saved by time and not at evaluations.

    Attributes:
        step: The last step that training can go on from, or has ended with.
    """

    def __init__(self, trained_bytes: int) -> None:
        self.large = trained_bytes > LARGE_BYTES
        self.step = 0
        self._saved = time.perf_counter()

    def is_due(self) -> bool:
        """Whether a checkpoint that is written now has all that is needed to go on."""
        return not self.large or self._is_late()

    def done(self, step: int) -> None:
        """Takes note that training can go on from a step, or has ended with it."""
        self.step, self._saved = step, time.perf_counter()

    def _is_late(self) -> bool:
        return time.perf_counter() - self._saved > SAVE_SECONDS or signal_waiting() is not None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._is_late():
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.step == state.global_step and (number := signal_waiting()) is not None:
            raise Terminated(number, state.global_step)


class Log(TrainerCallback):
    """Appends every log entry to a JSON-lines file; entries past the resumed checkpoint are written again.

    The last line has the mean loss of all steps, and nothing that depends on when and how often training was begun.
    """

    def __init__(self, path: Path, on_progress: Callable[[int, int, dict[str, float]], None]) -> None:
        self.path = path
        self.on_progress = on_progress

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.begin(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        if _LAST not in (logs or {}):
            self._write({"step": state.global_step, **(logs or {})})
        self.on_progress(state.global_step, state.max_steps, logs or {})

    def begin(self, step: int) -> None:
        """Leaves out what was logged after a step."""
        kept = [line for line, entry in log_lines(self.path) if entry["step"] <= step and _LAST not in entry]
        self._replace(kept)

    def without_scores(self) -> None:
        """Leaves out all scores: those of the mean of a training's checkpoints are the only ones that it has."""
        kept = [line for line, entry in log_lines(self.path) if _SCORE not in entry]
        self._replace(kept)

    def end(self, step: int, *, epoch: float, loss: float) -> None:
        """Writes the last line, once."""
        self.begin(step)
        self._write({"step": step, "epoch": epoch, _LAST: loss})

    def _replace(self, lines: list[str]) -> None:
        self.path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _write(self, entry: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.on_progress(state.global_step, state.max_steps, {})


def add_callbacks(
    trainer: Trainer,
    own: Sequence[TrainerCallback],
    log: Log,
    tracking: Tracking,
    group: Group,
    *,
    patience: int | None,
) -> None:
    """Says what happens between a trainer's steps.

    Args:
        own: Those of this training, which come first.
        patience: Evaluations without a better score after which training ends; None where none select.
    """
    for callback in own:
        trainer.add_callback(callback)
    if patience is not None:
        trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=patience))
    if group.leads:
        trainer.add_callback(log)
    if tracking.names:
        trainer.add_callback(Describe(tracking, trainer.callback_handler.callbacks))
    if group.several:
        trainer.add_callback(Agree(group))
