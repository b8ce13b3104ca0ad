"""What frozen models make of examples, against a forward pass of each example by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from adapterstilts.modeling.storage import StoredModel
from adapterstilts.stages.ranking.examples import Examples
from adapterstilts.stages.ranking.representations import FOLDER, mean_vector, represent
from tests.stages.conftest import World


def examples(world: World, name: str) -> Examples:
    return Examples.of(world.planner, world.recipe(name), "train-target", 8)


@pytest.mark.parametrize("name", ["mlqa", "xnli", "udpos", "xcopa", "lareqa"])
def test_vectors_are_hidden_states_at_the_labels(world: World, name: str) -> None:
    some, run = examples(world, name), world.run(world.squad)
    found = represent(run, some, "fp32")
    model = StoredModel.read(run.folder).restore(world.planner.setup.backbone, precision="fp32").eval()
    expected, targets = [], []
    for feature in some.features().to_list():
        observed = some.kind.observed(feature)
        ids = feature["input_ids"]
        with torch.no_grad():
            states = [model.backbone(input_ids=torch.tensor([one])).last_hidden_state[0]
                      for one in (ids if isinstance(ids[0], list) else [ids])]  # fmt: skip
        own = states[0][list(observed.places)] if observed.places is not None else torch.stack(
            [one.mean(0) if name == "lareqa" else one[0] for one in states]
        )  # fmt: skip
        expected.append(own.numpy())
        targets.append(observed.targets)
    np.testing.assert_allclose(found.vectors, np.concatenate(expected), atol=1e-5)
    np.testing.assert_array_equal(found.targets, np.concatenate(targets))
    assert np.bincount(found.groups).tolist() == [len(one) for one in targets]


def test_a_model_is_asked_once_and_another_one_by_itself(world: World) -> None:
    some, passes = examples(world, "mlqa"), []

    def track(batches: list[list[int]], total: int) -> list[list[int]]:
        passes.append(total)
        return batches

    squad, ccg = world.run(world.squad), world.run(world.ccg)
    first = represent(squad, some, "fp32", track=track)
    again = represent(squad, some, "fp32", track=track)
    assert len(passes) == 1 and np.array_equal(first.vectors, again.vectors)
    assert not np.array_equal(represent(ccg, some, "fp32", track=track).vectors, first.vectors) and len(passes) == 2
    kept = Path(world.planner.setup.store.cache / FOLDER)
    assert len(list(kept.iterdir())) == 2


def test_the_mean_vector_is_that_of_all_tokens_of_the_backbone_alone(world: World) -> None:
    some = examples(world, "xnli")
    encoder = world.planner.setup.backbone.encoder(torch.float32, frozen=False).eval()
    with torch.no_grad():
        means = [
            encoder(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0) for ids in some.features()["input_ids"]
        ]
    np.testing.assert_allclose(mean_vector(some, "fp32"), torch.stack(means).mean(0).numpy(), atol=1e-5)
    assert mean_vector(examples(world, "udpos"), "fp32").shape == (world.planner.facts.hidden_size,)
