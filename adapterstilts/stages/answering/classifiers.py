"""Classifiers on frozen vectors: what one would try before training a model, as scikit-learn has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from adapterstilts.runs.rivals import FrozenClassifier
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.tasks.kind import Kind

Form = Literal["classes", "labels", "choices"]
"""What a vector's targets say: its class, which of several labels it has, or whether it is the right one of a few."""

Scorer = Callable[[np.ndarray], np.ndarray]
"""From vectors `(n, width)` to scores `(n, outputs)`, the highest of which is the answer."""

_MOST_ITERATIONS = 1000
# Shares of neighbours are 0 and 1 too, whose log-odds have no end.
_SURE = 1e-6
# What stands for a label that all training rows have, or none.
_CONSTANT = 1e3


@dataclass(frozen=True)
class Classifier:
    """A way of answering from vectors.

    Attributes:
        title: What tables call it.
        setting: What its one setting is called.
        values: Those that are tried on English validation rows.
        usual: The one that is taken where there are no such rows.
        counts: Whether it is a number of training vectors, so that there cannot be more.
        fit: From training vectors `(n, width)`, targets `(n, outputs)`, their form and a value of the setting to a
            scorer.
    """

    title: str
    setting: str
    values: tuple[float, ...]
    usual: float
    fit: Callable[[np.ndarray, np.ndarray, Form, float], Scorer]
    counts: bool = False

    def possible(self, values: Sequence[float], count: int) -> list[float]:
        """Those of some values that there can be with so many training vectors."""
        return [one for one in values if not self.counts or one <= count] or [float(count)]


def form_of(kind: Kind) -> Form | None:
    """What there is to tell of a kind's vectors; None where an answer is no class of a text and no choice."""
    if not hasattr(kind.options, "pooling"):  # the vectors are those of tokens
        return None
    if kind.observes == "classes" or kind.observes == "choices":
        return kind.observes
    return "labels" if getattr(kind.options, "answers", None) == "labels" else None


def frozen_classifier(name: str, trained: Sequence[TrainSpec]) -> FrozenClassifier:
    """The classifier of that name on the rows of some stages, which are trained one after the other.

    Where the last of them has rows to select a checkpoint by, these choose the value of its setting.
    """
    tasks, classifier = tuple(spec.only for spec in trained), CLASSIFIERS[name]
    selects = tasks[-1].data.selects
    return FrozenClassifier(
        name=name,
        tasks=tasks,
        values=classifier.values if selects else (classifier.usual,),
        max_validation_examples=trained[-1].settings.max_validation_examples if selects else None,
    )


def _neighbours(vectors: np.ndarray, targets: np.ndarray, form: Form, value: float) -> Scorer:
    """Shares of the targets among the training vectors with the highest cosine, the nearer the more weight."""
    from sklearn.neighbors import KNeighborsRegressor

    # Of several outputs at once, which are one-hot: the same as KNeighborsClassifier's probabilities.
    count = int(value)
    model = KNeighborsRegressor(n_neighbors=count, weights="distance", algorithm="brute").fit(unit(vectors), targets)

    def score(these: np.ndarray) -> np.ndarray:
        shares = np.asarray(model.predict(unit(these))).reshape(len(these), targets.shape[1])
        if form != "labels":
            return shares
        sure = shares.clip(_SURE, 1 - _SURE)
        return np.log(sure / (1 - sure))

    return score


def _logistic_regression(vectors: np.ndarray, targets: np.ndarray, form: Form, value: float) -> Scorer:
    """Log-probabilities of classes, or log-odds of labels and of being the right choice, over standardised vectors."""
    if form == "classes":
        known, model = np.flatnonzero(targets.any(axis=0)), _fitted(vectors, targets.argmax(axis=1), value)

        def score(these: np.ndarray) -> np.ndarray:
            found = np.full((len(these), targets.shape[1]), -np.inf)
            found[:, known] = model.predict_log_proba(these)
            return found

        return score
    columns = [_odds(vectors, column > 0, value, intercept=form == "labels") for column in targets.T]
    return lambda these: np.stack([one(these) for one in columns], axis=1)


def _odds(vectors: np.ndarray, wanted: np.ndarray, value: float, *, intercept: bool) -> Scorer:
    if wanted.all() or not wanted.any():
        constant = _CONSTANT if wanted.all() else -_CONSTANT
        return lambda these: np.full(len(these), constant)
    model = _fitted(vectors, wanted, value, intercept=intercept)
    return lambda these: np.asarray(model.decision_function(these))


def _fitted(vectors: np.ndarray, labels: np.ndarray, value: float, *, intercept: bool = True) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=value, max_iter=_MOST_ITERATIONS, fit_intercept=intercept)
    with warnings.catch_warnings():
        # With hardly any regularisation the last digits take long, and another value is chosen then.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(StandardScaler(), model).fit(vectors, labels)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors `(n, width)` of length 1; those of length 0 stay what they are."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


CLASSIFIERS: Mapping[str, Classifier] = {
    "knn": Classifier("k nearest neighbours", "k", (1, 5, 10, 20, 50), 5, _neighbours, counts=True),
    "logreg": Classifier("logistic regression", "C", (0.01, 0.1, 1.0, 10.0, 100.0), 1.0, _logistic_regression),
}
"""Name to classifier."""
