"""Precision, recall and F1 of every class by itself, and which classes are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from adapterstilts.metrics.chunks import precision_recall

MOST_CLASSES = 30
"""Of more classes than this the pairs that are confused most often are kept, and not the whole table."""


def by_class(
    predictions: Sequence[Collection[str]], golds: Sequence[Collection[str]], *, labels: Iterable[str]
) -> dict[str, Any]:
    """What became of every class.

    Args:
        predictions: The labels given to each example, and `golds` its own.
        labels: All classes, in the order in which they are shown.

    Returns:
        `classes`: name to `precision`, `recall` and `f1` in percent (0 where one is not defined), `support` (examples
        that are of it) and `predicted` (examples that were said to be).
    """
    right, given, own = Counter[str](), Counter[str](), Counter[str]()
    for mine, gold in zip(predictions, golds, strict=True):
        given.update(mine)
        own.update(gold)
        right.update(set(mine) & set(gold))
    names = list(dict.fromkeys([*labels, *sorted(own), *sorted(given)]))
    classes = {
        name: {
            **precision_recall(right[name], given[name], own[name]),
            "support": own[name],
            "predicted": given[name],
        }
        for name in names
    }
    return {"classes": classes}


def confusion(predictions: Sequence[str], golds: Sequence[str], *, labels: Iterable[str]) -> dict[str, Any]:
    """Which classes are taken for which, where every example has one.

    Returns:
        `confusion`: gold class to predicted class to the number of examples, of all classes; of more than
        `MOST_CLASSES`, `confused`: the most frequent errors, each as gold class, predicted class and number.
    """
    names = list(dict.fromkeys([*labels, *sorted({*golds, *predictions})]))
    counts = Counter(zip(golds, predictions, strict=True))
    if len(names) <= MOST_CLASSES:
        return {"confusion": {gold: {mine: counts[gold, mine] for mine in names} for gold in names}}
    wrong = [(gold, mine, count) for (gold, mine), count in counts.items() if gold != mine]
    wrong.sort(key=lambda one: (-one[2], one[0], one[1]))
    return {"confused": [list(one) for one in wrong[:MOST_CLASSES]]}
