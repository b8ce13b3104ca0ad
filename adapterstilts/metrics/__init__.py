"""The benchmark's official scorers, each an `evaluate.Metric` around pure functions, and one entry for each."""

from adapterstilts.metrics.registry import METRICS, Metric

__all__ = ["METRICS", "Metric"]
