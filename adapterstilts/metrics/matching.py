"""Prediction files with their label files.

Each function reads a prediction file and its label file, and returns (predictions, gold answers) once the two belong
together, of equal length but for pairs. All errors are `DataError`s that name the file and the place in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapterstilts.errors import DataError
from adapterstilts.metrics.classification_files import read_label_lists, read_numbers
from adapterstilts.metrics.submission import (
    Pair,
    Question,
    read_answers,
    read_gold_answers,
    read_lines,
    read_pairs,
    read_rankings,
    read_tags,
)


def match_lines(predictions: Path, labels: Path) -> tuple[list[str], list[str]]:
    """Reads two files of labels with equally many lines."""
    mine, gold = read_lines(predictions), read_lines(labels)
    _check_count(len(mine), len(gold), "lines", predictions, labels)
    return mine, gold


def match_numbers(predictions: Path, labels: Path) -> tuple[list[float], list[float]]:
    """Reads two files of numbers with equally many lines."""
    mine, gold = read_numbers(predictions), read_numbers(labels)
    _check_count(len(mine), len(gold), "lines", predictions, labels)
    return mine, gold


def match_labels(predictions: Path, labels: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Reads the lists of labels of the same examples, in the order of the label file."""
    mine, gold = read_label_lists(predictions), read_label_lists(labels)
    _check_ids(mine, list(gold), predictions, labels, empty="an example without labels has []")
    return [mine[id_] for id_ in gold], list(gold.values())


def match_tags(predictions: Path, labels: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Reads two files of tags with the same sentences."""
    mine, gold = read_tags(predictions), read_tags(labels)
    line = 1
    for index, (ours, theirs) in enumerate(zip(mine, gold, strict=False)):
        if bool(ours) != bool(theirs):
            without, other = (labels, predictions) if ours else (predictions, labels)
            raise DataError(
                f"{predictions}, line {line}: there {without} has a blank line more than {other}, which the benchmark "
                f"reads as a sentence without tags (number {index + 1}).",
                remedy=f"Write a blank line there in {other} too, or both files do not correspond from there on.",
            )
        if len(ours) != len(theirs):
            raise DataError(
                f"{predictions}, line {line}: sentence {index + 1} has {len(ours)} tags, in {labels} {len(theirs)}.",
                remedy="Give each token one tag, also those that were cut off.",
            )
        line += len(ours) + 1
    _check_count(len(mine), len(gold), "sentences", predictions, labels)
    return mine, gold


def match_pairs(predictions: Path, labels: Path) -> tuple[list[Pair], list[Pair]]:
    """Reads predicted and gold pairs, whose numbers may differ."""
    mine, gold = read_pairs(predictions), read_pairs(labels)
    if not gold:
        raise DataError(f"{labels} has no pairs.", remedy="Take the label file as the benchmark gives it.")
    return mine, gold


def match_answers(predictions: Path, labels: Path) -> tuple[list[str], list[Question]]:
    """Reads answers and the questions with their gold answers; the answer to a repeated id counts for each of them."""
    mine, gold = read_answers(predictions), read_gold_answers(labels)
    _check_ids(mine, [id_ for id_, _ in gold], predictions, labels)
    return [mine[id_] for id_, _ in gold], gold


def match_answerable(predictions: Path, labels: Path) -> tuple[list[str], list[Question]]:
    """As `match_answers`, for tasks whose questions all have an answer."""
    mine, gold = match_answers(predictions, labels)
    for id_, golds in gold:
        if not golds:
            raise DataError(
                f"{labels}: question {id_!r} has no answer.",
                remedy="All questions of this task have one: check that the labels are the task's.",
            )
    return mine, gold


def match_rankings(predictions: Path, labels: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Reads rankings and the right candidates of the same queries, in the labels' order."""
    mine, gold = read_rankings(predictions), read_rankings(labels)
    _check_ids(mine, list(gold), predictions, labels)
    for id_, right in gold.items():
        if not right:
            raise DataError(f"{labels}: query {id_!r} has no right candidate.", remedy="Remove it from both files.")
    return [mine[id_] for id_ in gold], list(gold.values())


def _check_count(mine: int, gold: int, what: str, predictions: Path, labels: Path) -> None:
    if mine != gold:
        raise DataError(
            f"{predictions} has {mine:,} {what}, {labels} has {gold:,}.",
            remedy=f"Write one prediction for each of the labels' {what}, in their order.",
        )


def _check_ids(
    mine: Mapping[str, Any],
    gold: Sequence[str],
    predictions: Path,
    labels: Path,
    *,
    empty: str = 'an empty answer is ""',
) -> None:
    known = set(gold)
    lacking = list(dict.fromkeys(id_ for id_ in gold if id_ not in mine))
    surplus = [id_ for id_ in mine if id_ not in known]
    if lacking:
        raise DataError(
            f"{predictions} has no entry for {len(lacking):,} ids of {labels}: {_some(lacking)}.",
            remedy=f"Predict them too; {empty}.",
        )
    if surplus:
        raise DataError(
            f"{predictions} has {len(surplus):,} ids that are not in {labels}: {_some(surplus)}.",
            remedy="Remove them, or take the labels that belong to these predictions.",
        )


def _some(ids: Sequence[str]) -> str:
    return ", ".join(repr(id_) for id_ in ids[:3]) + (", ..." if len(ids) > 3 else "")
