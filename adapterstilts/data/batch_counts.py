"""How the batches of an epoch are shared out among several tasks."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import Sampling


def batch_counts(sizes: Mapping[str, int], sampling: Sampling | None, *, batch_size: int) -> dict[str, int]:
    """How many batches of an epoch each task gets.

    An epoch has as many batches as all tasks together, those added at a rate aside. They are shared out in proportion
    to the strategy's weights, whole parts first, then one more for each of the largest remainders (Hamilton's method).

    Args:
        sizes: Task to its number of batches.
        sampling: The strategy; None where there is one task.
        batch_size: Features of a batch, by which a cap in features becomes one in batches.

    Raises:
        UsageError: A task would get no batch, so that its head would never be trained.
    """
    added = sampling.added if sampling else {}
    sizes = {task: size for task, size in sizes.items() if task not in added}
    weights = _weights(sizes, sampling, batch_size=batch_size)
    total, whole = sum(sizes.values()), sum(weights.values())
    quotas = {task: total * weight / whole for task, weight in weights.items()}
    counts = {task: int(quota) for task, quota in quotas.items()}
    order = sorted(quotas, key=lambda task: counts[task] - quotas[task])
    for task in order[: total - sum(counts.values())]:
        counts[task] += 1
    for task, rate in added.items():
        counts[task] = max(1, round(total * rate / (1 - sum(added.values()))))
    if without := [task for task, count in counts.items() if not count]:
        raise UsageError(
            f"--sampling {sampling}: {without[0]} gets none of the {total:,} batches of an epoch.",
            remedy="Give it a larger share, or leave it out.",
        )
    return counts


def _weights(sizes: Mapping[str, int], sampling: Sampling | None, *, batch_size: int) -> dict[str, Fraction]:
    if sampling is None or sampling.strategy == "proportional":
        return {task: Fraction(size) for task, size in sizes.items()}
    if sampling.strategy == "uniform":
        return dict.fromkeys(sizes, Fraction(1))
    if sampling.strategy == "weights":
        return {task: Fraction(sampling.weights[task]) for task in sizes}
    if sampling.strategy == "temperature":
        assert sampling.temperature is not None
        # Relative to the largest, so that a low temperature cannot overflow.
        largest = max(sizes.values())
        return {task: Fraction((size / largest) ** (1 / sampling.temperature)) for task, size in sizes.items()}
    assert sampling.cap is not None
    return {task: min(Fraction(size), Fraction(sampling.cap, batch_size)) for task, size in sizes.items()}
