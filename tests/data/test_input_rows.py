from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.input_rows import InputColumns, input_features, unspaced
from adapterstilts.errors import AstiltsError
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.multiple_choice import MultipleChoice
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.span_qa import SpanQA
from adapterstilts.tasks.tagging import Tagging

PAIRS = PairClassification({"labels": ["no", "yes"]})
TAGS = Tagging({"labels": ["O", "B-PER"], "missing": "O"})


def rows(kind: Kind, *records: dict[str, Any], given: Any = None, likely: Any = None) -> list[dict[str, Any]]:
    columns = InputColumns.of(kind, records, given or {}, likely or {})
    chunk = [(f"line {number}", record) for number, record in enumerate(records, 1)]
    found = columns.rows(chunk, language="de", where="in.csv", bad=BadRows(skip=False))
    assert [record for record, _ in found] == list(records)
    return [row for _, row in found]


def only(kind: Kind, record: dict[str, Any], **options: Any) -> dict[str, Any]:
    (row,) = rows(kind, record, **options)
    return {name: value for name, value in row.items() if name not in ("id", "language")}


def test_columns_are_found_by_their_names_and_gold_is_none_of_them() -> None:
    record = {"label": "yes", "category": "x", "premise": "Ein Satz.", "hypothesis": "Zwei."}
    assert only(PAIRS, record) == {"text_a": "Ein Satz.", "text_b": "Zwei."}
    assert only(PAIRS, {"text": "Ein Satz.", "label": "no"}) == {"text_a": "Ein Satz.", "text_b": ""}
    asked = {"question": "Wo?", "context": "Hier.", "answers": {"text": [], "answer_start": []}}
    assert only(SpanQA({}), asked) == {"question": "Wo?", "context": "Hier."}


def test_columns_are_those_that_are_said_or_those_of_the_task() -> None:
    record = {"headline": "A", "body": "B", "note": "C"}
    assert only(PAIRS, record, given={"text": ("note",)}) == {"text_a": "C", "text_b": ""}
    assert only(PAIRS, record, given={"text": ("body", "note")}) == {"text_a": "B", "text_b": "C"}
    assert only(PAIRS, record, likely={"text_a": "note", "text_b": (), "label": "topic"}) == {
        "text_a": "C",
        "text_b": "",
    }


def test_choices_are_several_columns_or_a_list() -> None:
    kind = MultipleChoice({})
    expected = {"context": "c", "question": "q", "choices": ["x y", "z"]}
    assert only(kind, {"context": "c", "question": "q", "choice1": "x y", "choice2": "z"}) == expected
    record = {"context": "c", "question": "q", "options": '["x y", "z"]'}
    assert only(kind, record, given={"choices": "options"}) == expected


def test_words_are_a_list_or_a_text_with_offsets() -> None:
    assert only(TAGS, {"tokens": ["Ada", "schrieb"]}) == {"tokens": ["Ada", "schrieb"]}
    assert only(TAGS, {"tokens": '["Ada", "schrieb"]'}) == {"tokens": ["Ada", "schrieb"]}
    found = only(TAGS, {"text": " Ада  писала"})
    assert found == {"tokens": ["Ада", "писала"], "text": " Ада  писала", "offsets": [(1, 4), (6, 12)]}


@pytest.mark.parametrize(
    ("kind", "record", "given", "message"),
    [
        (PAIRS, {"premise": "a", "b": "b"}, {"text": ("premis",)}, r"no column 'premis'; it has premise, b.*'premise'"),
        (PAIRS, {"premise": "a"}, {"question": "premise"}, "--question has no meaning"),
        (PAIRS, {"a": "x", "b": "y", "c": "z"}, {"text": ("a", "b", "c")}, "Give 2 at most"),
        (PAIRS, {"premise": " ", "hypothesis": ""}, {}, "in.csv: line 1: its texts are empty"),
        (PAIRS, {"premise": None, "hypothesis": "x"}, {}, "'text_a' is not text but None"),
        (SpanQA({}), {"text": "Ein Satz."}, {}, "looks like 'question'"),
        (SpanQA({}), {"question": "Wo?", "context": " "}, {}, "its context is empty"),
        (TAGS, {"text": "  "}, {}, "its text is empty"),
        (TAGS, {"premise": "a"}, {}, "looks like 'tokens'"),
        (MultipleChoice({}), {"question": "q", "choices": ["x"]}, {}, "at least 2"),
    ],
)
def test_what_cannot_be_read_is_said(kind: Kind, record: Any, given: Any, message: str) -> None:
    with pytest.raises(AstiltsError, match=message):
        rows(kind, record, given=given)


