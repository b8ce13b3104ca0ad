"""Which stage comes next: after what it needs, on the weights that are loaded, in the graph's order or by urgency."""

from __future__ import annotations

import time
from typing import Any

from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.stages.engines.agenda import Agenda, longest_behind, weights_of
from adapterstilts.stages.graph import Graph, Stage
from tests.runs.test_specs import evaluate_spec, train_spec


def after(stage: Stage[Any], **values: Any) -> Stage[Any]:
    """A training that goes on from another one."""
    spec = train_spec(
        method=stage.spec.method, composition=Choice(name="continue"), inputs=(stage.key,), **values
    )  # fmt: skip
    return Stage(spec, (stage,))


def scored(stage: Stage[Any]) -> Stage[Any]:
    return Stage(evaluate_spec(inputs=(stage.key,)), (stage,))


def order_of(stages: list[Stage[Any]], *, critical_path: bool = False) -> list[str]:
    agenda, found, loaded = Agenda(stages, critical_path=critical_path), [], None
    while (stage := agenda.take(loaded)) is not None:
        loaded = weights_of(stage)
        found.append(stage.key)
        agenda.made(stage)
    return found


def keys(*stages: Stage[Any]) -> list[str]:
    return [stage.key for stage in stages]


def test_stages_follow_what_they_need_and_those_that_read_the_same_weights_each_other() -> None:
    frozen, full = (
        Stage(train_spec(stage="train-intermediate", method=MethodSpec(name=name))) for name in ("seq_bn", "full")
    )
    then = [after(one) for one in (frozen, full)]
    last = [scored(one) for one in then]
    assert order_of([frozen, full, *then, *last]) == keys(frozen, then[0], last[0], full, then[1], last[1])


def test_several_backbones_are_loaded_one_after_the_other() -> None:
    firsts = [Stage(train_spec(backbone=name, seed=seed)) for seed in (1, 2) for name in ("sha256:a", "sha256:b")]
    assert order_of(firsts) == keys(firsts[0], firsts[2], firsts[1], firsts[3])


def test_the_longest_chain_comes_first_where_several_are_made_at_a_time() -> None:
    alone, first = Stage(train_spec(seed=5)), Stage(train_spec(stage="train-intermediate"))
    chain = [first, after(first), after(after(first), seed=2)]
    assert order_of([alone, *chain]) == keys(alone, *chain)
    assert order_of([alone, *chain], critical_path=True) == keys(*chain[:2], alone, chain[2])


def test_what_is_put_back_comes_after_all_that_can_begin() -> None:
    stages = [Stage(train_spec(seed=seed)) for seed in (1, 2, 3)]
    agenda = Agenda(stages)
    first = agenda.take()
    assert first is stages[0]
    agenda.put_back(first)
    assert [agenda.take() for _ in range(4)] == [*stages[1:], first, None]


def test_what_is_given_back_keeps_its_place() -> None:
    stages = [Stage(train_spec(seed=seed)) for seed in (1, 2, 3)]
    agenda = Agenda(stages)
    first = agenda.take()
    assert first is stages[0]
    agenda.give_back(first)
    assert [agenda.take() for _ in range(4)] == [*stages, None]


def test_how_much_waits_for_a_stage_is_its_longest_chain() -> None:
    first = Stage(train_spec(stage="train-intermediate"))
    second, alone = after(first), Stage(train_spec(seed=9))
    third = after(second, seed=2)
    found = longest_behind([first, second, third, scored(second), scored(third), alone])
    assert [found[one.key] for one in (first, second, third, scored(third), alone)] == [3, 2, 1, 0, 0]


def test_all_that_needs_a_stage_is_known_and_never_begins_without_it() -> None:
    first = Stage(train_spec(stage="train-intermediate"))
    second, other = after(first), Stage(train_spec(seed=9))
    agenda = Agenda([first, second, scored(second), other])
    assert agenda.take() is first
    assert {one.key for one in agenda.dependents(first)} == {second.key, scored(second).key}
    assert agenda.take() is other and agenda.take() is None


def test_twenty_thousand_stages_are_planned_and_ordered_in_time_that_grows_with_their_number() -> None:
    """Chains of ten from one stage, and one of a thousand; at twice the number it takes about twice the time."""
    seconds = []
    for size in (2_000, 4_000, 20_000):
        stages = [Stage(train_spec(stage="train-intermediate"))]
        for number in range(1, size):
            above = stages[number - 1] if number % 10 or number < 1_000 else stages[0]
            stages.append(Stage(stages[0].spec, (above,)))
            vars(stages[number])["key"] = f"{number:064d}"  # what a spec's JSON costs is not asked here
        begun = time.process_time()
        graph = Graph()
        for stage in stages:
            graph.ask(stage)
        assert len(order_of(graph.to_make(), critical_path=True)) == size == len(graph)
        assert graph.shared == graph.asked - size > 0
        seconds.append(time.process_time() - begun)
    assert seconds[2] < 30 * seconds[0] + 0.5 and seconds[2] < 10
