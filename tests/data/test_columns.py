"""Records of a table as rows: other names, other values, and what columns hold."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import Features, List, Value
from pydantic import ValidationError

from adapterstilts.data.records.columns import Columns
from adapterstilts.errors import UsageError
from adapterstilts.tasks.multiple_choice import MultipleChoice
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.sources import FilesSource
from adapterstilts.tasks.span_qa import SpanQA
from adapterstilts.tasks.tagging import Tagging

PAIR, CHOICE, TAGGING, SPAN = (kind.features() for kind in (PairClassification, MultipleChoice, Tagging, SpanQA))

SEVERAL = PairClassification.columns({"multi_label": True})


def columns(features: Any, **said: Any) -> Columns:
    return Columns(FilesSource.model_validate({"format": "jsonl", "splits": {}, **said}), features)


ROWS: dict[str, tuple[Any, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "names": (
        PAIR,
        {"columns": {"text_a": "premise", "text_b": "hypothesis"}},
        {"premise": "A", "hypothesis": "B", "label": "yes", "id": 7},
        {"text_a": "A", "text_b": "B", "label": "yes"},
    ),
    "id": (
        PAIR,
        {"columns": {"id": "nr", "text_b": []}},
        {"nr": 7, "text_a": "A", "label": " yes"},
        {"id": "7", "text_a": "A", "text_b": "", "label": "yes"},
    ),
    "joined": (
        PAIR,
        {"columns": {"text_a": ["title", "body"]}},
        {"title": "A", "body": "", "text_b": "B", "label": 1},
        {"text_a": "A", "text_b": "B", "label": "1"},
    ),
    "values": (
        PAIR,
        {"values": {"label": {0: "no", 1: "yes"}}},
        {"text_a": "A", "text_b": "B", "label": " 1 "},
        {"text_a": "A", "text_b": "B", "label": "yes"},
    ),
    "several in one text": (
        SEVERAL,
        {"separators": {"label": "|"}, "values": {"label": {"1": "war", "2": "art"}}},
        {"text_a": "A", "text_b": "B", "label": "2| 1 |"},
        {"text_a": "A", "text_b": "B", "label": ["art", "war"]},
    ),
    "none": (
        SEVERAL,
        {"separators": {"label": "|"}},
        {"text_a": "A", "text_b": "B", "label": None},
        {"text_a": "A", "text_b": "B", "label": []},
    ),
    "one text": (
        PairClassification.columns({"one_text": True}),
        {"columns": {"text_a": "text"}},
        {"text": "A", "label": "yes"},
        {"text_a": "A", "label": "yes"},
    ),
    "choices": (
        CHOICE,
        {"columns": {"context": [], "choices": ["a", "b"]}, "values": {"label": {"A": 0, "B": 1}}},
        {"question": "Q", "a": "x", "b": "y", "label": "B"},
        {"context": "", "question": "Q", "choices": ["x", "y"], "label": 1},
    ),
    "number": (
        CHOICE,
        {"columns": {"context": "c"}},
        {"c": "C", "question": "", "choices": ["x", "y"], "label": "1"},
        {"context": "C", "question": "", "choices": ["x", "y"], "label": 1},
    ),
    "words": (
        TAGGING,
        {"columns": {"tokens": "sentence"}, "values": {"tags": {"PERSON": "B-PER", "O": "O"}}},
        {"sentence": "Ann  came", "tags": ["PERSON", "O"]},
        {"tokens": ["Ann", "came"], "tags": ["B-PER", "O"]},
    ),
    "object": (
        SPAN,
        {"columns": {"context": "passage"}},
        {"passage": "Ann", "question": "Q", "answers": {"text": ["Ann"], "answer_start": ["0"], "more": 1}},
        {"context": "Ann", "question": "Q", "answers": {"text": ["Ann"], "answer_start": [0]}},
    ),
    "real": (
        Features({"id": Value("string"), "text_a": Value("string"), "scores": List(Value("float32"))}),
        {"columns": {"scores": ["x", "y"]}},
        {"text_a": "A", "x": "0.5", "y": 2},
        {"text_a": "A", "scores": [0.5, 2.0]},
    ),
}


@pytest.mark.parametrize("what", ROWS)
def test_records_become_rows(what: str) -> None:
    features, said, record, row = ROWS[what]
    assert columns(features, **said)(record, "en") == row


BAD: dict[str, tuple[Any, dict[str, Any], dict[str, Any], str]] = {
    "absent": (PAIR, {"columns": {"text_a": "premise"}}, {"text": "A", "label": "1"},
               "it has no column 'premise' for 'text_a'; there are: text, label"),
    "null": (PAIR, {"columns": {"text_b": []}}, {"text_a": None, "label": "1"}, "'text_a' is not text but None"),
    "empty": (PAIR, {"columns": {"text_b": []}}, {"text_a": " ", "label": "1"}, "its texts are empty"),
    "value": (PAIR, {"values": {"label": {"0": "no"}}}, {"text_a": "A", "text_b": "B", "label": 1},
              "the value 1 is not one of those that 'values' names: 0"),
    "surrogate": (PAIR, {"columns": {"text_b": []}}, {"text_a": "A\ud800", "label": "1"},
                  "'text_a' the text after 'A' is not valid"),
    "number": (CHOICE, {"columns": {"context": []}}, {"question": "Q", "choices": ["x", "y"], "label": "b"},
               "'label' is not a number but 'b'"),
    "fraction": (CHOICE, {"columns": {"context": []}}, {"question": "Q", "choices": ["x", "y"], "label": 0.5},
                 "'label' is not a whole number but 0.5"),
    "truth": (CHOICE, {"columns": {"context": []}}, {"question": "Q", "choices": ["x", "y"], "label": True},
              "'label' is not a number but True"),
    "list": (TAGGING, {"columns": {"tokens": "t"}}, {"t": 3, "tags": []}, "'tokens' is not a list but 3"),
    "object": (SPAN, {"columns": {"context": "c"}}, {"c": "Ann", "question": "Q", "answers": {"text": ["Ann"]}},
               "'answers' is not an object with text, answer_start but {'text'"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_with_a_record_is_said(what: str) -> None:
    features, said, record, message = BAD[what]
    with pytest.raises(ValueError, match=message):
        columns(features, **said)(record, "en")


def test_only_lists_have_separators() -> None:
    with pytest.raises(UsageError, match="'separators' has 'label', a column that holds no list"):
        columns(PAIR, separators={"label": "|"})
    with pytest.raises(ValidationError, match="'record' and 'separators' do not go together"):
        columns(SEVERAL, record="mnli", separators={"label": "|"})


def test_ids_are_used_once() -> None:
    read = columns(PAIR, columns={"id": "nr", "text_b": []})
    read({"nr": 1, "text_a": "A", "label": "1"}, "en")
    with pytest.raises(ValueError, match="the id '1' is used twice"):
        read({"nr": "1", "text_a": "B", "label": "1"}, "en")


def test_unknown_canonical_columns_are_refused() -> None:
    with pytest.raises(UsageError, match="Unknown canonical column 'text_c'. Did you mean 'text_"):
        columns(PAIR, columns={"text_c": "x"})
    with pytest.raises(ValidationError, match="'record' and 'values' do not go together"):
        columns(PAIR, record="mnli", values={"label": {"0": "no"}})
