"""Validation data that a recipe holds out of its training file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.splits import training_rows
from adapterstilts.errors import DataError, UsageError
from adapterstilts.files import file_digest
from adapterstilts.reporting.cards import card
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.tasks.catalogue import read_recipe
from adapterstilts.tasks.recipe import Recipe

FILES = {
    "format": "csv",
    "splits": {"train": "train.csv", "test": "test.csv"},
    "columns": {"text_a": "title", "text_b": "body"},
}


def task(kind: str = "pair_classification", **files: Any) -> Recipe:
    options = (
        {"labels": ["0", "1"]}
        if kind == "pair_classification"
        else {"labels": ["O", "X"], "missing": "O", "scheme": "none"}
    )
    said = {"name": "mine", "title": "Mine", "kind": kind, "phases": ["intermediate", "target"], "languages": ["en"],
            "metric": "accuracy" if kind == "pair_classification" else "tagging", "options": options}  # fmt: skip
    return read_recipe({**said, "sources": {"files": {**FILES, **files}}}, where="here")


@pytest.fixture
def source(tmp_path: Path) -> FileRows:
    rows = [f"title {number // 3},body {number % 7},{number % 2},{number // 10}" for number in range(1000)]
    (tmp_path / "train.csv").write_text("\n".join(["title,body,label,author", *rows]))
    (tmp_path / "test.csv").write_text("title,body,label,author\nx,y,1,z\n")
    return FileRows(tmp_path)


def splits(source: FileRows, recipe: Recipe, bad: BadRows | None = None) -> tuple[list[dict], list[dict]]:
    train, validation = (
        source.load(recipe, split, "en", bad or BadRows(skip=False)).to_list() for split in ("train", "validation")
    )
    return train, validation


def test_every_record_is_in_one_of_the_two(source: FileRows) -> None:
    train, validation = splits(source, task(hold_out={"share": 0.1}))
    numbers = [{int(row["id"]) for row in rows} for rows in (train, validation)]
    assert not numbers[0] & numbers[1] and numbers[0] | numbers[1] == set(range(1000))
    assert 60 < len(validation) < 140


@pytest.mark.parametrize(("by", "group"), [("title", 3), (["author"], 10)])
def test_no_group_is_on_both_sides(source: FileRows, by: Any, group: int) -> None:
    train, validation = splits(source, task(hold_out={"share": 0.2, "by": by}))
    groups = [{int(row["id"]) // group for row in rows} for rows in (train, validation)]
    assert not groups[0] & groups[1] and 100 < len(validation) < 300


def test_rows_of_the_same_texts_stay_together(tmp_path: Path, source: FileRows) -> None:
    (tmp_path / "train.csv").write_text("title,body,label\n" + "".join(f"a {n % 50}, b ,{n % 2}\n" for n in range(500)))
    train, validation = splits(source, task(hold_out={"share": 0.3}))
    assert not {row["text_a"] for row in train} & {row["text_a"] for row in validation} and validation


def test_a_hash_decides_and_not_what_else_there_is(tmp_path: Path, source: FileRows) -> None:
    recipe = task(hold_out={"share": 0.2, "by": "title"})
    _, before = splits(source, recipe)
    for row in before:
        digest = hashlib.sha256(row["text_a"].encode()).digest()
        assert int.from_bytes(digest[:8], "big") / 2**64 < 0.2
    header, *lines = (tmp_path / "train.csv").read_text().splitlines()
    (tmp_path / "train.csv").write_text("\n".join([header, "new,text,1,x", *reversed(lines)]))
    _, after = splits(source, recipe)
    assert {row["text_a"] for row in before} == {row["text_a"] for row in after} - {"new"}


def test_test_data_are_whole(source: FileRows) -> None:
    assert len(source.load(task(hold_out={"share": 0.9}), "test", "en", BadRows(skip=False))) == 1


def test_both_splits_name_it_in_their_fingerprints(source: FileRows) -> None:
    ways: list[dict[str, Any] | None] = [{"share": 0.1}, {"share": 0.2}, {"share": 0.1, "by": "title"}]
    recipes = [task(hold_out=way) for way in ways]
    for split in ("train", "validation"):
        assert len({source.fingerprint(recipe, split, "en") for recipe in [*recipes, task()] if split != "validation" or
                    recipe.source("files").hold_out}) == len(ways) + (split == "train")  # fmt: skip
    assert len({source.fingerprint(recipe, "test", "en") for recipe in [*recipes, task()]}) == 1


def test_recipes_without_it_keep_their_fingerprints(source: FileRows, tmp_path: Path) -> None:
    columns = {"text_a": "title", "text_b": "body"}
    digest = file_digest(tmp_path / "train.csv")
    expected = f"files:3:csv():None:{columns}:{{}}:sha256:{digest}:train:en"
    assert source.fingerprint(task(), "train", "en") == expected
    assert source.missing(task(), "validation", "en") == "validation file of mine"


def test_stages_train_on_the_rest_and_select_by_what_is_held_out(source: FileRows) -> None:
    recipe = task(hold_out={"share": 0.1, "by": "title"})
    prints = {split: {"en": source.fingerprint(recipe, split, "en")} for split in ("train", "validation")}
    data = TrainingData(task="mine", source="files", fingerprints=prints)
    train, validation = training_rows(source, recipe, data, BadRows(skip=False))
    assert source.missing(recipe, "validation", "en") is None and len(train) + len(validation) == 1000
    assert not set(train["text_a"][:]) & set(validation["text_a"][:])


def test_a_column_that_is_not_there_is_an_error(source: FileRows) -> None:
    recipe = task(hold_out={"share": 0.1, "by": "autor"})
    with pytest.raises(DataError, match=r"train.csv: line 2: it has no column 'autor', by which .* there are: title"):
        splits(source, recipe)


def test_too_little_to_hold_out_is_an_error_that_says_so(tmp_path: Path, source: FileRows) -> None:
    (tmp_path / "train.csv").write_text("title,body,label\na,b,1\n")
    with pytest.raises(DataError, match=r"train.csv, of which hold_out leaves 0.01 for validation: there is no usable"):
        splits(source, task(hold_out={"share": 0.01}))


def test_lists_can_say_what_belongs_together(tmp_path: Path) -> None:
    lines = [f"word{n % 40} O\n\n" for n in range(200)]
    (tmp_path / "train.conll").write_text("".join(lines))
    files = {"format": "conll", "splits": {"train": "train.conll"}, "columns": {}}
    nothing = task("tagging", **{**files, "columns": {"tokens": []}}, hold_out={"share": 0.2})
    with pytest.raises(UsageError, match="'hold_out' has no column of text .* Name columns with 'by'"):
        splits(FileRows(tmp_path), nothing)
    train, validation = splits(FileRows(tmp_path), task("tagging", **files, hold_out={"share": 0.2, "by": "tokens"}))
    assert splits(FileRows(tmp_path), task("tagging", **files, hold_out={"share": 0.2})) == (train, validation)
    assert not {row["tokens"][0] for row in train} & {row["tokens"][0] for row in validation}
    assert len(train) + len(validation) == 200 and validation


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"hold_out": {"share": 1}}, "share: Input should be less than 1"),
        ({"hold_out": {"share": 0}}, "share: Input should be greater than 0"),
        ({"hold_out": {"share": 0.1}, "splits": {"test": "a"}}, "'hold_out' needs 'train' in 'splits'"),
        (
            {"hold_out": {"share": 0.1}, "splits": {"train": "a", "validation": "b"}},
            "makes 'validation' of 'train', and 'splits' has something else",
        ),
        ({"hold_out": {"share": 0.1}, "columns": {}, "record": "x"}, "'hold_out' beside 'record' needs 'by'"),
        (
            {"hold_out": {"share": 0.1}, "also": [{"format": "csv", "splits": {"train": "b"}}]},
            "'also' has training data too, which need a 'hold_out' of the same share",
        ),
    ],
)
def test_what_does_not_go_together(files: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task(**files)


def test_what_a_recipe_is_written_as_is_read_again(source: FileRows) -> None:
    recipe = task(hold_out={"share": 0.25, "by": "title"})
    written = recipe.model_dump(mode="json", exclude_defaults=True)
    assert read_recipe(written, where="here") == recipe
    assert written["sources"]["files"]["splits"]["validation"] == "train.csv"


def test_the_card_says_how_much_is_held_out(tmp_path: Path) -> None:
    text = card(task(hold_out={"share": 0.25, "by": "title"}), tmp_path)
    assert "validation: 25% of `train.csv`, by `title`" in text and "train: `train.csv`, without" in text
