"""The list of finished runs as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts.reporting.by_class import class_tables
from adapterstilts.reporting.sheets import Report, Sheet, columns, plain_sheet
from adapterstilts.runs.full_disk import size
from adapterstilts.runs.store import KEY_DIGITS, Run

if TYPE_CHECKING:
    from adapterstilts.runs.specs import ModelSpec, StageSpec

BY_CLASS = "by_class"
"""What metrics call what became of every class."""


def runs_report(runs: Sequence[Run]) -> Report:
    """Finished runs, oldest first; of shared models, the place that each is from."""
    rows, values = [], []
    names = {run.key: f"{_task(run.spec)}@{run.short_key}" for run in runs}
    seen = {"few-shot": _begun_with(runs, _few_shot), "others": _begun_with(runs, _native)}
    for run in runs:
        spec = run.spec
        made_from = [names.get(one, one[:KEY_DIGITS]) for one in spec.inputs]
        if spec.stage == "shared":
            made_from = [run.provenance["shared"]["place"]]
        finished = run.provenance["finished"][:19] + "Z"
        backbone, joined = run.provenance["backbone"], " + ".join(made_from)
        others = next((name for name, models in seen.items() if models.intersection(spec.inputs)), "zero-shot")
        score = _score(run, others)
        rows.append([names[run.key], spec.stage, joined, score, size(run.bytes), _method(spec), backbone, finished])
        scores = (*_main_scores(run).values(), others if spec.stage == "evaluate" else None)
        values.append([*rows[-1][:3], *scores, run.bytes, *rows[-1][5:]])
    shown = columns(
        "run", "stage", "from", "score", "size", "method", "backbone", "finished",
        right=("size",), detail=("size", "method", "backbone", "finished"), wraps=("from", "score"),
    )  # fmt: skip
    data = ("run", "stage", "from", *_SCORES, "others_are", "bytes", "method", "backbone", "finished")
    return Report([Sheet("", shown, rows)], data=plain_sheet(data, values))


# In English, in other languages, and that by which a checkpoint was selected.
_SCORES = ("english", "others", "validation")


def _main_scores(run: Run) -> dict[str, float | None]:
    """Each of `_SCORES` that a run has."""
    if run.spec.stage != "evaluate":
        return {**dict.fromkeys(_SCORES), "validation": run.metrics["best_score"]}
    parts = (run.metrics.get(part) or {} for part in ("english", "zero_shot"))
    return dict(zip(_SCORES, (*(one.get("score") for one in parts), None), strict=True))


def _few_shot(spec: ModelSpec) -> bool:
    """Whether a training has drawn labelled rows of another language than English."""
    return spec.shots is not None


def _native(spec: ModelSpec) -> bool:
    """Whether a training has a task whose labelled rows were made in one."""
    return any(task.native for task in spec.tasks)


def _begun_with(runs: Sequence[Run], such: Callable[[ModelSpec], bool]) -> set[str]:
    """Keys of the models that were trained in such a way, or begun with one that was."""
    models = [run for run in runs if run.spec.stage != "evaluate"]
    found = {
        run.key
        for run in models
        if such(run.training) or (run.spec.stage == "shared" and any(map(such, run.spec.begun_with)))
    }
    while more := {run.key for run in models if run.key not in found and found.intersection(run.spec.inputs)}:
        found |= more
    return found


def run_text(content: Mapping[str, Any], *, task: str) -> str:
    """One run as YAML: what it is and its scores, tables of what became of its classes, and last what made it.

    Args:
        content: Key, folder, spec, provenance and metrics.
    """
    import yaml

    found = content["metrics"]
    first = [name for name in ("english", "zero_shot", "cross_lingual", "best_score", "validation") if name in found]
    metrics = {name: found[name] for name in dict.fromkeys((*first, *found)) if name != BY_CLASS}
    last = {name: content[name] for name in ("provenance", "spec")}
    told = {name: value for name, value in content.items() if name not in (*last, "metrics")}
    head = {"run": Path(content["folder"]).name, "task": task, **told, "metrics": metrics}
    parts = (yaml.safe_dump(one, sort_keys=False, allow_unicode=True, width=110) for one in (head, last))
    tables = class_tables(found.get(BY_CLASS, {}))
    return (f"\n{tables.rstrip()}\n\n" if tables else "").join(parts)


def _task(spec: StageSpec) -> str:
    """What it is about; with the rows of another language where some were trained on."""
    shots = None if spec.stage == "evaluate" else spec.shots
    return f"{spec.task}-{shots.label}" if shots else spec.task


def _method(spec: StageSpec) -> str:
    return "" if spec.stage == "evaluate" else f"{spec.method} {spec.composition}"


def _score(run: Run, others: str) -> str:
    """Its main scores.

    Args:
        others: What those in languages other than English are called.
    """
    if run.spec.stage == "evaluate":
        parts = {"english": "english", "zero_shot": others}
        found = {name: run.metrics[part] for part, name in parts.items() if part in run.metrics}
        shown = ", ".join(f"{part} {metrics['score']:.1f}" for part, metrics in found.items())
        return shown + _what(next(iter(found.values()), {}))
    best, averaged = run.metrics["best_score"], run.metrics.get("averaged_checkpoints", 0)
    mean = f"mean of {averaged:,} checkpoints" if averaged else ""
    if best is None:
        return mean or "last checkpoint"
    return f"validation {best:.1f}{_what(run.metrics['validation'])}{f', {mean}' if mean else ''}"


def _what(metrics: dict[str, float]) -> str:
    """What the score is, where it is none of the metrics alone."""
    return " (mean of EM and F1)" if {"exact_match", "f1"} <= metrics.keys() else ""
