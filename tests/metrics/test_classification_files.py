"""Files of numbers and of lists of labels: what they hold, and what is wrong with them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from adapterstilts.errors import DataError
from adapterstilts.metrics.classification_files import read_label_lists, read_numbers, write_label_lists
from adapterstilts.metrics.prediction_files import score_file


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_scores_of_files_are_those_of_their_content(tmp_path: Path) -> None:
    mine, gold = tmp_path / "mine.json", tmp_path / "gold.json"
    write_label_lists({"2": ["a"], "1": []}, mine)
    write_label_lists({"1": [], "2": ["a", "b"]}, gold)
    found = score_file(mine, gold, metric="multi_label", language="de")
    assert found == {"f1_micro": pytest.approx(200 / 3), "f1_macro": 50.0, "accuracy": 50.0}
    mine, gold = write(tmp_path / "mine.tsv", "1\n2.5\n"), write(tmp_path / "gold.tsv", "2\n2.5\n")
    assert score_file(mine, gold, metric="mse", language="de") == {"mse": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"1": "a"}', "the entry of '1' is 'a', not a list of labels"),
        ('{"1": ["a", "a"]}', "the entry of '1' has the label 'a' twice. Keep one"),
        ('{"1": ["b", "", ""]}', "the entry of '1' has the label '' twice. Keep one"),
        ('{"1": [2]}', r"the entry of '1' is \[2\], not a list of labels"),
        ('["a"]', "not a JSON object"),
    ],
)
def test_what_is_wrong_with_lists_of_labels_is_said(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_label_lists(write(tmp_path / "test-de.json", text))


def test_examples_without_an_entry_are_named(tmp_path: Path) -> None:
    mine, gold = write(tmp_path / "mine.json", '{"1": []}'), write(tmp_path / "gold.json", '{"1": [], "2": ["a"]}')
    with pytest.raises(
        DataError, match=r"no entry for 1 ids of .*: '2'. Predict them too; an example without .* has \[\]"
    ):
        score_file(mine, gold, metric="multi_label", language="de")


@pytest.mark.parametrize("line", ["high", "nan", "1e999"])
def test_lines_that_are_no_numbers_are_named(line: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"test-de.tsv, line 2: '{line}' is not a number"):
        read_numbers(write(tmp_path / "test-de.tsv", f"1.5\n{line}\n"))


@pytest.mark.parametrize("line", ["1e101", "-1e200"])
def test_numbers_whose_squares_are_none_are_named(line: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"test-de.tsv, line 2: '{line}' is larger than 1e.100. Check what it was"):
        read_numbers(write(tmp_path / "test-de.tsv", f"1.5\n{line}\n"))
    largest = write(tmp_path / "mine.tsv", "1e100\n-1e100\n")
    assert score_file(largest, largest, metric="regression", language="de") == {
        "spearman": 100.0, "pearson": pytest.approx(100.0), "mse": 0.0
    }  # fmt: skip


def test_many_labels_of_one_example_take_no_time_to_speak_of(tmp_path: Path) -> None:
    """Looked for in each other they would take a minute."""
    labels = [f"label {number}" for number in range(40_000)]
    write_label_lists({"1": labels}, tmp_path / "many.json")
    started = time.perf_counter()
    assert read_label_lists(tmp_path / "many.json") == {"1": labels}
    assert time.perf_counter() - started < 3
