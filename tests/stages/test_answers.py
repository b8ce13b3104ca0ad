"""What a model is asked: each language for itself, or all candidates together."""

from __future__ import annotations

import json
from typing import Any

import adapterstilts


def test_right_answers_in_all_languages_count(suite: dict[str, Any]) -> None:
    """LAReQA: a question has a right answer in each language, and all are candidates for each question."""
    (row,) = adapterstilts.transfer("none", "lareqa", languages=("en", "de"), max_eval_examples=8, **suite).rows
    labels = json.loads((row.folder / "labels/lareqa/test-de.json").read_text())
    assert all({id_.split("-")[0] for id_ in gold} == {"en", "de"} for gold in labels.values())
    found = row.predictions("en")
    assert {id_.split("-")[0] for ranked in found.values() for id_ in ranked} == {"en", "de"}
    (alone,) = adapterstilts.transfer("none", "lareqa", languages=("de",), max_eval_examples=8, **suite).rows
    labels = json.loads((alone.folder / "labels/lareqa/test-de.json").read_text())
    assert all({id_.split("-")[0] for id_ in gold} == {"de"} for gold in labels.values())
