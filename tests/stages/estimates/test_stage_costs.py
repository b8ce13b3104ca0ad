"""What stages take together."""

from __future__ import annotations

import pytest

from adapterstilts.stages.estimates.machines import machine
from adapterstilts.stages.estimates.speed import assumed_speed
from adapterstilts.stages.estimates.stage_costs import StageCost, total_cost
from tests.stages.conftest import World


def test_sums_are_of_what_is_known_and_memory_is_the_most_of_any(trained_world: World) -> None:
    first, second = trained_world.squad, trained_world.ccg
    costs = {
        first.key: StageCost(
            seconds=1800, flops=10, disk=100, scratch=50, memory={"host": 7, "device": 3}, at_most=True
        ),
        second.key: StageCost(disk=20, scratch=90, memory={"host": 5}, unknown="nobody knows"),
    }
    data = {first.key: {"rows": 1000}, second.key: {"rows": 1000}}
    speed = assumed_speed(machine("t4"), "fp32", layers=2)
    found = total_cost([first, second], costs, speed, data)
    assert (found.seconds, found.flops, found.at_most, found.memory) == (1800, 10, 1, {"host": 7, "device": 3})
    assert (found.disk, found.scratch) == (100 + 20 + 1000, 90)  # the same data are kept once
    assert found.device_hours == 0.5 and found.kwh == pytest.approx(0.035)
    assert found.unknown == ("ccg: nobody knows",)
    cores = total_cost([first], costs, assumed_speed(machine("laptop"), "fp32", layers=2), data)
    assert cores.cores == 8 and cores.device_hours == 4
