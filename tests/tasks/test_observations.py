"""What the labels of training features say of hidden states, for every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.defaults import KindDefaults
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.retrieval import Retrieval
from tests.package_tasks import recipe, suite_names

ENCODING = Encoding(max_length=64, stride=16, max_query_length=24)
OBSERVED = {
    "pair_classification": "classes", "multiple_choice": "choices", "span_qa": "choices", "tagging": "classes",
    "retrieval": "pairs", "masked_lm": None,
}  # fmt: skip
TRAINED = [name for name in suite_names() if recipe(name).sources.mini.has("train")]


def training_features(name: str) -> tuple[Any, list[dict[str, Any]]]:
    task = recipe(name)
    split = "train" if task.kind == "retrieval" else "validation"  # of which there are fewer to make
    rows = open_source("mini", None).load(task, split, "en", BadRows(skip=False)).select(range(24))
    kind = task.build_kind()
    if kind.collects:
        kind = task.model_copy(update={"options": {**task.options, **kind.collect(rows)}}).build_kind()
    found = kind.encode(rows[:], range(24), tokenizer=build_tokenizer(), encoding=ENCODING, labels=True)
    return kind, [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


@pytest.mark.parametrize("name", TRAINED)
def test_every_training_feature_has_labelled_vectors(name: str) -> None:
    kind, features = training_features(name)
    assert kind.observes == OBSERVED[kind.name]
    for feature in features if kind.observes else ():
        found = kind.observed(feature)
        if found.places is None:
            several = isinstance(feature["input_ids"][0], list)
            assert len(found.targets) == (len(feature["input_ids"]) if several else 1)
        else:
            assert len(found.targets) == len(found.places) and max(found.places) < len(feature["input_ids"])
        if kind.observes == "classes":
            assert (found.targets.sum(1) == 1).all() and found.targets.shape[1] == kind.head().outputs
        if kind.observes == "choices":
            assert (found.targets.sum(0) == 1).all()


def test_all_kinds_were_among_them() -> None:
    assert len(TRAINED) > 15 and {recipe(name).kind for name in TRAINED} == OBSERVED.keys()


def test_start_and_end_are_at_their_tokens_and_beside_them_is_always_the_same() -> None:
    kind, features = training_features("squad")
    for feature in features:
        found, again = kind.observed(feature), kind.observed(feature)
        starts, ends = (found.places[int(one.argmax())] for one in found.targets.T)
        assert (starts, ends) == (feature["start_positions"], feature["end_positions"])
        assert list(found.places) == list(again.places) and len(found.places) <= 34


def test_other_answers_than_labels_are_numbers() -> None:
    several = PairClassification({"labels": ["a", "b", "c"], "multi_label": True, "one_text": True})
    assert several.observes == "numbers"
    assert several.observed({"label_set": [0, 2]}).targets.tolist() == [[1.0, 0.0, 1.0]]
    assert several.observed({"label_set": [-100]}).targets.tolist() == [[0.0, 0.0, 0.0]]
    number = PairClassification({"regression": True, "mean": 2.0, "sd": 2.0})
    assert number.observes == "numbers" and number.observed({"target": -0.5}).targets.tolist() == [[-0.5]]


def test_where_nothing_is_trained_nothing_is_observed() -> None:
    assert Retrieval({"mode": "nearest"}).observes is None and Retrieval({"mode": "rank"}).observes == "pairs"
    assert KindDefaults().observes is None
    assert np.unique(Retrieval({"mode": "rank"}).observed({"positive_id": 7}).targets).tolist() == [7.0]
