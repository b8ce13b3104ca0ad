"""Scores of single files: against the benchmark's own script, by hand, and against the kinds that wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.prediction_files import score_file
from adapterstilts.metrics.submission import write_answers, write_gold_answers, write_pairs, write_tags
from adapterstilts.mini.tokenizer import build_tokenizer
from tests.package_tasks import recipe, suite_names
from tests.tasks.test_catalogue import perfect_logits
from tests.tasks.test_kinds import rows_of

TARGETS = [name for name in suite_names() if "target" in recipe(name).phases]


@pytest.mark.parametrize("task", ["xquad", "mlqa", "tydiqa"])
def test_golden_answers_equal_the_official_script(shared: Path, task: str) -> None:
    for language, values in json.loads((shared / "golden/scores.json").read_text())[task].items():
        mine, labels = (shared / f"golden/{part}/{task}/test-{language}.json" for part in ("predictions", "labels"))
        assert score_file(mine, labels, metric=recipe(task).metric, language=language) == pytest.approx(
            values, abs=1e-9
        )


@pytest.mark.parametrize("task", TARGETS)
def test_files_that_a_kind_writes_are_those_of_the_tasks_metric(task: str, tmp_path: Path) -> None:
    kind, metric = recipe(task).build_kind(), recipe(task).metric
    rows = rows_of(task)
    gold = rows.to_list()
    features, logits = perfect_logits(kind, rows, build_tokenizer())
    # Half of the answers are those of the example before.
    logits = [logits[number - number % 2] for number in range(len(logits))] if kind.name != "tagging" else logits
    predictions = kind.decode(gold, features, logits, {})
    mine, labels = (tmp_path / f"{part}{METRICS.get(metric).suffix}" for part in ("mine", "labels"))
    kind.write_predictions(predictions, mine)
    kind.write_labels(gold, labels)
    expected = kind.score(predictions, gold, metric=metric, language="en").metrics
    assert score_file(mine, labels, metric=metric, language="en") == pytest.approx(expected)
    assert kind.read_predictions(mine, list(predictions)) == predictions


def test_every_form_is_scored(tmp_path: Path) -> None:
    mine, labels = tmp_path / "mine", tmp_path / "gold"
    write_tags([["B-PER", "O"]], mine)
    write_tags([["B-PER", "B-LOC"]], labels)
    found = score_file(mine, labels, metric="tagging", language="de")
    assert found == {"f1": pytest.approx(200 / 3), "precision": 100.0, "recall": 50.0, "accuracy": 50.0}
    write_pairs([("a", "b")], mine)
    write_pairs([("a", "b"), ("c", "d")], labels)
    assert score_file(mine, labels, metric="pairs", language="de")["recall"] == 50.0
    mine.write_text('{"q": ["x", "y"]}')
    labels.write_text('{"q": ["y"]}')
    assert score_file(mine, labels, metric="map@20", language="de") == {"map@20": 50.0}
    write_answers({"q": "", "r": "x"}, mine)
    write_gold_answers({"q": [], "r": ["y"]}, labels)
    assert score_file(mine, labels, metric="squad_v2", language="en")["exact_match"] == 50.0


def test_a_language_without_rules_is_named_with_its_file(tmp_path: Path) -> None:
    mine, labels = tmp_path / "mine", tmp_path / "gold"
    write_answers({"q": "x"}, mine)
    write_gold_answers({"q": ["x"]}, labels)
    with pytest.raises(
        UsageError, match="mine cannot be scored: Unknown language of MLQA's scorer 'fr'. Choose from: ar"
    ):
        score_file(mine, labels, metric="mlqa", language="fr")


def test_metric_without_files(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="no prediction files of the metric 'masked_lm'. There are of: accuracy, classification"
    ):
        score_file(tmp_path, tmp_path, metric="masked_lm", language="en")
    with pytest.raises(UsageError, match="Unknown metric 'perplexity'"):
        score_file(tmp_path, tmp_path, metric="perplexity", language="en")
