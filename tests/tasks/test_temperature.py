from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adapterstilts.tasks.explained import Said
from adapterstilts.tasks.kind import HeadSpec, Kind
from adapterstilts.tasks.multiple_choice import MultipleChoice
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.span_qa import SpanQA
from adapterstilts.tasks.tagging import Tagging
from adapterstilts.tasks.temperature import fit_temperature, loss_of
from tests.tasks.test_explained import spans, window

RIGHT, ROWS = 0.75, 200
TOO_SURE = 3.0


def said(kind: Kind, row: Any, feature: Any) -> Said:
    """What a model says that is right three times of four, and sounds three times as sure as that."""
    sure = TOO_SURE * float(np.log(RIGHT / (1 - RIGHT)))
    rows, features, logits = [], [], []
    for number in range(ROWS):
        gold = int(number % 4 == 0)  # the first of two is said
        rows.append({"id": str(number), "language": "en", **row(gold)})
        features.append({"row": number, **feature})
        logits.append(np.array([sure, 0.0]))
    return Said(kind, rows, features, logits)


CASES = {
    "labels": (PairClassification({"labels": ["a", "b"]}), lambda gold: {"label": "ab"[gold]}, {}),
    "choices": (MultipleChoice({}), lambda gold: {"choices": ["x", "y"], "label": gold}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_model_that_is_too_sure_is_made_as_sure_as_it_is_right(name: str) -> None:
    loss = loss_of(said(*CASES[name]))
    assert loss is not None
    assert fit_temperature(loss) == pytest.approx(TOO_SURE, abs=0.01) and loss(TOO_SURE) < loss(1.0)


def test_tags_count_word_by_word() -> None:
    kind = Tagging({"labels": ["a", "b"], "missing": "a", "main": "accuracy"})
    sure = TOO_SURE * float(np.log(RIGHT / (1 - RIGHT)))
    rows = [{"id": "1", "tokens": ["x"] * 4, "tags": ["a", "a", "b", "a"]}]
    feature = {"row": 0, "words": [0, 1, 2, 3], "at": [0, 1, 2, 3]}
    loss = loss_of(Said(kind, rows, [feature], [np.array([[sure, 0.0]] * 4)]))
    assert loss is not None and fit_temperature(loss) == pytest.approx(TOO_SURE, abs=0.01)


def test_spans_count_with_those_without_answer() -> None:
    context = "x y"
    rows, features, logits = [], [], []
    for number in range(4):
        answers = {"text": ["x"], "answer_start": [0]} if number else {"text": [], "answer_start": []}
        rows.append({"id": str(number), "context": context, "answers": answers})
        features.append(window(number, context))
        logits.append(spans([0.0, 30.0, 0.0], [0.0, 30.0, 0.0]))
    loss = loss_of(Said(SpanQA({"no_answer": True}), rows, features, logits))
    assert loss is not None and fit_temperature(loss) > 5 and loss(20.0) < loss(1.0)


def test_an_answer_in_no_window_says_nothing() -> None:
    rows = [{"id": "a", "context": "x y", "answers": {"text": ["zz"], "answer_start": [90]}}]
    assert loss_of(Said(SpanQA({}), rows, [window(0, "x y")], [spans([0.0] * 3, [0.0] * 3)])) is None


def test_each_of_several_labels_is_a_question_of_its_own() -> None:
    class Several:
        options = type("Options", (), {"labels": ("a", "b")})

        def head(self) -> HeadSpec:
            return HeadSpec("multi_label", 2)

    sure = TOO_SURE * float(np.log(RIGHT / (1 - RIGHT)))
    rows = [{"id": str(number), "label": ["a"] if number % 4 else []} for number in range(4)]
    kind: Any = Several()
    loss = loss_of(Said(kind, rows, [{"row": n} for n in range(4)], [np.array([sure, -100.0])] * 4))
    assert loss is not None and fit_temperature(loss) == pytest.approx(TOO_SURE, abs=0.05)
