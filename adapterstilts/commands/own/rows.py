"""What is said of one's own rows before anything is trained: repeated ones, and ones that come back elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from adapterstilts.commands.own.tasks import OwnTask
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.input_rows import GOLD
from adapterstilts.languages import ENGLISH
from adapterstilts.runs.memory import Memory

_NO_TEXT = ("id", "language", *GOLD)
# So many classes with one row each are told of, where they are most of them.
_ALONE = 5
# Bytes that stand for a row, of which millions would not fit into memory.
_NAME = 16


def notes_on_rows(own: OwnTask) -> list[str]:
    """A line for each sort of rows whose texts are there more than once; none where every row is new.

    Raises:
        DataError: A file cannot be read.
    """
    if not set(GOLD) & set(own.recipe.canonical_columns):
        return []
    prints = [own.source.fingerprint(own.recipe, split, language) for split, language in parts_there(own)]
    columns = sorted(own.recipe.canonical_columns)
    found = Memory.of_user().recall("own rows and classes", *columns, *prints, find=lambda: _counted(own))
    lines = []
    if found["repeated"]:
        gold = "labels" if "label" in columns else next(name for name in GOLD if name in columns)
        differing = found["differing"]
        several = f"; {differing:,} {'text has' if differing == 1 else 'texts have'} different {gold}"
        said = f"  {found['repeated']:,} of {found['rows']:,} training rows repeat another's texts"
        lines.append(said + (several if differing else ""))
    alone, classes = found["alone"], len(own.recipe.options.get("labels") or ())
    if alone >= _ALONE and 2 * alone > classes and not own.recipe.options.get("multi_label"):
        lines.append(f"  {alone:,} of {classes:,} labels have a single training row; --label names another column")
    for name, (shared, rows) in found["shared"].items():
        if shared:
            share = f"{100 * shared / rows:.2g}%" if shared < rows else "all"
            lines.append(f"  {name}: {shared:,} of {rows:,} rows ({share}) have texts that are trained on too")
    return lines


def parts_there(own: OwnTask) -> Iterator[tuple[str, str]]:
    """Split and language of all rows that there are."""
    languages: Mapping[str, tuple[str, ...]] = {
        "train": (ENGLISH,), "validation": (ENGLISH,), "test": own.recipe.all_languages
    }  # fmt: skip
    for split, codes in languages.items():
        for language in codes:
            if own.source.missing(own.recipe, split, language) is None:
                yield split, language


def _counted(own: OwnTask) -> dict[str, Any]:
    """How many rows there are, and of what sort."""
    texts, whole, labels = _names(own, "train", ENGLISH)
    each, counts = np.unique(texts, return_counts=True)
    _, first = np.unique(whole, return_index=True)
    _, answers = np.unique(texts[first], return_counts=True)
    shared = {}
    for split, language in parts_there(own):
        if split != "train":
            other, _, _ = _names(own, split, language)
            name = f"test {language}" if split == "test" else split
            shared[name] = [int(np.isin(other, each).sum()), len(other)]
    return {
        "rows": len(texts),
        "repeated": int((counts - 1).sum()),
        "differing": int((answers > 1).sum()),
        "alone": sum(count == 1 for count in labels.values()),
        "shared": shared,
    }


def _names(own: OwnTask, split: str, language: str) -> tuple[np.ndarray, np.ndarray, Counter[str]]:
    """For each row what stands for its texts, and what for these with their gold answer; and rows by their label."""
    texts, whole, labels = bytearray(), bytearray(), Counter[str]()
    features = own.recipe.canonical_columns
    for _, row in own.source.rows_of(own.recipe, split, language, BadRows(skip=True)):
        said = json.dumps([row.get(name) for name in features if name not in _NO_TEXT], sort_keys=True, default=str)
        gold = json.dumps([row.get(name) for name in GOLD], sort_keys=True, default=str)
        texts += _name(said)
        whole += _name(said + gold)
        if isinstance(label := row.get("label"), str):
            labels[label] += 1
    return np.frombuffer(texts, dtype=f"S{_NAME}"), np.frombuffer(whole, dtype=f"S{_NAME}"), labels


def _name(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_NAME]
