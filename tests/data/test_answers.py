"""Answers in the forms in which files have them, and offsets that count something else than characters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import DataError
from tests.package_tasks import recipe

CONTEXT = "Ann lives in Rome."
NOTHING: dict[str, dict[str, Any]] = {
    "release": {"answers": [], "is_impossible": True, "plausible_answers": [{"text": "Rome", "answer_start": 13}]},
    "as_text": {"answers": [], "is_impossible": "true"},
    "as_number": {"answers": [], "is_impossible": 1},
    "no_list": {"is_impossible": "True"},
    "null": {"answers": None, "is_impossible": True},
    "empty_text": {"answers": [{"text": "", "answer_start": -1}], "is_impossible": True},
    "null_text": {"answers": [{"text": None, "answer_start": None}], "is_impossible": True},
    "not_said": {"answers": []},
    "not_said_with_empty_text": {"answers": [{"text": "", "answer_start": -1}]},
    "hub": {"answers": {"text": [], "answer_start": []}},
    "hub_with_empty_text": {"answers": {"text": [""], "answer_start": [0]}},
}
SOMETHING: dict[str, dict[str, Any]] = {
    "release": {"answers": [{"text": "Rome", "answer_start": 13}], "is_impossible": False},
    "as_text": {"answers": [{"text": "Rome", "answer_start": "13"}], "is_impossible": "false"},
    "as_table": {"answers": [{"text": "Rome", "answer_start": 13.0}], "is_impossible": 0},
    "hub": {"answers": {"text": ["Rome"], "answer_start": [13]}},
}


def document(*paragraphs: tuple[str, list[dict[str, Any]]]) -> str:
    return json.dumps({"data": [{"paragraphs": [{"context": text, "qas": qas} for text, qas in paragraphs]}]})


def load(root: Path, task: str, content: str, *, skip: bool = False) -> list[dict[str, Any]]:
    name = {"squad": "squad/train-v1.1.json", "squad_v2": "squad_v2/train-v2.0.json"}[task]
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(content, encoding="utf-8")
    return FileRows(root).load(recipe(task), "train", "en", BadRows(skip=skip)).to_list()


@pytest.mark.parametrize("name", NOTHING)
def test_a_question_without_answer_is_one_however_it_says_so(tmp_path: Path, name: str) -> None:
    asked = [
        {"id": "1", "question": "Where?", **SOMETHING["release"]},
        {"id": "2", "question": "Why?", **NOTHING[name]},
    ]
    rows = load(tmp_path, "squad_v2", document((CONTEXT, asked)))
    assert [row["answers"]["text"] for row in rows] == [["Rome"], []]


@pytest.mark.parametrize("name", SOMETHING)
def test_an_answer_is_one_however_it_is_written(tmp_path: Path, name: str) -> None:
    (row,) = load(tmp_path, "squad_v2", document((CONTEXT, [{"id": "1", "question": "Where?", **SOMETHING[name]}])))
    assert row["answers"] == {"text": ["Rome"], "answer_start": [13]}


def counted(context: str, answer: str, unit: str) -> int:
    before = context[: context.rindex(answer)]
    return {"characters": len(before), "utf-16": len(before.encode("utf-16-le")) // 2, "utf-8": len(before.encode())}[
        unit
    ]


SMILING = "👍🏿 Ann, not Rome's Eve, lives in Rome."
ACCENTED = "Zoë lives in Köln, and Köln is on the Rhine."


def asked(id_: str, context: str, answer: str, unit: str) -> tuple[str, list[dict[str, Any]]]:
    answers = [{"text": answer, "answer_start": counted(context, answer, unit)}]
    return context, [{"id": id_, "question": "Where?", "answers": answers}]


@pytest.mark.parametrize("unit", ["characters", "utf-16", "utf-8"])
def test_offsets_of_a_file_count_what_all_of_its_answers_are_found_by(tmp_path: Path, unit: str) -> None:
    paragraphs = [
        asked("1", CONTEXT, "Rome", unit),
        asked("2", SMILING, "Rome", unit),
        asked("3", ACCENTED, "Köln", unit),
    ]
    rows = load(tmp_path, "squad", document(*paragraphs))
    assert [row["answers"]["answer_start"] for row in rows] == [
        [text.rindex(answer)] for text, answer in ((CONTEXT, "Rome"), (SMILING, "Rome"), (ACCENTED, "Köln"))
    ]


def test_one_answer_that_is_nowhere_does_not_change_what_the_others_count(tmp_path: Path) -> None:
    wrong = (ACCENTED, [{"id": "3", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 1}]}])
    content = document(asked("2", SMILING, "Rome", "utf-16"), wrong)
    with pytest.raises(DataError, match="the answer 'Ann' is not at offset 1"):
        load(tmp_path, "squad", content)
    assert [row["answers"]["answer_start"] for row in load(tmp_path, "squad", content, skip=True)] == [
        [SMILING.rindex("Rome")]
    ]


def test_offsets_of_two_units_in_a_file_are_an_error(tmp_path: Path) -> None:
    content = document(asked("1", SMILING, "Rome", "utf-16"), asked("2", SMILING, "Ann", "characters"))
    with pytest.raises(DataError, match=r"row '1': the answer 'Rome' is not at offset 35, where"):
        load(tmp_path, "squad", content)
