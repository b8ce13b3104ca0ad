"""Which stages are submitted together: few arrays, in which each stage waits for what it needs alone."""

from __future__ import annotations

from typing import Any

from adapterstilts.stages.engines.slurm.arrays import Array, arrays
from adapterstilts.stages.graph import Stage
from tests.runs.test_specs import evaluate_spec, train_spec


def training(seed: int, *needs: Stage[Any]) -> Stage[Any]:
    return Stage(train_spec(seed=seed, inputs=tuple(one.key for one in needs)), needs)


def evaluation(of: Stage[Any], split: str = "test") -> Stage[Any]:
    return Stage(evaluate_spec(inputs=(of.key,), split=split), (of,))


def waits(found: list[Array], stages: list[Stage[Any]]) -> dict[str, set[str]]:
    """What Slurm lets each stage wait for, told as Slurm understands it."""
    places = {(number, index): stage for number, one in enumerate(found) for index, stage in one.stages.items()}
    assert sorted(stage.key for stage in places.values()) == sorted(stage.key for stage in stages)
    of = {stage.key: number for (number, _), stage in places.items()}
    told = {}
    for (number, index), stage in places.items():
        array = found[number]
        assert all(key not in of or of[key] < number for key in array.after)
        beside = {places[of[array.after[0]], index].key} if array.beside else set()
        told[stage.key] = beside or set(array.after)
    return told


def test_each_stage_waits_for_what_it_needs_and_nothing_else() -> None:
    shared = [training(1), training(2)]
    targets = [training(10 + number, shared[number % 2]) for number in range(6)]
    both = training(20, *shared)
    evaluations = [evaluation(one) for one in (*targets, both)]
    again = [evaluation(one, "validation") for one in targets[:2]]
    stages = [*shared, *targets, both, *evaluations, *again]
    found = list(arrays(stages, (), most=1000))
    needed = {stage.key: {one.key for one in stage.needs} for stage in stages}
    assert waits(found, stages) == needed
    # The shared ones, what waits for each, what waits for both, and evaluations beside their trainings.
    assert [(len(one.stages), one.beside) for one in found] == [
        (2, False), (1, False), (3, False), (3, False), (3, True), (1, True), (3, True), (1, True), (1, True),
    ] or len(found) <= 9  # fmt: skip


def test_rows_with_their_evaluations_are_two_arrays_however_many_there_are() -> None:
    trainings = [training(seed) for seed in range(30)]
    stages = [stage for one in trainings for stage in (one, evaluation(one))]
    found = list(arrays(stages, (), most=1000))
    assert [(len(one.stages), one.beside, one.indices) for one in found] == [(30, False, "0-29"), (30, True, "0-29")]
    few = list(arrays(stages, (), most=12))
    assert [len(one.stages) for one in few] == [12, 12, 6, 12, 12, 6] and waits(few, stages)


def test_what_is_queued_is_waited_for_and_what_is_there_is_not() -> None:
    queued, there = training(1), training(2)
    stages = [training(3, queued), training(4, there), training(5, there)]
    found = list(arrays(stages, {queued.key}, most=1000))
    assert {one.after: [stage.key for stage in one.stages.values()] for one in found} == {
        (queued.key,): [stages[0].key],
        (): [stages[1].key, stages[2].key],
    }


def test_indices_are_written_as_ranges() -> None:
    some = {index: training(index) for index in (7, 0, 1, 2, 5, 9, 8)}
    assert Array(some).indices == "0-2,5,7-9"
