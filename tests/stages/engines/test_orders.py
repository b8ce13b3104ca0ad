"""What is told of a stage that is made elsewhere, and what has become of it."""

from __future__ import annotations

from typing import Any

from adapterstilts.errors import DataError
from adapterstilts.stages.engines.course import BusyError
from adapterstilts.stages.engines.orders import Message, Order, Sending, carry_out
from adapterstilts.stages.reporter import Silent
from tests.stages.conftest import World


def test_what_a_stage_tells_is_sent_but_not_too_often() -> None:
    found: list[Message] = []
    sending = Sending(found.append)
    sending.note("hello")
    assert list(sending.track(range(500), 500, "mlqa en")) == list(range(500))
    for step in range(1, 501):
        sending.trained("train", step, 500, {"loss": 0.5} if step == 10 else {})
    assert found[0] == Message("note", ("hello",)) and found[1] == Message("batch", ("mlqa en", 500, 0))
    assert Message("batch", ("mlqa en", 500, 500)) in found
    assert Message("trained", ("train", 10, 500, {"loss": 0.5})) in found
    assert Message("trained", ("train", 500, 500, {})) in found and len(found) < 100


def test_what_becomes_of_a_stage_is_the_last_message(world: World) -> None:
    def made_by(make: Any) -> Message:
        return carry_out(Order.of_this_process(world.squad.spec, world.planner.setup, force=False, make=make), Silent())

    class OddError(Exception):
        """It cannot be pickled, because its class is within a function."""

    def fail(error: Exception) -> Any:
        def make(*given: Any, **options: Any) -> None:
            raise error

        return make

    assert carry_out(Order.of_this_process(world.squad.spec, world.planner.setup, force=False), Silent()).sort == "made"
    assert made_by(fail(BusyError("not now"))) == Message("busy", ("not now",))
    failed = made_by(fail(DataError("No rows.", remedy="Get some.")))
    assert failed.sort == "failed" and str(failed.values[0]) == "No rows. Get some."
    assert "Traceback" in failed.values[1]
    assert str(made_by(fail(OddError("odd"))).values[0]) == "OddError: odd"
