"""From a stage's settings to the arguments of `transformers.Trainer`."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import TrainingArguments

from adapterstilts.runs.specs import TrainSpec
from adapterstilts.settings import Optimisation
from adapterstilts.stages.training.tracking import Tracking

EIGHT_BITS = "paged_adamw_8bit"
"""Name of AdamW with moments in 8 bits."""
_LOG_LINES = 200


def training_arguments(
    folder: Path,
    spec: TrainSpec,
    steps: int,
    eval_steps: int,
    device: torch.device,
    *,
    selects: bool,
    tracking: Tracking,
) -> TrainingArguments:
    """What a stage says to the trainer.

    Args:
        folder: For checkpoints.
        steps: Optimiser steps, and `eval_steps` those between evaluations, or between checkpoints where none select.
        selects: Whether checkpoints are selected by validation data.
        tracking: Where the stage is shown.
    """
    settings = spec.settings
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=max(steps, 1),
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=_warmup_steps(settings, steps),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim=EIGHT_BITS if settings.adamw_8bit else "adamw_torch_fused",
        seed=spec.seed,
        use_cpu=device.type == "cpu",
        eval_strategy="steps" if selects else "no",
        eval_steps=eval_steps,
        save_strategy="steps",
        save_steps=eval_steps,
        load_best_model_at_end=selects,
        metric_for_best_model="score",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=max(1, steps // _LOG_LINES),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        ddp_broadcast_buffers=False,
        disable_tqdm=True,
        report_to=list(tracking.names),
        run_name=tracking.stage,
        logging_dir=str(tracking.folder),
    )
    # A step is a list of micro-batches, which DataParallel cannot scatter: one stage, one device.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _warmup_steps(settings: Optimisation, steps: int) -> int:
    return round(steps * settings.warmup_ratio) if settings.warmup_steps is None else settings.warmup_steps
