"""Training one stage: Hugging Face's `Trainer` with our batches, checkpoints and selection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from adapterstilts.data.mixing import Length, MixedBatches, MixedCollator, MixedFeatures, Step, mix
from adapterstilts.modeling.gpu.recorded import RecordedSteps
from adapterstilts.modeling.quantization import forget_8bit_moments
from adapterstilts.modeling.sharding import average_unsharded, is_sharded
from adapterstilts.modeling.storage import load_parameters, save_parameters, save_tensors
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.runs.store import CHECKPOINTS
from adapterstilts.stages.answering.predict import predict
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.devices.training import GroupTrainer
from adapterstilts.stages.ending import put_off
from adapterstilts.stages.training.arguments import EIGHT_BITS, training_arguments
from adapterstilts.stages.training.averaging import CheckpointMean
from adapterstilts.stages.training.callbacks import EndAtCheckpoint, Log, Saving, TellMethod, add_callbacks
from adapterstilts.stages.training.checkpoints import (
    Clock,
    checkpoint_of_step,
    clock_of,
    finished_training,
    latest_complete,
)
from adapterstilts.stages.training.completion import Completion
from adapterstilts.stages.training.losses import Losses
from adapterstilts.stages.training.task_part import TaskPart
from adapterstilts.stages.training.tracking import Tracking
from adapterstilts.stages.training.validation import together

_TRAINED = "trained.safetensors"
_METHOD = "method.safetensors"
_LOSS_DIGITS = 4


@dataclass(frozen=True)
class TrainingResult:
    """What happened in one training stage; the model itself holds the best checkpoint's weights, or a mean of them.

    Attributes:
        best_step: The step whose weights these are: the last one where nothing selects, none where they are a mean.
        best_score: Main score of these weights on the English validation data; of several tasks, their mean.
        validation: All metrics of these weights; those of several tasks have the task's name and a `/` before theirs.
        averaged_checkpoints: Of how many checkpoints they are the mean: 0 where they are those of one.
        tasks: Where there are several, each with its own `examples_seen` and `tokens_seen`.
        resumed_from: Step of the checkpoint that this process went on from, 0 for a new start.
        seconds: Wall time of training, evaluation included, without what a kill undid.
        seconds_here: Time of this process for its steps, without evaluation.
        tokens_here: Tokens of these steps, and `kept_here` those of which lower layers had been computed before.
        recorded: How many CUDA graphs these steps were, and why some were none; None where they cannot be any.
    """

    steps: int
    best_step: int | None
    best_score: float | None
    validation: dict[str, float]
    averaged_checkpoints: int
    examples_seen: int
    tokens_seen: int
    resumed_from: int
    seconds: float
    seconds_here: float
    tokens_here: int
    kept_here: int
    recorded: tuple[int, str | None] | None = None
    tasks: dict[str, dict[str, int]] = field(default_factory=dict)


class StageTrainer(GroupTrainer):
    """`Trainer` whose batches are optimiser steps, each a list of micro-batches.

    Gradient accumulation happens inside `training_step`, so a step always covers the recipe's batch size, however
    its features are split to fit the token budget and shared by processes, and checkpoints, schedules and logs count
    optimiser steps. All features of a step belong to one task.
    """

    state: Any
    control: Any

    def __init__(
        self,
        *,
        model: TransferModel,
        args: TrainingArguments,
        parts: Sequence[TaskPart],
        batches: MixedBatches,
        mean: CheckpointMean | None = None,
        group: Group = ALONE,
        cuda_graphs: bool = False,
    ) -> None:
        below = {part.name: part.below for part in parts if part.below}
        features: Any = MixedFeatures({part.name: part.features for part in parts}, below)
        held_out: Any = [part.held_out for part in parts]
        super().__init__(model=model, args=args, train_dataset=features, eval_dataset=held_out)
        self.parts = parts
        self.batches = batches
        self.mean = mean
        self.group = group
        self.seconds_before = self.evaluating = 0.0
        self.losses = Losses()
        self.on_gpu = self.args.device.type == "cuda"
        self.recorded = RecordedSteps(model) if cuda_graphs and self.on_gpu and not group.several else None
        self.started = time.perf_counter()
        self.completion = Completion(copies=self.on_gpu)
        self.saving = Saving(sum(one.numel() * one.element_size() for one in model.parameters() if one.requires_grad))
        for default in (PrinterCallback, ProgressCallback):
            self.remove_callback(default)

    @property
    def seconds(self) -> float:
        """Training time so far, that of interrupted processes up to their last checkpoint included."""
        return self.seconds_before + time.perf_counter() - self.started

    @property
    def folder(self) -> Path:
        """Where checkpoints are written."""
        return Path(self.args.output_dir)

    def get_train_dataloader(self) -> DataLoader:
        """One element per optimiser step: its task and this process's micro-batches."""
        # Not passed through accelerate, which would give whole steps to each process instead of a share of every step.
        own = {part.name: part.collator for part in self.parts}
        collator: Any = MixedCollator(own, rank=self.group.rank, count=self.group.count)
        # Pinned, a batch is copied to a GPU while it computes.
        return _EpochLoader(self.train_dataset, batch_sampler=self.batches, collate_fn=collator, pin_memory=self.on_gpu)

    def create_optimizer(self) -> torch.optim.Optimizer:
        """AdamW, of which nothing is left that belongs to an earlier training."""
        if self.args.optim == EIGHT_BITS:
            forget_8bit_moments()
        return super().create_optimizer()

    def training_step(self, model: torch.nn.Module, inputs: Step, num_items_in_batch: Any = None) -> torch.Tensor:
        """Adds up the gradient of all micro-batches; returns the mean loss over what the head counts in the step.

        What is counted is that of all processes. These average gradients, so that each one's is weighed accordingly.
        """
        model.train()
        self.draw_anew()
        task, micros, counted = inputs
        counts = [self.model.heads[task].items(micro) if n < counted else 0 for n, micro in enumerate(micros)]
        (items,) = self.group.sums(sum(counts))
        total = torch.zeros((), device=self.args.device)
        for micro, count in zip(micros, counts, strict=True):
            share = self.group.count * count / max(1, items)
            if self.recorded is not None:
                total += self.recorded(task, micro, share)
                continue
            with nullcontext() if micro is micros[-1] else self.accelerator.no_sync(model):
                there = {name: value.to(self.args.device, non_blocking=True) for name, value in micro.items()}
                loss = model(task=task, **there)["loss"] * share
                self.accelerator.backward(loss)
            total += loss.detach()
        if is_sharded(self.model):
            average_unsharded(self.model)
        if (regularization := self.model.regularization()) is not None:
            self.accelerator.backward(regularization)
        total = self.group.mean(total)
        self.losses.add(total)
        return total

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Logs with the mean loss of all steps since the last time, those before an interruption included."""
        if "loss" in logs:
            logs = {**logs, "loss": round(self.losses.take(), _LOSS_DIGITS)}
        super().log(logs, start_time)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Scores each task's held-out data; early stopping and checkpoint selection read `eval_score`."""
        begun = time.perf_counter()
        self.losses.settle()
        scored = {part.name: self._score(part) for part in self.parts}
        self.model.fusion_attention.pop()
        self.evaluating += time.perf_counter() - begun
        averaged = [part.name for part in self.parts if part.averaged]
        metrics = {f"eval_{name}": value for name, value in together(scored, averaged=averaged).items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _score(self, part: TaskPart) -> dict[str, float]:
        assert part.held_out is not None
        collator = part.collator.for_prediction()
        logits = predict(
            self.model, part.held_out, task=part.name, collator=collator, group=self.group, states=part.states
        )
        return self.group.from_leader(lambda: part.score(logits))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # Frozen weights do not change, so they are not written again and again.
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        if not self.args.save_only_model or self.state.global_step == best_step(self.state):
            path, leads = folder / _TRAINED, self.group.leads
            save_parameters(self.model, path, trained_only=True, write=leads, save=self.completion.save)
        if self.group.leads and (state := self.model.training_state()):
            save_tensors(state, folder / _METHOD)
        if self.mean is not None:
            self.mean.save(folder)

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        self.losses.settle()  # weights that a loss has spoilt are not kept
        self.completion.wait()
        step, best, ends = self.state.global_step, best_step(self.state), self.control.should_training_stop
        whole = self.group.sums(float(self.saving.is_due()))[0] > 0
        if not (whole or ends or step == self.state.best_global_step):
            return
        self.args.save_only_model = not whole
        super()._save_checkpoint(model, trial)
        if whole or ends:
            self.saving.done(step)
        if self.group.leads:
            clock = Clock(seconds=self.seconds, losses=self.losses.told())
            self.completion.begin(self.folder, step, best, clock)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_parameters(self.model, Path(resume_from_checkpoint) / _TRAINED)

    def go_on(self, checkpoint: Path | None) -> None:
        """Trains to the end, from `checkpoint` if there is one."""
        if checkpoint is not None:
            clock = clock_of(checkpoint)
            self.seconds_before, self.losses = clock.seconds, Losses(**clock.losses)
            if self.mean is not None:
                self.mean.go_on(checkpoint)
        if checkpoint is not None and (checkpoint / _METHOD).is_file():
            self.model.load_training_state(load_file(checkpoint / _METHOD))
        if checkpoint is not None and finished_training(checkpoint):
            self.state = self.state.load_from_json(str(checkpoint / "trainer_state.json"))
            self._load_best_model()
        else:
            try:
                self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            finally:  # whatever ends it
                self.completion.wait()

    def end_with(self, mean: CheckpointMean, log: Log) -> None:
        """Takes the mean of the checkpoints, and scores it."""
        mean.give_to(self.model, checkpoint_of_step(self.folder, self.state.global_step))
        if self.group.leads:
            log.without_scores()  # those of a process that was killed after it
        self.score_as_it_is()

    def score_as_it_is(self) -> None:
        """Gives the weights as they are the only score, where there is anything to score them on."""
        if all(part.held_out is not None for part in self.parts):
            self.state.best_metric = self.evaluate()["eval_score"]
            self.state.best_global_step = self.state.global_step

    def _load_best_model(self) -> None:
        self.completion.wait()
        self.group.wait()  # for whoever writes it
        # By step and not by the recorded path: the store may have been moved since.
        self._load_from_checkpoint(str(checkpoint_of_step(self.folder, best_step(self.state))))


class _EpochLoader(DataLoader):
    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


def train(
    model: TransferModel,
    parts: Sequence[TaskPart],
    *,
    spec: TrainSpec,
    work: Path,
    tracking: Tracking,
    length: Length | None = None,
    group: Group = ALONE,
    cuda_graphs: bool = False,
) -> TrainingResult:
    """Trains `model` in place and leaves it with the weights that were best on the validation data, or a mean of all.

    Goes on from the last complete checkpoint below `work`, with the same result as if it had never stopped.

    Args:
        parts: The tasks, which share everything but their heads.
        spec: What says the settings, the seed, and how often each of several tasks is trained on.
        work: Folder for checkpoints and `log.jsonl`.
        tracking: Where it is shown.
        length: How long it is trained; by default as the settings say.
        group: The processes that train together.
        cuda_graphs: Whether one process's steps on a GPU are recorded.

    Raises:
        UsageError: By this sampling a task would never be trained on.
    """
    checkpoints, settings = work / CHECKPOINTS, spec.settings
    lengths = {part.name: part.features["length"][:] for part in parts}
    batches = mix(lengths, spec.sampling, batch_size=settings.batch_size, seed=spec.seed)
    length = length or Length(steps=settings.max_steps, epochs=settings.epochs)
    steps = length.of(batches, {part.name: part.features["tokens"][:] for part in parts})
    mean = CheckpointMean.of(model, settings, steps, group) if settings.average_checkpoints and steps else None
    selects = mean is None and all(part.held_out is not None for part in parts)
    # Where nothing selects, nothing happens between epochs, which can be a step each.
    eval_steps = settings.interval(steps, len(batches) if selects or settings.eval_steps else max(1, steps))
    device = next(model.parameters()).device
    args = training_arguments(checkpoints, spec, steps, eval_steps, device, selects=selects, tracking=tracking)
    trainer = StageTrainer(
        model=model, args=args, parts=parts, batches=batches, mean=mean, group=group, cuda_graphs=cuda_graphs
    )
    if steps:
        model.begin_training(steps)
    log = Log(work / "log.jsonl", tracking.on_progress)
    own = [TellMethod(model), EndAtCheckpoint(), trainer.saving, *([mean] if mean is not None else [])]
    add_callbacks(trainer, own, log, tracking, group, patience=settings.patience if selects else None)
    latest = group.from_leader(lambda: latest_complete(checkpoints))
    if steps:
        with put_off():
            trainer.go_on(latest)
        if mean is not None:
            trainer.end_with(mean, log)
        if group.leads:
            log.end(trainer.state.global_step, epoch=trainer.state.epoch, loss=round(trainer.losses.mean, _LOSS_DIGITS))
    else:
        if group.leads:
            log.begin(-1)
        trainer.score_as_it_is()
    return _result(trainer, resumed=int(latest.name.rpartition("-")[2]) if latest else 0)


def _result(trainer: StageTrainer, *, resumed: int) -> TrainingResult:
    """What happened, once training has ended.

    Args:
        resumed: Step of the checkpoint that this process went on from.
    """
    state, parts, batches = trainer.state, trainer.parts, trainer.batches
    tokens = {part.name: part.features["tokens"][:] for part in parts}
    seen, before = batches.seen(state.global_step, tokens), batches.seen(resumed, tokens)
    tokens_seen = sum(one["tokens_seen"] for one in seen.values())
    here = {name: one["tokens_seen"] - before[name]["tokens_seen"] for name, one in seen.items()}
    return TrainingResult(
        steps=state.global_step,
        best_step=best_step(state) if trainer.mean is None else None,
        best_score=state.best_metric,
        validation=_logged_at(state, best_step(state)),
        averaged_checkpoints=trainer.mean.points(state.global_step) if trainer.mean else 0,
        examples_seen=sum(one["examples_seen"] for one in seen.values()),
        tokens_seen=tokens_seen,
        resumed_from=resumed,
        seconds=trainer.seconds,
        seconds_here=time.perf_counter() - trainer.started - trainer.evaluating,
        tokens_here=sum(here.values()),
        kept_here=sum(here[part.name] for part in parts if part.below),
        recorded=(len(trainer.recorded), trainer.recorded.why_not) if trainer.recorded is not None else None,
        tasks=seen if len(parts) > 1 else {},
    )


def best_step(state: Any) -> int:
    """The step whose weights are taken: the last one where there were no evaluations."""
    return state.global_step if state.best_metric is None else state.best_global_step


def _logged_at(state: Any, step: int) -> dict[str, float]:
    entries = [entry for entry in state.log_history if entry["step"] == step and "eval_score" in entry]
    # By name: a state that was read again has another order than one that was made.
    return {
        name[len("eval_") :]: value
        for entry in entries[-1:]
        for name, value in sorted(entry.items())
        if name.startswith("eval_")
    }
