"""Rows of one's own that are there more than once, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.errors import UsageError
from tests.commands.own_tables import found, table

HEAD = ["text", "label"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows(count: int, first: int = 0) -> list[list[Any]]:
    return [[f"text {n}", ("good", "bad")[n % 2]] for n in range(first, first + count)]


def notes(**given: Any) -> list[str]:
    """What is said of rows."""
    _, said = found("train.csv", **given)
    return [line for line in said if "rows" in line]


def test_where_every_row_is_new_nothing_is_said() -> None:
    table(Path("train.csv"), [HEAD, *rows(20)])
    table(Path("new.csv"), [HEAD, *rows(5, 20)])
    assert notes(test="ru=new.csv") == []


def test_repeated_rows_are_counted_and_those_with_other_labels() -> None:
    table(Path("train.csv"), [HEAD, *rows(20), *rows(3), ["text 0", "bad"], ["text 5", "good"]])
    assert notes() == ["  5 of 25 training rows repeat another's texts; 2 texts have different labels"]
    table(Path("train.csv"), [HEAD, *rows(20), ["text 1", "bad"]])
    assert notes() == ["  1 of 21 training rows repeat another's texts"]


def test_rows_that_are_scored_or_selected_by_are_told_by_their_texts_and_not_their_labels() -> None:
    table(Path("train.csv"), [HEAD, *rows(20)])
    table(Path("dev.csv"), [HEAD, *rows(10, 15)])
    table(Path("ru.csv"), [HEAD, ["text 3", "bad"], *rows(3, 50)])
    table(Path("sw.csv"), [HEAD, *rows(8)])
    assert notes(validation="dev.csv", test="ru=ru.csv,sw=sw.csv") == [
        "  validation: 5 of 10 rows (50%) have texts that are trained on too",
        "  test ru: 1 of 4 rows (25%) have texts that are trained on too",
        "  test sw: 8 of 8 rows (all) have texts that are trained on too",
    ]


def test_pairs_and_questions_are_told_by_all_their_texts() -> None:
    questions = [{"context": "a b c", "question": f"q {n % 4}", "answers": {"text": ["b"], "answer_start": [2]}}
                 for n in range(6)]  # fmt: skip
    Path("train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions))
    _, said = found("train.jsonl")
    assert said[-1] == "  2 of 6 training rows repeat another's texts"


def test_rows_that_are_held_out_have_texts_of_their_own() -> None:
    table(Path("train.csv"), [HEAD, *rows(40), *rows(40)])
    assert all("validation" not in line for line in notes(validation="0.3"))


@pytest.mark.parametrize("count", [10, 60])
def test_a_label_of_its_own_in_every_row_is_refused(count: int) -> None:
    table(Path("train.csv"), [["text", "Ticket ID"], *([f"text {n}", f"T-{n}"] for n in range(count))])
    with pytest.raises(
        UsageError, match=rf"Each of the {count} training rows .* in 'Ticket ID'.*--label NAME"
    ) as error:
        found("train.csv", text="text", label="Ticket ID")
    assert "--task-option regression=true" in str(error.value)


def test_labels_of_single_rows_are_told_of_where_they_are_most() -> None:
    seldom = [[f"seldom {n}", f"T-{n}"] for n in range(6)]
    table(Path("train.csv"), [HEAD, *rows(20), *seldom])
    assert notes() == []
    told = [line for line in found("train.csv")[1] if "single" in line]
    assert told == ["  6 of 8 labels have a single training row; --label names another column"]
    table(Path("train.csv"), [HEAD, *rows(20), *seldom[:4]])
    assert not [line for line in found("train.csv")[1] if "single" in line]


def test_an_example_of_each_class_and_several_labels_are_no_names_of_rows() -> None:
    table(Path("train.csv"), [HEAD, *([f"text {n}", f"class {n}"] for n in range(9))])
    assert len(found("train.csv")[0].options["labels"]) == 9
    table(Path("train.csv"), [HEAD, *([f"text {n}", f"a{n}|b{n}|c{n % 2}"] for n in range(20))])
    assert found("train.csv", task_option={"multi_label": "true"})[0].options["multi_label"]
