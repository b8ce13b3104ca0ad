"""The engine of one process: one stage after the other, here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapterstilts.modeling.methods import trains_backbone
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup


class Local:
    """Runs a graph in this process."""

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """See `Engine.run`."""
        for stage in in_order(graph.to_make()):
            run_stage(stage.spec, setup, reporter, force=force)


def in_order(stages: Sequence[Stage[Any]]) -> Iterator[Stage[Any]]:
    """The stages, each after those that it needs, and where there is a choice, one that reads the same weights next.

    A frozen backbone stays loaded from one stage to the next (`Backbone.encoder`); one that is trained is read anew.
    """
    waiting, own, loaded = list(stages), {stage.key for stage in stages}, None
    done: set[str] = set()
    while waiting:
        ready = [one for one in waiting if all(need.key in done or need.key not in own for need in one.needs)]
        stage = next((one for one in ready if _weights(one) == loaded), ready[0])
        waiting.remove(stage)
        done.add(stage.key)
        loaded = _weights(stage)
        yield stage


def _weights(stage: Stage[Any]) -> tuple[Any, ...]:
    """Which form of the backbone's weights a stage reads."""
    spec = stage.spec
    if spec.stage == "shared":
        return None, None, trains_backbone(spec.method)
    if spec.stage == "evaluate":
        return _weights(stage.need(spec.inputs[0])) if spec.inputs else (spec.precision, spec.quantization, False)
    return spec.precision, spec.quantization, trains_backbone(spec.method)
