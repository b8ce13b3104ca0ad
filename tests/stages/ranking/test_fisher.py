"""TaskEmb against gradients from finite differences, and what likeness it gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from adapterstilts.metrics.transferability import cosine
from adapterstilts.stages.collate import build_collator
from adapterstilts.stages.ranking.examples import Examples
from adapterstilts.stages.ranking.fisher import task_embedding
from adapterstilts.stages.ranking.representations import load
from tests.stages.conftest import World


def embedding(world: World, name: str, size: int = 6) -> np.ndarray:
    return task_embedding(Examples.of(world.planner, world.recipe(name), "train-intermediate", size), "fp32")


@pytest.mark.parametrize("name", ["squad", "mnli", "panx", "copa", "mlm"])
def test_a_task_is_like_itself_and_likeness_is_symmetric(world: World, name: str) -> None:
    one, other = embedding(world, name), embedding(world, "qqp")
    assert one.shape == other.shape and (one >= 0).all() and one.any()
    assert cosine(one, one) == pytest.approx(1.0) and cosine(one, other) == cosine(other, one)
    assert 0 < cosine(one, other) < 1 - 1e-6


def test_pairs_are_compared_within_a_batch(world: World) -> None:
    found = task_embedding(Examples.of(world.planner, world.recipe("lareqa"), "train-target", 6), "fp32")
    assert found.any() and np.isfinite(found).all()


def test_it_is_the_mean_of_squared_gradients(world: World) -> None:
    """Of masked language modelling, whose head is the backbone's own and is not fitted first."""
    examples = Examples.of(world.planner, world.recipe("mlm"), "train-intermediate", 5)
    found = task_embedding(examples, "fp32")
    model = load(None, examples, "fp32")
    model.add_head("task", examples.kind.head())
    collator = build_collator(examples.setup, examples.spec.encoding.max_length, kind=examples.kind)
    batches = [batch for feature in examples.features().to_list() for batch in collator([feature])]
    names = [name for name, _ in model.backbone.named_parameters() if "word_embeddings" not in name]
    sizes = [len(model.backbone.get_parameter(name)) for name in names]
    (at,) = [place for place, name in enumerate(names) if name.endswith("1.output.LayerNorm.bias")]
    bias, step = model.backbone.get_parameter(names[at]), 1e-2

    def losses() -> np.ndarray:
        with torch.no_grad():
            return np.array([model(task="task", **batch)["loss"].double().item() for batch in batches])

    for unit in (0, 7):
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                bias[unit] += sign * step
            ends.append(losses())
            with torch.no_grad():
                bias[unit] -= sign * step
        slopes = (ends[0] - ends[1]) / (2 * step)
        assert found[sum(sizes[:at]) + unit] == pytest.approx(np.mean(slopes**2), rel=0.02)
    assert len(found) == sum(sizes)
