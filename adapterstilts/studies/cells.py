"""From the finished runs of a grid to its cells, each with its gain over the row without an intermediate phase."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapterstilts.commands.models.intermediate_runs import NONE
from adapterstilts.commands.table.rows import TargetRuns, without
from adapterstilts.languages import ENGLISH
from adapterstilts.metrics.intervals import holm
from adapterstilts.runs.store import Run
from adapterstilts.studies.axes import text_on
from adapterstilts.studies.definition import BASELINE, FROM, TO, Selection
from adapterstilts.studies.gains import ZERO_SHOT, Gains
from adapterstilts.studies.grid import Arm, Grid
from adapterstilts.studies.results import Cell, FewShotCell


@dataclass(frozen=True)
class Measured:
    """A cell and what statistics are made of.

    Attributes:
        gains: Over the row without an intermediate phase; None for that row itself, and without labels.
        runs: The runs that it is read from.
        base: Those of the row that it is compared with.
    """

    cell: Cell
    gains: Gains | None
    runs: TargetRuns
    base: TargetRuns | None

    @property
    def target(self) -> str:
        """The target."""
        return self.cell.axes[TO]

    @property
    def single(self) -> bool:
        """Whether it is one of the grid's own, and neither a baseline nor what others are compared with."""
        return self.gains is not None and self.cell.axes[BASELINE] == NONE and self.cell.axes[FROM] != NONE

    def part(self, name: str = ZERO_SHOT) -> tuple[Gains, str] | None:
        """Its gains of that name, if it has some."""
        return (self.gains, name) if self.gains is not None and name in self.gains.values else None


def measured_cells(grid: Grid) -> list[Measured]:
    """The cells of a grid whose stages are finished, p values adjusted for all of them."""
    found = [one for arm in grid.arms for one in _of_arm(arm)]
    gains = {number: one.cell.gain for number, one in enumerate(found) if one.cell.gain is not None}
    adjusted = dict(zip(gains, holm(gains.values()), strict=True))
    return [
        replace(one, cell=replace(one.cell, gain=adjusted[number])) if number in adjusted else one
        for number, one in enumerate(found)
    ]


def _of_arm(arm: Arm) -> Iterable[Measured]:
    setup = arm.transfer.planner.setup
    with setup.catalogue.in_use():
        rows = iter(arm.transfer.result().rows)
        named = iter(arm.cells())
        for table in arm.transfer.tables:
            reached = [row.read(arm.transfer.finished) for row in table.rows]
            for runs in reached:
                row, (axes, _) = next(rows), next(named)
                base = without(runs, reached)
                gains = None
                if base is not None and base is not runs:
                    kind = setup.catalogue.build_kind(runs.seeds[0].evaluation.evaluation)
                    gains = Gains.of(runs, base, kind=kind, cache=setup.store.cache)
                cell = Cell(
                    axes=axes,
                    row=row,
                    gain=gains.interval(ZERO_SHOT) if gains else None,
                    english=gains.interval(ENGLISH) if gains else None,
                    folders={run.name: str(run.folder) for run in _runs(runs)},
                )
                yield Measured(cell, gains if gains and gains.values else None, runs, base)


def few_shot_cells(grid: Grid) -> list[FewShotCell]:
    """What went on from cells with labelled rows of other languages."""
    found = []
    for arm in grid.arms:
        with arm.transfer.planner.setup.catalogue.in_use():
            found += [FewShotCell(arm.axes, row) for row in arm.transfer.result().few_shots]
    return found


def _runs(runs: TargetRuns) -> list[Run]:
    every = (run for seed in runs.seeds for run in (*seed.intermediates, *seed.before, *seed.targets, seed.evaluation))
    return list({run.folder: run for run in every}.values())


def chosen(cells: Sequence[Measured], selection: Selection) -> list[Measured]:
    """The cells that a selection means; baselines only where it names some."""
    wanted = {axis: {text_on(axis, value) for value in values} for axis, values in selection.items()}
    wanted.setdefault(BASELINE, {NONE})
    return [one for one in cells if one.gains is not None and _fits(one.cell.axes, wanted)]


def _fits(axes: Mapping[str, str], wanted: Mapping[str, set[str]]) -> bool:
    return all(axes.get(axis, NONE) in values for axis, values in wanted.items())


def by_target(cells: Iterable[Measured], name: str = ZERO_SHOT) -> dict[str, list[tuple[Gains, str]]]:
    """Target to the gains of its cells, of those that have some of that name."""
    found: dict[str, list[tuple[Gains, str]]] = {}
    for one in cells:
        if part := one.part(name):
            found.setdefault(one.target, []).append(part)
    return found
