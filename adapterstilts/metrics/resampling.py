"""Values of two systems' metrics in resamples of what they answered: groups of examples, drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adapterstilts.metrics.statistics import Item, Statistic, fraction

SAMPLES = 2000
_BATCH = 50
_SEED = 0

# Of the examples of two languages that share ids, those whose groups are equal or one a part of the other: fewer, and
# an id is not the same example in both.
_ALIKE = 0.8

Scored = Mapping[str, Mapping[str, Mapping[str, Item]]]
"""Language to example id to metric to item."""


@dataclass(frozen=True)
class Resamples:
    """What resampling groups gives, the same draws for all metrics, models and languages.

    Attributes:
        values: Metric to its values, `(system or baseline, seed, sample, language)`; the first sample is the data as
            they are. NaN where a sample has nothing of a language.
        languages: In the order of the last axis.
        groups: Language to the numbers of the groups that it has examples of.
        counted: Metric to language to those of them that add something to it: a category has few examples of many.
    """

    values: dict[str, np.ndarray]
    languages: tuple[str, ...]
    groups: dict[str, frozenset[int]]
    counted: dict[str, dict[str, frozenset[int]]]

    def count(self, languages: Iterable[str], metric: str | None = None) -> int:
        """How many groups the examples of some languages make, or those of them that a metric counts."""
        own = self.groups if metric is None else self.counted[metric]
        return len(frozenset().union(*(own[language] for language in languages)))


def united(groupings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Each example to one that names its group, where several languages say which examples belong together.

    Languages that lack examples of a group name it by another one, so groups that share an example are one.

    Args:
        groupings: Example id to the id that names its group, as `Metric.groups` gives them.
    """
    above: dict[str, str] = {}

    def top(id_: str) -> str:
        while (parent := above.setdefault(id_, id_)) != id_:
            above[id_] = above[parent]
            id_ = parent
        return id_

    for grouping in groupings:
        for id_, name in grouping.items():
            above[top(id_)] = top(name)
    return {id_: top(id_) for id_ in list(above)}


