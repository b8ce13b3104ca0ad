"""One test over every task of the catalogue, found by discovery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.sources import open_source
from adapterstilts.errors import DataError, UsageError
from adapterstilts.languages import LANGUAGES
from adapterstilts.metrics import METRICS
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.modeling.heads import HEADS
from adapterstilts.specs import Encoding, Settings, validate
from adapterstilts.tasks.catalogue import recipe, recipe_for_phase, task_names, training_recipe

TASKS = task_names()
ENCODING = Encoding(max_length=128, stride=32, max_query_length=32)


def test_every_task_folder_is_found() -> None:
    folders = [path.parent.name for path in (Path(__file__).parents[2] / "task_adapters").glob("*/task.yaml")]
    assert sorted(folders) == list(TASKS)
    assert len(TASKS) == 4


@pytest.mark.parametrize("name", TASKS)
def test_recipe_is_complete(name: str) -> None:
    task = recipe(name)
    kind = task.build_kind()
    assert task.languages[0] == "en" and set(task.languages) <= set(LANGUAGES)
    assert task.metric in METRICS and task.sources.files.format in FORMATS.names()
    assert HEADS.get(kind.head().name)
    assert task.license and task.homepage.startswith("https://") and task.citation.lstrip().startswith("@")
    for scope, values in task.settings.items():
        validate(Settings, values, where=f"{name} {scope}")
    for source in ("hub", "files", "mini"):
        trained = training_recipe(task, source)
        assert trained.kind == task.kind
        assert "train" in trained.source(source).splits
        assert bool(task.source(source).train_on) != ("train" in task.source(source).splits)
        assert {"test", "validation"} & set(task.source(source).splits)


@pytest.mark.parametrize("name", TASKS)
def test_mini_rows_are_encoded_and_decoded_back_to_their_gold(name: str) -> None:
    task = recipe(name)
    kind = task.build_kind()
    source = open_source("mini", None)
    tokenizer = build_tokenizer()
    languages = source.languages(task)
    assert languages[0] == "en"
    for language in languages:
        rows = source.load(task, "test", language, BadRows(skip=False)).select(range(12))
        assert set(rows["language"][:]) == {language}
        predictions = kind.decode(rows.to_list(), *perfect_logits(kind, rows, tokenizer))
        scores = kind.score(predictions, rows.to_list(), metric=task.metric, language=language)
        assert kind.main_score(scores.metrics) == 100.0
        assert len(scores.items) == 12


def perfect_logits(kind, rows, tokenizer):
    """Features for decoding, and logits that point at the gold labels of the same features."""
    batch = {name: rows[name][:] for name in rows.column_names}
    indices = list(range(len(rows)))
    shared = {"tokenizer": tokenizer, "encoding": ENCODING}
    labelled = kind.encode(batch, indices, labels=True, **shared)
    features = kind.encode(batch, indices, labels=False, **shared)
    logits = []
    for window, ids in enumerate(labelled["input_ids"]):
        scores = np.full((len(ids), 2), -5.0)
        scores[labelled["start_positions"][window], 0] = 5.0
        scores[labelled["end_positions"][window], 1] = 5.0
        logits.append(scores)
    return [dict(zip(features, values, strict=True)) for values in zip(*features.values(), strict=True)], logits


@pytest.mark.parametrize("name", TASKS)
def test_splits_of_the_mini_suite_are_disjoint(name: str) -> None:
    task = recipe(name)
    contexts = {}
    for split in task.sources.mini.splits:
        rows = open_source("mini", None).load(task, split, "en", BadRows(skip=False))
        assert len(rows) == task.sources.mini.splits[split]
        contexts[split] = set(rows["context"][:])
    for one in contexts:
        for other in contexts:
            assert one == other or not contexts[one] & contexts[other]


def test_target_and_intermediate_data_of_the_mini_suite_are_disjoint() -> None:
    source = open_source("mini", None)
    squad = set(source.load(recipe("squad"), "train", "en", BadRows(skip=False))["context"][:])
    for name in ("mlqa", "xquad", "tydiqa"):
        assert not squad & set(source.load(recipe(name), "test", "en", BadRows(skip=False))["context"][:])


def test_errors_name_the_offer() -> None:
    with pytest.raises(UsageError, match="Unknown task 'sqad'. Did you mean 'squad'"):
        recipe("sqad")
    with pytest.raises(UsageError, match="mlqa .MLQA. is not a task for the intermediate phase. These are: squad"):
        recipe_for_phase("mlqa", "intermediate")


def test_scoring_needs_the_same_ids() -> None:
    kind = recipe("squad").build_kind()
    row = {"id": "a", "answers": {"text": ["x"], "answer_start": [0]}}
    with pytest.raises(DataError, match="1 ids have no prediction, for instance 'a'"):
        kind.score({}, [row], metric="squad", language="en")
    with pytest.raises(DataError, match="1 ids have no question, for instance 'b'"):
        kind.score({"a": "x", "b": "y"}, [row], metric="squad", language="en")
