"""How much the features of a frozen model already tell of a task: scores that rank models without training any.

All take vectors `(n, width)` and targets `(n, outputs)`; `groups` `(n,)` are equal for vectors of one example.
"""

from __future__ import annotations

import numpy as np

_MOST_ITERATIONS = 100
_TOLERANCE = 1e-6
# Keeps a perfect fit finite; as in the authors' code.
_EPSILON = 1e-5
_NEIGHBOURS = 5
_BLOCK = 1024


def log_maximum_evidence(vectors: np.ndarray, targets: np.ndarray) -> float:
    """LogME: the logarithm of the maximum evidence of a Bayesian linear model, per vector, the mean over outputs.

    The targets of an output are normal around a linear function of the vectors, whose weights are normal around 0; the
    two precisions are those that make the targets most likely. From You et al. 2021, "LogME: Practical Assessment of
    Pre-trained Models for Transfer Learning" (ICML), with the fixed point of You et al. 2022 ("Ranking and Tuning
    Pre-trained Models", JMLR), run until it stands still. Outputs whose targets are all equal tell nothing and are
    left out.

    Raises:
        ValueError: There is no other output.
    """
    varied = _varied(targets)
    u, singular, _ = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    return float(np.mean([_evidence(u, singular**2, column) for column in targets[:, varied].T]))


def _varied(targets: np.ndarray) -> np.ndarray:
    """Which outputs have different targets, `(outputs,)`; ValueError if none has, of which nothing can be told."""
    varied = np.ptp(targets, axis=0) > 0
    if not varied.any():
        raise ValueError("all examples have the same label")
    return varied


def _evidence(u: np.ndarray, sigma: np.ndarray, y: np.ndarray) -> float:
    """The maximum evidence of one output, per vector.

    Args:
        u: `(n, k)`: left singular vectors of the features.
        sigma: `(k,)`: their squared singular values.
        y: `(n,)`.
    """
    count, explained = len(y), (u.T @ y) ** 2
    unexplained = max(float(y @ y - explained.sum()), 0.0)
    alpha = beta = 1.0
    for _ in range(_MOST_ITERATIONS):
        ratio = alpha / beta
        effective = (sigma / (sigma + ratio)).sum()
        weights = (sigma * explained / (sigma + ratio) ** 2).sum()
        residual = (explained * (ratio / (sigma + ratio)) ** 2).sum() + unexplained
        alpha, beta = effective / (weights + _EPSILON), (count - effective) / (residual + _EPSILON)
        if abs(alpha / beta - ratio) <= _TOLERANCE * ratio:
            break
    evidence = (
        len(sigma) * np.log(alpha)
        + count * np.log(beta)
        - np.log(alpha + beta * sigma).sum()
        - beta * residual
        - alpha * weights
        - count * np.log(2 * np.pi)
    )
    return float(evidence / 2 / count)


def centred(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Values `(n, width)` without the mean of their group, where only differences within it count."""
    _, members = np.unique(groups, return_inverse=True)
    sums = np.zeros((members.max() + 1, values.shape[1]))
    np.add.at(sums, members, values)
    return values - (sums / np.bincount(members)[:, None])[members]


def neighbours_class_accuracy(vectors: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> float:
    """The share of vectors whose class is the most frequent one among the nearest of other examples.

    Raises:
        ValueError: There is one class.
    """
    _varied(targets)
    found = _from_neighbours(vectors, targets, groups)
    return float(np.mean(found.argmax(1) == targets.argmax(1)))


def neighbours_explained_variance(vectors: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> float:
    """How much of the targets' variance the mean of the nearest of other examples explains: 1 for all of it.

    Raises:
        ValueError: They have none.
    """
    _varied(targets)
    residual = ((targets - _from_neighbours(vectors, targets, groups)) ** 2).sum()
    return float(1.0 - residual / ((targets - targets.mean(0)) ** 2).sum())


def neighbours_choice_accuracy(vectors: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> float:
    """The share of examples whose right vector has most right ones among the nearest of other examples.

    Vectors that are level share the example; each output counts alike.

    Raises:
        ValueError: There is one example.
    """
    found = _from_neighbours(centred(vectors, groups), targets, groups)
    right = []
    for group in np.unique(groups):
        own, wanted = found[groups == group], targets[groups == group] > 0
        best = own == own.max(0)
        right.append((best & wanted).sum(0) / best.sum(0))
    return float(np.mean(right))


def nearest_partner_accuracy(vectors: np.ndarray, targets: np.ndarray) -> float:
    """The share of queries whose nearest candidate is a right one.

    Args:
        vectors: `(2 n, width)`: each query is followed by its candidate.
        targets: `(2 n, 1)`: equal where candidates are.
    """
    unit = _unit(vectors)
    nearest = (unit[0::2] @ unit[1::2].T).argmax(1)
    return float(np.mean(targets[1::2][nearest] == targets[0::2]))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The cosine of two vectors `(width,)`; 0 where one of them is 0."""
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms else 0.0


def _from_neighbours(vectors: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The mean target `(n, outputs)` of the vectors of other groups that are nearest by cosine."""
    if (groups == groups[0]).all():
        raise ValueError("there is one example alone")
    unit = _unit(vectors)
    found = np.empty(targets.shape)
    for start in range(0, len(unit), _BLOCK):
        likeness = unit[start : start + _BLOCK] @ unit.T
        likeness[groups[start : start + _BLOCK, None] == groups[None]] = -np.inf
        count = min(_NEIGHBOURS, int(np.isfinite(likeness).sum(1).min()))
        nearest = np.argpartition(-likeness, max(count - 1, 0), axis=1)[:, :count]
        found[start : start + _BLOCK] = targets[nearest].mean(1)
    return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
