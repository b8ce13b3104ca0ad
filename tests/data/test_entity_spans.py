"""Entities as annotation tools write them, to tags of words."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.data.records.columns import Columns
from adapterstilts.data.records.entity_spans import spans_of, tagged_words
from adapterstilts.data.sources.rows import record_name
from adapterstilts.errors import UsageError
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.sources import RecordSource
from adapterstilts.tasks.tagging import Tagging

TEXT = "Ann Lee left New York-ish Berlin."
WORDS = ["Ann", "Lee", "left", "New", "York", "-ish", "Berlin", "."]
TAGS = ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O", "B-LOC", "O"]
# Prodigy's, doccano's two, Label Studio's, those of a table, and as `datasets` keeps them.
FORMS: dict[str, Any] = {
    "prodigy": [{"start": 0, "end": 7, "label": "PER"}, {"start": 13, "end": 21, "label": "LOC"},
                {"start": 26, "end": 32, "label": "LOC", "token_start": 5}],
    "lists": [[26, 32, "LOC"], [0, 7, "PER"], [13, 21, "LOC"], [13, 21, "LOC"]],
    "doccano": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 7},
                {"id": 2, "label": "LOC", "start_offset": 12, "end_offset": 21},
                {"id": 3, "label": "LOC", "start_offset": 26, "end_offset": 32}],
    "studio": [{"start": 0, "end": 7, "text": "Ann Lee", "labels": ["PER"]},
               {"start": 13, "end": 21, "text": "New York", "labels": ["LOC"]},
               {"start": 26, "end": 32, "text": "Berlin", "labels": ["LOC"]}],
    "json": '[[0, 7, "PER"], [13, 21, "LOC"], [26, 32, "LOC"]]',
    "columns": {"start": [0, 13.0, 26], "end": [7, 21, 32], "entity": ["PER", "LOC", "LOC"]},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_spans_of_characters_are_tags_of_words(form: str) -> None:
    spans = spans_of(FORMS[form])
    assert spans is not None and tagged_words(TEXT, spans) == (WORDS, TAGS)


def test_a_text_without_entities_and_one_that_javascript_has_counted() -> None:
    assert tagged_words("Nobody left.", spans_of("[]") or []) == (["Nobody", "left", "."], ["O", "O", "O"])
    studio = [{"start": 3, "end": 6, "text": "Ann", "labels": ["PER"]}]
    assert tagged_words("😀 Ann left", studio) == (["😀", "Ann", "left"], ["O", "B-PER", "O"])
    assert tagged_words("玛丽在柏林", [[3, 5, "LOC"]]) == (list("玛丽在柏林"), ["O", "O", "O", "B-LOC", "I-LOC"])


@pytest.mark.parametrize(
    "value", [["B-PER", "O"], "B-PER O", [[0, 3]], [["a", "b", "c"]], [[255, 0, 0]], [{"start": 1}], None, 3, "[x"]
)
def test_what_are_no_spans(value: Any) -> None:
    assert spans_of(value) is None


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 7, "PER"], [4, 12, "X"]], r"the spans 'Ann Lee' \(PER\) and 'Lee left' \(X\) share characters"),
        ([[0, 99, "PER"]], r"the span \[0, 99, 'PER'\]: it is not within the text, which has 33 characters"),
        ([[-1, 3, "PER"]], "-1"),
        ([[3, 4, "PER"]], "nothing but white space"),
        ([[3, 3, "PER"]], "it is not within the text"),
        ([{"start": 0, "end": 3, "labels": ["PER", "ORG"]}], "its label is no name"),
        ([{"start": 0, "end": 3, "label": "PER", "text": "Bob"}], "there is 'Ann' in its place"),
    ],
)
def test_spans_that_are_wrong_are_named(spans: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tagged_words(TEXT, spans)


def test_records_are_read_as_the_source_says() -> None:
    part = RecordSource(columns={"tokens": "text", "tags": "spans"}, spans=True, may_lack=("tags",))
    read = Columns(part, Tagging.features())
    assert read({"text": TEXT, "spans": FORMS["lists"]}, "en") == {"tokens": WORDS, "tags": TAGS}
    assert read({"text": "Ann left."}, "de") == {"tokens": ["Ann", "left", "."], "tags": []}
    assert record_name(part) != record_name(part.model_copy(update={"spans": False}))  # other rows, other runs
    for record, message in (
        ({"text": ["Ann"], "spans": []}, r"'tokens' is not text but \['Ann'\]"),
        ({"text": "Ann", "spans": ["B-PER"]}, r"'tags' is no list of spans but \['B-PER'\]"),
        ({"spans": []}, "it has no column 'text' for 'tokens'; there are: spans"),
    ):
        with pytest.raises(ValueError, match=message):
            read(record, "en")
    with pytest.raises(UsageError, match="'spans' is for tags of words"):
        Columns(RecordSource(spans=True), PairClassification.columns({}))
