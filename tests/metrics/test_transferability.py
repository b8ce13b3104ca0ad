"""Scores of frozen features against definitions that are computed in another way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from adapterstilts.metrics.transferability import (
    centred,
    cosine,
    log_maximum_evidence,
    nearest_partner_accuracy,
    neighbours_choice_accuracy,
    neighbours_class_accuracy,
    neighbours_explained_variance,
)


def classes(count: int, width: int, *, told: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of three classes, which the first columns tell the better the larger `told` is."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=count)
    targets = np.eye(3)[labels]
    vectors = random.normal(size=(count, width))
    vectors[:, :3] += told * targets
    return vectors, targets


def most_evidence(vectors: np.ndarray, y: np.ndarray) -> float:
    """The largest log density of `y` per vector that any two precisions of weights and noise give it."""

    def density(logs: np.ndarray) -> float:
        covariance = np.exp(-logs[1]) * np.eye(len(y)) + np.exp(-logs[0]) * vectors @ vectors.T
        return -float(multivariate_normal(np.zeros(len(y)), covariance).logpdf(y))

    found = [minimize(density, start, method="Nelder-Mead") for start in ((0.0, 0.0), (3.0, 1.0))]
    return -min(one.fun for one in found) / len(y)


@pytest.mark.parametrize(("count", "width"), [(24, 5), (10, 16)])
def test_logme_is_the_largest_evidence_that_there_is(count: int, width: int) -> None:
    vectors, targets = classes(count, width, told=1.5)
    expected = np.mean([most_evidence(vectors, column) for column in targets.T])
    assert log_maximum_evidence(vectors, targets) == pytest.approx(expected, abs=2e-3)


def test_logme_of_numbers_is_that_of_each_output() -> None:
    vectors, _ = classes(30, 5, told=0.0)
    numbers = vectors @ np.random.default_rng(1).normal(size=(5, 2)) + np.random.default_rng(2).normal(size=(30, 2))
    alone = [log_maximum_evidence(vectors, numbers[:, [output]]) for output in (0, 1)]
    assert log_maximum_evidence(vectors, numbers) == pytest.approx(np.mean(alone))


def test_logme_grows_with_what_the_features_tell() -> None:
    found = [log_maximum_evidence(*classes(150, 8, told=told)) for told in (0.0, 1.0, 4.0)]
    assert found == sorted(found) and found[2] > found[0] + 0.3


def test_labels_that_do_not_occur_tell_nothing() -> None:
    vectors, targets = classes(30, 4, told=1.0)
    wider = np.hstack([targets, np.zeros((30, 2))])
    assert log_maximum_evidence(vectors, wider) == log_maximum_evidence(vectors, targets)
    with pytest.raises(ValueError, match="all examples have the same label"):
        log_maximum_evidence(vectors, np.ones((30, 1)))


@pytest.mark.parametrize("score", [neighbours_class_accuracy, neighbours_explained_variance])
def test_neighbours_of_one_label_tell_nothing(score: Callable[..., float]) -> None:
    """Of every model they would be right, or explain a share of nothing."""
    with pytest.raises(ValueError, match="all examples have the same label"):
        score(np.random.default_rng(0).normal(size=(6, 4)), np.tile([[2.0, 0.0]], (6, 1)), np.arange(6))


def test_one_example_has_no_neighbours() -> None:
    with pytest.raises(ValueError, match="one example alone"):
        neighbours_choice_accuracy(np.eye(3), np.array([[1.0], [0.0], [0.0]]), np.zeros(3))


def nearest_five(vectors: np.ndarray, groups: np.ndarray, one: int) -> list[int]:
    """The nearest five by cosine among those of other groups, one by one."""
    likeness = [
        (-float(vectors[one] @ other) / float(np.linalg.norm(vectors[one]) * np.linalg.norm(other)), number)
        for number, other in enumerate(vectors)
        if groups[number] != groups[one]
    ]
    return [number for _, number in sorted(likeness)[:5]]


def test_neighbours_are_those_of_other_examples() -> None:
    vectors, targets = classes(60, 5, told=2.0)
    groups = np.arange(60) // 3
    means = np.array([targets[nearest_five(vectors, groups, one)].mean(0) for one in range(60)])
    right = np.mean(means.argmax(1) == targets.argmax(1))
    assert neighbours_class_accuracy(vectors, targets, groups) == pytest.approx(right) and right > 0.6
    explained = 1 - ((targets - means) ** 2).sum() / ((targets - targets.mean(0)) ** 2).sum()
    assert neighbours_explained_variance(vectors, targets, groups) == pytest.approx(explained)


def test_the_choice_with_the_most_right_neighbours_is_taken_and_a_tie_is_shared() -> None:
    random = np.random.default_rng(0)
    shift = 100 * random.normal(size=(20, 1, 2))  # what all choices of a row have in common says nothing
    told = np.tile([[1.0, 0.2], [-1.0, 0.1]], (20, 1, 1)) + 0.01 * random.normal(size=(20, 2, 2))
    targets, groups = np.tile([[1.0], [0.0]], (20, 1)), np.repeat(np.arange(20), 2)
    assert neighbours_choice_accuracy((told + shift).reshape(-1, 2), targets, groups) == 1.0
    level = np.tile([[1.0, 1.0]], (40, 1))
    assert neighbours_choice_accuracy(level, targets, groups) == 0.5


def test_a_partner_counts_wherever_the_same_answer_is() -> None:
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [1, -0.1], [1, 0]])
    targets = np.array([[1], [1], [2], [2], [3], [3]])
    assert nearest_partner_accuracy(vectors, targets) == pytest.approx(2 / 3)  # the first finds the third's
    targets[4:] = 1
    assert nearest_partner_accuracy(vectors, targets) == 1.0


def test_centring_leaves_the_differences_within_a_group() -> None:
    values, groups = np.array([[1.0, 4.0], [3.0, 8.0], [5.0, 5.0]]), np.array([7, 7, 2])
    assert centred(values, groups).tolist() == [[-1.0, -2.0], [1.0, 2.0], [0.0, 0.0]]


def test_cosine_is_symmetric_and_of_nothing_0() -> None:
    one, other = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    assert cosine(one, one) == pytest.approx(1) and cosine(one, other) == cosine(other, one) == pytest.approx(0.96)
    assert cosine(one, np.zeros(2)) == 0.0
