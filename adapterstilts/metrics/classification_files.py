"""Files of what texts are classified as, where that is not a label per line: numbers, and lists of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapterstilts.errors import DataError
from adapterstilts.files import write_json
from adapterstilts.metrics.submission import read_entries, read_lines
from adapterstilts.parsed import as_finite, as_texts


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
    return found


def read_label_lists(path: Path) -> dict[str, list[str]]:
    """Labels by example id, from `{id: [label, ...]}`; an example may have none."""
    remedy = "Write a list of labels for every id, [] where there is none."
    found = read_entries(path, as_texts, "the entry of", due="a list of labels", remedy=remedy)
    for id_, labels in found.items():
        if repeated := next((label for label in labels if labels.count(label) > 1), None):
            raise DataError(f"{path}: the entry of {id_!r} has the label {repeated!r} twice.", remedy="Keep one.")
    return found


def write_label_lists(labels: Mapping[str, Sequence[str]], path: Path) -> None:
    """Writes `{id: [label, ...]}`."""
    write_json(path, {id_: list(own) for id_, own in labels.items()})
