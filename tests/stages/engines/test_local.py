"""The engine of one process: the store, stages that fail or are busy, and weights that are shared and never change."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adapterstilts.errors import AstiltsError, CompatibilityError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.failures import StagesFailedError, recorded_failure
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Change, Silent
from adapterstilts.stages.training_spec import Start, plan_training
from tests.stages.conftest import World


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


@pytest.mark.slow
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


class Interested(Silent):
    """Remembers what happened to which stage."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.changes: list[Change] = []

    def note(self, message: str) -> None:
        self.noted.append(message)

    def changed(self, change: Change) -> None:
        self.changes.append(change)

    def seen(self, happened: str) -> list[str]:
        return [change.stage for change in self.changes if change.happened == happened]


def test_what_does_not_need_a_stage_that_failed_is_made(world: World) -> None:
    """A stage on another backbone fails, and with it its evaluation; the other rows are there."""
    graph, stages = plan(world)
    wrong: Stage[Any] = Stage(stages[0].spec.model_copy(update={"backbone": "sha256:other"}))
    scored = Stage(stages[1].spec.model_copy(update={"inputs": (wrong.key,)}), (wrong,))
    first = Graph()
    for stage in (wrong, scored, *graph):
        first.add(stage)
    seen = Interested()
    with pytest.raises(CompatibilityError, match="is a stage on another backbone"):
        Local(Policy(retries=3)).run(first, world.planner.setup, seen)
    store = world.planner.setup.store
    assert all(store.find(stage.spec) for stage in stages)
    assert (seen.seen("failed"), seen.seen("dropped"), seen.seen("retried")) == ([wrong.name], [scored.name], [])
    last = seen.changes[-1].totals
    assert (last.stages, last.done, last.failed, last.dropped, last.running, last.waiting) == (6, 4, 1, 1, 0, 0)
    (failure,) = [recorded_failure(store.work(wrong.spec))]
    assert failure is not None and failure.sort == "CompatibilityError" and failure.log is not None
    assert "Traceback (most recent call last)" in failure.log.read_text()
    with pytest.raises(CompatibilityError):
        Local(Policy(fail_fast=True)).run(first, world.planner.setup, seen, force=True)
    assert seen.changes[-1].totals.done == 0


class Lost(Interested):
    """Fails at a training's first step as a kernel does that has read what is not its own."""

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


def test_without_its_gpu_a_process_begins_nothing_else(world: World) -> None:
    """All that it began would fail, and be told to have failed of this."""
    graph, stages = plan(world)
    seen = Lost()
    with pytest.raises(AstiltsError, match=r"no other stage can use the GPU in this process: CUDA error.*--jobs 2"):
        Local(Policy(retries=3)).run(graph, world.planner.setup, seen)
    assert seen.seen("started") == [stages[0].name]


class Breaking(Interested):
    """Fails when a batch of a language is shown, so often."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        self.times -= 1
        if self.times >= 0:
            raise RuntimeError(f"broken, {self.times} left")
        return batches


@pytest.mark.slow
def test_what_is_nobodys_fault_is_tried_again_after_the_others(world: World) -> None:
    graph, stages = plan(world)
    trained, first, _, second = stages
    seen = Breaking(2)
    Local(Policy(retries=2)).run(graph, world.planner.setup, seen)
    assert seen.seen("retried") == [first.name, second.name] or seen.seen("retried") == [first.name] * 2
    assert seen.seen("failed") == [] and all(world.planner.setup.store.find(one.spec) for one in stages)
    folder = world.planner.setup.store.folder(first.spec)
    assert not [path.name for path in folder.rglob("*") if "error" in path.name or "failure" in path.name]
    with pytest.raises(StagesFailedError, match="2 stages failed") as several:
        Local().run(graph, world.planner.setup, Breaking(9), force=True)
    assert "RuntimeError: broken, 8 left" in str(several.value) and several.value.exit_code == 1
    again = pickle.loads(pickle.dumps(several.value))
    assert str(again) == str(several.value) and [one.name for one in again.failures] == [first.name, second.name]
    assert trained.name not in str(again)


HOLDER = """
import pickle, sys
spec, store = pickle.load(open(sys.argv[1], "rb"))
with store.claim(spec, on_wait=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_stage_that_another_process_works_on_comes_last(world: World, tmp_path: Path) -> None:
    """The first row's training is locked by a real process, which lets it go when it is waited for."""
    graph, stages = plan(world)
    store = world.planner.setup.store
    (tmp_path / "held").write_bytes(pickle.dumps((stages[0].spec, store)))
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "held")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"

        class Releasing(Interested):
            def note(self, message: str) -> None:
                super().note(message)
                if "waiting for its result" in message:
                    assert [bool(store.find(one.spec)) for one in stages] == [False, False, True, True]
                    process.stdin.close()  # type: ignore[union-attr]

        assert store.claimed(stages[0].spec) and not store.claimed(stages[1].spec)
        seen = Releasing()
        Local().run(graph, world.planner.setup, seen)
    assert seen.noted[1:] == [f"{stages[0].name}: another process works on this stage; waiting for its result"]
    assert all(store.find(one.spec) for one in stages)
    assert seen.seen("waiting") == [stages[0].name] and seen.changes[-1].totals.done == 4


def test_stages_of_one_graph_are_made_with_setups_of_their_own(world: World, other_backbone: Path) -> None:
    """The same training on two backbones, each with the setup that its part of the graph came with."""
    backbone = locate_backbone(str(other_backbone))
    others = replace(world.planner, setup=replace(world.planner.setup, backbone=backbone))
    graph, own = Graph(), Graph()
    here, there = (plan_training(one, [world.recipe("mlqa")], "train-target") for one in (world.planner, others))
    graph.ask(here)
    own.ask(there)
    graph.join(own, others.setup)
    assert graph.asked == 2 and graph.setup_of(there, world.planner.setup) is others.setup
    Local().run(graph, world.planner.setup, Silent())
    store = world.planner.setup.store
    weights = [load_file(store.need(one.key).folder / WEIGHTS) for one in (here, there)]
    assert [store.need(one.key).provenance["backbone"] for one in (here, there)] == [
        world.planner.setup.backbone.name, str(other_backbone),
    ]  # fmt: skip
    assert any(not torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
