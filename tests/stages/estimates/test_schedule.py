"""How long a stage is, beside what its trainer makes of the same settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapterstilts.stages.estimates.amounts import Amounts
from adapterstilts.stages.estimates.schedule import Schedule, Trained
from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World


@pytest.mark.parametrize(
    ("settings", "steps", "evaluations"),
    [
        ({"epochs": 2, "batch_size": 8}, 6, 2),
        ({"epochs": 2, "batch_size": 8, "eval_steps": 4}, 6, 2),  # and one after the last step
        ({"epochs": 2, "batch_size": 8, "eval_steps": 100}, 6, 2),  # never reached: after each epoch
        ({"max_steps": 0}, 0, 0),
        ({"max_steps": 5, "batch_size": 8, "eval_steps": 1}, 5, 5),
    ],
)
def test_steps_and_evaluations(settings: dict, steps: int, evaluations: int, trained_world: World) -> None:
    planner = replace(trained_world.planner, settings={**trained_world.planner.settings, **settings})
    spec = plan_training(planner, [trained_world.recipe("squad")], "train-intermediate").spec
    found = Amounts(planner.setup).training(spec.only)
    assert found is not None
    trained = {"squad": Trained.of(planner.setup, spec, "squad", *found, on_gpu=False)}
    batches = trained["squad"].batches
    length = spec.settings.max_steps if spec.settings.max_steps is not None else 2 * batches
    schedule = Schedule.of(spec, trained, {"squad": batches}, length)
    assert (schedule.steps, schedule.evaluations, schedule.averaged) == (steps, evaluations, 0)
    chosen = min(spec.settings.max_validation_examples, found[1].rows)
    assert schedule.scored_rows == evaluations * chosen + found[1].rows
    assert schedule.tokens == pytest.approx(steps * trained["squad"].tokens_of_a_batch)


@pytest.mark.parametrize(("eval_steps", "points"), [(10, 3), (25, 9), (None, 9)])  # a tenth, rounded up, is 3 steps
def test_checkpoints_that_are_averaged_are_scored_once(
    eval_steps: int | None, points: int, trained_world: World
) -> None:
    given = {**trained_world.planner.settings, "average_checkpoints": True, "max_steps": 25, "eval_steps": eval_steps}
    planner = replace(trained_world.planner, settings=given)
    spec = plan_training(planner, [trained_world.recipe("squad")], "train-intermediate").spec
    found = Amounts(planner.setup).training(spec.only)
    assert found is not None
    trained = {"squad": Trained.of(planner.setup, spec, "squad", *found, on_gpu=False)}
    schedule = Schedule.of(spec, trained, {"squad": 3}, 25)
    assert (schedule.averaged, schedule.evaluations) == (points, 1)
    assert schedule.scored_rows == 16 + found[1].rows
