"""A few English examples of a task: which they are, and who has none."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.stages.ranking.examples import Examples
from tests.stages.conftest import World


def test_they_are_the_first_of_those_that_a_target_trains_on(world: World) -> None:
    found = Examples.of(world.planner, world.recipe("mlqa"), "train-target", 6)
    assert found.spec.data.languages == ("en",) and found.spec.data.max_examples == 6
    assert set(found.features()["row"]) == set(range(6)) and "start_positions" in found.features().column_names
    more = Examples.of(world.planner, world.recipe("mlqa"), "train-target", 500)
    assert more.spec.data.max_examples == 24 and more.identity != found.identity  # of --max-train-examples


def test_of_a_target_with_several_trainings_they_are_those_of_the_last(world: World) -> None:
    assert Examples.of(world.planner, world.recipe("xcopa"), "train-target", 6).spec.name == "copa"


def test_a_task_that_nothing_is_trained_for_has_none(world: World) -> None:
    with pytest.raises(UsageError, match=r"tatoeba has no English training examples.*--from all --to tatoeba"):
        Examples.of(world.planner, world.recipe("tatoeba"), "train-target", 6)
