"""From which score on a label is given to a text that can have several: chosen on validation data."""

from __future__ import annotations

import numpy as np

THRESHOLD = "threshold"
"""What a calibration calls the probability from which on a label is given."""

# Hundredths, so that a file with a threshold can be read; those nearest to a half first, which are taken of equals.
_TRIED = sorted(np.linspace(0.01, 0.99, 99).round(2).tolist(), key=lambda one: (abs(one - 0.5), one))


def scores_above(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Whether the probability of each score is at least `threshold`; scores are log-odds."""
    return scores >= np.log(threshold / (1 - threshold))


def best_threshold(scores: np.ndarray, wanted: np.ndarray, metric: str) -> float:
    """The threshold with the best score, the nearest to a half of several.

    Args:
        scores: `(row, label)`, log-odds.
        wanted: `(row, label)`, whether a row has a label.
        metric: `f1_micro`, `f1_macro` or `accuracy`.
    """
    values = [_METRICS[metric](scores_above(scores, threshold), wanted) for threshold in _TRIED]
    return _TRIED[int(np.argmax(values))]


def _f1_micro(given: np.ndarray, wanted: np.ndarray) -> float:
    return float(2 * (given & wanted).sum() / max(1, given.sum() + wanted.sum()))


def _f1_macro(given: np.ndarray, wanted: np.ndarray) -> float:
    among = given.sum(axis=0) + wanted.sum(axis=0)
    right = (given & wanted).sum(axis=0)
    return float((2 * right[among > 0] / among[among > 0]).mean()) if among.any() else 0.0


def _exact(given: np.ndarray, wanted: np.ndarray) -> float:
    return float((given == wanted).all(axis=1).mean())


_METRICS = {"f1_micro": _f1_micro, "f1_macro": _f1_macro, "accuracy": _exact}
