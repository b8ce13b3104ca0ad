"""Folders that hold a data set: which files are which split; and several files by a pattern of their names."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath
from typing import Any

from adapterstilts.errors import DataError, UsageError
from adapterstilts.parsed import as_object, get_list, get_text

_STATE, _SPLITS = "state.json", "dataset_dict.json"
_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test",
}  # fmt: skip
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# `train.csv`, `train-00000-of-00002.parquet`, `train-7.jsonl`
_PART = re.compile(r"(?P<split>[a-z]+)(?:[-_.]\d+(?:-of-\d+)?)?(?P<suffix>\.[a-z0-9]+)")


def dataset_folder(path: Path) -> dict[str, list[Path]]:
    """The files of each split in a folder.

    That is one that `save_to_disk` of `datasets` wrote, with or without splits, or one with files named after them,
    such as `train.csv`, `dev.csv` and `test.csv` or `data/train-00000-of-00002.parquet`.

    Args:
        path: The folder.

    Returns:
        Split (`train`, `validation`, `test`, or as `datasets` has it) to its files, in order.

    Raises:
        UsageError: It is not a folder.
        DataError: No split is there, or what is there contradicts itself.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder.", remedy="Give the folder that holds the data set.")
    if (path / _SPLITS).is_file():
        names = [_own_name(name, path / _SPLITS) for name in _read(path / _SPLITS, "splits")]
        return {name: _saved(path / name)[1] for name in names}
    if (path / _STATE).is_file():
        name, files = _saved(path)
        return {name: files}
    for folder in (path, path / "data"):
        if folder.is_dir() and (found := _named(folder)):
            return found
    there = ", ".join(sorted(one.name for one in path.iterdir())[:8]) or "nothing"
    raise DataError(
        f"{path} holds no data set: there is {there}.",
        remedy="Name its files train.*, validation.* and test.*, or write it with save_to_disk of datasets.",
    )


def matching(text: str) -> tuple[Path, ...]:
    """The file of a path, or those that its pattern fits (`*`, `?`, `[...]`), in the order of their paths.

    A path that is not there, and no pattern, is returned as it is.

    Raises:
        UsageError: No file fits the pattern.
    """
    path = Path(text)
    if path.exists() or not has_pattern(text):
        return (path,)
    pattern = path.relative_to(path.anchor).as_posix()
    if found := tuple(one for one in sorted(Path(path.anchor).glob(pattern)) if one.is_file()):
        return found
    raise UsageError(f"No file fits the pattern {text}.", remedy="Check it; quote it, so that the shell leaves it.")


def has_pattern(text: str) -> bool:
    """Whether a path has signs in it that stand for others."""
    return any(sign in text for sign in "*?[")


def _saved(folder: Path) -> tuple[str, list[Path]]:
    """Name of the split and files of a folder with one split."""
    state = folder / _STATE
    names = [_own_name(name, state) for name in _read(state, "_data_files", "filename")]
    if absent := [name for name in names if not (folder / name).is_file()]:
        raise DataError(f"{folder / absent[0]} is not there, and {state} names it.", remedy="Copy the whole folder.")
    return str(_object(state).get("_split") or "train"), [folder / name for name in names]


def _read(path: Path, name: str, of_each: str = "") -> list[str]:
    """The texts in a list of a JSON file, or one in each of its objects."""
    try:
        found = get_list(_object(path), name)
        return [get_text(one, of_each) if of_each else get_text({"name": one}, "name") for one in found]
    except ValueError as error:
        raise DataError(f"{path}: {error}.", remedy="Write the folder again with save_to_disk.") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        return as_object(json.loads(path.read_text(encoding="utf-8")), "it is not a JSON object")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}).", remedy="Copy the whole folder.") from None


def _own_name(name: str, where: Path) -> str:
    """A name of what lies in a folder, and in no other."""
    if name in ("", ".", "..") or PurePath(name).name != name or "\\" in name:
        raise DataError(f"{where} names {name!r}, which is not in its folder.", remedy="Do not use this folder.")
    return name


def _named(folder: Path) -> dict[str, list[Path]]:
    """Files by the split that they are named after, in the order train, validation, test."""
    found: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        name = next((name.removesuffix(end) for end in _PACKED if name.endswith(end)), name)
        part = _PART.fullmatch(name)
        if part and part["split"] in _NAMES and path.is_file():
            found.setdefault(_NAMES[part["split"]], {}).setdefault(part["split"] + part["suffix"], []).append(path)
    for split, ways in found.items():
        if len(ways) > 1:
            listed = ", ".join(path.name for paths in ways.values() for path in paths)
            raise DataError(f"{folder} has several files for {split}: {listed}.", remedy="Leave one of them there.")
    return {split: next(iter(found[split].values())) for split in dict.fromkeys(_NAMES.values()) if split in found}
