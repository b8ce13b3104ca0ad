"""Tables of texts with one label, several labels, or a number."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

WORDS = [
    "Anna",
    "Peter",
    "Maria",
    "bread",
    "cake",
    "book",
    "London",
    "Monday",
    "sold",
    "bought",
    "doctor",
    "table",
    "the",
    "in",
]
THINGS = ("Anna", "bread", "London")


def texts(seed: int, count: int, length: int = 6) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=length)) for _ in range(count)]


def write(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def one(seed: int, count: int) -> tuple[list[str], list[list[Any]]]:
    return ["text", "label"], [[text, "food" if "bread" in text else "other"] for text in texts(seed, count)]


def several(seed: int, count: int) -> tuple[list[str], list[list[Any]]]:
    labels = ([thing for thing in THINGS if thing in text] for text in texts(seed, count))
    return ["text", "labels"], [[text, ";".join(own)] for text, own in zip(texts(seed, count), labels, strict=True)]


def numbers(seed: int, count: int) -> tuple[list[str], list[list[Any]]]:
    first, second = texts(seed, count), texts(seed + 50, count, 4)
    marks = np.random.default_rng(seed).random(count)
    rows = [[a, b, f"{100 + 20 * ('bread' in a) + mark:.3f}"] for a, b, mark in zip(first, second, marks, strict=True)]
    return ["sentence1", "sentence2", "score"], rows


TABLES = {"one": one, "several": several, "numbers": numbers}
