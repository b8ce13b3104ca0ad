"""Evaluations: calibration, scores by language, means over groups of languages."""

from __future__ import annotations

import json
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import UsageError
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import RunStore
from tests.conftest import without_training


def test_the_threshold_of_bucc_comes_from_validation_data(suite: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer("none", "bucc2018", languages=("de",), **without_training(suite)).rows
    spec = json.loads((row.folder / "spec.json").read_text())
    assert row.split == "test" and ":validation:" in spec["calibration"]["de"]
    assert row.calibration["de"]["threshold"] > 0
    (own,) = adapterstilts.transfer(
        "none", "bucc2018", languages=("de",), split="validation", **without_training(suite)
    ).rows
    assert "calibration" not in json.loads((own.folder / "spec.json").read_text())
    assert own.calibration["de"] == row.calibration["de"]


def test_the_no_answer_threshold_is_chosen_in_training_and_used_in_evaluation(suite: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer("none", "squad_v2", languages=("en", "de"), max_eval_examples=16, **suite).rows
    (trained,) = [run for run in RunStore(suite["store"]).runs() if run.spec.stage == "train-target"]
    assert row.calibration == trained.metrics["calibration"] and "no_answer_threshold" in row.calibration
    assert {"has_answer_f1", "no_answer_f1"} <= set(row.languages["de"])


def test_pairs_of_languages_are_scored_by_the_contexts_language(suite: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer(
        "none", "mlqa", languages=("en", "de", "zh"), cross_pairs=True, max_eval_examples=8, **suite
    ).rows
    assert list(row.languages) == ["en", "en-de", "en-zh", "de-en", "de", "de-zh", "zh-en", "zh-de", "zh"]
    assert row.cross_lingual is not None and row.zero_shot is not None
    pairs = [row.languages[name]["f1"] for name in row.languages if "-" in name]
    assert row.cross_lingual["f1"] == pytest.approx(sum(pairs) / 6)
    assert row.zero_shot["f1"] == pytest.approx((row.languages["de"]["f1"] + row.languages["zh"]["f1"]) / 2)
    for records in (row.records(), row.records(seeds=True)):
        values = {one["language"]: one["value"] for one in records if one["metric"] == "f1"}
        assert (values["cross_lingual"], values["zero_shot"]) == (row.cross_lingual["f1"], row.zero_shot["f1"])
    table = transfer_tables(adapterstilts.TransferResult([row]))
    assert "F1 by language of the context (down) and of the question (across)" in table
    with pytest.raises(UsageError, match="xquad has no pairs of languages"):
        adapterstilts.transfer("none", "xquad", cross_pairs=True, **suite)
    with pytest.raises(UsageError, match="no German with Arabic .de-ar."):
        adapterstilts.transfer("none", "mlqa", languages=("de-ar",), **suite)
