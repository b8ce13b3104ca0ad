"""Scorers of labels, tags, pairs and rankings, each on an example worked out by hand."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.chunks import chunks, span_scores
from adapterstilts.metrics.retrieval import average_precision


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_has_description_and_citation(name: str) -> None:
    metric = METRICS.get(name).load("en")
    assert metric.description and metric.citation


def test_unknown_metric() -> None:
    with pytest.raises(UsageError, match="Unknown metric 'accurcy'. Did you mean 'accuracy'"):
        METRICS.get("accurcy")


def test_accuracy() -> None:
    result = METRICS.get("accuracy").load("en").compute(predictions=["a", "b", "b"], references=["a", "b", "a"])
    assert result == {"accuracy": pytest.approx(200 / 3), "items": [100.0, 100.0, 0.0]}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["B-PER", "I-PER", "O", "B-LOC"], {("PER", 0, 1), ("LOC", 3, 3)}),
        (["I-PER", "I-PER", "O"], {("PER", 0, 1)}),  # a span may begin with I-
        (["B-PER", "B-PER"], {("PER", 0, 0), ("PER", 1, 1)}),
        (["B-PER", "I-LOC"], {("PER", 0, 0), ("LOC", 1, 1)}),
        (["NOUN", "NOUN", "VERB"], {("NOUN", 0, 1), ("VERB", 2, 2)}),  # equal neighbours are one span
        (["SCONJ", "SCONJ"], {("SCONJ", 0, 0), ("SCONJ", 1, 1)}),  # but S always begins a new one
        (["VERB", "X"], {("VERB", 0, 0), ("X", 1, 1)}),  # a final X is a span
        (["O", "O"], set()),
    ],
)
def test_chunks(tags: list[str], expected: set[tuple[str, int, int]]) -> None:
    assert chunks([tags]) == expected


def test_spans_do_not_reach_over_sentences() -> None:
    assert chunks([["NOUN"], ["NOUN"]]) == {("NOUN", 0, 0), ("NOUN", 2, 2)}


def test_span_scores_and_token_accuracy() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    predicted = [["B-PER", "O", "O", "B-LOC"]]  # one of two spans is right, in both directions
    assert span_scores(predicted, gold) == {"f1": 50.0, "precision": 50.0, "recall": 50.0}
    result = METRICS.get("tagging").load("en").compute(predictions=predicted, references=gold)
    assert result["f1"] == 50.0 and result["accuracy"] == 75.0
    assert span_scores([["O"]], [["O"]])["f1"] == 0.0


def test_mined_pairs() -> None:
    gold = [["a", "1"], ["b", "2"], ["c", "3"], ["d", "4"]]
    result = METRICS.get("pairs").load("de").score([["a", "1"], ["b", "9"]], gold)
    assert result == {"precision": 50.0, "recall": 25.0, "f1": pytest.approx(100 / 3)}
    assert METRICS.get("pairs").load("de").score([], gold)["f1"] == 0.0


@pytest.mark.parametrize(
    ("ranked", "gold", "expected"),
    [
        (["x", "a"], ["a"], 1 / 2),
        (["a", "x", "b"], ["a", "b"], (1 + 2 / 3) / 2),
        (["a", "a"], ["a"], 1.0),  # found once
        (["x", "x", "a"], ["a"], 1 / 3),  # repeats take up ranks
        (["x"] * 20 + ["a"], ["a"], 0.0),
        (["a"], ["a", "b"], 1 / 2),
    ],
)
def test_average_precision(ranked: list[str], gold: list[str], expected: float) -> None:
    assert average_precision(ranked, gold) == pytest.approx(expected)
