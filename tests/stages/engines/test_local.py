"""The engine of one process: order, the store, and weights that are shared and never change."""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file

from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.stages.engines.local import Local, in_order
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.training_spec import Start, plan_training
from tests.runs.test_specs import evaluate_spec, train_spec
from tests.stages.conftest import World


def test_stages_follow_what_they_need_and_those_that_read_the_same_weights_each_other() -> None:
    frozen, full = (
        Stage(train_spec(stage="train-intermediate", method=MethodSpec(name=name))) for name in ("seq_bn", "full")
    )
    after = [
        Stage(train_spec(method=one.spec.method, composition=Choice(name="continue"), inputs=(one.key,)), (one,))
        for one in (frozen, full)
    ]
    scored = [Stage(evaluate_spec(inputs=(one.key,)), (one,)) for one in after]
    graph = Graph()
    for stage in (frozen, full, *after, *scored):
        graph.add(stage)
    order = [stage.key for stage in in_order(graph.to_make())]
    expected = [frozen, after[0], scored[0], full, after[1], scored[1]]
    assert order == [stage.key for stage in expected]


def plan(world: World) -> tuple[Graph, list[Stage[Any]]]:
    """Two rows of one target, with and without intermediate task, and their evaluations."""
    graph, found = Graph(), []
    for start in (Start(), Start(Choice(name="stack"), (world.squad,))):
        target = plan_training(world.planner, [world.recipe("mlqa")], "train-target", start=start)
        scored = plan_evaluation(world.planner, world.recipe("mlqa"), target, Scored(languages=("en",), max_examples=8))
        found += [target, graph.ask(scored)]
    return graph, found


def test_what_it_makes_is_in_the_store_and_is_made_once(world: World) -> None:
    graph, stages = plan(world)
    store = world.planner.setup.store
    Local().run(graph, world.planner.setup, Silent())
    finished = {stage.key: store.need(stage.key).provenance["finished"] for stage in stages}
    Local().run(graph, world.planner.setup, Silent())
    assert {stage.key: store.need(stage.key).provenance["finished"] for stage in stages} == finished
    Local().run(graph, world.planner.setup, Silent(), force=True)
    again = {stage.key: store.need(stage.key).provenance["finished"] for stage in stages}
    assert all(again[key] > finished[key] for key in finished)


def test_the_frozen_backbone_is_read_once_and_is_the_same_after_all_stages(world: World) -> None:
    backbone = world.planner.setup.backbone
    graph, _ = plan(world)
    Local().run(graph, world.planner.setup, Silent())
    shared = backbone.encoder(torch.float32, frozen=True)
    assert next(shared.parameters()).data_ptr() == next(
        backbone.encoder(torch.float32, frozen=True).parameters()
    ).data_ptr()  # fmt: skip
    fresh = dict(backbone.encoder(torch.float32).named_parameters())
    for name, parameter in shared.named_parameters():
        assert torch.equal(parameter, fresh[name]) and parameter.data_ptr() != fresh[name].data_ptr(), name


def test_stages_that_share_a_backbone_train_as_they_would_alone(world: World, tmp_path: Any) -> None:
    graph, (none, *_) = plan(world)
    Local().run(graph, world.planner.setup, Silent())
    alone = world.in_store(tmp_path / "alone")
    weights = [load_file(one.folder / WEIGHTS) for one in (world.planner.setup.store.need(none.key), alone.run(none))]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
