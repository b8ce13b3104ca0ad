"""How long a planned training stage is: steps, tokens, batches and evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapterstilts.runs.specs import TrainSpec
from adapterstilts.stages.estimates.amounts import Amount, Padded, padded_for_prediction, padded_for_training
from adapterstilts.stages.setup import Setup

_LOG_LINES = 200


@dataclass(frozen=True)
class Trained:
    """What one task brings to a training stage.

    Attributes:
        amount: All of its rows, `held` those that select checkpoints.
        chosen: Of these, what one evaluation reads.
        batches: In an epoch of its own.
        data: Its tokenised data, with their bytes.
    """

    amount: Amount
    held: Amount
    padded: Padded
    scored: Padded | None
    chosen: Amount
    batches: int
    data: dict[str, int]

    @classmethod
    def of(
        cls, setup: Setup, spec: TrainSpec, name: str, amounts: list[Amount], held: Amount, *, on_gpu: bool
    ) -> Trained:
        (task,) = [one for one in spec.tasks if one.name == name]
        features = sum(one.features for one in amounts)
        whole = replace(amounts[0], rows=sum(one.rows for one in amounts))
        limits = {"tokens_per_batch": setup.tokens_per_batch, "max_length": task.encoding.max_length}
        padded = padded_for_training(
            whole,
            batch_size=spec.settings.batch_size,
            comparing=setup.catalogue.build_kind(task).comparing,
            **limits,
        )
        chosen = held.at_most(spec.settings.max_validation_examples)
        scored = padded_for_prediction(held, **limits, on_gpu=on_gpu) if held.rows else None
        told = f"{name} {task.data.fingerprints} {task.data.max_examples} {task.data.holdout} {task.encoding}"
        data = {f"{told} train": cached_bytes(whole), f"{told} held": cached_bytes(held)}
        return cls(whole, held, padded, scored, chosen, math.ceil(features / spec.settings.batch_size), data)

    @property
    def tokens_of_a_batch(self) -> float:
        """The mean, padding not counted."""
        return self.amount.features * self.amount.tokens_of_a_feature / max(1, self.batches)


@dataclass(frozen=True)
class Schedule:
    """How long a training stage is.

    Attributes:
        padded: Tokens with padding, of `calls` micro-batches.
        evaluations: During training, or of the mean after it; `scored_rows`, `scored_tokens` and `scored_calls` are
            those of all of them, and of the last one on all validation rows.
        averaged: Checkpoints whose mean is taken.
    """

    steps: int
    tokens: float
    padded: float
    calls: float
    evaluations: int
    averaged: int
    scored_rows: int
    scored_tokens: float
    scored_calls: float
    log_lines: int

    @classmethod
    def of(cls, spec: TrainSpec, trained: Mapping[str, Trained], counts: Mapping[str, int], steps: int) -> Schedule:
        epoch, settings = sum(counts.values()), spec.settings
        points = math.ceil(steps / settings.interval(steps, epoch))
        averaged = points if settings.average_checkpoints else 0
        selects = all(one.held.rows for one in trained.values())
        evaluations = 0 if not selects else min(1, points) if averaged else points
        tokens = padded = calls = scored_tokens = scored_calls = 0.0
        rows = 0
        for name, one in trained.items():
            own = steps * counts[name] / epoch
            tokens += own * one.tokens_of_a_batch
            padded += own * one.padded.tokens * one.amount.features / max(1, one.batches)
            calls += own * one.padded.calls
            if selects and one.scored:
                features = evaluations * one.chosen.features + one.held.features
                rows += evaluations * one.chosen.rows + one.held.rows
                scored_tokens += features * one.scored.tokens
                scored_calls += features * one.scored.calls
        lines = steps // max(1, steps // _LOG_LINES) + evaluations + 1 if steps else 1
        return cls(steps, tokens, padded, calls, evaluations, averaged, rows, scored_tokens, scored_calls, lines)


def cached_bytes(amount: Amount) -> int:
    """Bytes of rows' features in the store's cache."""
    return round(amount.features * amount.cached)
