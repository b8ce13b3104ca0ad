"""Every way of ranking gives each run a score, from what it says it reads."""

from __future__ import annotations

from typing import get_args

import pytest

from adapterstilts.commands.options import RecommendOptions
from adapterstilts.declared import declared_by
from adapterstilts.errors import DataError
from adapterstilts.runs.specs import SharedSpec
from adapterstilts.stages.ranking.rankings import RANKINGS, Target
from tests.stages.conftest import World


def target(world: World, name: str, size: int = 12) -> Target:
    return Target(world.planner, world.recipe(name), size)


def test_the_ways_are_those_that_can_be_asked_for() -> None:
    assert tuple(RANKINGS) == get_args(declared_by(RecommendOptions)["by"].form)
    assert len({one.title for one in RANKINGS.values()}) == len(RANKINGS)


@pytest.mark.slow(but=7)
@pytest.mark.parametrize("name", RANKINGS)
@pytest.mark.parametrize("task", ["mlqa", "xnli", "panx", "xcopa", "lareqa"])
def test_a_score_is_the_same_again(world: World, name: str, task: str) -> None:
    ranking, wanted = RANKINGS[name], target(world, task)
    if ranking.labels is not None and wanted.observes not in ranking.labels:
        return
    squad, ccg = (world.run(stage) for stage in (world.squad, world.ccg))
    scores = [ranking.score(run, wanted) for run in (squad, ccg)]
    assert [ranking.score(run, target(world, task)) for run in (squad, ccg)] == scores
    assert all(isinstance(score, float) for score in scores)


def test_trivial_rules_read_no_examples(world: World) -> None:
    squad, ccg = (world.run(stage) for stage in (world.squad, world.ccg))
    wanted = target(world, "tatoeba")  # which has none
    assert RANKINGS["size"].score(squad, wanted) == 24.0 and not RANKINGS["size"].reads
    assert RANKINGS["kind"].score(squad, wanted) == 0.0 and not RANKINGS["kind"].reads
    assert (
        RANKINGS["kind"].score(squad, target(world, "mlqa")) == RANKINGS["kind"].score(ccg, target(world, "panx")) == 1
    )


def test_a_task_is_most_like_itself(world: World) -> None:
    wanted = target(world, "squad")
    for name in ("taskemb", "embedding"):
        squad, ccg = (RANKINGS[name].score(world.run(stage), wanted) for stage in (world.squad, world.ccg))
        assert squad == pytest.approx(1.0) and ccg < squad


def test_what_cannot_be_told_is_an_error(world: World) -> None:
    run = world.run(world.squad)
    foreign = SharedSpec(content="0", name="x", backbone=run.training.backbone, method=run.training.method)
    run.__dict__["spec"] = foreign  # as of another library's files, which do not say what was trained on
    for name in ("taskemb", "embedding", "kind"):
        with pytest.raises(DataError, match="it is not known what it was trained on"):
            RANKINGS[name].score(run, target(world, "mlqa"))
    run.__dict__["metrics"] = {}
    with pytest.raises(DataError, match="how many examples"):
        RANKINGS["size"].score(run, target(world, "mlqa"))


@pytest.mark.parametrize("by", ["logme", "knn"])
def test_examples_of_one_label_tell_nothing(by: str, world: World) -> None:
    with pytest.raises(DataError, match=r"xnli: all examples have the same label.*Give more --examples"):
        RANKINGS[by].score(world.run(world.squad), target(world, "xnli", 1))
