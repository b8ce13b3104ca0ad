"""Tagging: one label a word, long sentences in parts, words without tokens, and what the scorer makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapterstilts.errors import DataError, UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.tagging import Tagging

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
SHORT = Encoding(max_length=16, stride=2, max_query_length=4)


def tagger(**options: Any) -> Tagging:
    return Tagging({"labels": LABELS, "missing": "O", "scheme": "bio", **options})


def row(tokens: str, tags: str, id_: str = "0") -> dict[str, Any]:
    return {"id": id_, "tokens": tokens.split(" "), "tags": tags.split(), "language": "en"}


def encode(kind: Tagging, rows: list[dict[str, Any]], *, labels: bool) -> list[dict[str, Any]]:
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    found = kind.encode(columns, range(len(rows)), tokenizer=build_tokenizer(), encoding=SHORT, labels=labels)
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


LONG = row(
    "Anna bought the \u200b bread in London . Maria sold an umbrella to Unbekanntermann and a red bicycle",
    "B-PER O O O O O B-LOC O B-PER O O O O B-PER O O O O",
)


def test_only_first_tokens_carry_labels() -> None:
    short = row("Unbekannt saw London", "B-PER O B-LOC")
    (feature,) = encode(tagger(), [short], labels=True)
    tokenizer = build_tokenizer()
    pieces = len(tokenizer("Unbekannt", add_special_tokens=False)["input_ids"])
    assert pieces > 2
    kept = [label for label in feature["labels"] if label != -100]
    assert kept == [LABELS.index("B-PER"), 0, LABELS.index("B-LOC")]
    assert feature["labels"][1] == LABELS.index("B-PER") and feature["labels"][1 + pieces] == 0


def test_long_sentences_are_split_between_words_and_rejoined() -> None:
    features = encode(tagger(), [LONG], labels=False)
    assert len(features) > 1 and all(len(feature["input_ids"]) <= SHORT.max_length for feature in features)
    covered = [word for feature in features for word in feature["words"]]
    assert covered == [index for index, token in enumerate(LONG["tokens"]) if token != "\u200b"]
    logits = []
    for feature in features:
        scores = np.zeros((len(feature["input_ids"]), len(LABELS)))
        for word, at in zip(feature["words"], feature["at"], strict=True):
            scores[at, LABELS.index(LONG["tags"][word])] = 1
        logits.append(scores)
    assert tagger().decode([LONG], features, logits, {}) == {"0": LONG["tags"]}


def test_a_word_without_tokens_gets_the_missing_tag() -> None:
    features = encode(tagger(missing="I-LOC"), [row("Anna \u200b", "B-PER O")], labels=False)
    logits = [np.eye(len(LABELS))[[1] * len(feature["input_ids"])] for feature in features]
    found = tagger(missing="I-LOC").decode([row("Anna \u200b", "B-PER O")], features, logits, {})
    assert found["0"] == ["B-PER", "I-LOC"]


def test_ill_formed_spans_are_counted_and_repaired_only_when_asked() -> None:
    gold = [row("Anna Maria in London", "B-PER I-PER O B-LOC")]
    features = encode(tagger(), gold, labels=False)
    wrong = np.zeros((len(features[0]["input_ids"]), len(LABELS)))
    for at, tag in zip(features[0]["at"], ("I-PER", "I-PER", "O", "I-LOC"), strict=True):
        wrong[at, LABELS.index(tag)] = 1
    as_is = tagger().decode(gold, features, [wrong], {})
    repaired = tagger(repair=True).decode(gold, features, [wrong], {})
    assert as_is["0"] == ["I-PER", "I-PER", "O", "I-LOC"] and repaired["0"] == gold[0]["tags"]
    scores = tagger().score(as_is, gold, metric="tagging", language="en")
    assert scores.counts["ill_formed_spans"] == 2
    # seqeval reads both alike, so a repair changes the file and not the F1.
    assert scores.metrics["f1"] == 100.0 and scores.metrics["accuracy"] == 50.0


def test_items_add_up_to_the_metrics() -> None:
    rng = np.random.default_rng(0)
    rows = [row("a b c d e f g", " ".join(rng.choice(LABELS, 7)), str(number)) for number in range(40)]
    predictions = {one["id"]: list(rng.choice(LABELS, 7)) for one in rows}
    scores = tagger().score(predictions, rows, metric="tagging", language="en")
    for name, value in scores.metrics.items():
        above, below = np.sum([item[name] for item in scores.items.values()], axis=0)
        assert above / below == pytest.approx(value)
    expected = (
        METRICS.get("tagging")
        .load("en")
        .compute(predictions=list(predictions.values()), references=[one["tags"] for one in rows])
    )
    assert scores.metrics == expected


def test_files_come_back(tmp_path: Path) -> None:
    predictions = {"0": ["O", "B-PER"], "7": ["I-LOC"]}
    tagger().write_predictions(predictions, tmp_path / "test-en.tsv")
    assert (tmp_path / "test-en.tsv").read_text() == "O\nB-PER\n\nI-LOC\n"
    assert tagger().read_predictions(tmp_path / "test-en.tsv", ["0", "7"]) == predictions


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("a b", "O"), "2 words and 1 tags"),
        (row("a", "B-DOG"), "tag 'B-DOG' is not one of the 5 tags"),
        ({**row("a", "O"), "tokens": [], "tags": []}, "0 words"),
    ],
)
def test_unusable_rows_are_refused(bad: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        tagger().check(bad)


def test_scoring_needs_a_tag_for_each_word() -> None:
    with pytest.raises(DataError, match="sentence '0' has 2 words and 1 predicted tags"):
        tagger().score({"0": ["O"]}, [row("a b", "O O")], metric="tagging", language="en")


@pytest.mark.parametrize("tag", ["B-\nPER", "", "O "])
def test_tags_that_no_line_can_hold_are_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="cannot stand on a line of its own"):
        Tagging({"labels": ["O", tag], "missing": "O"})
    with pytest.raises(UsageError, match="cannot stand on a line of its own"):
        Tagging({"labels": ["O", "B"], "missing": tag})
