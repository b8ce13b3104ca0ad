"""Answers of a table, found in their contexts."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.data.records.answer_texts import are_of_contexts
from adapterstilts.data.records.columns import Columns
from adapterstilts.data.records.guessing import guess_columns
from adapterstilts.tasks.sources import RecordSource
from adapterstilts.tasks.span_qa import SpanQA

CONTEXT = "Ann left Rome. Rome is old."
NOTHING: dict[str, list[Any]] = {"text": [], "answer_start": []}


def row(answers: Any, **record: Any) -> dict[str, Any]:
    read = Columns(RecordSource(columns={"answers": answers}), SpanQA.features())
    return read({"context": CONTEXT, "question": "Where?", **record}, "en")["answers"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Rome", {"text": ["Rome"], "answer_start": [9]}),
        (" is old ", {"text": ["is old"], "answer_start": [20]}),
        (["Rome", "Ann"], {"text": ["Rome", "Ann"], "answer_start": [9, 0]}),
        ('{"text": ["Rome"], "answer_start": [15]}', {"text": ["Rome"], "answer_start": [15]}),
        ({"text": ["Rome"], "answer_start": [15]}, {"text": ["Rome"], "answer_start": [15]}),
        ("", NOTHING),
        (None, NOTHING),
    ],
)
def test_an_answer_is_where_the_context_has_it_first(given: Any, expected: Any) -> None:
    assert row("answer", answer=given) == expected


def test_where_it_begins_can_be_in_a_column_of_its_own() -> None:
    assert row(("answer", "at"), answer="Rome", at="15") == {"text": ["Rome"], "answer_start": [15]}
    assert row(("answer", "at"), answer="", at="") == NOTHING


@pytest.mark.parametrize(
    ("given", "message"), [("Paris", "its answer 'Paris' is not in its context"), (3, "not text but 3")]
)
def test_answers_that_are_not_there_are_named(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row("answer", answer=given)


def test_tables_of_questions_are_told_by_their_answers() -> None:
    good = {"Question": "Where?", "Passage": CONTEXT, "Answer": "Rome"}
    records = [{**good, "Answer": answer} for answer in ("Rome", "Ann", "old", None, "Rome is old")]
    assert are_of_contexts(records)
    others = [{**good, "Passage": "Nobody knows, but it is no yes.", "Answer": "no"} for _ in range(9)]
    assert not are_of_contexts([*others, {**good, "Answer": "yes"}])  # as BoolQ has them
    assert not are_of_contexts([{**one, "Answer": f"{one['Answer']}, I think"} for one in records])
    assert not are_of_contexts([{"Question": "Where?", "Answer": "Rome"}])
    guesses = guess_columns(records, SpanQA.features(), {})
    assert {one.column: one.theirs for one in guesses} == {
        "context": "Passage", "question": "Question", "answers": "Answer",
    }  # fmt: skip
