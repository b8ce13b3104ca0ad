"""Files to select by and to score that are written otherwise than the training file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.new_task import examine, write_task
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own.data import own_tasks
from adapterstilts.commands.own.recipe import NewTaskOptions
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.errors import DataError
from adapterstilts.languages import ENGLISH
from adapterstilts.tasks.catalogue import Catalogue


def written(name: str, texts: list[str], encoding: str = "utf-8", delimiter: str = ",") -> str:
    """A file of texts with two labels, in some encoding and with some delimiter."""
    with Path(name).open("w", newline="", encoding=encoding) as file:
        rows = [["message", "label"]]
        rows += [[text, f"l{n % 2}"] for n, text in enumerate(texts)]
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return name


ENGLISH_TEXTS = [f"A café, number {n}" for n in range(12)]
GERMAN = [f"Größe, Käse {n}" for n in range(6)]
RUSSIAN = [f"Привет, мир {n}" for n in range(6)]


def read(name: str, **given: Any) -> tuple[dict[str, list[str]], list[str], Any]:
    """The texts that are scored in each language, what was said of the files, and the recipe."""
    said: list[str] = []
    _, own = own_tasks([name], read_options(TransferOptions, given), Catalogue(), note=said.append)
    recipe, source = own.tasks[0].recipe, own.tasks[0].source
    codes = recipe.languages if recipe.source("files").has("test") else ()
    rows = {code: source.load(recipe, "test", code, BadRows(skip=False))["text_a"] for code in codes}
    if recipe.source("files").has("validation"):
        rows["validation"] = source.load(recipe, "validation", ENGLISH, BadRows(skip=False))["text_a"]
    return {code: list(texts) for code, texts in rows.items()}, said, recipe


@pytest.mark.parametrize("training", ["utf-8", "cp1252", "utf-16"])
def test_each_file_is_read_in_its_own_encoding_and_with_its_own_delimiter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: str
) -> None:
    monkeypatch.chdir(tmp_path)
    written("train.csv", ENGLISH_TEXTS, training)
    files = {
        "de": written("de.csv", GERMAN, "cp1252", "\t"),
        "fr": written("fr.csv", GERMAN, "utf-8", ";"),
        "ru": written("ru.csv", RUSSIAN, "utf-16"),
        "en": written("ascii.csv", ["plain, text"]),
    }
    written("select.csv", [*GERMAN, "one more"], "cp1252", ";")
    rows, said, _ = read("train.csv", label="label", test=files, validation="select.csv")
    assert rows["de"] == rows["fr"] == GERMAN and rows["ru"] == RUSSIAN and rows["en"] == ["plain, text"]
    assert rows["validation"] == [*GERMAN, "one more"]
    assert any("de.csv: read as csv" in line and "'\\t'" in line and "cp1252" in line for line in said)


def test_files_that_can_be_read_as_that_of_training_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written("train.csv", ENGLISH_TEXTS, "cp1252")
    files = {"de": written("de.csv", GERMAN, "cp1252"), "sw": written("sw.csv", ["plain, text"])}
    rows, said, recipe = read("train.csv", label="label", test=files)
    assert rows == {"de": GERMAN, "sw": ["plain, text"]} and not recipe.source("files").instead
    assert not any("read as" in line for line in said[1:])


def test_a_file_without_labels_can_be_written_otherwise_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written("train.csv", ENGLISH_TEXTS)
    (tmp_path / "de.jsonl").write_text("".join(f'{{"message": "{text}"}}\n' for text in GERMAN), encoding="cp1252")
    rows, _, recipe = read("train.csv", label="label", test={"de": "de.jsonl"})
    assert rows == {"de": GERMAN} and recipe.source("files").instead[0].may_lack == ("label",)


def test_parts_of_one_file_in_different_encodings_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written("train-1.csv", ENGLISH_TEXTS, "cp1252")
    written("train-2.csv", ENGLISH_TEXTS)
    with pytest.raises(DataError, match="train-2.csv and train-1.csv are parts of one file.*utf-8.*cp1252"):
        read("train-*.csv", label="label")


def test_a_new_task_has_it_in_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written("train.csv", ENGLISH_TEXTS, "cp1252")
    written("de.csv", GERMAN)
    files = {"train": "train.csv", "test": {"de": "de.csv"}, "out": "mine"}
    options = NewTaskOptions.model_validate({"name": "cafes", "kind": "pair_classification", **files})
    written_task = write_task(options, examine(options, Catalogue()), Catalogue())
    assert written_task.rows == {"train": 12, "test de": 6}
    part = Catalogue.load((Path("mine"),)).recipe("cafes").source("files")
    assert part.options["encoding"] == "cp1252" and "encoding" not in part.instead[0].options


def test_a_file_without_the_column_is_read_as_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written("train.csv", ENGLISH_TEXTS)
    (tmp_path / "de.jsonl").write_text("".join(f'{{"body": "{text}", "nr": 1}}\n' for text in GERMAN), encoding="utf-8")
    with pytest.raises(DataError, match="line 1: it has no column 'message' for 'text_a'; there are: body, nr"):
        read("train.csv", label="label", test={"de": "de.jsonl"})
