"""Which stage is made next: a queue of those that can begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any

from adapterstilts.modeling.methods import computes_otherwise
from adapterstilts.stages.graph import Stage

Weights = tuple[Any, ...]


class Agenda:
    """Stages, each of which can begin once those that it needs are made.

    Args:
        stages: Each after those that it needs.
        critical_path: Whether stages that the longest chains wait for come first, as it is best for several jobs.
    """

    def __init__(self, stages: Sequence[Stage[Any]], *, critical_path: bool = False) -> None:
        own = {stage.key for stage in stages}
        needs = {stage.key: {one.key for one in stage.needs if one.key in own} for stage in stages}
        self._lacking = {key: len(needed) for key, needed in needs.items()}
        self._after: dict[str, list[Stage[Any]]] = defaultdict(list)
        for stage in stages:
            for key in needs[stage.key]:
                self._after[key].append(stage)
        self._urgency = longest_behind(stages) if critical_path else dict.fromkeys(own, 0)
        self._place = {stage.key: place for place, stage in enumerate(stages)}
        self._turn = count(1)
        self._ready: dict[Weights, list[tuple[int, int, int, Stage[Any]]]] = {}
        for stage in stages:
            if not needs[stage.key]:
                self._push(stage)

    def take(self, loaded: Weights | None = None) -> Stage[Any] | None:
        """The next stage that can begin, if there is one.

        Where there is a choice it is one that reads the weights that are `loaded`: a frozen backbone stays loaded from
        one stage to the next (`Backbone.encoder`).
        """
        if not self._ready:
            return None
        weights = loaded if loaded in self._ready else min(self._ready, key=lambda one: self._ready[one][0][:3])
        assert weights is not None
        *_, stage = heappop(self._ready[weights])
        if not self._ready[weights]:
            del self._ready[weights]
        return stage

    def put_back(self, stage: Stage[Any]) -> None:
        """Lets a stage be taken again, after all others that can begin."""
        self._push(stage, turn=next(self._turn))

    def give_back(self, stage: Stage[Any]) -> None:
        """Lets a stage be taken again, in its old place."""
        self._push(stage)

    def made(self, stage: Stage[Any]) -> None:
        """Lets those begin that have waited for a stage alone."""
        for one in self._after[stage.key]:
            self._lacking[one.key] -= 1
            if not self._lacking[one.key]:
                self._push(one)

    def dependents(self, stage: Stage[Any]) -> list[Stage[Any]]:
        """All stages that cannot be made without this one, each once."""
        found: dict[str, Stage[Any]] = {}
        waiting = [stage]
        while waiting:
            for one in self._after[waiting.pop().key]:
                if one.key not in found:
                    found[one.key] = one
                    waiting.append(one)
        return list(found.values())

    def _push(self, stage: Stage[Any], *, turn: int = 0) -> None:
        place = (turn, -self._urgency[stage.key], self._place[stage.key], stage)
        heappush(self._ready.setdefault(weights_of(stage), []), place)


def longest_behind(stages: Sequence[Stage[Any]]) -> dict[str, int]:
    """Key of each stage to how many others wait for it, one after the other, in the longest chain.

    Args:
        stages: Each after those that it needs.
    """
    found = {stage.key: 0 for stage in stages}
    for stage in reversed(stages):
        for need in stage.needs:
            if need.key in found:
                found[need.key] = max(found[need.key], found[stage.key] + 1)
    return found


def weights_of(stage: Stage[Any]) -> Weights:
    """Which form of which backbone's weights a stage reads."""
    spec = stage.spec
    if spec.stage == "evaluate":
        methods = [stage.need(key).spec.method for key in spec.inputs[:1]]
    else:
        methods = [spec.method]
    return spec.backbone, spec.precision, spec.quantization, any(map(computes_otherwise, methods))
