from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adapterstilts.tasks.explained import Said, entity_spans, explained
from adapterstilts.tasks.kind import HeadSpec
from adapterstilts.tasks.multiple_choice import MultipleChoice
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.span_qa import SpanQA
from adapterstilts.tasks.tagging import Tagging

PAIRS = PairClassification({"labels": ["no", "yes"]})
BIO = Tagging({"labels": ["O", "B-PER", "I-PER"], "missing": "O", "scheme": "bio"})


def scores(*rows: list[float]) -> list[np.ndarray]:
    return [np.array(row, dtype=np.float32) for row in rows]


def window(row: int, context: str, **changes: Any) -> dict[str, Any]:
    """A window whose tokens are the words of a context behind one token."""
    spans, at = [], 0
    for word in context.split():
        begin = context.index(word, at)
        at = begin + len(word)
        spans += [begin, at]
    count = len(spans) // 2
    return {"row": row, "no_answer": 0, "context_start": 1, "spans": spans, "central": [1] * count, **changes}


def spans(starts: list[float], ends: list[float]) -> np.ndarray:
    return np.array([starts, ends], dtype=np.float32).T


def test_a_label_has_the_share_of_its_score() -> None:
    said = Said(PAIRS, [{"id": "a"}, {"id": "b"}], [{"row": 1}, {"row": 0}], scores([0.0, np.log(3)], [0.0, 0.0]))
    first, second = explained(said)
    assert second == {"label": "yes", "score": 0.75, "scores": {"no": 0.25, "yes": 0.75}}
    assert first["label"] == "no" and first["score"] == 0.5


def test_a_temperature_changes_shares_and_no_answer() -> None:
    said = Said(PAIRS, [{"id": "a"}], [{"row": 0}], scores([0.0, 2 * np.log(3)]), temperature=2.0)
    assert explained(said)[0] == {"label": "yes", "score": 0.75, "scores": {"no": 0.25, "yes": 0.75}}


def test_a_choice_has_its_text_and_no_share_of_what_is_not_there() -> None:
    rows = [{"id": "a", "choices": ["x", "y"]}]
    said = Said(MultipleChoice({}), rows, [{"row": 0}], scores([0.0, np.log(3), -np.inf]))
    assert explained(said) == [{"choice": 1, "chosen": "y", "score": 0.75, "scores": [0.25, 0.75]}]


def test_an_answer_has_its_place_in_the_context_whatever_the_script() -> None:
    context = "Анна  живёт в Берлине ."
    starts, ends = [0.0, 0.0, 0.0, 9.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 9.0, 0.0]
    said = Said(SpanQA({}), [{"id": "a", "context": context}], [window(0, context)], [spans(starts, ends)])
    (found,) = explained(said)
    assert found["answer"] == "в Берлине" == context[found["start"] : found["end"]]
    assert 0.99 < found["score"] <= 1 and "no_answer_score" not in found


def test_shares_of_spans_are_over_all_windows() -> None:
    rows = [{"id": "a", "context": "x y"}]
    two = [window(0, "x y", no_answer=0), window(0, "x y", no_answer=0)]
    flat = spans([0.0] * 3, [0.0] * 3)
    one, both = (
        explained(Said(SpanQA({}), rows, features, [flat] * len(features)))[0]["score"] for features in (two[:1], two)
    )
    assert one == pytest.approx(1 / 9, abs=1e-6) and both == pytest.approx(1 / 18, abs=1e-6)


def test_no_answer_has_no_place_and_a_share_of_its_own() -> None:
    rows = [{"id": "a", "context": "x y"}]
    logits = [spans([9.0, 0.0, 0.0], [9.0, 0.0, 0.0])]
    (found,) = explained(Said(SpanQA({"no_answer": True}), rows, [window(0, "x y")], logits))
    assert (found["answer"], found["start"], found["end"]) == ("", None, None)
    assert found["score"] == found["no_answer_score"] > 0.99
    # The threshold that training has found can say otherwise.
    told = {"no_answer_threshold": 100.0}
    (found,) = explained(Said(SpanQA({"no_answer": True}), rows, [window(0, "x y")], logits, told))
    assert found["answer"] and found["score"] < 0.01 < found["no_answer_score"]


def test_tags_are_entities_with_characters_where_there_was_a_text() -> None:
    text = "Ada  Lovelace schrieb"
    row = {"id": "a", "tokens": text.split(), "text": text, "offsets": [(0, 3), (5, 13), (14, 21)]}
    feature = {"row": 0, "words": [0, 1, 2], "at": [1, 2, 4]}
    tags = np.zeros((5, 3), dtype=np.float32)
    tags[1, 1], tags[2, 2], tags[4, 0] = 9, 9, 9
    (found,) = explained(Said(BIO, [row], [feature], [tags]))
    assert found["tags"] == ["B-PER", "I-PER", "O"] and found["offsets"] == [[0, 3], [5, 13], [14, 21]]
    (entity,) = found["entities"]
    assert (entity["word"], entity["start"], entity["end"]) == ("Ada  Lovelace", 0, 13)
    assert (entity["entity"], entity["first"], entity["last"]) == ("PER", 0, 1) and entity["score"] > 0.99
    (listed,) = explained(Said(BIO, [{"id": "a", "tokens": text.split()}], [feature], [tags]))
    assert listed["entities"][0]["word"] == "Ada Lovelace" and listed["entities"][0]["start"] is None


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["B-X", "I-X", "B-X"], [("X", 0, 1), ("X", 2, 2)]),
        (["I-X", "I-Y", "O", "I-Y"], [("X", 0, 0), ("Y", 1, 1), ("Y", 3, 3)]),
        (["O"], []),
    ],
)
def test_spans_of_tags(tags: list[str], found: list[tuple[str, int, int]]) -> None:
    assert entity_spans(tags) == found


class _Own:
    """A kind whose head is known to nobody else."""

    def __init__(self, head: str, answer: Any) -> None:
        self.options = type("Options", (), {"labels": ("a", "b")})
        self._head, self._answer = head, answer

    def head(self) -> HeadSpec:
        return HeadSpec(self._head, 2)

    def decode(self, *_: Any) -> dict[str, Any]:
        return {"x": self._answer}


@pytest.mark.parametrize(
    ("head", "answer", "result"),
    [
        ("multi_label", ["b"], {"labels": ["b"], "scores": {"a": 0.5, "b": 0.75}}),
        ("regression", 1.23456789, {"value": 1.234568}),
        ("somebody's", "this", {"answer": "this"}),
    ],
)
def test_what_other_heads_say(head: str, answer: Any, result: dict[str, Any]) -> None:
    kind: Any = _Own(head, answer)
    assert explained(Said(kind, [{"id": "x"}], [{"row": 0}], scores([0.0, np.log(3)]))) == [result]
