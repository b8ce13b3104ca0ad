"""The two sides of retrieval: queries and candidates with their vectors, and which belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


def asked_about(rows: Sequence[Row]) -> dict[str, str]:
    """Query id to what names what it is asked about: the context of its right candidates, or their text without one.

    In all languages whose candidates are the same, such as a pool's, it is named by the same candidate, whatever the
    ids of queries are: a question and its translations have one, and so have the questions on a paragraph.
    """
    about = {row["id"]: row["context"] or row["text"] for row in rows if row["side"] == "candidate"}
    first: dict[str, str] = {}
    for id_ in sorted(about):
        first.setdefault(about[id_], id_)
    found = {}
    for query, gold in gold_candidates(rows).items():
        known = min((id_ for id_ in gold if id_ in about), default=None)
        found[query] = query if known is None else f"candidate {first[about[known]]}"
    return found


def gold_pairs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(query, right candidate), by their ids."""
    return all_pairs(gold_candidates(rows))


def all_pairs(partners_: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """(query, candidate) of each query and each of its partners."""
    return [(id_, target) for id_, targets in partners_.items() for target in targets]


def partners(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Query id to the ids of its partners: several where the same sentence is there several times."""
    found: dict[str, list[str]] = {}
    for id_, target in pairs:
        found.setdefault(id_, []).append(target)
    return found


def pair_item(predicted: Sequence[str], gold: Sequence[str]) -> dict[str, Item]:
    """What one source sentence adds to numerator and denominator of each metric of mined pairs."""
    right, given = 100.0 * len(set(predicted) & set(gold)), float(len(predicted))
    return {"f1": (2 * right, given + len(gold)), "precision": (right, given), "recall": (right, len(gold))}


def token_ids(
    tokenizer: Any, texts: Sequence[str], contexts: Sequence[str], limit: int, *, joined: bool, separator: str = ""
) -> list[list[int]]:
    """The tokens of texts with their contexts, which can be empty; at most `limit` of each.

    Args:
        joined: Read both as one text, of which the end is cut off. Otherwise they are a pair, whose longer one is.
        separator: What is put between the texts of a pair, where the tokenizer puts nothing there.
    """
    if joined:
        whole = [text + context for text, context in zip(texts, contexts, strict=True)]
        texts, contexts = [text.replace("\n", "") for text in whole], [""] * len(whole)
    found: list[list[int]] = [[]] * len(texts)
    for with_context in (False, True):
        places = [place for place, context in enumerate(contexts) if bool(context) == with_context]
        if places:
            given = [[texts[place] for place in places]]
            if with_context:
                given.append([separator + contexts[place] for place in places])
            encoded = tokenizer(*given, truncation="longest_first", max_length=limit)
            for place, ids in zip(places, encoded["input_ids"], strict=True):
                found[place] = ids
    return found
