"""The work of one stage, whatever it is: by one process, or by several together."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from adapterstilts.modeling.precision import choose_device, device_memory
from adapterstilts.runs.specs import StageSpec
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.devices.strategy import strategy_of
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.micro_batches import with_fitting_batches


def make(
    spec: StageSpec, setup: Setup, work: Path, reporter: Reporter, group: Group = ALONE
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Does what a spec describes, in the stage's folder; torch is imported here.

    Args:
        work: The folder, whose lock the leader of the group holds.

    Returns:
        Metrics of the stage, and what it adds to its provenance: of a group, the leader's are whole.
    """
    device, tokens = choose_device(setup.device), [setup.tokens_per_batch]
    if group.several:  # memory that runs out in one of them ends all
        with device_memory(device, name=setup.backbone.name, tokens=setup.tokens_per_batch):
            metrics, details = _work_on(spec, setup, work, reporter, group)
    else:
        (metrics, details), tokens = with_fitting_batches(
            lambda fitting: _work_on(spec, fitting, work, reporter, group),
            spec,
            setup,
            lambda message: reporter.note(f"{work.name}: {message}"),
        )
    strategy = "batches" if spec.stage == "evaluate" else strategy_of(spec.method)
    return metrics, {
        **details,
        "device": str(device),
        "processes": group.count,
        "strategy": strategy if group.several else None,
        "tokens_per_batch": tokens[-1],
        "compiled": setup.compile and spec.stage != "evaluate",
        **({"out_of_memory_with": tokens[:-1]} if tokens[:-1] else {}),
    }


def _work_on(
    spec: StageSpec, setup: Setup, work: Path, reporter: Reporter, group: Group
) -> tuple[dict[str, Any], dict[str, Any]]:
    if spec.stage == "evaluate":
        from adapterstilts.stages.answering.evaluate import Evaluation

        return Evaluation(spec, setup, work, track=reporter.track, group=group).run()
    assert spec.stage != "shared"  # it is brought in, not made
    from adapterstilts.modeling.compiled import compiling
    from adapterstilts.stages.training.train import train_stage

    with compiling(setup.backbone.name) if setup.compile else nullcontext():
        return train_stage(spec, setup, work, reporter, group)
