"""The predictions that an evaluation has stored."""

from __future__ import annotations

from typing import Any

from adapterstilts.errors import unknown
from adapterstilts.metrics import METRICS
from adapterstilts.runs.store import Run
from adapterstilts.tasks.catalogue import Catalogue


def read_predictions(run: Run, language: str, catalogue: Catalogue) -> dict[str, Any]:
    """The predictions of an evaluation for one language, by example id.

    Raises:
        UsageError: The language was not scored.
        DataError: The file is damaged.
    """
    spec = run.evaluation
    if language not in spec.languages:
        raise unknown("language", language, spec.languages)
    scored = run.scores(language)
    kind = catalogue.build_kind(spec)
    with catalogue.in_use():
        suffix = METRICS.get(spec.metric).suffix
    path = run.file(f"predictions/{spec.task}/{spec.split}-{language}{suffix}")
    return kind.read_predictions(path, scored["ids"])
