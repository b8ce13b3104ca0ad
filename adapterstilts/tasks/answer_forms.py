"""What a text is classified as: one label, any number of labels, or a number; each in a class of its own.

A form has everything about a classification that depends on what an answer is, and nothing that depends on the texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from adapterstilts.metrics import submission
from adapterstilts.metrics.by_class import by_class, confusion
from adapterstilts.metrics.classification_files import LARGEST, read_label_lists, read_numbers, write_label_lists
from adapterstilts.parsed import as_finite, as_list, as_text
from adapterstilts.tasks.classification_options import PairOptions
from adapterstilts.tasks.label_thresholds import THRESHOLD, best_threshold, scores_above
from adapterstilts.tasks.observations import one_of

_NAMED = 20
_NO_LABEL = -100


class AnswerForm(Protocol):
    """What a kind of task has to know of its answers. `labels` are those of rows, as their canonical column has them.

    Attributes:
        head: Name of the head, and `outputs` how many scores it gives.
        usual_metric: The metric that has all values of such answers.
        shown: Value of a metric to what tables call it, in the order in which they show it.
        hidden: What a row has that has no gold answer.
    """

    head: str
    outputs: int
    usual_metric: str
    shown: Mapping[str, str]
    hidden: Any

    def check(self, label: Any) -> None:
        """Raises ValueError for a label that is none."""

    def may_stand_in(self, label: Any) -> bool:
        """Whether a label can be what all rows have in the place of hidden ones."""

    def check_together(self, labels: Iterable[Any]) -> None:
        """Raises ValueError where training rows have all the same label, of which nothing can be learnt."""

    def targets(self, labels: Sequence[Any]) -> dict[str, list]:
        """What the head is trained for."""

    def observed(self, feature: Mapping[str, Any]) -> np.ndarray:
        """The targets of a feature, `(outputs,)`, as `Observed` has them."""

    def calibrate(self, labels: Sequence[Any], logits: np.ndarray, main: str) -> dict[str, float]:
        """What is chosen on labelled validation data for the best `main` metric."""

    def decode(self, scores: np.ndarray, calibration: Mapping[str, float]) -> Any:
        """The answer that the scores of one row give."""

    def gold(self, label: Any) -> Any:
        """A row's label as metrics take it."""

    def by_class(self, answers: Sequence[Any], golds: Sequence[Any]) -> dict[str, Any]:
        """What became of every class; nothing where there are none."""

    def write(self, answers: Mapping[str, Any], path: Path) -> None:
        """Writes answers by row id."""

    def read(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        """Reads what `write` wrote."""


class OneLabel:
    """A row has one of the labels; the best-scoring one is the answer."""

    head = "classification"
    usual_metric = "accuracy"
    shown: Mapping[str, str] = {"f1_micro": "micro F1", "f1_macro": "macro F1", "accuracy": "accuracy"}
    hidden: Any = ""

    def __init__(self, options: PairOptions) -> None:
        self._names = options.labels
        self._numbers = {name: number for number, name in enumerate(options.labels)}
        self.outputs = len(options.labels)

    def check(self, label: Any) -> None:
        _check_known(label, self._numbers)

    def may_stand_in(self, label: Any) -> bool:
        return label == self._names[0]

    def check_together(self, labels: Iterable[Any]) -> None:
        _check_different(labels, "have the label")

    def targets(self, labels: Sequence[Any]) -> dict[str, list]:
        return {"label": [self._numbers[label] for label in labels]}

    def observed(self, feature: Mapping[str, Any]) -> np.ndarray:
        return one_of(feature["label"], self.outputs)

    def calibrate(self, labels: Sequence[Any], logits: np.ndarray, main: str) -> dict[str, float]:
        return {}

    def decode(self, scores: np.ndarray, calibration: Mapping[str, float]) -> str:
        return self._names[int(np.argmax(scores))]

    def gold(self, label: Any) -> str:
        return label

    def by_class(self, answers: Sequence[Any], golds: Sequence[Any]) -> dict[str, Any]:
        sets = ([[label] for label in side] for side in (answers, golds))
        return {**by_class(*sets, labels=self._names), **confusion(answers, golds, labels=self._names)}

    def write(self, answers: Mapping[str, Any], path: Path) -> None:
        submission.write_lines(answers.values(), path)

    def read(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        return dict(zip(ids, submission.read_lines(path), strict=True))


class SeveralLabels:
    """A row has any number of the labels, or none; the answer is every label whose score exceeds a threshold."""

    head = "multi_label"
    usual_metric = "multi_label"
    shown: Mapping[str, str] = {"accuracy": "exact match", "f1_macro": "macro F1", "f1_micro": "micro F1"}
    hidden: Any = [""]

    def __init__(self, options: PairOptions) -> None:
        self._names = options.labels
        self._numbers = {name: number for number, name in enumerate(options.labels)}
        self.outputs = len(options.labels)

    def check(self, label: Any) -> None:
        for name in as_list(label, f"the label {label!r} is not a list, which multi_label takes"):
            _check_known(name, self._numbers)

    def may_stand_in(self, label: Any) -> bool:
        return not label

    def check_together(self, labels: Iterable[Any]) -> None:
        _check_different((", ".join(sorted(set(label))) for label in labels), "have the labels")

    def targets(self, labels: Sequence[Any]) -> dict[str, list]:
        # Never empty: what a table's first rows hold tells what a column of it is.
        return {"label_set": [[self._numbers[name] for name in label] or [_NO_LABEL] for label in labels]}

    def observed(self, feature: Mapping[str, Any]) -> np.ndarray:
        return np.isin(np.arange(self.outputs), feature["label_set"]).astype(float)

    def calibrate(self, labels: Sequence[Any], logits: np.ndarray, main: str) -> dict[str, float]:
        wanted = np.zeros(logits.shape, dtype=bool)
        for row, label in enumerate(labels):
            wanted[row, [self._numbers[name] for name in label]] = True
        return {THRESHOLD: best_threshold(logits, wanted, main)}

    def decode(self, scores: np.ndarray, calibration: Mapping[str, float]) -> list[str]:
        found = scores_above(scores, calibration.get(THRESHOLD, 0.5))
        return [self._names[number] for number in np.flatnonzero(found)]

    def gold(self, label: Any) -> list[str]:
        return sorted(set(label), key=self._numbers.__getitem__)

    def by_class(self, answers: Sequence[Any], golds: Sequence[Any]) -> dict[str, Any]:
        return by_class(answers, golds, labels=self._names)

    def write(self, answers: Mapping[str, Any], path: Path) -> None:
        write_label_lists(answers, path)

    def read(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        found = read_label_lists(path)
        return {id_: found[id_] for id_ in ids}


class Number:
    """A row has a number, as text; the head says by how many standard deviations it differs from the mean."""

    head = "regression"
    outputs = 1
    usual_metric = "regression"
    shown: Mapping[str, str] = {"mse": "MSE", "pearson": "Pearson", "spearman": "Spearman"}
    hidden: Any = ""

    def __init__(self, options: PairOptions) -> None:
        self._mean = options.mean or 0.0
        self._sd = options.sd or 1.0

    def check(self, label: Any) -> None:
        text = as_text(label, f"the label {label!r} is not text: name its column under 'columns', which makes it that")
        try:
            number = as_finite(text)
        except ValueError:
            point = f" (with a point: {text.replace(',', '.')})" if re.fullmatch(r"[+-]?\d+,\d+", text.strip()) else ""
            raise ValueError(f"the label {label!r} is not a number{point}, which regression takes") from None
        if abs(number) > LARGEST:
            raise ValueError(f"the label {label!r} is larger than {LARGEST:g}, which no score can be made of")

    def may_stand_in(self, label: Any) -> bool:
        return True

    def check_together(self, labels: Iterable[Any]) -> None:
        _check_different(map(as_finite, labels), "have the number")

    def targets(self, labels: Sequence[Any]) -> dict[str, list]:
        return {"target": [(as_finite(label) - self._mean) / self._sd for label in labels]}

    def observed(self, feature: Mapping[str, Any]) -> np.ndarray:
        return np.array([feature["target"]])

    def calibrate(self, labels: Sequence[Any], logits: np.ndarray, main: str) -> dict[str, float]:
        return {}

    def decode(self, scores: np.ndarray, calibration: Mapping[str, float]) -> float:
        return self._mean + self._sd * float(scores[0])

    def gold(self, label: Any) -> float:
        return as_finite(label)

    def by_class(self, answers: Sequence[Any], golds: Sequence[Any]) -> dict[str, Any]:
        return {}

    def write(self, answers: Mapping[str, Any], path: Path) -> None:
        submission.write_lines((repr(float(number)) for number in answers.values()), path)

    def read(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        return dict(zip(ids, read_numbers(path), strict=True))


FORMS: Mapping[str, Callable[[PairOptions], AnswerForm]] = {
    "label": OneLabel,
    "labels": SeveralLabels,
    "number": Number,
}
"""What an answer is to its form, which is built from the options."""


def _check_known(label: Any, known: Mapping[str, int]) -> None:
    if label not in known:
        named = ", ".join(list(known)[:_NAMED]) + (f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else "")
        raise ValueError(f"the label {label!r} is not one of {named}")


def _check_different(labels: Iterable[Any], what: str) -> None:
    found = iter(labels)
    first = next(found, None)
    if all(label == first for label in found):
        raise ValueError(f"all rows {what} {first!r}")
