"""The mean of runs that differ in their seed alone, as a stage: it trains nothing (Schmidt et al. 2023, 2305.16834)."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.modeling.compositions import MEAN
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.graph import Stage, Training, made_by


def plan_mean(stages: Sequence[Training]) -> Training:
    """Plans the stage whose model has the mean of the weights of some others.

    Its validation data are theirs, which score it and choose thresholds.

    Args:
        stages: Of one spec but for its seed; they begin with the same new weights.
    """
    spec, first = made_by(stages[0]), stages[0]
    language = (first.need(spec.language_adapter),) if spec.language_adapter else ()
    changed = {
        "composition": Choice(name=MEAN),
        "head": "reuse",
        "settings": spec.settings.model_copy(update={"max_steps": 0}),
        "inputs": tuple(stage.key for stage in stages),
        "budget": None,
    }
    return Stage(spec.model_copy(update=changed), (*stages, *language))
