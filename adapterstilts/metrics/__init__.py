"""The benchmark's official scorers, each an `evaluate.Metric` around pure functions."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from adapterstilts.registry import Registry, shared_registry

METRICS: Registry[str | type[Any]] = shared_registry("metric")
"""Name to an `evaluate.Metric`, or to its module and name there."""

# Importing `evaluate` takes a second, so a metric's module is named here and imported when the metric is loaded.
for _name, _where in {
    "squad": "adapterstilts.metrics.question_answering:SquadMetric",
    "squad_v2": "adapterstilts.metrics.question_answering:SquadV2Metric",
    "mlqa": "adapterstilts.metrics.question_answering:MlqaMetric",
    "accuracy": "adapterstilts.metrics.labels:AccuracyMetric",
    "tagging": "adapterstilts.metrics.labels:TaggingMetric",
    "pairs": "adapterstilts.metrics.retrieval:PairsMetric",
    "map@20": "adapterstilts.metrics.retrieval:MeanAveragePrecisionMetric",
    "masked_lm": "adapterstilts.metrics.language_modelling:MaskedTokensMetric",
}.items():
    METRICS.add(_name, _where)


def load_metric(name: str, language: str) -> Any:
    """Returns the `evaluate.Metric` called `name`, set up for one language.

    Raises:
        UsageError: There is no such metric.
    """
    found = METRICS.get(name)
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = getattr(import_module(module), attribute)
    return found(config_name=language, keep_in_memory=True)
