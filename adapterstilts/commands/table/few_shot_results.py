"""What the Python API returns of few shots, and `--json` prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts.commands.table.contrasts import Contrast
from adapterstilts.metrics.intervals import Interval
from adapterstilts.runs.shots import Shots


@dataclass(frozen=True)
class DrawScores:
    """What one draw of rows gave one zero-shot model.

    Attributes:
        seed: Of that model, and of this training.
        draw: Its number, from 1.
        scores: Metric to value in the language of the rows, in percent, and the number of `examples`.
        counts: What else has to be known about the predictions.
        shots: The rows, as they are in the spec.
        folder: The run folder of the evaluation, and `trained` that of the training.
    """

    seed: int
    draw: int
    scores: dict[str, float]
    counts: dict[str, int]
    shots: Shots
    folder: Path
    trained: Path


@dataclass(frozen=True)
class FewShotRow:
    """A zero-shot row that went on with so many labelled rows of a language, and was scored in it: not zero-shot.

    Attributes:
        task: As in `TransferRow`, and so are `title`, `metric_labels`, `intermediate`, `composition`, `method`,
            `variant` and `split`.
        zero_shot_row: The name of the row that it goes on from.
        language: The language of the rows, and the only one that was scored.
        shots: How many rows were trained on.
        of: How many they were drawn from, `where`.
        left_out: How many were not there to be drawn because they share a text with scored rows.
        scores: Metric to its mean over draws and seeds, in percent, and the number of `examples`.
        spread: The sample standard deviation over draws of each metric's mean over seeds; with one draw, over seeds,
            and with one of each empty.
        zero_shot: The scores of the zero-shot row in the language, and `zero_shot_spread` their standard deviation over
            seeds.
        draws: Every draw of every seed.
        difference: Metric, and the task score as `score`, to the gain over the zero-shot row.
        contrast: The same with what its intervals are about.
        settings: `learning_rate`, `epochs` and `batch_size`.
        seconds: Training and evaluation, all draws and seeds together.
    """

    task: str
    title: str
    metric_labels: dict[str, str]
    intermediate: str
    composition: str
    method: str
    variant: str | None
    split: str
    zero_shot_row: str
    language: str
    shots: int
    of: int
    left_out: int
    where: str
    scores: dict[str, float]
    spread: dict[str, float]
    zero_shot: dict[str, float]
    zero_shot_spread: dict[str, float]
    draws: list[DrawScores]
    difference: dict[str, Interval]
    contrast: Contrast | None
    settings: dict[str, float]
    seconds: dict[str, float]

    def records(self, *, seeds: bool = False) -> list[dict[str, Any]]:
        """Every score by itself; see `TransferResult.records`."""
        named = {
            "task": self.task, "split": self.split, "row": self.zero_shot_row, "intermediate": self.intermediate,
            "composition": self.composition, "method": self.method, "variant": self.variant, "selection": None,
        }  # fmt: skip
        made: list[tuple[int | None, int | None, dict[str, float]]] = [(None, None, self.scores)]
        if seeds:
            made = [(one.seed, one.draw, one.scores) for one in self.draws]
        return [
            {
                **named, "seed": seed, "language": self.language, "metric": metric, "value": scores[metric],
                "examples": int(scores["examples"]), **({} if seeds else self._apart(metric)), "shots": self.shots,
                "draw": draw,
            }
            for seed, draw, scores in made
            for metric in self.metric_labels
            if metric in scores
        ]  # fmt: skip

    def _apart(self, metric: str) -> dict[str, Any]:
        """How a mean over draws and seeds varies, and how it differs from the zero-shot row's."""
        one = self.difference.get(metric)
        return {
            "spread": self.spread.get(metric),
            "against": self.contrast.against if self.contrast and one else None,
            "difference": one and one.mean,
            **{name: one and getattr(one, name) for name in ("low", "high", "p_holm")},
        }
