"""Workers as their parent has them: started late, replaced, ended."""

from __future__ import annotations

import pytest

from adapterstilts.runs.specs import Choice
from adapterstilts.stages.engines.course import WorkerEndedError
from adapterstilts.stages.engines.orders import Order
from adapterstilts.stages.engines.team import Team
from adapterstilts.stages.graph import Stage
from adapterstilts.stages.training_spec import Start, plan_training
from tests.stages.conftest import World


def test_a_worker_says_why_a_stage_failed_and_one_that_ends_is_replaced(world: World) -> None:
    """The stage starts from one that is not there, which is told as it is raised."""
    missing = Stage(world.squad.spec.model_copy(update={"seed": 5}))
    start = Start(Choice(name="stack"), (missing,))
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target", start=start)
    order = Order.of_this_process(stage.spec, world.planner.setup, force=False)
    with Team([{}, {}]) as team:
        assert not team.busy and len(team.idle()) == 2
        worker = team.idle()[0]
        worker.begin(stage, order)
        assert team.busy and team.idle() != [worker]
        (heard,) = team.heard(120)
        message = heard.hear()
        error, text = message.values
        assert message.sort == "failed" and f"has no run with the key {missing.key[:12]}" in str(error)
        assert type(error).__name__ == "StoreError" and "Traceback" in text
        worker.stage = None
        assert team.idle()[0] is worker
        worker.ask_to_end()
        with pytest.raises(WorkerEndedError, match="was ended by SIGTERM"):
            worker.hear()
        assert worker.gone and worker not in team.idle() and len(team.idle()) == 2
