"""What the stages of a study were estimated to take before they ran, kept beside the store's runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import RootModel

from adapterstilts.commands.plan import STORED
from adapterstilts.errors import StoreError
from adapterstilts.files import write_json
from adapterstilts.runs.records import read_record
from adapterstilts.runs.store import KEY_DIGITS
from adapterstilts.stages.estimates.stage_costs import StageCost, measured
from adapterstilts.studies.results import StageRecord
from adapterstilts.studies.work import StudyWork

FOLDER = ".studies"
_SHOWN = ("seconds", "flops", "tokens")

Numbers = dict[str, float]


class _Kept(RootModel[dict[str, Numbers]]):
    """Key of a stage to its estimates."""


def keep_estimates(work: StudyWork) -> None:
    """Keeps the estimates of the stages that are not there yet."""
    if all(work.store.find(stage.spec) for stage in work.graph.to_make()):
        return  # nothing is estimated, and this machine's speed not measured, for what is there
    found = {one.key: _numbers(one.cost) for one in work.summary().stages if one.state != STORED and one.cost}
    if found:
        path = _path(work)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**_kept(work), **found})


def stage_records(work: StudyWork) -> list[StageRecord]:
    """What each stage was estimated to take, and what it took, in an order in which they can be made."""
    store = work.store
    kept = _kept(work)
    found = []
    for stage in work.graph:
        run = stage.run or store.find(stage.spec)
        found.append(
            StageRecord(
                name=stage.name,
                key=stage.key,
                state=STORED if run else "waiting",
                estimated=dict(kept.get(stage.key[:KEY_DIGITS], {})),
                measured=_numbers(measured(run)) if run and stage.run is None else {},
            )
        )
    return found


def _path(work: StudyWork) -> Path:
    name = "-".join(part for part in (work.grid.study.name, work.size) if part)
    return work.store.root / FOLDER / f"{name}.json"


def _kept(work: StudyWork) -> Mapping[str, Numbers]:
    try:
        return read_record(_path(work), _Kept).root
    except StoreError:  # none was kept, or it is damaged
        return {}


def _numbers(cost: StageCost) -> Numbers:
    values: dict[str, Any] = asdict(cost)
    found = {name: float(values[name]) for name in _SHOWN if values[name] is not None}
    if cost.memory:
        found["memory_bytes"] = float(cost.memory.get("device", cost.memory.get("host", 0)))
    if cost.disk is not None:
        found["disk_bytes"] = float(cost.disk)
    return found
