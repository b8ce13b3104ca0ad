"""What one should know before believing a run: that it has collapsed, has learnt nothing, or is worse than a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapterstilts.data.bad_rows import told_of_left_out
from adapterstilts.runs.store import Run
from adapterstilts.tasks.defaults import SAME

# Weights that training has moved by less are as good as those that it began with.
_UNCHANGED = 1e-6


def training_doubts(run: Run) -> list[str]:
    """Sentences about a trained model, from what is known of its validation data and of its weights."""
    metrics = run.metrics
    several = len(run.training.tasks) > 1
    found = []
    change = metrics.get("largest_change")
    if change is not None and change <= _UNCHANGED and metrics["steps"]:
        found.append(
            f"its weights are as they were before training (the largest change is {change:.1g}): a higher "
            "--learning-rate or more steps would change them"
        )
    for task, collapse in _collapsed(metrics, "validation").items():
        found.append(f"{f'{task}: ' if several else ''}it gives {collapse} in the validation data: it has collapsed")
    for task, constant in metrics.get("constant", {}).items():
        score = metrics["validation_all"][f"{task}/score" if several else "score"]
        if score < constant:
            found.append(
                f"{f'{task}: ' if several else ''}its validation score of {score:.1f} is below the {constant:.1f} of "
                "one and the same answer for all: training has done harm"
            )
    return found


def evaluation_doubts(run: Run, languages: tuple[str, ...]) -> list[str]:
    """Sentences about scores: in which languages a model answers all alike."""
    by_reason: dict[str, list[str]] = {}
    for language, collapse in _collapsed(run.metrics, "counts").items():
        if language in languages:
            by_reason.setdefault(collapse, []).append(language)
    return [f"{reason} in {', '.join(where)}" for reason, where in by_reason.items()]


def left_out_doubts(run: Run) -> list[str]:
    """A sentence about rows that are not among the scored, if there are any."""
    left_out = told_of_left_out(run.provenance.get("rows_left_out") or {})
    return [f"of the rows to score, it lacks {left_out}"] if left_out else []


def _collapsed(metrics: Mapping[str, Any], counts: str) -> dict[str, str]:
    """Task or language to what is one and the same; of runs that earlier versions made, by their counts alone."""
    if "collapsed" in metrics:
        return dict(metrics["collapsed"])
    told = metrics.get(counts) or {}
    alone = {"": told} if "distinct_predictions" in told else told
    return {name: SAME for name, one in alone.items() if hasattr(one, "get") and one.get("distinct_predictions") == 1}
