"""Shared models as text for a terminal: what was pushed, what one is, what there is, and whether its numbers hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns, plain_sheet
from adapterstilts.runs.shots import Shots

if TYPE_CHECKING:
    from adapterstilts.commands.pull import SharedModel
    from adapterstilts.commands.push import PushResult
    from adapterstilts.commands.search import FoundModel
    from adapterstilts.commands.verify import Verification


def push_text(result: PushResult) -> str:
    """What was uploaded, or would be."""
    if result.changed is None:
        head = f"Would upload to {result.place}:"
    elif result.changed:
        head = f"Uploaded to {result.place}:"
    else:
        head = f"Nothing to do: {result.place} has the same files."
    lines = [head, *_files(result.files), f"  licence of the training data: {result.licence}"]
    if result.url:
        lines.append(f"  {result.url}")
    if result.changed is None:
        lines += ["", "Its card:", "", result.card.rstrip()]
    return "\n".join(lines)


def shared_text(model: SharedModel, *, pulled: bool = False) -> str:
    """What a shared model is."""
    lines = [f"{model.folder}: the model from {model.place}" if pulled else model.place]
    if model.made:
        lines += [f"  {name}: {value}" for name, value in _told(model.made).items() if value not in (None, "")]
        for one in model.made["evaluations"]:
            lines.append(f"  scores on {one['spec']['task']}, {one['spec']['split']}:")
            lines += [f"    {code:<5} {_numbers(found)}" for code, found in one["languages"].items()]
    else:
        lines.append("  made by another library: how it was trained, and what it scores, is not known")
        text = yaml.safe_dump(model.configuration, sort_keys=False, width=100)
        lines += [f"    {line}" for line in text.rstrip().splitlines()]
    return "\n".join([*lines, *_files(model.files)])


def _told(made: dict[str, Any]) -> dict[str, Any]:
    spec, metrics = made["spec"], made["metrics"]
    return {
        "tasks": " + ".join(task["data"]["task"] for task in spec["tasks"]),
        "stage": spec["stage"],
        "not zero-shot": "; ".join(str(one) for one in _shots(spec)),
        "method": spec["method"]["name"],
        "composition": spec["composition"]["name"],
        "backbone": made["base"]["name"] + (f" at {made['base']['revision']}" if made["base"]["revision"] else ""),
        "format": made["library"],
        "licence of the training data": made["license"],
        "examples": f"{metrics['train_examples']:,}",
        "seed": spec["seed"],
        "validation": _numbers(metrics["validation_all"] or metrics["validation"]),
        "made with": f"{made['made_with']}, {made['provenance']['finished'][:19]}Z",
        "key": made["key"],
    }


def _shots(spec: dict[str, Any]) -> list[Shots]:
    """The labelled rows of other languages that it was trained on."""
    given = (task["data"].get("shots") for task in spec["tasks"])
    return [Shots.model_validate(one) for one in given if one]


def _numbers(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in metrics.items() if name != "examples")


def _files(files: dict[str, int]) -> list[str]:
    width = max(map(len, files), default=0)
    listed = [f"  {name:<{width}}  {size:>13,} bytes" for name, size in files.items()]
    return [*listed, f"  {'in all':<{width}}  {sum(files.values()):>13,} bytes"]


def search_report(found: Sequence[FoundModel]) -> Report:
    """Shared models, each with what other commands take."""
    if not found:
        return Report([Notes(["No shared model fits."])], data=_models(found, str))
    return Report([_models(found, "{:.1f}".format)], data=_models(found, str))


def _models(found: Sequence[FoundModel], shown: Callable[[float], str]) -> Sheet:
    rows = []
    for one in found:
        score = "" if one.score is None else shown(one.score)
        rows.append([one.reference, one.task, one.backbone, one.method, " ".join(one.languages), score])
    names = ("model", "task", "backbone", "method", "languages", "score")
    return Sheet("", columns(*names, right=("score",), wraps=("backbone", "method", "languages")), rows)


def verify_report(result: Verification) -> Report:
    """Published scores beside those that were measured again."""
    rows = []
    for one in result.checked:
        measured = (name for name in one.published if name != "examples")
        for position, name in enumerate(measured):
            again = f"{one.again[name]:.4f}" if name in one.again else ""
            head = [one.task, one.split, one.language] if not position else ["", "", ""]
            rows.append([*head, name, f"{one.published[name]:.4f}", again, "" if position else one.verdict])
    notes = []
    if result.made_on != result.here:
        notes.append(f"Published from: {result.made_on}. Here: {result.here}. The last digits depend on it.")
    verdict = "agrees" if result.agrees else "DOES NOT AGREE"
    nothing = not any(one.again for one in result.checked)
    notes.append(f"{result.place}: {'nothing could be measured again' if nothing else verdict}.")
    names = ("task", "split", "language", "metric", "published", "again", "verdict")
    shown = columns(*names, right=("published", "again"), wraps=("verdict",))
    values = [
        [one.task, one.split, one.language, name, one.published[name], one.again.get(name), one.verdict]
        for one in result.checked
        for name in one.published
        if name != "examples"
    ]
    return Report([Sheet("", shown, rows), Notes(notes)], data=plain_sheet(names, values))
