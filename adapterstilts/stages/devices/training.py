"""`transformers.Trainer` in one of several processes that share each optimiser step."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from adapterstilts.modeling.sharding import is_sharded, load_whole_state, whole_state
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.training.plain_state import PlainState, has_random

_DECISIONS = ("should_save", "should_evaluate", "should_log", "should_training_stop")


class GroupTrainer(PlainState):
    """A trainer whose checkpoints are those of one process, whatever number of processes writes or reads them.

    Attributes:
        group: The processes that train together, of which the leader alone writes.
    """

    model: Any
    accelerator: Any
    group: Group = ALONE

    def _move_model_to_device(self, model: Any, device: torch.device) -> None:
        if not is_sharded(model):
            super()._move_model_to_device(model, device)

    def _wrap_model(self, model: Any, training: bool = True, dataloader: Any = None) -> Any:
        if is_sharded(model):
            model._is_accelerate_prepared = True  # else it would be copied to all processes as well
        return super()._wrap_model(model, training, dataloader)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Writes the weights; all processes have a part in it where they are spread over them."""
        self._save(output_dir)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not is_sharded(self.model):
            super()._save_optimizer_and_scheduler(output_dir)
            return
        state = whole_state(self.optimizer, keep=self.group.leads)
        if self.group.leads:
            self._write_state(state, Path(output_dir))

    def _put_back(self, state: dict[str, Any]) -> None:
        if self.group.several:
            load_whole_state(self.optimizer, state)
        else:
            super()._put_back(state)

    # Several processes draw anew for each step (`draw_anew`), so that nothing of their random numbers need be kept.

    def _save_rng_state(self, output_dir: str) -> None:
        if not self.group.several:
            super()._save_rng_state(output_dir)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if self.group.several or checkpoint is None:
            return
        if has_random(Path(checkpoint), self.group.rank):
            super()._load_rng_state(checkpoint)
        else:  # several processes have written it
            self._seed_step()

    def draw_anew(self) -> None:
        """Lets the random numbers of a step, those of dropout, depend on seed, step and process alone."""
        if self.group.several:
            self._seed_step()

    def _seed_step(self) -> None:
        of = f"{self.args.seed} {self.state.global_step} {self.group.rank} {self.group.count}"
        torch.manual_seed(int.from_bytes(hashlib.sha256(of.encode()).digest()[:7], "big"))


class Agree(TrainerCallback):
    """Lets all processes save, evaluate and stop where one of them wants to, by its clock or because of a signal.

    It has to be the last callback.
    """

    def __init__(self, group: Group) -> None:
        self.group = group

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        wanted = self.group.sums(*(float(getattr(control, name)) for name in _DECISIONS))
        for name, count in zip(_DECISIONS, wanted, strict=True):
            setattr(control, name, count > 0)
