"""Rows, tokens and batches that are told from a sample, beside what reading and batching everything gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.batching import Collator, LengthBatches
from adapterstilts.data.features import encode
from adapterstilts.data.sources.hub import HubRows
from adapterstilts.data.splits import training_rows
from adapterstilts.settings import Encoding
from adapterstilts.stages.estimates.amounts import Amount, Amounts, padded_for_prediction, padded_for_training
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World

# Forms of rows: windows, one text, several sequences, pairs to compare, plain text.
TASKS = ("squad", "udpos", "commonsenseqa", "lareqa", "mlm")


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("task", TASKS)
def test_tokens_are_those_of_all_rows_within_a_few_percent(task: str, trained_world: World, tmp_path: Path) -> None:
    planner = replace(trained_world.planner, max_train_examples=None)
    setup, recipe = planner.setup, trained_world.recipe(task)
    (spec,) = plan_training(planner, [recipe], "train-intermediate").spec.tasks
    found = Amounts(setup).training(spec)
    assert found is not None
    (amount,), held = found
    rows, validation = training_rows(setup.source, recipe, spec.data, BadRows(skip=False))
    features = encode(
        rows,
        identity=task,
        kind=setup.catalogue.build_kind(spec),
        tokenizer=setup.backbone.tokenizer(),
        encoding=spec.encoding,
        labels=True,
        cache=tmp_path,
    )
    assert (amount.rows, held.rows) == (len(rows), len(validation))
    assert amount.features == pytest.approx(len(features), rel=0.02)
    assert amount.features * amount.tokens_of_a_feature == pytest.approx(sum(features["tokens"]), rel=0.05)


@pytest.mark.parametrize("task", ["xnli", "tatoeba", "bucc2018"])
def test_a_bound_on_examples_leaves_what_is_searched(task: str, trained_world: World) -> None:
    setup = trained_world.planner.setup
    scored = Scored(languages=("de",), max_examples=10)
    spec = plan_evaluation(trained_world.planner, trained_world.recipe(task), trained_world.squad, scored).spec
    recipe, kind = setup.catalogue.recipe(task), setup.catalogue.build_kind(spec)
    rows = setup.source.of(recipe).load(recipe, spec.split, "de", BadRows(skip=False))
    found = Amounts(setup).evaluation(spec, "de")
    assert found is not None and found.rows == pytest.approx(len(kind.subset(rows, 10)), rel=0.05)


def test_held_out_rows_are_told_without_splitting(trained_world: World) -> None:
    planner = replace(trained_world.planner, max_train_examples=None, validation_from="train")
    recipe = trained_world.recipe("pawsx")
    (spec,) = plan_training(planner, [recipe], "train-target").spec.tasks
    found = Amounts(planner.setup).training(spec)
    assert found is not None
    rows, validation = training_rows(planner.setup.source, recipe, spec.data, BadRows(skip=False))
    assert found[1].rows == pytest.approx(len(validation), rel=0.15)
    assert found[0][0].rows == pytest.approx(len(rows), rel=0.02)


def test_what_nobody_has_looked_at_is_not_read_where_that_is_not_wanted(trained_world: World) -> None:
    setup = trained_world.planner.setup
    stage = plan_evaluation(
        trained_world.planner, trained_world.recipe("mlqa"), trained_world.squad, Scored(languages=("en",))
    )
    few = stage.spec.model_copy(update={"encoding": Encoding(max_length=32, stride=7, max_query_length=9)})
    assert Amounts(setup, read=False).evaluation(few, "en") is None
    there = Amounts(setup).evaluation(few, "en")
    assert there is not None and there.rows == 400 and there.features > 400
    assert Amounts(setup, read=False).evaluation(few, "en") == there


def test_rows_on_the_hub_are_those_that_the_recipe_publishes(trained_world: World) -> None:
    planner = trained_world.planner
    setup = replace(planner.setup, source=HubRows())
    recipe = trained_world.recipe("squad")
    (spec,) = plan_training(
        replace(planner, setup=setup, max_train_examples=None), [recipe], "train-intermediate"
    ).spec.tasks
    found = Amounts(setup).training(spec)
    assert found is not None
    (amount,), held = found
    assert amount.rows + held.rows == 87_599 and amount.sampled == len(recipe.published.lengths)
    assert max(amount.lengths) <= spec.encoding.max_length and amount.features > amount.rows


@pytest.mark.parametrize(("tokens_per_batch", "comparing"), [(8192, None), (256, None), (8192, 4)])
def test_padding_is_that_of_the_batches_that_are_made(tokens_per_batch: int, comparing: int | None) -> None:
    random = np.random.default_rng(1)
    lengths = np.clip(random.normal(60, 25, 1000), 8, 128).astype(int)
    ones = (1,) * len(lengths)
    amount = Amount(1000, 1000, tuple(lengths.tolist()), ones, tuple(lengths.tolist()))
    limits = {"tokens_per_batch": tokens_per_batch, "max_length": 128}
    told = padded_for_training(amount, batch_size=16, comparing=comparing, **limits)
    collator = Collator(pad_id=1, rows=comparing, **limits)
    tokens = calls = steps = largest = 0
    for batch in LengthBatches(lengths, batch_size=16, seed=3):
        micros = collator([{"input_ids": [5] * int(lengths[index])} for index in batch])
        tokens += sum(micro["input_ids"].numel() for micro in micros)
        largest = max(largest, *(micro["input_ids"].numel() for micro in micros))
        calls, steps = calls + len(micros), steps + 1
    assert told.tokens * 1000 == pytest.approx(tokens, rel=0.03)
    assert told.calls == pytest.approx(calls / steps, rel=0.05) and told.largest == pytest.approx(largest, rel=0.15)
    asked = padded_for_prediction(amount, **limits, on_gpu=True)
    plan = Collator(pad_id=1, **limits, on_gpu=True).for_prediction().plan(lengths.tolist(), ones)
    shapes = [(len(batch), max(-(-int(lengths[index]) // 8) * 8 for index in batch)) for batch in plan]
    assert asked.tokens * 1000 == pytest.approx(sum(rows * width for rows, width in shapes), rel=0.01)
    assert asked.calls * 1000 == pytest.approx(len(plan), rel=0.5)
