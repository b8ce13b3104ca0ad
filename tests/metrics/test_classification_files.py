"""Files of numbers and of lists of labels: what they hold, and what is wrong with them."""

from __future__ import annotations

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
