"""Mean losses, which an interruption does not change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from adapterstilts.errors import AstiltsError
from adapterstilts.stages.training.losses import Losses


def test_means_are_those_of_all_steps_before_and_after_an_interruption() -> None:
    losses = Losses()
    for loss in (1.0, 2.0, 3.0):
        losses.add(torch.tensor(loss))
    assert losses.take() == 2.0
    losses.add(torch.tensor(5.0))
    again = Losses(**json.loads(json.dumps(losses.told())))
    again.add(torch.tensor(7.0))
    assert again.take() == 6.0 and again.mean == pytest.approx(18 / 5)
    assert Losses().mean == Losses().take() == 0.0


def test_the_device_is_waited_for_once_in_several_steps() -> None:
    losses = Losses()
    for _ in range(15):
        losses.add(torch.zeros((), device="meta"))  # nothing can be read of it
    with pytest.raises(NotImplementedError):
        losses.add(torch.zeros((), device="meta"))


@pytest.mark.parametrize("asked", [Losses.take, Losses.told, lambda losses: losses.mean, Losses.settle])
def test_a_loss_that_is_no_number_is_told_with_its_step_before_anything_is_made_of_it(
    asked: Callable[[Losses], Any],
) -> None:
    losses = Losses(steps=20)
    for loss in (1.0, float("inf"), float("nan")):
        losses.add(torch.tensor(loss))
    with pytest.raises(AstiltsError, match=r"The loss is inf at step 22\. Lower --learning-rate"):
        asked(losses)
