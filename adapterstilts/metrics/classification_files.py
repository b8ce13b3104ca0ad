"""Files of what texts are classified as, where that is not a label per line: numbers, and lists of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapterstilts.errors import DataError
from adapterstilts.files import write_json
from adapterstilts.metrics.submission import read_entries, read_lines
from adapterstilts.parsed import as_finite, as_texts

LARGEST = 1e100
"""Of larger numbers no score can be made: squares, and sums of squares, have to be numbers too."""


def read_numbers(path: Path) -> list[float]:
    """Numbers, one per line."""
    found = []
    for place, line in enumerate(read_lines(path), start=1):
        try:
            found.append(as_finite(line))
        except ValueError:
            raise DataError(
                f"{path}, line {place}: {line[:60]!r} is not a number.", remedy="Write one number on each line: 2.5."
            ) from None
        if abs(found[-1]) > LARGEST:
            raise DataError(
                f"{path}, line {place}: {line[:60]!r} is larger than {LARGEST:g}.",
                remedy="Check what it was made with.",
            )
    return found


def read_label_lists(path: Path) -> dict[str, list[str]]:
    """Labels by example id, from `{id: [label, ...]}`; an example may have none."""
    remedy = "Write a list of labels for every id, [] where there is none."
    found = read_entries(path, as_texts, "the entry of", due="a list of labels", remedy=remedy)
    for id_, labels in found.items():
        for label, count in Counter(labels).items():
            if count > 1:
                raise DataError(f"{path}: the entry of {id_!r} has the label {label!r} twice.", remedy="Keep one.")
    return found


def write_label_lists(labels: Mapping[str, Sequence[str]], path: Path) -> None:
    """Writes `{id: [label, ...]}`."""
    write_json(path, {id_: list(own) for id_, own in labels.items()})
