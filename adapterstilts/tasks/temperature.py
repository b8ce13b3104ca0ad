"""Temperatures: what scores are divided by so that their softmax says how often such an answer is right.

One number is fitted on labelled rows (Guo et al. 2017, arXiv 1706.04599). It changes no answer, only how
sure it sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax, logsumexp

from adapterstilts.tasks.explained import Said, labels_of
from adapterstilts.tasks.kind import Kind, Row
from adapterstilts.tasks.span_qa import END, START

# From twenty times as sure to twenty times as unsure.
_BOUNDS = (-3.0, 3.0)
SUREST = float(np.exp(_BOUNDS[0]))
"""The least temperature, which is found where no more than that is least."""

Loss = Callable[[float], float]
"""Mean negative log-likelihood of the gold answers at a temperature."""


def fit_temperature(loss: Loss) -> float:
    """The temperature with the least loss."""
    found = minimize_scalar(lambda log: loss(float(np.exp(log))), bounds=_BOUNDS, method="bounded")
    return round(float(np.exp(found.x)), 4)


def has_probabilities(kind: Kind) -> bool:
    """Whether the answers of a kind have probabilities, which a temperature is for."""
    return kind.head().name in _LOSSES


def loss_of(said: Said) -> Loss | None:
    """The loss of what a model said to labelled rows; None where its answers have no probabilities."""
    find = _LOSSES.get(said.kind.head().name)
    return find(said) if find else None


def _of_labels(said: Said) -> Loss | None:
    numbers = {label: number for number, label in enumerate(labels_of(said.kind))}
    golds = [numbers[said.rows[row]["label"]] for row, _ in said.by_row()]
    return _categorical([scores for _, scores in said.by_row()], golds)


def _of_choices(said: Said) -> Loss | None:
    both = [(scores[: len(said.rows[row]["choices"])], said.rows[row]["label"]) for row, scores in said.by_row()]
    return _categorical(*map(list, zip(*both, strict=True))) if both else None


def _of_tags(said: Said) -> Loss | None:
    numbers = {label: number for number, label in enumerate(labels_of(said.kind))}
    scores, golds = [], []
    for feature, (row, own) in zip(said.features, said.by_row(), strict=True):
        for word, at in zip(feature["words"], feature["at"], strict=True):
            if (gold := numbers.get(said.rows[row]["tags"][word])) is not None:
                scores.append(own[at])
                golds.append(gold)
    return _categorical(scores, golds)


def _categorical(scores: Sequence[np.ndarray], golds: Sequence[int]) -> Loss | None:
    if not golds:
        return None
    table, places = _filled(scores), np.arange(len(golds))
    return lambda temperature: float(-log_softmax(table / temperature, axis=1)[places, golds].mean())


def _filled(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Scores in a row each, filled up with what has no probability."""
    table = np.full((len(scores), max(map(len, scores))), -np.inf)
    for row, own in enumerate(scores):
        table[row, : len(own)] = own
    return table


def _of_several_labels(said: Said) -> Loss | None:
    labels = labels_of(said.kind)
    scores = np.array([own for _, own in said.by_row()])
    signs = np.array([[1 if name in said.rows[row]["label"] else -1 for name in labels] for row, _ in said.by_row()])
    return (lambda temperature: float(-log_expit(signs * scores / temperature).mean())) if len(scores) else None


def _of_spans(said: Said) -> Loss | None:
    """As `span_shares`, of all windows at once: it is asked for many temperatures."""
    starts, ends, none, gold, rows = [], [], [], [], []
    for feature, (row, scores) in zip(said.features, said.by_row(), strict=True):
        first, count = feature["context_start"], len(feature["spans"]) // 2
        places = [feature["no_answer"], *range(first, first + count)]
        starts.append(scores[places, START])
        ends.append(scores[places, END])
        none.append(scores[feature["no_answer"]].sum())
        found = _gold_places(feature, said.rows[row]["answers"])
        gold.append(scores[found[0], START] + scores[found[1], END] if found else -np.inf)
        rows.append(row)
    unanswered = np.array([not row["answers"]["text"] for row in said.rows])
    counted = unanswered.copy()
    counted[[row for row, one in zip(rows, gold, strict=True) if one > -np.inf]] = True
    if not counted.any():
        return None
    tables = _filled(starts), _filled(ends)

    def loss(temperature: float) -> float:
        both = sum(logsumexp(table / temperature, axis=1) for table in tables)
        right = np.where(unanswered, *(_of_windows(np.array(one) / temperature, rows, counted) for one in (none, gold)))
        return float(-np.mean((right - _of_windows(both, rows, counted))[counted]))

    return loss


def _of_windows(values: np.ndarray, rows: Sequence[int], like: np.ndarray) -> np.ndarray:
    """The logarithm of the sum of each row's windows."""
    found = np.full(len(like), -np.inf)
    np.logaddexp.at(found, rows, values)
    return found


def _gold_places(feature: Row, answers: Any) -> tuple[int, int] | None:
    """Positions of the first gold answer's first and last token in a window; None where it is not all in there."""
    spans = np.asarray(feature["spans"], dtype=np.int64).reshape(-1, 2)
    if not answers["text"] or not len(spans):
        return None
    begin = answers["answer_start"][0]
    end = begin + len(answers["text"][0])
    covered = np.flatnonzero((spans[:, 0] < end) & (spans[:, 1] > begin))
    if begin < spans[0, 0] or end > spans[-1, 1] or not len(covered):
        return None
    return feature["context_start"] + int(covered[0]), feature["context_start"] + int(covered[-1])


_LOSSES: dict[str, Callable[[Said], Loss | None]] = {
    "classification": _of_labels,
    "multi_label": _of_several_labels,
    "choice": _of_choices,
    "span": _of_spans,
    "token": _of_tags,
}
