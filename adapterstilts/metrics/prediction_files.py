"""The score of one prediction file against its label file."""

from __future__ import annotations

from pathlib import Path

from adapterstilts.errors import UsageError
from adapterstilts.metrics.registry import METRICS


def score_file(predictions: Path, labels: Path, *, metric: str, language: str) -> dict[str, float]:
    """Scores one prediction file.

    Args:
        metric: Name in `METRICS`.
        language: Language of the answers.

    Raises:
        DataError: A file is malformed, or the two do not belong together.
        UsageError: The metric does not exist or has no files, or does not know the language.
    """
    entry = METRICS.get(metric)
    if entry.match is None:
        having = ", ".join(other.name for other in METRICS if other.match)
        raise UsageError(f"There are no prediction files of the metric {metric!r}.", remedy=f"There are of: {having}.")
    matched = entry.match(predictions, labels)
    try:
        result = entry.score(*matched, language=language)
    except UsageError as error:
        raise UsageError(f"{predictions} cannot be scored: {error.message}", remedy=error.remedy) from None
    return {name: float(value) for name, value in result.items() if name != "items"}
