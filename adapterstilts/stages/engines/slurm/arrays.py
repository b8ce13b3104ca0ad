"""Which stages are submitted together, and what each array of them waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapterstilts.stages.graph import Stage

Stages = Sequence[Stage[Any]]


@dataclass(frozen=True)
class Array:
    """Stages that are submitted by one call, as elements of a job array.

    Attributes:
        stages: Index in the array to stage.
        after: Keys of the stages that each of them waits for.
        beside: Whether it is not these, but each element waits for the one with its index in another array: that of
            the stage that it needs.
    """

    stages: Mapping[int, Stage[Any]]
    after: tuple[str, ...] = ()
    beside: bool = False

    @property
    def indices(self) -> str:
        """As sbatch takes them: `0-9,12`."""
        parts: list[list[int]] = []
        for index in sorted(self.stages):
            if parts and parts[-1][1] == index - 1:
                parts[-1][1] = index
            else:
                parts.append([index, index])
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def arrays(stages: Stages, queued: Collection[str], *, most: int) -> Iterator[Array]:
    """Stages as few arrays, each after those that it waits for; a stage waits for what it needs and nothing else.

    Args:
        stages: Those to submit, each after those that it needs.
        queued: Keys of others that are in the queue.
        most: Elements that an array can have; their indices are below it.
    """
    placed: dict[str, tuple[int, int]] = {}
    for number, array in enumerate(_arrays(stages, queued, most, placed)):
        placed |= {stage.key: (number, index) for index, stage in array.stages.items()}
        yield array


def _arrays(
    stages: Stages, queued: Collection[str], most: int, placed: Mapping[str, tuple[int, int]]
) -> Iterator[Array]:
    own = {stage.key for stage in stages}
    waits = {
        stage.key: tuple(need.key for need in stage.needs if need.key in own or need.key in queued) for stage in stages
    }
    for level in _levels(stages, waits):
        alike: dict[tuple[str, ...], list[Stage[Any]]] = defaultdict(list)
        following: dict[int, dict[int, list[Stage[Any]]]] = defaultdict(lambda: defaultdict(list))
        for stage in level:
            needs = waits[stage.key]
            if len(needs) == 1 and needs[0] in placed:
                array, index = placed[needs[0]]
                following[array][index].append(stage)
            else:
                alike[tuple(sorted(set(needs)))].append(stage)
        for one in following.values():
            yield from _behind(one, waits, alike)
        for needs, group in alike.items():
            for start in range(0, len(group), most):
                yield Array(dict(enumerate(group[start : start + most])), needs)


def _behind(
    following: Mapping[int, Stages],
    waits: Mapping[str, tuple[str, ...]],
    alike: dict[tuple[str, ...], list[Stage[Any]]],
) -> Iterator[Array]:
    """What waits for single elements of one array: element by element, or, if that is less arrays, by what it needs."""
    deepest = max(map(len, following.values()))
    if deepest > len(following):
        for group in following.values():
            alike[waits[group[0].key]] += group
        return
    for depth in range(deepest):
        stages = {index: group[depth] for index, group in following.items() if depth < len(group)}
        yield Array(stages, waits[next(iter(stages.values())).key], beside=True)


def _levels(stages: Stages, waits: Mapping[str, Iterable[str]]) -> list[list[Stage[Any]]]:
    """Stages by how many others have to be made before them, one after the other."""
    depths: dict[str, int] = {}
    levels: dict[int, list[Stage[Any]]] = defaultdict(list)
    for stage in stages:
        depths[stage.key] = 1 + max((depths.get(key, -1) for key in waits[stage.key]), default=-1)
        levels[depths[stage.key]].append(stage)
    return [levels[depth] for depth in sorted(levels)]
