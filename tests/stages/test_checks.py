"""What is refused before anything runs: told from specs alone, and right about the models that they will give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.methods import parse_method
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.graph import Graph, Training
from adapterstilts.stages.planner import Planner, ResolvedMethod
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.training_spec import Start, plan_training
from tests.stages.conftest import World


def checks(world: World) -> Checks:
    return Checks(world.planner.setup, world.planner.facts, Silent().note)


def with_method(world: World, method: str) -> Planner:
    resolved = ResolvedMethod.of(parse_method(method), Memory.of_user())
    return replace(world.planner, method=resolved)


def target(world: World, planner: Planner, composition: str, *inputs: Training, **start: Any) -> Training:
    beginning = Start(Choice(name=composition, options=start.pop("options", {})), inputs, **start)
    return plan_training(planner, [world.recipe("mlqa")], "train-target", start=beginning)


def graph_of(*stages: Any) -> Graph:
    graph = Graph()
    for stage in stages:
        graph.ask(stage)
    return graph


PLANS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "none": ("seq_bn[reduction_factor=4]", "none", {}),
    "full": ("full", "continue", {}),
    "bitfit": ("bitfit", "continue", {}),
    "stack": ("seq_bn[reduction_factor=4]", "stack", {}),
    "continue": ("seq_bn[reduction_factor=4]", "continue", {"head": "reuse"}),
    "merged into the backbone": ("peft:lora", "stack", {}),
    "fuse": ("seq_bn[reduction_factor=4]", "fuse", {}),
    "one-step fusion": ("seq_bn[reduction_factor=4]", "fuse", {"options": {"target": "one-step"}}),
    "average": ("seq_bn[reduction_factor=4]", "average", {}),
    "merge": ("seq_bn[reduction_factor=4]", "merge", {}),
}


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", PLANS)
def test_a_planned_outline_is_that_of_the_model_which_comes_of_it(world: World, name: str) -> None:
    method, composition, start = PLANS[name]
    planner = with_method(world, method)
    first, second = (plan_training(planner, [world.recipe(task)], "train-intermediate") for task in ("squad", "ccg"))
    count = {"none": 0, "fuse": 2, "average": 2, "merge": 2}.get(composition, 1)
    stage = target(world, planner, composition, *(first, second)[:count], **start)
    before = checks(world).outline(stage)
    Local().run(graph_of(stage), world.planner.setup, Silent())
    after = ModelOutline.read(world.planner.setup.store.need(stage.key).folder)
    assert before == after
    assert checks(world).outline(stage) == after


def test_models_that_do_not_fit_are_refused_although_none_of_them_is_there(world: World) -> None:
    lora, seq_bn = with_method(world, "peft:lora"), with_method(world, "seq_bn[reduction_factor=8]")
    first = plan_training(lora, [world.recipe("squad")], "train-intermediate")
    stacked = target(world, lora, "stack", first)
    for stage, message in (
        (target(world, seq_bn, "stack", first), "whose library cannot be mixed"),
        (target(world, seq_bn, "continue", world.squad), "cannot be continued with seq_bn"),
        (target(world, lora, "merge", first, stacked), "has several adapters, and composition 'merge' takes one"),
        (target(world, lora, "stack", world.ccg, head="reuse"), "whose library cannot be mixed"),
        (target(world, world.planner, "stack", world.ccg, head="reuse"), "has no 'span' head with 2 outputs"),
    ):
        with pytest.raises(CompatibilityError, match=message):
            checks(world).models(graph_of(stage))
    with pytest.raises(UsageError, match="'merge' takes 2 or more intermediate runs, not 1"):
        checks(world).models(graph_of(target(world, world.planner, "merge", world.squad)))
    with pytest.raises(UsageError, match="--head reuse has no meaning for composition 'fuse'"):
        checks(world).models(graph_of(target(world, world.planner, "fuse", world.squad, head="reuse")))
    assert {run.key for run in world.planner.setup.store.runs()} == {world.squad.key, world.ccg.key}


def test_a_model_answers_only_what_it_was_trained_for(world: World) -> None:
    scored = plan_evaluation(world.planner, world.recipe("mlqa"), world.ccg, Scored(languages=("en",)))
    with pytest.raises(CompatibilityError, match="was trained for tagging, but mlqa is span_qa"):
        checks(world).models(graph_of(scored))
    udpos = plan_training(world.planner, [world.recipe("udpos")], "train-target")
    named = plan_evaluation(world.planner, world.recipe("panx"), udpos, Scored(languages=("en",)))
    with pytest.raises(CompatibilityError, match="was trained with the labels .*, but panx has"):
        checks(world).models(graph_of(named))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"one_text": True}, "was trained with one_text: false, but likeness has one_text: true"),
        ({"multi_label": True}, "was trained with multi_label: false, but likeness has multi_label: true"),
        ({"regression": True, "labels": ()}, "was trained with regression: false, but likeness has regression: true"),
        ({"labels": ("a", "b")}, "was trained with the labels .*'entailment'.*, but likeness has the labels .*'a'"),
    ],
)
def test_a_model_answers_only_in_the_form_that_it_was_trained_for(
    world: World, options: dict[str, Any], message: str
) -> None:
    mnli = world.recipe("mnli")
    trained = plan_training(world.planner, [mnli], "train-target")
    changed = {name: value for name, value in {**mnli.options, **options}.items() if value != ()}
    kind = mnli.model_copy(update={"options": changed}).build_kind()
    scored = plan_evaluation(world.planner, mnli, trained, Scored(languages=("en",)))
    spec = scored.spec.model_copy(update={"task": "likeness", "options": kind.decisive_options()})
    with pytest.raises(CompatibilityError, match=message):
        checks(world).models(graph_of(replace(scored, spec=spec)))


def test_a_method_is_tried_only_where_something_has_to_be_trained(world: World) -> None:
    planner = with_method(world, "seq_bn[leave_out=0+1]")
    stage = plan_training(planner, [world.recipe("squad")], "train-intermediate")
    with pytest.raises(CompatibilityError, match="has no weights in .*, all of whose layers it leaves out"):
        checks(world).data(graph_of(stage), force=False)
    with pytest.raises(CompatibilityError, match="has no weights"):
        checks(world).data(graph_of(stage), force=True)
    checks(world).data(graph_of(world.squad), force=False)  # finished: nothing has to fit any more


def test_what_does_not_fit_together_is_told_before_its_layers_are_counted(world: World) -> None:
    planner = with_method(world, "seq_bn[leave_out=0]")
    once = replace(planner, settings={**planner.settings, "frozen_once": True})
    whole = plan_training(with_method(world, "full"), [world.recipe("squad")], "train-intermediate")
    for composition in ("fuse", "merge"):
        graph = graph_of(target(world, once, composition, whole, whole))
        with pytest.raises(CompatibilityError, match="was trained with full"):
            checks(world).models(graph)
