"""The two sides of retrieval: queries and candidates with their vectors, and which belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adapterstilts.metrics.statistics import Item
from adapterstilts.tasks.kind import Row


@dataclass(frozen=True)
class Side:
    """The ids, texts and vectors `(n, width)` of one side."""

    ids: list[str]
    texts: list[str]
    vectors: np.ndarray


def both_sides(rows: Sequence[Row], features: Sequence[Row], vectors: Sequence[np.ndarray]) -> tuple[Side, Side]:
    """Queries and candidates; the answers that training rows carry are candidates too, equal ones only once."""
    found: tuple[dict[str, tuple[str, np.ndarray]], ...] = ({}, {})
    for feature, vector in zip(features, vectors, strict=True):
        row, side = rows[feature["row"]], feature["candidate"]
        own = not side or row["side"] == "candidate"
        id_ = row["id"] if own else answer_id(row)
        found[side].setdefault(id_, (row["text"] if own else row["positive"], vector))
    queries, candidates = (
        Side(list(one), [text for text, _ in one.values()], np.stack([vector for _, vector in one.values()]))
        for one in found
    )
    return queries, candidates


def answer_id(row: Row) -> str:
    """The id of the answer that a training row carries."""
    return f"{row['positive']}\0{row['positive_context']}"


def gold_candidates(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Query id to the ids of its right candidates."""
    return {
        row["id"]: row["gold"] or [answer_id(row)] * bool(row["positive"]) for row in rows if row["side"] == "query"
    }


def gold_pairs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(query, right candidate), by their ids."""
    return [(id_, target) for id_, targets in gold_candidates(rows).items() for target in targets]


def pair_item(predicted: str | None, gold: Sequence[str]) -> dict[str, Item]:
    """What one source sentence adds to numerator and denominator of each metric of mined pairs."""
    right, given = 100.0 * (predicted in gold), float(predicted is not None)
    return {"f1": (2 * right, given + len(gold)), "precision": (right, given), "recall": (right, len(gold))}
