"""A study from its file to its result: planned, run, and read from the store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adapterstilts.commands.intermediate_runs import NONE
from adapterstilts.commands.targets import SeedStages, TargetStages
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.provenance import surroundings
from adapterstilts.runs.store import Run
from adapterstilts.stages.graph import Graph, Stage, with_needs
from adapterstilts.stages.reporter import Reporter
from adapterstilts.studies.agreement import agreements
from adapterstilts.studies.axes import axis_values, text_of
from adapterstilts.studies.cells import Measured, few_shot_cells, measured_cells
from adapterstilts.studies.claims import claims_of
from adapterstilts.studies.correlation import english_and_others
from adapterstilts.studies.definition import FROM, TO, Study
from adapterstilts.studies.efficiency import efficiencies
from adapterstilts.studies.grid import Grid, Note, plan_grid
from adapterstilts.studies.reading import reading_of
from adapterstilts.studies.results import PublishedValue, StudyResult

# Points of a learning curve that a report draws at most.
_POINTS = 200


@dataclass(frozen=True)
class StudyWork:
    """A planned study.

    Attributes:
        size: Which of the study's sizes it is.
    """

    grid: Grid
    size: str

    @cached_property
    def graph(self) -> Graph:
        """Every stage once."""
        graph = Graph()
        for arm in self.grid.arms:
            for stage in arm.transfer.graph:
                graph.add(stage)
        return graph

    @cached_property
    def naive(self) -> int:
        """How many trainings it takes if every cell is trained by itself, with the row that it is compared with."""
        return sum(self._alone(arm.transfer.tables) for arm in self.grid.arms)

    @staticmethod
    def _alone(tables: Sequence[Any]) -> int:
        counted = 0
        for table in tables:
            base = next((row for row in table.rows if not row.seeds[0].intermediates), None)
            for row in table.rows:
                counted += _trainings(row) + (_trainings(base) if base and base is not row else 0)
        return counted

    @property
    def trainings(self) -> int:
        """How many it takes."""
        return sum(stage.trains for stage in self.graph.to_make())

    def run(self, reporter: Reporter) -> None:
        """Makes what the store lacks.

        Raises:
            AstiltsError: See the message.
        """
        for arm in self.grid.arms:
            with arm.transfer.planner.setup.catalogue.in_use():
                arm.transfer.run(reporter)

    def result(self) -> StudyResult:
        """What the finished stages say.

        Raises:
            StoreError: One is not there.
        """
        study = self.grid.study
        cells = measured_cells(self.grid)
        claims = claims_of(study, cells)
        catalogue = self.grid.arms[0].transfer.planner.setup.catalogue
        with catalogue.in_use():
            agreement = agreements(cells, catalogue, Memory.of_user())
        return StudyResult(
            name=study.name,
            title=study.title,
            size=self.size,
            question=study.question,
            axes=self._axes(cells),
            cells=[one.cell for one in cells],
            claims=claims,
            reading=reading_of(study, claims, cells),
            efficiency=efficiencies(cells),
            agreement=agreement,
            correlation=english_and_others(cells),
            published=[PublishedValue({FROM: one.from_, TO: one.to}, one.value, one.source) for one in study.published],
            left_out=self.grid.left_out,
            trainings=self.trainings,
            naive=self.naive,
            learning=_learning(cells),
            surroundings=_surroundings(cells),
            few_shots=few_shot_cells(self.grid),
        )

    def _axes(self, cells: Sequence[Measured]) -> dict[str, list[str]]:
        """Each axis with the values that cells have, those of the study in its order."""
        found: dict[str, list[str]] = {}
        for one in cells:
            for axis, value in one.cell.axes.items():
                found.setdefault(axis, [])
                if value not in found[axis]:
                    found[axis].append(value)
        return {axis: self._in_order(axis, values) for axis, values in found.items()}

    def _in_order(self, axis: str, values: Sequence[str]) -> list[str]:
        order = [text_of(value) for value in axis_values(self.grid.study, axis)]
        return sorted(values, key=lambda value: order.index(value) if value in order else -1)


def plan_study(
    study: Study,
    given: Mapping[str, Any],
    *,
    size: str | None = None,
    note: Note = lambda text: None,
    planned_only: bool = False,
) -> StudyWork:
    """Plans a study in one of its sizes; see `plan_grid`."""
    chosen = size or next(iter(study.sizes), "")
    return StudyWork(plan_grid(study.of_size(size), given, note=note, planned_only=planned_only), chosen)


def _trainings(row: TargetStages) -> int:
    return sum(stage.trains for seed in row.seeds for stage in _own(seed) if stage.run is None)


def _own(seed: SeedStages) -> list[Stage[Any]]:
    return with_needs([seed.evaluation])


def _learning(cells: Sequence[Measured]) -> dict[str, list[dict[str, Any]]]:
    """The loss and validation scores of every training, thinned out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in cells:
        for seed in one.runs.seeds:
            for run in (*seed.intermediates, *seed.before, *seed.targets):
                if run.folder.name not in found:
                    found[run.folder.name] = _points(run)
    return {name: points for name, points in found.items() if points}


def _points(run: Run) -> list[dict[str, Any]]:
    path = run.folder / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    wanted = ("step", "loss", "eval_score")
    points = [{name: one[name] for name in wanted if name in one} for one in map(json.loads, lines)]
    points = [one for one in points if len(one) > 1]
    return points[:: max(1, len(points) // _POINTS)]


def _surroundings(cells: Sequence[Measured]) -> dict[str, str]:
    runs = list(_runs(cells))
    made = list(dict.fromkeys(surroundings(run.provenance) for run in runs))
    last = max((str(run.provenance["finished"]) for run in runs), default=NONE)
    return {"made with": "; ".join(made), "last stage finished": last}


def _runs(cells: Sequence[Measured]) -> Iterator[Run]:
    for one in cells:
        for seed in one.runs.seeds:
            yield from (*seed.intermediates, *seed.before, *seed.targets, seed.evaluation)
