"""An optimizer's state, put together for who writes it."""

from __future__ import annotations

import torch

from adapterstilts.modeling.sharding import whole_state


def test_only_who_writes_an_optimizers_state_has_its_tensors() -> None:
    """They are twice the weights, and of each process of a machine that would be so much memory."""
    weight = torch.nn.Parameter(torch.ones(8))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    kept = whole_state(optimizer)
    assert torch.equal(kept["state"][0]["exp_avg"], optimizer.state[weight]["exp_avg"])
    left = whole_state(optimizer, keep=False)
    assert left["state"] == {0: {}} and left["param_groups"] == kept["param_groups"]
