"""State without pickle: what is loaded is what was saved, to the last bit."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from adapterstilts.errors import StoreError
from adapterstilts.modeling.quantization import forget_8bit_moments
from adapterstilts.stages.training.plain_state import load_optimiser, load_random, save_optimiser, save_random


def steps(model: torch.nn.Module, optimiser: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optimiser.zero_grad()
        model(torch.randn(4, 3)).square().sum().backward()
        optimiser.step()


@pytest.mark.parametrize("sort", [torch.optim.AdamW, torch.optim.SGD])
def test_an_optimiser_goes_on_as_if_it_had_not_stopped(tmp_path: Path, sort: type[torch.optim.Optimizer]) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimiser = sort([{"params": [model.weight], "lr": 1 / 3}, {"params": [model.bias], "lr": 0.1}])  # type: ignore[call-arg]
    steps(model, optimiser, 3)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    save_optimiser(optimiser.state_dict(), tmp_path)
    save_random(tmp_path, 0)
    steps(model, optimiser, 3)
    again = torch.nn.Linear(3, 2)
    again.load_state_dict(weights)
    other = sort([{"params": [again.weight]}, {"params": [again.bias]}], lr=1.0)  # type: ignore[call-arg]
    other.load_state_dict(load_optimiser(tmp_path))
    load_random(tmp_path, 0)
    steps(again, other, 3)
    assert torch.equal(model.weight, again.weight) and torch.equal(model.bias, again.bias)
    assert [group["lr"] for group in other.param_groups] == [1 / 3, 0.1]
    assert not any(path.suffix in (".pt", ".pth", ".bin") for path in tmp_path.iterdir())


def test_an_optimiser_in_8_bits_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    optim = pytest.importorskip("bitsandbytes").optim
    forget_8bit_moments()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4096), torch.nn.Linear(4096, 2))
    again = copy.deepcopy(model)
    one, other = (optim.AdamW8bit(each.parameters(), lr=0.1) for each in (model, again))
    steps(model, one, 3)
    assert sum(
        value.dtype == torch.uint8 for state in one.state.values() for value in map(torch.as_tensor, state.values())
    )
    save_optimiser(one.state_dict(), tmp_path)
    save_random(tmp_path, 0)
    again.load_state_dict(model.state_dict())
    other.load_state_dict(load_optimiser(tmp_path))
    steps(model, one, 3)
    load_random(tmp_path, 0)
    steps(again, other, 3)
    assert all(torch.equal(*pair) for pair in zip(model.parameters(), again.parameters(), strict=True))


def test_random_numbers_go_on(tmp_path: Path) -> None:
    def draw() -> list[float]:
        return [random.gauss(0, 1), random.random(), float(np.random.normal()), float(torch.rand(1))]

    draw()
    save_random(tmp_path, 0)
    first = [draw() for _ in range(3)]
    load_random(tmp_path, 0)
    assert [draw() for _ in range(3)] == first


@pytest.mark.parametrize("name", ["optimizer.json", "optimizer.safetensors", "random-0.json", "random-0.safetensors"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    model = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(model.parameters())
    steps(model, optimiser, 1)
    save_optimiser(optimiser.state_dict(), tmp_path)
    save_random(tmp_path, 0)
    (tmp_path / name).write_text("null")
    with pytest.raises(StoreError, match=name):
        load_optimiser(tmp_path)
        load_random(tmp_path, 0)
