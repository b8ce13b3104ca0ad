"""A metric from outside the package: accuracy that overlooks capitals."""

from __future__ import annotations

from typing import Any

from adapterstilts.metrics import Metric
from adapterstilts.metrics.matching import match_lines


class LenientAccuracy:
    """Share of labels that are equal but for capitals, in percent."""

    def __init__(self, **language: Any) -> None:
        pass

    def compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        """`accuracy`, and 0 or 100 for each example in `items`."""
        items = [100.0 * (mine.lower() == gold.lower()) for mine, gold in zip(predictions, references, strict=True)]
        return {"accuracy": sum(items) / len(items), "items": items}


def register(catalogue: Any) -> None:
    scorer = f"{__name__}:{LenientAccuracy.__name__}"
    catalogue.metrics.add("lenient", Metric("lenient", scorer, ".tsv", match=match_lines))