def numbered_alike(groupings: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """The languages, those together in which an id is one example, as far as groups tell.

    Where a benchmark has no ids, rows are numbered, and in a language that lacks some, the rows after these have the
    numbers of others. Groups show it: the hypotheses for one premise are then some for one and some for another.

    Args:
        groupings: Language to example id to the id that names its group.
    """
    found: list[tuple[list[str], dict[str, str]]] = []
    for language, grouping in groupings.items():
        for number, (members, known) in enumerate(found):
            if _fit(known, grouping):
                found[number] = ([*members, language], united([known, grouping]))
                break
        else:
            found.append(([language], dict(grouping)))
    return [members for members, _ in found]


def _fit(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether groups of the ids that both have are mostly the same, or parts of each other."""
    shared = one.keys() & other.keys()
    mine, theirs = _members(one, shared), _members(other, shared)
    fitting = 0
    for ids in theirs.values():
        inside = {one[id_] for id_ in ids}
        fitting += len(ids) if len(inside) == 1 else sum(len(mine[each]) for each in inside if mine[each] <= ids)
    return fitting >= _ALIKE * len(shared)


def _members(grouping: Mapping[str, str], ids: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for id_ in ids:
        found.setdefault(grouping[id_], set()).add(id_)
    return found


def resample(
    systems: Sequence[Scored],
    baselines: Sequence[Scored],
    *,
    groups: Mapping[str, str] | None = None,
    statistics: Mapping[str, Statistic] | None = None,
    samples: int = SAMPLES,
) -> Resamples:
    """Draws groups of examples with replacement; all languages, and all models, of a group are drawn together.

    Args:
        systems: One for each seed.
        baselines: Likewise, in the same order.
        groups: Example id to what names its group; an example that is not there is alone. None: all are.
        statistics: Metric to what its items make, where that is neither a mean nor a quotient of sums.

    Raises:
        ValueError: There are not as many of the one as of the other, or they do not all have the same languages and
            examples.
    """
    _check(systems, baselines)
    languages = tuple(systems[0])
    named = groups or {}
    ids = sorted({id_ for items in systems[0].values() for id_ in items})
    numbers: dict[str, int] = {}
    places = {id_: numbers.setdefault(named.get(id_, id_), len(numbers)) for id_ in ids}
    metrics = sorted({name for items in systems[0].values() for item in items.values() for name in item})
    values = {name: np.full((2, len(systems), 1 + samples, len(languages)), np.nan) for name in metrics}
    parts = list(_parts((systems, baselines), places, metrics, statistics or {}))
    for start, times in draws(len(numbers), samples):
        for part in parts:
            part.fill(values, start, times)
    there = {language: frozenset(places[id_] for id_ in systems[0][language]) for language in languages}
    counted = {name: dict(there) for name in metrics}
    for part in parts:
        for name, found in part.counted().items():
            counted[name][languages[part.column]] = found
    return Resamples(values, languages, there, counted)


def _check(systems: Sequence[Scored], baselines: Sequence[Scored]) -> None:
    if len(systems) != len(baselines):
        raise ValueError("both systems have to be trained with the same seeds")
    first = {language: items.keys() for language, items in systems[0].items()}
    for scores in (*systems, *baselines):
        if {language: items.keys() for language, items in scores.items()} != first:
            raise ValueError("both systems have to be scored on the same questions of the same languages")


def draws(groups: int, samples: int = SAMPLES) -> Iterator[tuple[int, np.ndarray]]:
    """Batches of samples: the number of a batch's first, and how often each group is in each, `(sample, group)`.

    Sample 0 is the data as they are; the `samples` others are always the same ones.
    """
    yield 0, np.ones((1, groups))
    random = np.random.default_rng(_SEED)
    for start in range(0, samples, _BATCH):
        drawn = random.integers(0, groups, size=(min(_BATCH, samples - start), groups))
        yield 1 + start, np.stack([np.bincount(one, minlength=groups) for one in drawn]).astype(float)


@dataclass(frozen=True)
class _Sums:
    """The metrics of one language that sums of what was drawn decide.

    Attributes:
        sums: `(group, side, seed, metric, numerator or denominator)`.
    """

    column: int
    where: np.ndarray
    metrics: Sequence[str]
    sums: np.ndarray

    def fill(self, values: dict[str, np.ndarray], start: int, times: np.ndarray) -> None:
        found = np.tensordot(times[:, self.where], self.sums, axes=1)
        numerators, denominators = np.moveaxis(found, 0, 2)[..., 0], np.moveaxis(found, 0, 2)[..., 1]
        with np.errstate(invalid="ignore", divide="ignore"):
            quotients = np.where(denominators > 0, numerators / denominators, 0.0)
        # Nothing found and nothing to find is a score of 0; a language that is missing from a sample does not count.
        there = denominators.sum(axis=0, keepdims=True) > 0
        found = np.where(there, quotients, np.nan)
        for number, name in enumerate(self.metrics):
            values[name][:, :, start : start + len(times), self.column] = found[..., number]

    def counted(self) -> dict[str, frozenset[int]]:
        """The groups that add something to a denominator of each metric."""
        adds = np.any(self.sums[..., 1] > 0, axis=(1, 2))
        return {name: frozenset(self.where[adds[:, number]].tolist()) for number, name in enumerate(self.metrics)}


@dataclass(frozen=True)
class _Anew:
    """One metric of one language and model that a statistic makes of what was drawn."""

    column: int
    where: np.ndarray
    metric: str
    model: tuple[int, int]
    items: np.ndarray
    statistic: Statistic

    def fill(self, values: dict[str, np.ndarray], start: int, times: np.ndarray) -> None:
        drawn = times[:, self.where].astype(int)
        there = drawn.any(axis=1)
        samples = start + np.flatnonzero(there)
        side, seed = self.model
        values[self.metric][side, seed, samples, self.column] = self.statistic(self.items, drawn[there])

    def counted(self) -> dict[str, frozenset[int]]:
        """All of its groups."""
        return {self.metric: frozenset(self.where.tolist())}


def _parts(
    sides: Sequence[Sequence[Scored]],
    places: Mapping[str, int],
    metrics: Sequence[str],
    statistics: Mapping[str, Statistic],
) -> Iterator[_Sums | _Anew]:
    summed = [name for name in metrics if name not in statistics]
    for column, language in enumerate(sides[0][0]):
        ids = list(sides[0][0][language])
        numbers, inverse = np.unique([places[id_] for id_ in ids], return_inverse=True)
        sums = np.zeros((len(numbers), 2, len(sides[0]), len(summed), 2))
        for side, models in enumerate(sides):
            for seed, scores in enumerate(models):
                items = scores[language]
                fractions = [[fraction(items[id_][name]) for name in summed] for id_ in ids]
                np.add.at(sums[:, side, seed], inverse, np.array(fractions, dtype=float).reshape(len(ids), -1, 2))
                for name in statistics.keys() & set(metrics):
                    rows = np.array([items[id_][name] for id_ in ids], dtype=float).reshape(len(ids), -1)
                    yield _Anew(column, numbers[inverse], name, (side, seed), rows, statistics[name])
        if summed:
            yield _Sums(column, numbers, summed, sums)
