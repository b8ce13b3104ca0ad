"""A model that says the same whatever it reads is noticed for every kind of task, and one that does not is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adapterstilts.tasks.kind import KINDS

RNG = np.random.default_rng(0)


def pairs(labels: list[Any]) -> list[dict[str, Any]]:
    return [{"id": str(n), "text_a": f"a{n}", "text_b": "b", "label": label} for n, label in enumerate(labels)]


def one_each(rows: list[Any]) -> list[dict[str, Any]]:
    return [{"row": number} for number in range(len(rows))]


def collapse(kind: Any, rows: list[Any], features: list[Any], logits: list[np.ndarray]) -> str | None:
    return kind.collapse(rows, features, logits, kind.decode(rows, features, logits, {}))


THREE = {"labels": ["e", "n", "c"]}
LABELS = pairs(["e", "n", "c", "e", "e", "n"])
SAME = "one and the same prediction for every example"


def test_one_class_for_all() -> None:
    kind = KINDS.get("pair_classification")(THREE)
    one = [np.array([0.1, 3.0, 0.2]) + n / 100 for n in range(6)]
    assert collapse(kind, LABELS, one_each(LABELS), one) == SAME
    assert collapse(kind, pairs(["n"] * 6), one_each(LABELS), one) is None  # then it is right
    assert collapse(kind, LABELS, one_each(LABELS), [np.eye(3)[n % 3] for n in range(6)]) is None
    assert kind.constant(LABELS) == dict.fromkeys("012345", "e")


def test_one_set_of_labels_for_all() -> None:
    kind = KINDS.get("pair_classification")({**THREE, "multi_label": True})
    rows = pairs([["e"], ["e", "n"], [], ["e"]])
    assert collapse(kind, rows, one_each(rows), [np.full(3, -4.0)] * 4) == SAME
    assert collapse(kind, rows, one_each(rows), [np.full(3, 4.0 - 4 * n) for n in range(4)]) is None
    assert set(map(str, kind.constant(rows).values())) == {str(kind._form.gold(["e"]))}


def test_one_number_for_all() -> None:
    kind = KINDS.get("pair_classification")({"regression": True, "mean": 2.0, "sd": 1.5})
    rows = pairs([1.0, 2.0, 3.0, 5.0])
    still = [np.array([0.5 + 1e-6 * n]) for n in range(4)]
    assert collapse(kind, rows, one_each(rows), still) == SAME
    assert collapse(kind, rows, one_each(rows), [np.array([0.2 * n]) for n in range(4)]) is None
    assert kind.constant(rows) is None


def test_equal_scores_for_all_choices_and_one_position_for_all() -> None:
    kind = KINDS.get("multiple_choice")({})
    rows = [{"id": str(n), "choices": ["a", "b", "c"], "label": n % 3} for n in range(6)]
    noise = [np.full(3, 0.7) + 1e-8 * RNG.random(3) for _ in rows]
    assert collapse(kind, rows, one_each(rows), noise) == "the same score to every choice"
    assert collapse(kind, rows, one_each(rows), [np.array([0.1, 0.3, 0.2])] * 6) == SAME
    assert collapse(kind, rows, one_each(rows), [np.eye(3)[n % 2] for n in range(6)]) is None
    assert kind.constant(rows[:4]) == dict.fromkeys("0123", 0)


def questions(*answers: str) -> list[dict[str, Any]]:
    return [
        {"id": str(n), "context": "Ann sleeps here", "question": "Who?", "language": "en",
         "answers": {"text": [text] if text else [], "answer_start": [0] if text else []}}
        for n, text in enumerate(answers)
    ]  # fmt: skip


def window(number: int) -> dict[str, Any]:
    """`<s> Ann sleeps here`."""
    return {"row": number, "no_answer": 0, "context_start": 1, "spans": [0, 3, 4, 10, 11, 15], "central": [1, 1, 1]}


def test_no_answer_to_any_question_and_equal_scores_for_all_tokens() -> None:
    kind = KINDS.get("span_qa")({"no_answer": True})
    rows, features = questions("Ann", "", "here"), [window(n) for n in range(3)]
    empty = [np.array([[9.0, 9.0], [0.0, 0.1], [0.1, 0.0], [0.2, 0.3]])] * 3
    assert collapse(kind, rows, features, empty) == "no answer to any question"
    assert collapse(kind, questions("", ""), features[:2], empty[:2]) is None  # then it is right
    assert collapse(kind, rows, features, [np.array([[0.0, 0.0], [5.0, 5.0], [0.1, 0.0], [0.2, 0.3]])] * 3) is None
    assert kind.constant(rows) == {"0": "", "1": "", "2": ""}
    plain = KINDS.get("span_qa")({})
    assert (
        collapse(plain, questions("Ann", "here"), features[:2], [np.full((4, 2), 0.3)] * 2)
        == "the same score to every token"
    )
    assert plain.constant(rows) is None


def test_one_tag_for_every_word() -> None:
    kind = KINDS.get("tagging")({"labels": ["O", "B-PER", "I-PER"], "missing": "O"})
    rows = [{"id": str(n), "tokens": ["Ann", "sleeps"], "tags": ["B-PER", "O"]} for n in range(3)]
    features = [{"row": n, "words": [0, 1], "at": [1, 2]} for n in range(3)]
    outside = [np.tile([2.0, 0.0, 0.0], (4, 1))] * 3
    assert collapse(kind, rows, features, outside) == "the tag O to every word"
    assert collapse(kind, rows, features, [np.eye(3)[[0, 1, 0, 0]]] * 3) is None
    assert collapse(kind, [{**one, "tags": ["O", "O"]} for one in rows], features, outside) is None
    assert kind.constant(rows) == {str(n): ["B-PER", "B-PER"] for n in range(3)}


def sides(count: int) -> list[dict[str, Any]]:
    common = {"context": "", "positive": "", "positive_context": "", "language": "en"}
    queries = [{"id": f"q{n}", "side": "query", "text": f"q{n}", "gold": [f"c{n}"], **common} for n in range(count)]
    return [
        *queries,
        *({"id": f"c{n}", "side": "candidate", "text": f"c{n}", "gold": [], **common} for n in range(count)),
    ]


@pytest.mark.parametrize("mode", ["nearest", "mine", "rank"])
def test_one_vector_for_every_text(mode: str) -> None:
    kind = KINDS.get("retrieval")({"mode": mode, "pooling": "mean"})
    rows = sides(6)
    features = [{"row": n, "candidate": int(n >= 6)} for n in range(12)]
    direction = RNG.normal(size=16)
    same = [(1 + n) * direction + 1e-7 * RNG.normal(size=16) for n in range(12)]
    assert collapse(kind, rows, features, same) == "the same vector to every text"
    # As those of an encoder that nobody has trained for it: alike, and not equal.
    alike = [direction + 0.01 * RNG.normal(size=16) for _ in range(12)]
    assert collapse(kind, rows, features, alike) in (None, "the same candidate to every query")
    basis = [np.eye(16)[n % 6] for n in range(12)]
    assert collapse(kind, rows, features, basis) is None


@pytest.mark.parametrize("mode", ["nearest", "rank"])
def test_one_candidate_for_every_query(mode: str) -> None:
    kind = KINDS.get("retrieval")({"mode": mode, "pooling": "mean"})
    rows, features = sides(4), [{"row": n, "candidate": int(n >= 4)} for n in range(8)]
    vectors = [np.eye(8)[0] + 0.1 * np.eye(8)[n] for n in range(4)] + [np.eye(8)[0]] + [np.eye(8)[n] for n in (5, 6, 7)]
    assert collapse(kind, rows, features, vectors) == "the same candidate to every query"


def test_less_than_a_guess_about_masked_words() -> None:
    kind = KINDS.get("masked_lm")({})
    rows = [{"id": str(n), "text": "a b c"} for n in range(3)]
    features = [{"row": n, "masked_labels": [-100, 99, 3]} for n in range(3)]
    assert "a guess among all" in str(collapse(kind, rows, features, [np.array([2.0, 0.0, 2 * np.log(150)])] * 3))
    assert collapse(kind, rows, features, [np.array([2.0, 0.0, 2 * np.log(50)])] * 3) is None


def test_every_kind_can_tell() -> None:
    names = KINDS.names()
    assert len(names) == 6 and all(callable(KINDS.get(name).collapse) for name in names)
