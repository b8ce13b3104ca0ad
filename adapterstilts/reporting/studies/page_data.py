"""What the page of a study reads: every number that a figure or table of it shows, short enough for one file."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from adapterstilts.commands.results import Metrics
from adapterstilts.commands.table.contrasts import SCORE
from adapterstilts.metrics.intervals import Interval, holm
from adapterstilts.reporting.studies.answers import AnswerReader
from adapterstilts.reporting.studies.arms import FROM, NONE, TO, arms, language_notes, source_of
from adapterstilts.reporting.transfer_rows import SIGNIFICANT
from adapterstilts.runs.store import Run
from adapterstilts.studies.axes import short_names
from adapterstilts.studies.curves import thinned
from adapterstilts.studies.results import Cell, StudyResult

# All cells together show so many changed answers of each way, but each cell this many at least and at most.
_ANSWERS, _FEWEST_ANSWERS, _MOST_ANSWERS = 2000, 2, 8
# Likewise, points of learning curves.
_POINTS, _FEWEST_POINTS, _MOST_POINTS = 40_000, 20, 200
# What is looked at in a run's folder, with its name on the page.
_FILES = ("spec.json", "provenance.json", "metrics.json", "log.jsonl", "predictions", "labels", "scores")


def page_data(result: StudyResult, folder: Path) -> dict[str, Any]:
    """The page's data as plain JSON without infinities.

    Args:
        folder: Where the page will be: links to runs begin there.
    """
    numbers = {id(cell): number for number, cell in enumerate(result.cells)}
    found = arms(result)
    references = {
        numbers[id(cell)]: numbers[id(arm.cells[NONE, target])]
        for arm in found
        for (source, target), cell in arm.cells.items()
        if source != NONE and (NONE, target) in arm.cells
    }
    answers = _answers(result, references)
    varied = [axis for axis in _axes(result) if axis not in (FROM, TO)]
    runs = [list(_runs(cell)) for cell in result.cells]
    places = {path: place for place, path in enumerate(dict.fromkeys(path for own in runs for _, path in own))}
    gains = _language_gains(result.cells)
    cells = [
        {
            **_cell(cell, gains[number]),
            "reference": references.get(number),
            "answers": answers.get(number, []),
            "runs": [[name, places[path]] for name, path in runs[number]],
        }
        for number, cell in enumerate(result.cells)
    ]
    return _plain({
        "name": result.name,
        "significant": SIGNIFICANT,
        "short": short_names(result.axes.get(FROM, ())),
        "notes": language_notes(found),
        "axes": {axis: values for axis in varied if len(values := _values(result, axis)) > 1},
        "arms": [
            {
                "name": arm.name,
                "axes": arm.axes,
                "sources": arm.sources,
                "controls": sorted(arm.controls),
                "targets": arm.targets,
                "cells": [[*place, numbers[id(cell)]] for place, cell in arm.cells.items()],
            }
            for arm in found
        ],
        "cells": cells,
        "runs": [_run(path, folder) for path in places],
        "groups": [{**asdict(one), "gain": _interval(one.gain)} for one in result.groups],
        "efficiency": [
            {**asdict(one), "gain": _interval(one.gain), "retained": _interval(one.retained)}
            for one in result.efficiency
        ],
        "agreement": [{**asdict(one), "gain": _interval(one.gain)} for one in result.agreement],
        "published": [asdict(one) for one in result.published],
        "learning": _learning(result.learning),
        "stages": [asdict(one) for one in result.stages],
    })  # fmt: skip


def _axes(result: StudyResult) -> list[str]:
    return list(dict.fromkeys([*result.axes, *(axis for cell in result.cells for axis in cell.axes)]))


def _values(result: StudyResult, axis: str) -> list[str]:
    """The values of an axis that cells with an intermediate phase have, in the study's order."""
    there = {cell.axes.get(axis, "") for cell in result.cells if cell.axes.get(FROM, NONE) != NONE}
    return [*(one for one in result.axes.get(axis, []) if one in there), *sorted(there - {*result.axes.get(axis, [])})]


