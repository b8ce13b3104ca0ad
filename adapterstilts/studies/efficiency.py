"""What arms gain for what they cost, and how much of full fine-tuning's gain they keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapterstilts.metrics.intervals import Interval
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.runs.store import Run
from adapterstilts.stages.estimates.machines import watts_of
from adapterstilts.studies.cells import Measured, by_target
from adapterstilts.studies.definition import BASELINE, FROM, TO
from adapterstilts.studies.gains import Part, averaged, combined
from adapterstilts.studies.results import Efficiency

FULL = "full"
# Shares that an interval is looked for among.
_SHARES = np.linspace(-3.0, 5.0, 801)


def efficiencies(cells: Sequence[Measured]) -> list[Efficiency]:
    """One for each arm of a study that gains something over rows of its own."""
    arms: dict[tuple[tuple[str, str], ...], list[Measured]] = {}
    for one in cells:
        if one.single and one.part():
            axes = {name: value for name, value in one.cell.axes.items() if name not in (FROM, TO, BASELINE)}
            arms.setdefault(tuple(axes.items()), []).append(one)
    return [_efficiency(dict(axes), members, _full(dict(axes), arms)) for axes, members in arms.items()]


def _full(axes: dict[str, str], arms: dict[tuple[tuple[str, str], ...], list[Measured]]) -> list[Measured]:
    """The cells of full fine-tuning that differ from an arm in method and composition alone; none for itself."""
    if _is_full(axes):
        return []
    own = _rest(axes)
    alike = (members for other, members in arms.items() if _is_full(dict(other)) and _rest(dict(other)) == own)
    return [one for members in alike for one in members]


def _is_full(axes: dict[str, str]) -> bool:
    return METHODS.get(parse_method(axes["method"]).name).trains == "all"


def _rest(axes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in axes.items() if name not in ("method", "composition")}


def _efficiency(axes: dict[str, str], members: Sequence[Measured], full: Sequence[Measured]) -> Efficiency:
    intermediate = {run.folder: run for one in members for run in one.runs.every_intermediate}
    every = {run.folder: run for one in members for run in _trained(one)}
    first = next(iter(intermediate.values()))
    gain = combined(averaged(by_target(members)))
    parameters, stored = first.metrics["parameters"]["trained"], first.metrics["stored_bytes"]
    seconds = sum(run.provenance["train_seconds"] for run in every.values())
    kwh = _kwh(list(every.values()))
    units = {"million parameters": parameters / 1e6, "stored MB": stored / 1e6, "hour": seconds / 3600, "kWh": kwh}
    return Efficiency(
        axes=axes,
        gain=gain,
        cells=sorted({(one.cell.axes[FROM], one.target) for one in members}),
        retained=_retained(members, full) if full else None,
        parameters=parameters,
        stored_bytes=stored,
        seconds=seconds,
        flops=sum(run.metrics["flops"] for run in every.values()),
        kwh=kwh,
        per={name: gain.mean / amount for name, amount in units.items() if amount},
    )


def _kwh(runs: Sequence[Run]) -> float | None:
    """The energy of training by the thermal design power of each run's devices; None where one is not known."""
    total = 0.0
    for run in runs:
        hardware = run.provenance["hardware"]
        watts = watts_of(str(hardware.get("gpu") or hardware.get("cpu") or ""))
        if watts is None:
            return None
        total += watts * run.provenance["train_seconds"] * run.provenance.get("processes", 1) / 3.6e6
    return total


def _trained(one: Measured) -> list[Run]:
    return [run for seed in one.runs.seeds for run in (*seed.intermediates, *seed.before, *seed.targets)]


def _retained(members: Sequence[Measured], full: Sequence[Measured]) -> Interval | None:
    """The mean gain in percent of full fine-tuning's over the cells that both have (Fieller's interval).

    A share is inside where the gain minus this share of the other one does not differ from 0. There is no such interval
    where full fine-tuning does not gain for sure: nothing can be kept of a loss, and of nothing any share would do.
    """
    places = {(one.cell.axes[FROM], one.target) for one in members} & {
        (one.cell.axes[FROM], one.target) for one in full
    }
    ours, theirs = (
        by_target(one for one in side if (one.cell.axes[FROM], one.target) in places) for side in (members, full)
    )
    if not ours or not theirs:
        return None
    whole = combined(averaged(theirs))
    if whole.low is None or whole.low <= 0:
        return None
    share = combined(averaged(ours)).mean / whole.mean
    inside = [value for value in _SHARES if _level(averaged(ours) + averaged(theirs, -float(value)))]
    if not inside or inside[0] == _SHARES[0] or inside[-1] == _SHARES[-1]:
        return None
    return Interval(100 * share, 100 * float(inside[0]), 100 * float(inside[-1]))


def _level(parts: Sequence[Part]) -> bool:
    found = combined(parts)
    return found.low is not None and found.high is not None and found.low <= 0 <= found.high
