"""Two phases of one training: the first is full fine-tuning, which whoever asks for it shares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapterstilts.modeling.methods import parse_method
from adapterstilts.modeling.storage import WEIGHTS, read_tensors
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.graph import Graph, Training
from adapterstilts.stages.planner import ResolvedMethod
from adapterstilts.stages.training.first_phase import first_phase
from adapterstilts.stages.training_spec import Start, plan_training
from tests.stages.conftest import World

ALONE = Start()


def planned(world: World, method: str, start: Start = ALONE, task: str = "squad") -> Training:
    planner = replace(world.planner, method=ResolvedMethod.of(parse_method(method), Memory.of_user()))
    phase = "train-target" if start.inputs else "train-intermediate"
    return plan_training(planner, [world.recipe(task)], phase, start=start)


@pytest.fixture(scope="module")
def sparse(trained_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Training]:
    world = trained_world.in_store(tmp_path_factory.mktemp("sparse") / "store")
    stage = planned(world, "lt_sft[density=0.02]")
    for one in (*stage.needs, stage):
        world.run(one)
    return world, stage


@pytest.mark.slow
def test_the_first_phase_is_the_stage_of_full_fine_tuning(sparse: tuple[World, Training]) -> None:
    world, stage = sparse
    (first,) = stage.needs
    assert first.key == planned(world, "full").key and not first.needs
    graph = Graph()
    graph.ask(stage)
    graph.ask(planned(world, "full"))
    assert len(graph) == 2 and graph.results == [stage] and graph.shared == 1
    assert first_phase(planned(world, "seq_bn").spec) is None and first_phase(first.spec) is None


def test_what_was_trained_is_what_the_first_phase_has_changed_most(sparse: tuple[World, Training]) -> None:
    world, stage = sparse
    store = world.planner.setup.store
    run, first = store.need(stage.key), store.need(stage.needs[0].key)
    own = dict(world.planner.setup.backbone.encoder(torch.float32, frozen=True).named_parameters())
    trained = read_tensors(first.folder / WEIGHTS)
    changes = torch.cat([(trained[f"backbone.{name}"] - one).abs().flatten() for name, one in own.items()]).numpy()
    indices = read_tensors(run.folder / WEIGHTS)["backbone.differences.squad.indices"].numpy()
    assert len(indices) == round(0.02 * len(changes))
    assert changes[indices].min() >= np.delete(changes, indices).max()
    # Both phases are what it took.
    for name in ("flops", "tokens_seen", "examples_seen"):
        assert run.metrics[name] > first.metrics[name]
    assert run.metrics["tokens_seen"] == 2 * first.metrics["tokens_seen"]
    assert run.metrics["flops"] == 2 * first.metrics["flops"]
    assert run.provenance["train_seconds"] > first.provenance["train_seconds"]


@pytest.mark.slow
def test_a_target_adds_a_difference_of_its_own_or_goes_on_with_the_weights(sparse: tuple[World, Training]) -> None:
    world, squad = sparse
    added = planned(world, "lt_sft[density=0.02]", Start(Choice(name="add"), (squad,)), "mlqa")
    first = first_phase(added.spec)
    assert first is not None and first.composition.name == "add" and first.inputs == (squad.key,)
    assert {one.key for one in added.needs} == {squad.key, planned_key(added)}
    going_on = planned(world, "lt_sft[density=0.02]", Start(Choice(name="continue"), (squad,)), "mlqa")
    assert going_on.needs == (squad,) and first_phase(going_on.spec) is None
    before = read_tensors(world.planner.setup.store.need(squad.key).folder / WEIGHTS)
    for one in (*added.needs, added, going_on):
        world.run(one)
    store = world.planner.setup.store
    two, same = (read_tensors(store.need(one.key).folder / WEIGHTS) for one in (added, going_on))
    names = {name for name in before if name.startswith("backbone.")}
    assert {name for name in two if name.startswith("backbone.")} == {
        *names, "backbone.differences.mlqa.indices", "backbone.differences.mlqa.values",
    }  # fmt: skip
    assert all(torch.equal(two[name], before[name]) for name in names)
    places, values = "backbone.differences.squad.indices", "backbone.differences.squad.values"
    assert torch.equal(same[places], before[places]) and not torch.equal(same[values], before[values])


def planned_key(stage: Training) -> str:
    return next(one.key for one in stage.needs if one.spec.method.name == "full")
