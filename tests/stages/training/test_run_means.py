"""The stage whose model is the mean of those of others: what its spec says, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.specs import Choice, key
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.graph import Graph, Training
from adapterstilts.stages.training.run_means import plan_mean
from adapterstilts.stages.training_spec import Start, plan_training
from tests.stages.conftest import World


def target(world: World, seed: int, first: int | None) -> Training:
    planner = replace(world.planner, seed=seed, first_weights=first)
    start = Start(composition=Choice(name="stack"), inputs=(world.squad,))
    return plan_training(planner, [world.recipe("mlqa")], "train-target", start=start)


def test_it_is_the_spec_of_the_first_but_for_what_it_begins_with(world: World) -> None:
    stages = [target(world, seed, 3) for seed in (3, 4)]
    assert [stage.spec.first_weights for stage in stages] == [None, 3]
    assert key(target(world, 3, None).spec) == stages[0].key != target(world, 4, None).key != stages[1].key
    mean = plan_mean(stages)
    assert mean.spec.inputs == tuple(stage.key for stage in stages) == tuple(stage.key for stage in mean.needs)
    assert mean.spec.settings.max_steps == 0 and mean.spec.head == "reuse" and str(mean.spec.composition) == "mean"
    changed = {"composition", "settings", "inputs", "head"}
    assert mean.spec.model_dump(exclude=changed) == stages[0].spec.model_dump(exclude=changed)


def test_it_is_trained_by_nothing_and_scored(world: World) -> None:
    stages = [target(world, seed, 3) for seed in (3, 4)]
    first, second = (world.run(stage) for stage in stages)
    made = world.run(plan_mean(stages))
    assert (made.metrics["steps"], made.metrics["flops"], made.metrics["tokens_seen"]) == (0, 0, 0)
    assert made.metrics["best_score"] == made.metrics["validation"]["score"] and made.metrics["validation_all"]
    weights = [load_file(run.folder / WEIGHTS) for run in (first, second, made)]
    for name, tensor in weights[2].items():
        torch.testing.assert_close(tensor, (weights[0][name] + weights[1][name]) / 2)
    source = load_file(world.run(world.squad).folder / WEIGHTS)  # what lies below is frozen, and stays as it is
    below = [name for name in source if ".squad." in name and not name.startswith("heads.")]
    assert below and all(torch.equal(source[name], weights[2][name]) for name in below)


def test_others_have_no_mean(world: World) -> None:
    graph = Graph()
    graph.add(plan_mean([target(world, 3, None), world.ccg]))
    with pytest.raises(CompatibilityError, match="do not differ in their seed alone"):
        Checks(world.planner.setup, world.planner.facts, print).models(graph)
