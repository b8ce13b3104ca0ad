"""Mean losses, which an interruption does not change."""

from __future__ import annotations

import json

import pytest

from adapterstilts.stages.losses import Losses


def test_means_are_those_of_all_steps_before_and_after_an_interruption() -> None:
    losses = Losses()
    for loss in (1.0, 2.0, 3.0):
        losses.add(loss)
    assert losses.take() == 2.0
    losses.add(5.0)
    again = Losses(**json.loads(json.dumps(losses.told())))
    again.add(7.0)
    assert again.take() == 6.0 and again.mean == pytest.approx(18 / 5)
    assert Losses().mean == Losses().take() == 0.0
