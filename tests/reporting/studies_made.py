"""A study's result made of the rows of real transfers, as a study makes one, with few claims and simple statistics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from adapterstilts.commands.results import TransferResult, TransferRow
from adapterstilts.commands.table.contrasts import SCORE
from adapterstilts.languages import zero_shot_languages
from adapterstilts.metrics.intervals import Interval, holm
from adapterstilts.runs.store import Run
from adapterstilts.studies.results import (
    Agreement,
    Cell,
    Claim,
    Correlation,
    Efficiency,
    GroupGain,
    PublishedValue,
    StageRecord,
    StudyResult,
)

SCRIPTS = {"de": "Latin", "es": "Latin", "sw": "Latin", "ru": "Cyrillic", "zh": "Han"}


def study_of(results: Sequence[TransferResult], **changed: Any) -> StudyResult:
    """The study whose cells are the rows of some transfers, each transfer with a method of its own."""
    cells = _cells(results)
    folders = list(dict.fromkeys(folder for cell in cells for folder in cell.folders.values()))
    axes = {axis: list(dict.fromkeys(cell.axes[axis] for cell in cells)) for axis in cells[0].axes}
    made = StudyResult(
        name="which-task",
        title="Which intermediate task helps which target?",
        size="small",
        question="Does training on an English intermediate task first raise zero-shot scores of a target task?",
        axes=axes,
        cells=cells,
        claims=_claims(cells),
        reading=_reading(cells),
        groups=_groups(cells),
        efficiency=_efficiency(cells),
        agreement=[_agreement(cell) for cell in cells],
        correlation=Correlation(rho=0.5, low=-0.2, high=0.9, cells=len(cells)),
        published=[PublishedValue({"from": "squad", "to": "mlqa"}, 66.5, "Phang et al. 2020, table 2 (XLM-R large)")],
        stages=[_stage(Run(Path(folder))) for folder in folders],
        left_out=["full with stack: full fine-tuning has no adapter that another one could be stacked on."],
        trainings=sum("train" in folder for folder in folders),
        naive=2 * len(cells),
        learning={folder: points for folder in folders if (points := _curve(Path(folder)))},
        surroundings={
            name: str(value) for name, value in Run(Path(folders[-1])).provenance["versions"].items() if value
        },
    )
    return replace(made, **changed)


def _cells(results: Sequence[TransferResult]) -> list[Cell]:
    rows = [(row, _axes(row, result.rows)) for result in results for row in result.rows]
    gains = [row.contrast and row.contrast.zero_shot.get(SCORE) for row, _ in rows]
    adjusted = iter(holm([gain for gain in gains if gain]))
    return [
        Cell(
            axes=axes,
            row=row,
            gain=next(adjusted) if gain else None,
            english=row.contrast.languages.get("en", {}).get(SCORE) if row.contrast else None,
            folders=_folders(row),
        )
        for (row, axes), gain in zip(rows, gains, strict=True)
    ]


def _axes(row: TransferRow, rows: Sequence[TransferRow]) -> dict[str, str]:
    """Those of a transfer; what its targets without training have of a method is not what was asked for."""
    asked = next(one for one in rows if one.trained and one.intermediate != "none")
    source = row.intermediate.partition("@")[0]
    method = asked.method.partition("[")[0]
    composition = "none" if source == "none" else asked.composition
    return {"from": source, "to": row.task, "method": method, "composition": composition}


def _folders(row: TransferRow) -> dict[str, str]:
    found = {}
    for seed in row.seeds:
        if seed.trained:
            found[f"target phase, seed {seed.seed}"] = str(seed.trained)
        found[f"evaluation, seed {seed.seed}"] = str(seed.folder)
    return found


def _gaining(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.gain]


def _mean(gains: Sequence[Interval]) -> Interval:
    """The mean with the widest of their intervals."""
    mean = fmean(one.mean for one in gains)
    half = max((one.high - one.mean for one in gains if one.high is not None), default=0.0)
    return Interval(mean, mean - half, mean + half)


def _claims(cells: Sequence[Cell]) -> list[Claim]:
    found = _mean([cell.gain for cell in _gaining(cells) if cell.gain])
    assert found.low is not None
    return [
        Claim(
            "Intermediate tasks raise zero-shot scores.", "mean gain of all cells", found,
            "supported" if found.low > 0 else "no evidence", len(_gaining(cells)), published="+0.9 on average",
            source="Phang et al. 2020, section 5",
        ),
        Claim("Tagging helps no other kind of task.", "mean gain from ccg", Interval(2.0, 0.4, 3.6), "contradicted", 2),
        Claim("More parameters gain more.", "slope", None, "no evidence", why="no cells with another method"),
    ]  # fmt: skip


def _reading(cells: Sequence[Cell]) -> str:
    best = max(_gaining(cells), key=lambda cell: cell.gain.mean if cell.gain else 0.0)
    assert best.gain
    named = f"{best.axes['from']} for {best.axes['to']}"
    return f"It depends on the pair. The largest gain is that of {named}: {best.gain.mean:+.1f} points."


def _groups(cells: Sequence[Cell]) -> list[GroupGain]:
    found = []
    for sort, name_of in (("script", SCRIPTS.get), ("language", str)):
        for source in dict.fromkeys(cell.axes["from"] for cell in _gaining(cells)):
            own = [cell for cell in _gaining(cells) if cell.axes["from"] == source]
            grouped: dict[Any, dict[str, list[Interval]]] = {}
            for cell in own:
                assert cell.row.contrast
                for language in zero_shot_languages(cell.row.languages):
                    gain = cell.row.contrast.languages[language][SCORE]
                    grouped.setdefault(name_of(language), {}).setdefault(language, []).append(gain)
            for name, languages in grouped.items():
                gains = _mean([gain for gains in languages.values() for gain in gains])
                found.append(GroupGain(sort, str(name), {"from": source}, list(languages), gains))
    return found


def _efficiency(cells: Sequence[Cell]) -> list[Efficiency]:
    found = []
    for method in dict.fromkeys(cell.axes["method"] for cell in cells):
        own = [cell for cell in _gaining(cells) if cell.axes["method"] == method]
        costs = [cost for cell in own for cost in cell.row.cost.values()]
        seconds = sum(cost.seconds for cost in costs)
        found.append(
            Efficiency(
                axes={"method": method},
                gain=_mean([cell.gain for cell in own if cell.gain]),
                cells=sorted({(cell.axes["from"], cell.axes["to"]) for cell in own}),
                retained=None,
                parameters=own[0].row.parameters["trained"],
                stored_bytes=max(cost.stored_bytes for cost in costs),
                seconds=seconds,
                kwh=seconds * 65 / 3.6e6,
            )
        )
    return found


def _agreement(cell: Cell) -> Agreement:
    """Shares of questions whose answers are right, or wrong, in both languages."""
    right = {language: _right(cell.row.folder, language) for language in cell.row.languages}
    english = right.pop("en", next(iter(right.values())))
    shares = {
        language: 100 * fmean(own.get(id_) == one for id_, one in english.items()) for language, own in right.items()
    }
    return Agreement(cell.axes, fmean(shares.values()), None, shares)


def _right(folder: Path, language: str) -> dict[str, bool]:
    items = json.loads((folder / "scores" / f"{language}.json").read_text(encoding="utf-8"))["items"]
    return {id_: bool(next(iter(item.values()))) for id_, item in items.items()}


def _stage(run: Run) -> StageRecord:
    measured = {"seconds": float(run.provenance["wall_seconds"]), "flops": float(run.metrics.get("flops", 0))}
    guess = run.metrics.get("tokens_seen", 20_000) / 10_000
    return StageRecord(run.folder.name, run.key, "in the store", {"seconds": guess}, measured)


def _curve(folder: Path) -> list[dict[str, Any]]:
    path = folder / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [one for one in map(json.loads, lines) if {"loss", "eval_score"} & {*one}]
