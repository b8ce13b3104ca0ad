from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import LoadOptions, read_options
from adapterstilts.stages.answering.answerer import Answerer
from adapterstilts.stages.collate import build_collator
from tests.commands.answered import questions


@pytest.fixture(scope="module")
def answerer(trained: dict[str, Any]) -> Answerer:
    model = TrainedModel.of("squad", read_options(LoadOptions, {"store": trained["store"]}), lambda note: None)
    collator = build_collator(model.setup, model.task.encoding.max_length).for_prediction()
    return Answerer(model.restore(), model.kind, model.task.encoding, collator, head="squad")


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {"id": str(one["nr"]), "language": "de", "context": one["story"], "question": one["query"]}
        for one in questions(count)
    ]


def test_rows_are_answered_in_order_whatever_their_length(answerer: Answerer) -> None:
    given = rows(6)
    given[2]["context"] = given[2]["context"] * 8  # several windows
    given[4]["context"] = given[4]["context"].split(".")[0] + "."
    together = answerer.answer(given)
    assert [one["answer"] for one in together] == [answerer.answer([row])[0]["answer"] for row in given]
    assert answerer.answer([]) == []


def test_whatever_gives_scores_can_stand_in_for_the_model(answerer: Answerer) -> None:
    def run(batch: dict[str, torch.Tensor]) -> np.ndarray:
        return np.zeros((*batch["input_ids"].shape, 2), dtype=np.float32)

    said = answerer.said(rows(2), run=run)
    assert len(said.logits) == len(said.features) >= 2 and not np.concatenate(said.logits).any()


def test_examples_are_batches_of_one_feature(answerer: Answerer) -> None:
    batches = answerer.examples(rows(2))
    assert {len(batch["input_ids"]) for batch in batches} == {1}
    assert all(set(batch) == {"input_ids", "attention_mask"} for batch in batches)
