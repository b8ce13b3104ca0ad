"""A study as long records: one for each cell, seed, language and metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapterstilts.commands.table.contrasts import SCORE
from adapterstilts.commands.table.few_shot_results import FewShotRow
from adapterstilts.commands.table.row_names import tasks_of
from adapterstilts.metrics.intervals import Interval
from adapterstilts.reporting.studies.arms import FROM, TO
from adapterstilts.studies.results import Cell, StudyResult

ENGLISH_MEANS = {"zero_shot": "gain", "en": "english"}


def study_records(result: StudyResult) -> list[dict[str, Any]]:
    """Every score by itself.

    Returns:
        Records with the same names: the study's axes, then those of `TransferResult.records`, `cell` (the number of
        the cell) and `folder` (its evaluation). `seed` is None for the means over seeds, `metric` is `score` for the
        task score, whose `p_holm` is adjusted for all cells of the study. Few shots follow, which are no cells.
    """
    axes = list(dict.fromkeys([*result.axes, *(axis for cell in result.cells for axis in cell.axes)]))
    found = []
    for number, cell in enumerate(result.cells):
        named = {"cell": number, **{axis: cell.axes.get(axis) for axis in axes}}
        for record in _of_cell(cell):
            found.append({**named, **{name: value for name, value in record.items() if name not in named}})
    for few in result.few_shots:
        named = {**dict.fromkeys(("cell", *axes)), **few.axes, FROM: tasks_of(few.row.intermediate), TO: few.row.task}
        for record in _of_few_shots(few.row):
            found.append({**named, **{name: value for name, value in record.items() if name not in named}})
    names = list(dict.fromkeys(name for record in found for name in record))
    return [{name: record.get(name) for name in names} for record in found]


def _of_cell(cell: Cell) -> Iterator[dict[str, Any]]:
    folder = {"folder": str(cell.row.folder)}
    yield from ({**record, **folder} for record in _scores(cell))
    yield from ({**record, **folder} for record in cell.row.records())
    folders = {seed.seed: str(seed.folder) for seed in cell.row.seeds}
    for record in cell.row.records(seeds=True):
        if record["seed"] is not None:  # without a seed there is one model, whose scores are the means above
            yield {**record, "folder": folders.get(record["seed"], folder["folder"])}


def _of_few_shots(row: FewShotRow) -> Iterator[dict[str, Any]]:
    folders = {(one.seed, one.draw): str(one.folder) for one in row.draws}
    for record in (*row.records(), *row.records(seeds=True)):
        yield {**record, "folder": folders.get((record["seed"], record["draw"]), str(row.draws[0].folder))}


def _scores(cell: Cell) -> Iterator[dict[str, Any]]:
    """The task score in English and over the other languages, with the study's own gains."""
    first = next(iter(cell.row.records()), {})
    for language, name in ENGLISH_MEANS.items():
        scores = cell.row.zero_shot if name == "gain" else cell.row.english
        gain: Interval | None = getattr(cell, name)
        if scores and SCORE in scores:
            yield {
                **first, "seed": None, "language": language, "metric": SCORE, "value": scores[SCORE],
                "examples": scores.get("examples"), "spread": _spread(cell, name),
                "against": cell.row.contrast.against if cell.row.contrast and gain else None,
                "difference": gain and gain.mean,
                **{end: gain and getattr(gain, end) for end in ("low", "high", "p_holm")},
            }  # fmt: skip


def _spread(cell: Cell, name: str) -> float | None:
    return cell.row.spread.get("zero_shot" if name == "gain" else "english", {}).get(SCORE)
