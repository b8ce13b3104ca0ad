"""A task's card: what its folder holds, in the form of a model card on the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from adapterstilts.languages import ENGLISH, LANGUAGES
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import FilesSource, HubSource, MiniSource, Names, RecordSource, listed

RESULT = "result.json"
_CALLS = {"xtreme": "XTREME", "xtreme-r": "XTREME-R"}


def card(task: Recipe, folder: Path | None) -> str:
    """The card of a task as Markdown, from its recipe and the result of its adapter for the embedded backbone.

    Args:
        folder: The folder of the task, whose `mini` has the result; None for a task without one.
    """
    result = _result(folder)
    parts = [
        _front_matter(task, trained=result is not None),
        f"# {task.title}",
        task.description,
        _facts(task),
        _usage(task),
        _data(task),
        _settings(task),
        _references(task),
        _mini(task, result) if result else "",
        f"## Citation\n\n```bibtex\n{task.citation.strip()}\n```" if task.citation else "",
        f"<!-- Made by `astilts tasks card {task.name} --write` from task.yaml"
        f"{' and mini/' + RESULT if result else ''}: change those. -->",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _result(folder: Path | None) -> dict[str, Any] | None:
    path = folder / "mini" / RESULT if folder else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else None


def _front_matter(task: Recipe, *, trained: bool) -> str:
    datasets = [part.path for part in _hub_parts(task)]
    values: dict[str, Any] = {
        "license": "other" if task.license else "",
        "license_name": task.license,
        "license_link": task.homepage,
        "language": list(task.all_languages),
        "datasets": list(dict.fromkeys(datasets)),
        "tags": ["adapterstilts", task.kind.replace("_", "-"), *task.phases, *(["adapter"] if trained else [])],
    }
    text = yaml.safe_dump({name: value for name, value in values.items() if value}, sort_keys=False, width=110)
    return f"---\n{text}---"


def _facts(task: Recipe) -> str:
    lines = [
        ("phase", " and ".join(task.phases)),
        ("form", task.kind),
        ("group", (task.group or "").replace("_", " ")),
        ("metric", ", ".join(task.metric_labels.values())),
        ("licence of the data", task.license),
        ("homepage", task.homepage),
    ]
    found = "\n".join(f"- {name}: {value}" for name, value in lines if value)
    return f"{found}\n{_languages(task)}"


def _languages(task: Recipe) -> str:
    def names(codes: tuple[str, ...]) -> str:
        return ", ".join(f"{LANGUAGES[code]} ({code})" for code in codes)

    first = f" of {_CALLS[task.benchmarks[0]]}" if task.benchmarks else ""
    lines = [f"- {len(task.languages)} languages{first}: {names(task.languages)}"]
    if len(task.languages) == 1:
        lines = [f"- language: {names(task.languages)}"]
    lines += [f"- added by {_CALLS[name]}: {names(codes)}" for name, codes in task.added_languages.items()]
    return "\n".join(lines)


def _usage(task: Recipe) -> str:
    commands = []
    if "intermediate" in task.phases:
        commands += [f"astilts train-intermediate {task.name}", f"astilts transfer --from {task.name} --to TARGET"]
    if "target" in task.phases:
        commands.append(f"astilts transfer --from INTERMEDIATE --to {task.name}")
    return "## Use\n\n```bash\n" + "\n".join(commands) + "\n```"


def _data(task: Recipe) -> str:
    lines = ["## Data", ""]
    lines += [_hub_line(part) for part in _hub_parts(task)]
    lines += [
        f"- **Not the benchmark's rows on the Hub**: {part.differs}. Scores on them cannot be compared with others."
        for part in _hub_parts(task)
        if part.differs
    ]
    if task.sources.hub_absent:
        lines.append(f"- Hugging Face Hub: none. {task.sources.hub_absent}")
    for files_part in _file_parts(task):
        for split in files_part.splits:
            kept = _kept(files_part, split, _ways(files_part, split))
            lines.append(f"- release files below `--data-dir`, {split}: {kept}")
    for source in ("hub", "files"):
        part_ = getattr(task.sources, source)
        if part_ and part_.train_on:
            lines.append(f"- trained on{_as_target(task)}: {', then '.join(part_.train_on)}")
            break
    if _holds_out(task):
        lines.append(
            "- validation: no split of its own; up to 500 training rows and at most a tenth are held out to select a "
            "checkpoint by (`--validation-from none` trains on all)"
        )
    if task.sources.mini:
        lines.append(f"- embedded suite (`--profile mini`): {_mini_sizes(task.sources.mini)}")
    return "\n".join(lines)


def _as_target(task: Recipe) -> str:
    """What is said where a task is trained on other data as a target than as an intermediate task."""
    own = LANGUAGES[task.training_language]
    return "" if task.training_language == ENGLISH else f" as a target (as an intermediate task, on its own {own} rows)"


def _holds_out(task: Recipe) -> bool:
    """Whether training rows select the checkpoint, because the release has no others."""
    part = task.sources.hub or task.sources.files
    return part is not None and part.has("train") and not part.has("validation")


def _mini_sizes(mini: MiniSource) -> str:
    parts = (mini, *mini.also)
    splits = dict.fromkeys(split for part in parts for split in part.splits)
    return ", ".join(f"{split} {sum(part.splits.get(split, 0) for part in parts):,}" for split in splits)


def _hub_line(part: HubSource) -> str:
    named = {
        ours: tuple(dict.fromkeys(one.values())) if isinstance(one, dict) else one for ours, one in part.splits.items()
    }
    splits = ", ".join(f"{ours} from {_kept(part, ours, _listed(theirs))}" for ours, theirs in named.items())
    archive = f" in `{part.archive}`" if part.archive else ""
    note = f"; {part.note}" if part.note else ""
    return f"- Hugging Face Hub: `{part.path}` at `{part.revision}` ({splits}{archive}){note}"


def _kept(part: RecordSource, split: str, whole: str) -> str:
    """What of some data a split has, where part of them is held out."""
    if part.hold_out is None or split not in ("train", "validation"):
        return whole
    if split == "train":
        return f"{whole}, without the validation data"
    by = _listed(part.hold_out.by) or "all its texts"
    return f"{part.hold_out.share:.0%} of {whole}, by {by}"


def _ways(part: FilesSource, split: str) -> str:
    """The paths of a split, and those where the same data can be instead."""
    ways = [one for one in (part, *part.instead) if split in one.splits]
    found = "; or else ".join(_paths(one.by_language(split)) for one in ways)
    language, code = next(((key, code) for one in ways for key, code in one.codes.items()), ("", ""))
    return f"{found} (`{{code}}` is the release's own, as `{code}` for {language})" if code else found


def _paths(by_language: Mapping[str, Names]) -> str:
    return "; ".join(f"{language} {_listed(names)}".strip() for language, names in by_language.items())


def _listed(names: Names) -> str:
    return ", ".join(f"`{name}`" for name in listed(names))


def _settings(task: Recipe) -> str:
    if not task.settings:
        return ""
    rows = [
        f"| {whose} | {scope} | {', '.join(f'{name} {value}' for name, value in values.items())} |"
        for whose, found in task.settings.items()
        for scope in ("all", "full", "adapter")
        if (values := getattr(found, scope))
    ]
    sources = [f"- {whose}: {found.source}" for whose, found in task.settings.items() if found.source]
    table = "| from | method | settings |\n|---|---|---|\n" + "\n".join(rows)
    return "\n".join(["## Settings", "", table, "", *sources]).rstrip()


def _references(task: Recipe) -> str:
    if not task.references:
        return ""
    rows = []
    for reference in task.references:
        numbers = ", ".join(f"{name} {value}" for name, value in reference.value.items())
        rows.append(f"| {reference.what} | {numbers} | {reference.source} |")
    return "## Published results\n\n| what | value | source |\n|---|---|---|\n" + "\n".join(rows)


def _mini(task: Recipe, result: dict[str, Any]) -> str:
    labels = task.metric_labels
    names = [name for name in labels if name in next(iter(result["test"].values()))]
    head = ["language", *(labels[name] for name in names), "baseline"]
    rows = []
    for code, metrics in result["test"].items():
        cells = [LANGUAGES[code], *(f"{metrics[name]:.1f}" for name in names)]
        baseline = result["baseline"].get(code)
        rows.append(f"| {' | '.join([*cells, f'{baseline:.1f}' if baseline is not None else ''])} |")
    method = result["method"]
    return "\n".join(
        [
            "## Adapter for the embedded backbone",
            "",
            f"`mini/` holds an adapter ({method}, {result['bytes'] / 1000:.0f} kB) for that backbone, trained on "
            f"{result['train_examples']:,} English examples of the embedded suite in {result['seconds']:.0f} s on "
            f"{result['threads']} CPU threads. `astilts transfer --from {task.name} --profile mini` uses it. "
            "Scores on the suite's test split, in languages other than English without any training data in them:",
            "",
            f"| {' | '.join(head)} |",
            f"|{'---|' * len(head)}",
            *rows,
            "",
            f"Baseline: {result['baseline_is']}.",
        ]
    )


def _hub_parts(task: Recipe) -> list[HubSource]:
    hub = task.sources.hub
    return [hub, *hub.also] if hub else []


def _file_parts(task: Recipe) -> list[FilesSource]:
    files = task.sources.files
    return [files, *files.also] if files else []