def test_a_later_row_without_a_column_is_named() -> None:
    with pytest.raises(AstiltsError, match="line 2: it has no column 'premise'"):
        rows(PAIRS, {"premise": "a", "hypothesis": "b"}, {"hypothesis": "b"})


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("玛丽 在 柏林 工作 。", None),
        ("Mary arbeitet in Berlin .", None),
        ("Donaudampfschifffahrtsgesellschaft", None),
        ("في ألمانيا", None),
        ("แมรี่ทำงานที่บริษัทแห่งหนึ่งในเบอร์ลิน", "แมรี่ทำงานที่บริษัทแห่งหนึ่งในเบอร์ลิน"),
        ("แมรี่ ทำงาน ที่ บริษัท แห่ง หนึ่ง ใน เบอร์ลิน", None),
        ("မေရီသည်ဘာလင်မြို့ရှိကုမ္ပဏီတစ်ခုတွင်အလုပ်လုပ်သည်။", "မေရီသည်ဘာလင်မြို့ရှိကုမ္ပဏီတစ်ခုတွင်အလုပ်လုပ်သည်"),
    ],
)
def test_texts_without_white_space_between_words_are_known(text: str, joined: str | None) -> None:
    """Such a text is one word to a tagger, of which the first token alone would be tagged."""
    (row,) = rows(TAGS, {"text": text})
    assert row["tokens"] == text.removesuffix("။").split() + ["။"] * text.endswith("။") and unspaced(row) == joined
    (listed,) = rows(TAGS, {"tokens": [text]})
    assert unspaced(listed) is None


@pytest.mark.parametrize("name", ["retrieval", "masked_lm"])
def test_kinds_that_answer_no_single_row_are_refused(name: str) -> None:
    kind: Any = type("Other", (), {"name": name})()
    with pytest.raises(AstiltsError, match="says nothing about a text alone"):
        input_features(kind)


def test_only_whole_lists_are_read_as_json() -> None:
    """A choice or a question in brackets is a text like others."""
    kind = MultipleChoice({})
    record = {"context": "[0]", "question": '["q"]', "choice1": "[1]", "choice2": "[2, 3]"}
    assert only(kind, record) == {"context": "[0]", "question": '["q"]', "choices": ["[1]", "[2, 3]"]}


def test_a_text_is_no_list_of_choices() -> None:
    """It would be one for each of its words."""
    record = {"context": "c", "question": "q", "options": "a red car; a bike"}
    with pytest.raises(AstiltsError, match="line 1: its choices are not a list but 'a red car; a bike'"):
        only(MultipleChoice({}), record, given={"choices": "options"})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_no_text(value: float) -> None:
    """It is what pandas has in empty cells, and was read as the word 'nan'."""
    with pytest.raises(AstiltsError, match=f"'text_b' is not text but {value}"):
        only(PAIRS, {"premise": "a", "hypothesis": value})


def test_a_second_text_that_comes_late_is_not_left_unread() -> None:
    first = [{"premise": "a", "note": "n", "number": 1}] * 3
    columns = InputColumns.of(PAIRS, [{"premise": "a", "number": 1}], {}, {})
    late = [*first, {"premise": "a", "hypothesis": "b"}]
    chunk = [(f"line {number}", record) for number, record in enumerate(late, 1)]
    with pytest.raises(AstiltsError, match="line 4: its column 'hypothesis', by its name 'text_b', would not be read"):
        columns.rows(chunk, language="de", where="in.jsonl", bad=BadRows(skip=False))
    told = InputColumns.of(PAIRS, [{"premise": "a"}], {"text": "premise"}, {})
    assert len(told.rows(chunk, language="de", where="in.jsonl", bad=BadRows(skip=False))) == 4
