"""A study from its file to its result: planned, run, and read from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterstilts.commands.models.intermediate_runs import NONE
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.provenance import surroundings
from adapterstilts.runs.store import Run
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.reporter import Reporter
from adapterstilts.studies.agreement import agreements
from adapterstilts.studies.axes import axis_values, text_on
from adapterstilts.studies.cells import Measured, few_shot_cells, measured_cells
from adapterstilts.studies.claims import claims_of
from adapterstilts.studies.correlation import english_and_others
from adapterstilts.studies.curves import thinned
from adapterstilts.studies.definition import FROM, TO, Study
from adapterstilts.studies.efficiency import efficiencies
from adapterstilts.studies.estimates import keep_estimates, stage_records
from adapterstilts.studies.grid import Note, plan_grid
from adapterstilts.studies.groups import group_gains
from adapterstilts.studies.reading import reading_of
from adapterstilts.studies.results import PublishedValue, StudyResult
from adapterstilts.studies.work import StudyWork

# Points of a learning curve that a report draws at most.
_POINTS = 200
_CURVES = ("loss", "eval_score")


def run_study(work: StudyWork, reporter: Reporter, *, engine: Engine | None = None) -> StudyResult:
    """Makes what is missing, and reads the result.

    Raises:
        AstiltsError: See the message.
    """
    keep_estimates(work)
    work.run(reporter, engine=engine)
    return study_result(work)


def study_result(work: StudyWork) -> StudyResult:
    """What the finished stages of a study say.

    Raises:
        AstiltsError: Some are not there.
    """
    work.check_complete()
    study = work.grid.study
    cells = measured_cells(work.grid)
    claims = claims_of(study, cells)
    catalogue = work.grid.arms[0].transfer.planner.setup.catalogue
    with catalogue.in_use():
        agreement = agreements(cells, catalogue, Memory.of_user())
    return StudyResult(
        name=study.name,
        title=study.title,
        size=work.size,
        question=study.question,
        axes=_axes(study, cells),
        cells=[one.cell for one in cells],
        claims=claims,
        reading=reading_of(study, claims, cells),
        groups=group_gains(cells),
        efficiency=efficiencies(cells),
        agreement=agreement,
        correlation=english_and_others(cells),
        published=[PublishedValue({FROM: one.from_, TO: one.to}, one.value, one.source) for one in study.published],
        stages=stage_records(work),
        left_out=work.grid.left_out,
        trainings=work.trainings,
        naive=work.naive,
        learning=_learning(cells),
        surroundings=_surroundings(cells),
        few_shots=few_shot_cells(work.grid),
    )


def _axes(study: Study, cells: Sequence[Measured]) -> dict[str, list[str]]:
    """Each axis with the values that cells have, those of the study in its order."""
    found: dict[str, list[str]] = {}
    for one in cells:
        for axis, value in one.cell.axes.items():
            found.setdefault(axis, [])
            if value not in found[axis]:
                found[axis].append(value)
    return {axis: _in_order(study, axis, values) for axis, values in found.items()}


def _in_order(study: Study, axis: str, values: Sequence[str]) -> list[str]:
    order = [text_on(axis, value) for value in axis_values(study, axis)]
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


def _learning(cells: Sequence[Measured]) -> dict[str, list[dict[str, Any]]]:
    """The loss and validation scores of every training, thinned out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in cells:
        for seed in one.runs.seeds:
            for run in (*seed.intermediates, *seed.before, *seed.targets):
                if run.name not in found:
                    found[run.name] = _points(run)
    return {name: points for name, points in found.items() if points}


def _points(run: Run) -> list[dict[str, Any]]:
    """Those of each sort by themselves: of lines of both, every other one may be of one sort alone."""
    log = list(run.log)
    sorts = ([one for one in log if name in one and "step" in one] for name in _CURVES)
    kept = {id(one) for found in sorts for one in thinned(found, _POINTS)}
    return [{name: one[name] for name in ("step", *_CURVES) if name in one} for one in log if id(one) in kept]


def _surroundings(cells: Sequence[Measured]) -> dict[str, str]:
    runs = list(_runs(cells))
    made = list(dict.fromkeys(surroundings(run.provenance) for run in runs))
    last = max((str(run.provenance["finished"]) for run in runs), default=NONE)
    return {"made with": "; ".join(made), "last stage finished": last}


def _runs(cells: Sequence[Measured]) -> Iterator[Run]:
    for one in cells:
        for seed in one.runs.seeds:
            yield from (*seed.intermediates, *seed.before, *seed.targets, seed.evaluation)
