"""Stages as data: keys before anything has run, each stage once, and what sharing saves."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import Choice, key
from adapterstilts.stages.graph import Graph, Stage, with_needs
from tests.runs.test_specs import evaluate_spec, train_spec


def chain(*, seed: int = 1) -> tuple[Stage, Stage, Stage]:
    """An intermediate stage, a target stage that starts from it, and the evaluation of that."""
    first = Stage(train_spec(stage="train-intermediate"))
    second = Stage(train_spec(composition=Choice(name="stack"), inputs=(first.key,), seed=seed), (first,))
    return first, second, Stage(evaluate_spec(inputs=(second.key,)), (second,))


def test_a_key_is_that_of_the_spec_and_known_before_anything_has_run() -> None:
    first, second, third = chain()
    assert first.key == key(first.spec) and second.spec.inputs == (first.key,)
    assert third.need(second.key) is second and third.name == f"evaluate-xquad-{third.key[:12]}"
    assert [one.trains for one in (first, second, third)] == [True, True, False]
    with pytest.raises(StopIteration):
        third.need(first.key)


def test_equal_stages_are_one_and_stand_behind_what_they_need() -> None:
    graph = Graph()
    for seed in (1, 2, 1):
        graph.ask(chain(seed=seed)[-1])
    stages = list(graph)
    assert [one.spec.stage for one in stages] == [
        "train-intermediate", "train-target", "evaluate", "train-target", "evaluate",
    ]  # fmt: skip
    for number, stage in enumerate(stages):
        assert {need.key for need in stage.needs} <= {one.key for one in stages[:number]}
    # Three results with two trainings each; the intermediate one and one target phase are shared.
    assert (graph.asked, graph.shared) == (6, 3)


def test_finished_runs_are_not_the_graphs_to_make() -> None:
    first, second, third = chain()
    given = Stage(first.spec, run=object())  # type: ignore[arg-type]
    graph = Graph()
    graph.ask(Stage(third.spec, (Stage(second.spec, (given,)),)))
    assert [one.spec.stage for one in graph.to_make()] == ["train-target", "evaluate"] and len(graph) == 3
    assert (graph.asked, graph.shared) == (1, 0)


def test_all_that_stages_need_is_found_once() -> None:
    first, second, third = chain()
    found = with_needs([third, second])
    assert {one.key for one in found} == {first.key, second.key, third.key} and len(found) == 3


def test_a_stage_is_found_with_what_it_needs_by_the_digits_of_its_key() -> None:
    graph = Graph()
    for seed in (1, 2):
        graph.ask(chain(seed=seed)[-1])
    first, second, third = chain(seed=2)
    only = graph.only(third.key[:12])
    assert [one.key for one in only] == [first.key, second.key, third.key] and (only.asked, only.shared) == (2, 0)
    for digits, said in (("", "is none"), ("x", "is none of the 5 stages")):
        with pytest.raises(UsageError, match=said):
            graph.only(digits)


def test_setups_stay_with_the_part_of_a_graph_that_they_came_with() -> None:
    one, other, whole = (object() for _ in range(3))
    first, second, third = chain()
    graph, more = Graph(), Graph()
    graph.ask(second, one)  # type: ignore[arg-type]
    more.ask(third)
    graph.join(more, other)  # type: ignore[arg-type]
    found = [graph.setup_of(stage, whole) for stage in (first, second, third)]  # type: ignore[arg-type]
    assert found == [one, one, other] and graph.setup_of(Stage(train_spec(seed=7)), whole) is whole  # type: ignore[arg-type]
    assert graph.asked == 4
