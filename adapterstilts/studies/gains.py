"""Gains of cells in resamples that all cells share, so that any sum of them has an interval of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapterstilts.commands.table.contrasts import drawn
from adapterstilts.commands.table.rows import TargetRuns
from adapterstilts.files import file_digest
from adapterstilts.languages import ENGLISH, zero_shot_languages
from adapterstilts.metrics.intervals import Interval, difference, interval, means
from adapterstilts.runs.arrays import Arrays, recall_arrays
from adapterstilts.runs.store import MANIFEST
from adapterstilts.tasks.kind import Kind

ZERO_SHOT = "zero_shot"
FOLDER = "gains"
_GROUPS = "groups"


@dataclass(frozen=True)
class Gains:
    """Gains of the task score, in points.

    Attributes:
        values: Language, and `ZERO_SHOT` for the mean over those other than English, to `(seed, sample)`: the first
            sample is the data as they are.
        groups: Likewise, to how many groups of examples there are.
    """

    values: Mapping[str, np.ndarray]
    groups: Mapping[str, int]

    @classmethod
    def of(cls, mine: TargetRuns, theirs: TargetRuns, *, kind: Kind, cache: Path) -> Gains:
        """Those of one row over another; empty where nothing is labelled.

        Args:
            cache: Folder for data that can be made again.
        """
        ours, others = ([seed.evaluation for seed in one.seeds] for one in (mine, theirs))
        count = max(len(ours), len(others))
        ours, others = (one * (count // len(one)) for one in (ours, others))
        languages = mine.seeds[0].languages

        def find() -> Arrays:
            found = drawn(ours, others, languages)
            if found is None:
                return {}
            shown = zero_shot_languages(found.languages)
            parts = {language: [language] for language in found.languages} | ({ZERO_SHOT: shown} if shown else {})
            arrays: dict[str, np.ndarray] = {}
            for name, members in parts.items():
                columns = [found.resamples.languages.index(one) for one in members]
                scores = {metric: means(values, columns) for metric, values in found.resamples.values.items()}
                with suppress(KeyError):  # of a metric whose examples' parts are not kept
                    arrays[name] = np.asarray(difference(kind.main_score(scores)))  # type: ignore[arg-type]
                    arrays[f"{_GROUPS} {name}"] = np.array([found.resamples.count(members)])
            return arrays

        told = [f"{run.key} {file_digest(run.folder / MANIFEST)}" for run in (*ours, *others)]
        arrays = recall_arrays(cache / FOLDER, "gains of what is alike", *languages, *told, find=find)
        groups = {name.removeprefix(f"{_GROUPS} "): int(one[0]) for name, one in arrays.items() if " " in name}
        return cls({name: arrays[name] for name in groups}, groups)

    def interval(self, name: str) -> Interval | None:
        """Of a language, or of the mean over those other than English."""
        return combined([Part(self, name, 1.0)]) if name in self.values else None

    @property
    def english(self) -> Interval | None:
        """In English."""
        return self.interval(ENGLISH)


@dataclass(frozen=True)
class Part:
    """A summand: the gains of one cell, with a weight."""

    gains: Gains
    name: str
    weight: float


def combined(parts: Sequence[Part]) -> Interval:
    """The weighted sum of gains with its interval, over seeds with the same number and groups of examples.

    Cells of one target are drawn together. Where cells are of several targets, whose examples are others, the number
    of groups is that of the target with fewest: the degrees of freedom are then rather too few than too many.

    Raises:
        ValueError: Cells have different numbers of seeds, of which neither is one.
    """
    return interval(summed(parts), groups=min(one.gains.groups[one.name] for one in parts))


def summed(parts: Iterable[Part]) -> np.ndarray:
    """The weighted sum of gains, `(seed, sample)`; a cell with one model has it in place of each seed's."""
    total: np.ndarray | float = 0.0
    for one in parts:
        total = total + one.weight * one.gains.values[one.name]
    return np.asarray(total)


def averaged(by_target: Mapping[str, Sequence[tuple[Gains, str]]], weight: float = 1.0) -> list[Part]:
    """The mean of gains in which each target counts alike, however many cells it has.

    Args:
        by_target: Target to the gains of its cells, each with what is meant of it.
        weight: What the mean is multiplied with.
    """
    return [
        Part(gains, name, weight / (len(by_target) * len(cells)))
        for cells in by_target.values()
        for gains, name in cells
    ]
