"""Classifiers on vectors: those of scikit-learn, put to use as heads are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from adapterstilts.stages.answering.classifiers import CLASSIFIERS, form_of
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.recipe import Recipe

RANDOM = np.random.default_rng(3)
VECTORS, ASKED = RANDOM.normal(size=(40, 6)).astype(np.float32), RANDOM.normal(size=(9, 6)).astype(np.float32)
LABELS = np.arange(40) % 3


@pytest.mark.parametrize("count", [1, 5, 40])
def test_neighbours_are_those_of_scikit_learn_by_cosine(count: int) -> None:
    score = CLASSIFIERS["knn"].fit(VECTORS, np.eye(4)[LABELS], "classes", count)
    # On the unit sphere the order by cosine is that by distance, and so are the weights.
    reference = KNeighborsClassifier(count, weights="distance").fit(_unit(VECTORS), LABELS)
    found = score(ASKED)
    np.testing.assert_allclose(found[:, :3], reference.predict_proba(_unit(ASKED)), atol=1e-5)
    assert (found[:, 3] == 0).all()  # no training row has that class
    assert (score(2 * VECTORS).argmax(1) == LABELS).all()  # each is its own nearest, whatever its length


def test_there_are_no_more_neighbours_than_vectors() -> None:
    assert CLASSIFIERS["knn"].possible((1, 5, 10), 7) == [1, 5] and CLASSIFIERS["knn"].possible((5,), 3) == [3]
    assert CLASSIFIERS["logreg"].possible((0.1, 10.0), 7) == [0.1, 10.0]


def test_labels_and_choices_are_told_from_the_nearest() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0]])
    several = CLASSIFIERS["knn"].fit(vectors, np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), "labels", 1)
    assert (several(np.array([[3.0, 1.0]])) > 0).tolist() == [[True, True, False]]
    right = CLASSIFIERS["knn"].fit(vectors, np.array([[1.0], [0.0]]), "choices", 2)
    # A choice at 60 degrees from the wrong one is at a chord of 1 from it, and at the root of 2 - root of 3 from the
    # right one: their weights are 1 and its inverse.
    near = 1 / np.sqrt(2 - np.sqrt(3))
    asked = np.array([[np.cos(np.pi / 6), np.sin(np.pi / 6)]])
    np.testing.assert_allclose(right(asked), [[near / (near + 1)]])


@pytest.mark.parametrize("value", [0.01, 1.0])
def test_logistic_regression_is_that_of_scikit_learn_on_standardised_vectors(value: float) -> None:
    found = CLASSIFIERS["logreg"].fit(VECTORS, np.eye(4)[LABELS], "classes", value)(ASKED)
    scaler = StandardScaler().fit(VECTORS)
    reference = LogisticRegression(C=value, max_iter=1000).fit(scaler.transform(VECTORS), LABELS)
    np.testing.assert_allclose(found[:, :3], reference.predict_log_proba(scaler.transform(ASKED)), atol=1e-6)
    assert np.isneginf(found[:, 3]).all()


def test_choices_are_told_by_the_weights_at_which_the_gradient_vanishes() -> None:
    """Of differences, which need no intercept: sum of (p - y) x + w / C = 0."""
    one = RANDOM.normal(size=(20, 3))
    vectors, right = np.concatenate([one, -one]), np.repeat([1.0, 0.0], 20)
    score = CLASSIFIERS["logreg"].fit(vectors, right[:, None], "choices", 0.5)
    weights = np.concatenate([score(row[None])[0] for row in np.diag(vectors.std(axis=0))])
    scaled = vectors / vectors.std(axis=0)
    gradient = scaled.T @ (1 / (1 + np.exp(-scaled @ weights)) - right) + weights / 0.5
    np.testing.assert_allclose(gradient, 0, atol=1e-3)
    assert score(np.zeros((1, 3)))[0, 0] == pytest.approx(0)


def test_a_label_of_every_row_is_given_to_all_and_one_of_none_to_none() -> None:
    targets = np.stack([np.ones(40), np.zeros(40), LABELS == 0], axis=1)
    found = CLASSIFIERS["logreg"].fit(VECTORS, targets, "labels", 1.0)(ASKED)
    assert (found[:, 0] > 100).all() and (found[:, 1] < -100).all() and (abs(found[:, 2]) < 100).all()


def test_which_tasks_have_classes_or_choices() -> None:
    catalogue = Catalogue.load(())
    kinds: dict[str, list[Recipe]] = {}
    for name in catalogue.names():
        kinds.setdefault(catalogue.recipe(name).kind, []).append(catalogue.recipe(name))
    expected = {"pair_classification": "classes", "multiple_choice": "choices"}
    for kind, recipes in kinds.items():
        assert {form_of(one.build_kind()) for one in recipes} == {expected.get(kind)}, kind
    options = {"labels": ["a", "b"], "one_text": True}
    assert form_of(KINDS.get("pair_classification")({**options, "multi_label": True})) == "labels"
    assert form_of(KINDS.get("pair_classification")({"regression": True})) is None


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
