"""The work of one stage, whatever it is: by one process, or by several together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapterstilts.modeling.precision import choose_device, device_memory
from adapterstilts.runs.specs import StageSpec
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.devices.strategy import strategy_of
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup


def make(
    spec: StageSpec, setup: Setup, work: Path, reporter: Reporter, group: Group = ALONE
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Does what a spec describes, in the stage's folder; torch is imported here.

    Args:
        work: The folder, whose lock the leader of the group holds.

    Returns:
        Metrics of the stage, and what it adds to its provenance: of a group, the leader's are whole.
    """
    device = choose_device(setup.device)
    with device_memory(device, name=setup.backbone.name, tokens=setup.tokens_per_batch):
        if spec.stage == "evaluate":
            from adapterstilts.stages.evaluate import Evaluation

            strategy = "batches"
            metrics, details = Evaluation(spec, setup, work, track=reporter.track, group=group).run()
        else:
            assert spec.stage != "shared"  # it is brought in, not made
            from adapterstilts.stages.train import train_stage

            strategy = strategy_of(spec.method)
            metrics, details = train_stage(spec, setup, work, reporter, group)
    shared = {"processes": group.count, "strategy": strategy if group.several else None}
    return metrics, {**details, "device": str(device), **shared}
