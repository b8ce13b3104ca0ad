"""Which files of a folder are which split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.folders import dataset_folder
from adapterstilts.errors import DataError, UsageError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def test_splits_that_datasets_saved(tmp_path: Path) -> None:
    splits = {"train": 30, "validation": 2, "extra": 3}
    tables = {name: Dataset.from_dict({"a": list(range(size))}) for name, size in splits.items()}
    DatasetDict(tables).save_to_disk(tmp_path / "x", num_shards={"train": 2, "validation": 1, "extra": 1})
    found = dataset_folder(tmp_path / "x")
    read = {
        name: [record["a"] for _, record in FORMATS.get("arrow")(tuple(paths), "en", BadRows(skip=False))]
        for name, paths in found.items()
    }
    assert read == {name: list(range(size)) for name, size in splits.items()} and len(found["train"]) == 2


@pytest.mark.parametrize("split", [None, "test"])
def test_a_table_that_datasets_saved(tmp_path: Path, split: str | None) -> None:
    Dataset.from_dict({"a": [1]}, split=split).save_to_disk(tmp_path / "x")
    assert dataset_folder(tmp_path / "x") == {split or "train": [tmp_path / "x/data-00000-of-00001.arrow"]}


@pytest.mark.parametrize("name", ["../y.arrow", "/etc/passwd", "..", "a\\b"])
def test_a_folder_names_nothing_outside_of_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match="state.json names .*, which is not in its folder"):
        dataset_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "state.json cannot be read"),
        ("{}", "'_data_files' is missing"),
        ('{"_data_files": [{"filename": "a.arrow"}]}', "a.arrow is not there, and .*state.json names it"),
    ],
)
def test_what_was_not_copied_whole(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(DataError, match=message):
        dataset_folder(tmp_path)


def test_files_named_after_splits(tmp_path: Path) -> None:
    touch(tmp_path, "README.md", "test.csv", "Train.csv.gz", "dev.csv", "trainer.csv")
    assert dataset_folder(tmp_path) == {
        "train": [tmp_path / "Train.csv.gz"], "validation": [tmp_path / "dev.csv"], "test": [tmp_path / "test.csv"],
    }  # fmt: skip


def test_parts_below_data(tmp_path: Path) -> None:
    names = [f"data/train-0000{number}-of-00002.parquet" for number in (0, 1)]
    touch(tmp_path, "README.md", *names, "data/validation-00000-of-00001.parquet")
    found = dataset_folder(tmp_path)
    assert list(found) == ["train", "validation"] and found["train"] == [tmp_path / name for name in names]


def test_two_ways_of_one_split_are_refused(tmp_path: Path) -> None:
    for names in (("train.csv", "train.jsonl"), ("validation.csv", "dev.csv")):
        folder = touch(tmp_path / names[0], *names)
        with pytest.raises(DataError, match=f"several files for .*: {', '.join(sorted(names))}. Leave one"):
            dataset_folder(folder)


def test_other_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no data set: there is a.csv. Name its files train\.\*"):
        dataset_folder(touch(tmp_path, "a.csv"))
    with pytest.raises(UsageError, match="a.csv is not a folder"):
        dataset_folder(tmp_path / "a.csv")
