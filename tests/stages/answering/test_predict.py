"""Predictions are those of each feature alone, in the features' order, whatever the batches are."""

from __future__ import annotations

import numpy as np
import torch

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.features import encode
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.stages.answering.predict import predict
from adapterstilts.stages.collate import build_collator
from tests.stages.conftest import World


def test_batches_do_not_show(world: World) -> None:
    setup, task = world.planner.setup, world.squad.spec.only
    kind = setup.catalogue.build_kind(task)
    rows = setup.source.load(world.recipe("squad"), "test", "de", BadRows(skip=False)).select(range(12))
    features = encode(
        rows, identity="test_predict", kind=kind, tokenizer=setup.backbone.tokenizer(), encoding=task.encoding,
        labels=False, cache=setup.store.cache,
    )  # fmt: skip
    model = StoredModel.read(setup.store.need(world.squad.key).folder).restore(setup.backbone, precision="fp32")
    seen: list[int] = []

    def track(batches: list[list[int]], total: int) -> list[list[int]]:
        seen.append(total)
        return batches

    collator = build_collator(setup, task.encoding.max_length).for_prediction()
    together = predict(model.train(), features, task="squad", collator=collator, track=track)
    assert model.training and len(together) == len(features) and seen[0] < len(features)
    for feature, logits in zip(features, together, strict=True):
        ids = torch.tensor([feature["input_ids"]])
        with torch.inference_mode():
            alone = model.eval()(task="squad", input_ids=ids, attention_mask=torch.ones_like(ids))["logits"]
        assert logits.shape == (len(feature["input_ids"]), 2)
        np.testing.assert_allclose(logits, alone[0].numpy(), atol=1e-5)