def _answers(result: StudyResult, references: Mapping[int, int]) -> dict[int, list[dict[str, Any]]]:
    most = min(_MOST_ANSWERS, max(_FEWEST_ANSWERS, _ANSWERS // max(1, len(references))))
    reader = AnswerReader()
    rows = [cell.row for cell in result.cells]
    return {
        number: [asdict(one) for one in reader.changes(rows[number], rows[other], most=most)]
        for number, other in references.items()
    }


def _language_gains(cells: Sequence[Cell]) -> list[dict[str, Interval]]:
    """Each cell's gains of the task score by language, p values adjusted for all cells of the study that have it.

    Those of a row are adjusted among the few rows of its own table.
    """
    contrasts = [cell.row.contrast.languages if cell.row.contrast else {} for cell in cells]
    found = [{name: own[SCORE] for name, own in one.items() if SCORE in own} for one in contrasts]
    for name in {name for one in found for name in one}:
        there = [one for one in found if name in one]
        for one, adjusted in zip(there, holm([one[name] for one in there]), strict=True):
            one[name] = adjusted
    return found


def _cell(cell: Cell, gains: Mapping[str, Interval]) -> dict[str, Any]:
    """What is shown of a cell.

    Args:
        gains: By language.
    """
    row = cell.row
    kind = row.catalogue.build_kind(Run(row.folder).evaluation)

    def scored(metrics: Metrics | None) -> float | None:
        """The task score; None where there are no labels."""
        return kind.main_score(metrics) if metrics and {*row.metric_labels} & {*metrics} else None

    languages = {
        name: {"score": scored(metrics), "metrics": metrics, "gain": _interval(gains.get(name))}
        for name, metrics in row.languages.items()
    }
    cost = row.cost.values()
    return {
        "axes": cell.axes,
        "source": source_of(cell),
        "title": row.title,
        "row": str(row.named),
        "split": row.split,
        "labels": row.metric_labels,
        "score": (row.zero_shot or row.english or {}).get(SCORE),
        "spread": row.spread.get("zero_shot", {}).get(SCORE),
        "english": (row.english or {}).get(SCORE),
        "gain": _interval(cell.gain),
        "englishGain": _interval(cell.english),
        "against": row.contrast.against if row.contrast else None,
        "scope": row.contrast.scope if row.contrast else None,
        "languages": languages,
        "seeds": [
            {
                "seed": seed.seed,
                "score": (seed.zero_shot or seed.english or {}).get(SCORE),
                "languages": {name: scored(metrics) for name, metrics in seed.languages.items()},
            }
            for seed in row.seeds
        ],
        "cost": {
            "parameters": row.parameters["trained"],
            "stored": sum(one.stored_bytes for one in cost),
            "seconds": sum(one.seconds for one in cost),
            "flops": sum(one.flops for one in cost),
        },
    }


def _runs(cell: Cell) -> Iterator[tuple[str, Path]]:
    """The runs of a cell, each with what it is to it, and its folder."""
    seeds = cell.row.seeds
    named = {Path(path): name for name, path in cell.folders.items()}
    for seed in seeds:
        mark = f", seed {seed.seed}" if len(seeds) > 1 else ""
        if seed.trained:
            named.setdefault(seed.trained, f"target phase{mark}")
        named.setdefault(seed.folder, f"evaluation{mark}")
    yield from ((name, path) for path, name in named.items())


def _run(path: Path, folder: Path) -> dict[str, Any]:
    """A run, with its address from the page's folder and what is there."""
    files = [name for name in _FILES if (path / name).exists()]
    return {"folder": str(path), "address": _link(path, folder), "files": files}


def _link(path: Path, start: Path) -> str:
    """A relative address where the two have a folder in common besides the root, so that they can move together."""
    target, start = path.resolve(), start.resolve()
    try:
        near = len(Path(os.path.commonpath([target, start])).parts) > 2
    except ValueError:  # on two drives
        near = False
    return quote(Path(os.path.relpath(target, start)).as_posix()) if near else target.as_uri()


def _learning(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, list[list[float]]]]:
    """Run folder to its losses and validation scores, as (step, value), with no more points than the page can draw."""
    most = min(_MOST_POINTS, max(_FEWEST_POINTS, _POINTS // max(1, len(curves))))
    return {
        folder: {
            name: thinned([_drawn(point, name) for point in points if name in point and "step" in point], most)
            for name in ("loss", "eval_score")
        }
        for folder, points in curves.items()
    }


def _drawn(point: Mapping[str, Any], name: str) -> list[float]:
    """A point of a curve, with as many digits as can be seen."""
    return [point["step"], float(f"{point[name]:.5g}")]


def _interval(one: Interval | None) -> list[float | None] | None:
    """Mean, ends, and the adjusted p value."""
    return None if one is None else [one.mean, one.low, one.high, one.p_holm if one.p_holm is not None else one.p]


def _plain(value: Any) -> Any:
    """Without numbers that JSON has none of; with all digits, so that they are rounded as elsewhere."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(name): _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
