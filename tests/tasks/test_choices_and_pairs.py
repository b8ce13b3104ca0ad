"""Pair classification and multiple choice: encoding, decoding, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.multiple_choice import MultipleChoice
from adapterstilts.tasks.pair_classification import PairClassification

SHORT = Encoding(max_length=16, stride=2, max_query_length=4)
PAIRS = PairClassification({"labels": ["entailment", "neutral", "contradiction"]})
STORY = "Anna bought the bread in London on Monday . Maria sold the cake ."


def encode(kind: Any, rows: list[dict[str, Any]], *, labels: bool) -> dict[str, list]:
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    return kind.encode(columns, range(len(rows)), tokenizer=build_tokenizer(), encoding=SHORT, labels=labels)


def choice(choices: list[str], label: int = 0, question: str = "Who sold the cake ?", **more: Any) -> dict[str, Any]:
    return {"id": "0", "context": STORY, "question": question, "choices": choices, "label": label, **more}


def test_pairs_fit_and_labels_follow_the_recipe() -> None:
    rows = [
        {"id": "0", "text_a": STORY, "text_b": "Anna bought bread .", "label": "neutral", "language": "en"},
        {"id": "1", "text_a": "Anna", "text_b": "Maria", "label": "contradiction", "language": "en"},
    ]
    found = encode(PAIRS, rows, labels=True)
    assert found["label"] == [1, 2] and found["row"] == [0, 1]
    assert len(found["input_ids"][0]) == SHORT.max_length
    tokenizer = build_tokenizer()
    # The longer text is cut: the shorter one is still whole.
    assert tokenizer.decode(found["input_ids"][0]).endswith("</s> Anna bought bread .</s>")
    features = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    logits = [np.array([0.0, 1.0, -1.0]), np.array([0.5, 0.0, 0.25])]
    assert PAIRS.decode(rows, features, logits, {}) == {"0": "neutral", "1": "entailment"}


def test_every_choice_is_read_whole_and_the_context_is_cut() -> None:
    kind = MultipleChoice({})
    found = encode(kind, [choice(["Maria", "Anna .", "the doctor"]), choice(["Peter", "nobody"], 1)], labels=True)
    assert [len(ids) for ids in found["input_ids"]] == [3, 2] and found["label"] == [0, 1]
    tokenizer = build_tokenizer()
    texts = [tokenizer.decode(ids) for ids in found["input_ids"][0]]
    assert [text.endswith(end) for text, end in zip(texts, ("Maria</s>", "Anna.</s>", "the doctor</s>"), strict=True)]
    assert all(len(ids) <= SHORT.max_length for row in found["input_ids"] for ids in row)


def test_key_words_become_questions() -> None:
    kind = MultipleChoice({"prompts": {"cause": "Who sold ?", "effect": "Who bought ?"}})
    rows = [choice(["Anna", "Maria"], question=word, context="") for word in ("cause", "effect")]
    tokenizer = build_tokenizer()
    read = [tokenizer.decode(ids[0]) for ids in encode(kind, rows, labels=False)["input_ids"]]
    assert read[0].startswith("<s> Who sold ?</s>") and read[1].startswith("<s> Who bought ?</s>")


def test_choices_are_decoded_among_those_that_the_row_has() -> None:
    rows = [choice(["a", "b"]), {**choice(["a", "b", "c"], 2), "id": "1"}]
    features = [{"row": 0}, {"row": 1}]
    logits = [np.array([0.0, 1.0, np.inf]), np.array([0.0, 1.0, 2.0])]
    found = MultipleChoice({}).decode(rows, features, logits, {})
    assert found == {"0": 1, "1": 2}
    scores = MultipleChoice({}).score(found, rows, metric="accuracy", language="en")
    assert scores.metrics == {"accuracy": 50.0} and scores.items["0"] == {"accuracy": 0.0}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (choice(["only"]), "1 choices, and a choice needs at least 2"),
        (choice(["a", "b"], 2), "label 2 is not the position of one of 2 choices"),
        (choice(["a", "b"], -1), "its label is missing"),
        (choice(["a", "b"], -2), "label -2 is not the position"),
    ],
)
def test_unusable_rows_are_refused(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        MultipleChoice({}).check(row)
    with pytest.raises(ValueError, match="label 'maybe' is not one of entailment, neutral, contradiction"):
        PAIRS.check({"label": "maybe"})


def test_files_come_back(tmp_path: Path) -> None:
    PAIRS.write_predictions({"3": "neutral", "9": "entailment"}, tmp_path / "test-de.tsv")
    assert (tmp_path / "test-de.tsv").read_text() == "neutral\nentailment\n"
    assert PAIRS.read_predictions(tmp_path / "test-de.tsv", ["3", "9"]) == {"3": "neutral", "9": "entailment"}
    MultipleChoice({}).write_predictions({"0": 1, "1": 0}, tmp_path / "test-sw.tsv")
    assert MultipleChoice({}).read_predictions(tmp_path / "test-sw.tsv", ["0", "1"]) == {"0": 1, "1": 0}
