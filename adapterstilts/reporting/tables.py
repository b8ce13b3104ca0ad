"""Results as text for a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from adapterstilts.commands.results import SELECTED, Cost, Metrics, TaskResult, TrainResult, TransferResult, TransferRow
from adapterstilts.languages import LANGUAGES, context_language, question_language, zero_shot_languages
from adapterstilts.reporting.translated_rows import mean_name, translation_notes, translation_suffix
from adapterstilts.runs.store import KEY_DIGITS, Run

if TYPE_CHECKING:
    from adapterstilts.runs.specs import StageSpec

_COLLAPSED = "it predicts one and the same label for every validation example: it has collapsed"


# So many sources of a row are written out in its first cell, and more of them below the table.
_NAMED_SOURCES = 2


def training_summary(result: TrainResult) -> str:
    """What an intermediate phase gave, in a few lines."""
    return "\n".join(
        [
            *(_several_tasks(result) if len(result.tasks) > 1 else _one_task(result)),
            f"  checkpoint   step {result.best_step:,} of {result.steps:,}, {result.seconds:.0f} s of training",
            f"  trained      {_parameters(result.parameters)}, {result.stored_bytes / 1e6:.2f} MB on disk",
            *_cost_lines(result.cost),
            f"  run folder   {result.folder}",
            f"  next         astilts transfer {_next_use(result)} --to TASK",
        ]
    )


def _cost_lines(cost: Cost) -> list[str]:
    """How much computing it was, and how well the machine was used; nothing about the machine for runs picked up."""
    lines = [f"  compute      {_flops(cost.flops)}FLOP for {cost.tokens_seen:,} tokens"]
    if cost.tokens_per_second and cost.share_of_matrix_rate:
        memory = ", ".join(f"{size / 1e9:.2f} GB of {what} memory" for what, size in cost.peak_memory_bytes.items())
        rate = f"{100 * cost.share_of_matrix_rate:.0f}% of the rate of matrix products here"
        lines.append(f"  speed        {cost.tokens_per_second:,.0f} tokens/s, {rate}; {memory}")
    return lines


def _next_use(result: TrainResult) -> str:
    if result.folder.name.startswith("train-language"):
        return "--language-adapters --from none"
    return f"--from {result.task}@{result.key[:12]}"


def _one_task(result: TrainResult) -> list[str]:
    (task,) = result.tasks.values()
    language = LANGUAGES[result.validation_language]
    head = f"{task.title} with {result.method}: {_scores_of(task)} on {language} validation data"
    collapsed = result.validation.get("distinct_predictions") == 1
    return [head, *([f"  warning      {_COLLAPSED}"] if collapsed else [])]


def _several_tasks(result: TrainResult) -> list[str]:
    """The mean, and a line for each task."""
    width = max(11, *(len(task) for task in result.tasks))
    lines = [
        f"{len(result.tasks)} tasks with {result.method}, sampling {result.sampling}: "
        f"mean {result.validation['score']:.1f} on English validation data"
    ]
    for task, own in result.tasks.items():
        lines.append(f"  {task:{width}}  {_scores_of(own)}, {own.examples_seen:,} features seen")
        if own.validation.get("distinct_predictions") == 1:
            lines.append(f"  {'':{width}}  warning: {_COLLAPSED}")
    return lines


def _scores_of(task: TaskResult) -> str:
    return " · ".join(f"{label} {task.validation[name]:.1f}" for name, label in task.metric_labels.items())


def transfer_tables(result: TransferResult) -> str:
    """One table per target: a row for each run, a column for each language."""
    return "\n".join(_transfer_table(list(rows)) for _, rows in groupby(result.rows, key=lambda row: row.task))


def _transfer_table(rows: Sequence[TransferRow]) -> str:
    labels = rows[0].metric_labels
    metrics = list(labels)
    shown = "/".join(labels.values())
    others = zero_shot_languages(rows[0].languages)
    examples = sorted({int(scores["examples"]) for scores in rows[0].languages.values()})
    count = f"{examples[0]:,}" if len(examples) == 1 else f"{examples[0]:,} to {examples[-1]:,}"
    unit = "in percent" if not {"perplexity"} & set(metrics) else "(accuracy in percent)"
    seeds = f", mean of {len(rows[0].seeds)} seeds ± standard deviation" if rows[0].spread else ""
    table = plain_table(f"{rows[0].title}, {rows[0].split} split, {count} examples per language, {shown} {unit}{seeds}")
    table.add_column("from", no_wrap=True)
    headline = metrics[-1]
    columns = [
        *(["en"] if rows[0].english else []),
        *([mean_name(rows), f"Δ {labels[headline]}"] if others else []),
        *(["mean over pairs"] if rows[0].cross_lingual else []),
    ]
    for name in [*columns, *others, "trained", "compute", "seconds"]:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = [_cell(row.english, metrics, row.spread.get("english"))] if row.english else []
        if others:
            cells += [_cell(row.zero_shot, metrics, row.spread.get("zero_shot")), _difference(row, headline)]
        if row.cross_lingual:
            cells.append(_cell(row.cross_lingual, metrics, row.spread.get("cross_lingual")))
        cells += [_cell(row.languages[language], metrics) for language in others]
        seconds = " + ".join(f"{value:.0f}" for value in row.seconds.values())
        compute = " + ".join(_flops(cost.flops) for cost in row.cost.values())
        table.add_row(_first_cell(row), *cells, _parameters(row.parameters), compute, seconds)
    own = [row for row in rows if row.selection is None]
    drawn = "seeds and examples" if rows[0].spread else "examples"
    legend = [
        f"Δ: {mean_name(rows)} minus that without intermediate task, with 95% interval (paired bootstrap over {drawn})."
        if any(row.difference for row in rows)
        else "",
        "trained: parameters trained in the target phase. compute: estimated floating-point operations of "
        "intermediate + target training. seconds: intermediate + target training + evaluation"
        + (", all seeds together." if rows[0].spread else "."),
        *dict.fromkeys(f"Not comparable with the benchmark's scores: {row.differs}." for row in rows if row.differs),
        *translation_notes(rows),
        *_selection_notes(rows),
        *_language_notes(rows[0]),
        *(note for row in own for note in _notes(row)),
        *(f"{_source(row)}{seed}: {folder}" for row in own for seed, folder in _folders(row)),
    ]
    pairs = "".join(_pair_table(row, headline, labels[headline]) for row in own if row.cross_lingual)
    pairs += "".join(_attention_table(row) for row in own if row.fusion_attention)
    return text_of(table) + pairs + "\n".join(f"  {line}" for line in legend if line) + "\n"


def _pair_table(row: TransferRow, metric: str, label: str) -> str:
    """One row's scores for every language of context and question."""
    contexts = list(dict.fromkeys(context_language(name) for name in row.languages))
    questions = list(dict.fromkeys(question_language(name) for name in row.languages))
    table = plain_table("")
    for name in ["", *questions]:
        table.add_column(name, justify="right", no_wrap=True)
    for context in contexts:
        cells = [row.languages.get(context if context == asked else f"{context}-{asked}") for asked in questions]
        table.add_row(context, *(f"{cell[metric]:.1f}" if cell else "" for cell in cells))
    return f"{_source(row)}: {label} by language of the context (down) and of the question (across)\n{text_of(table)}"


def _selection_notes(rows: Sequence[TransferRow]) -> list[str]:
    """What was picked, and by what."""
    picked = [f"{row.selection.partition(' ')[0]}: {_source(row)}." for row in rows if row.selection]
    if not picked:
        return []
    scores = "; ".join(f"{_source(row)} {row.validation:.1f}" for row in rows if row.selection is None)
    return [*picked, f"English validation data, by which alone the selected row was picked: {scores}."]


def _language_notes(row: TransferRow) -> list[str]:
    """Which language adapters the rows of a table were trained over and evaluated with."""
    if row.language_adapter is None:
        return []
    used = ", ".join(f"{language} {adapter}" for language, adapter in row.language_adapters.items())
    return [f"language adapters: trained over {row.language_adapter}; evaluated with {used}."]


def _folders(row: TransferRow) -> list[tuple[str, Path]]:
    """The evaluation of each seed, with the words to tell several apart."""
    several = len(row.seeds) > 1
    return [(f", seed {one.seed}" if several else "", one.folder) for one in row.seeds]


def _attention_table(row: TransferRow) -> str:
    """What AdapterFusion looked at in English, or else in the first language: a share for each layer and source."""
    language = "en" if "en" in row.fusion_attention else next(iter(row.fusion_attention))
    layers = row.fusion_attention[language]
    table = plain_table("")
    for name in ["layer", *next(iter(layers.values()))]:
        table.add_column(name, justify="right", no_wrap=True)
    for layer, shares in layers.items():
        table.add_row(layer, *(f"{100 * share:.0f}%" for share in shares.values()))
    return f"{_source(row)}: mean attention to each source, by layer, in {LANGUAGES[language]}\n{text_of(table)}"


def _notes(row: TransferRow) -> list[str]:
    """What one should know before believing a row."""
    notes = []
    if len(row.sources) > _NAMED_SOURCES:
        notes.append(f"{_source(row)}: {row.source}.")
    for one in row.seeds:
        if collapsed := [name for name, counts in one.counts.items() if counts.get("distinct_predictions") == 1]:
            seed = f", seed {one.seed}" if len(row.seeds) > 1 else ""
            listed = ", ".join(collapsed)
            notes.append(f"{_source(row)}{seed}: one and the same prediction for every example in {listed}.")
    if row.calibrated_on_scored_rows:
        listed = ", ".join(row.calibrated_on_scored_rows)
        notes.append(f"{_source(row)}: threshold chosen on the gold of the scored split itself in {listed}.")
    if ill_formed := {
        name: counts["ill_formed_spans"] for name, counts in row.counts.items() if counts.get("ill_formed_spans")
    }:
        counted = ", ".join(f"{name} {count:,}" for name, count in ill_formed.items())
        notes.append(f"{_source(row)}: predicted I- tags that continue nothing, read as B- by the scorer: {counted}.")
    return notes


def runs_table(runs: Sequence[Run]) -> str:
    """Finished runs, oldest first."""
    table = plain_table("")
    by_key = {run.key: run for run in runs}
    for name in ("key", "stage", "task", "from", "method", "backbone", "score", "finished"):
        table.add_column(name, no_wrap=True)
    for run in runs:
        spec = run.spec
        made_from = [
            f"{by_key[one].spec.task}@{one[:KEY_DIGITS]}" if one in by_key else one[:KEY_DIGITS] for one in spec.inputs
        ]
        table.add_row(
            run.short_key,
            spec.stage,
            spec.task,
            " + ".join(made_from),
            _method(spec),
            run.provenance["backbone"],
            _score(run),
            run.provenance["finished"][:19] + "Z",
        )
    return text_of(table)


def plain_table(title: str) -> Table:
    """A table without lines between its rows."""
    return Table(title=title or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def text_of(table: Table) -> str:
    """A table as text."""
    # As wide as it needs to be: a table that wraps its numbers cannot be read, a long line can be scrolled.
    console = Console(file=io.StringIO(), width=1000, color_system=None, markup=False)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cell(metrics: Metrics | None, names: Sequence[str], spread: Metrics | None = None) -> str:
    if not metrics:
        return ""
    if names[0] not in metrics:
        return "no labels"
    return "/".join(f"{metrics[name]:.1f}" + (f"±{spread[name]:.1f}" if spread else "") for name in names)


def _difference(row: TransferRow, metric: str) -> str:
    if metric not in row.difference:
        return ""
    interval = row.difference[metric]
    return f"{interval.mean:+.1f} [{interval.low:+.1f}, {interval.high:+.1f}]"


def _first_cell(row: TransferRow) -> str:
    if row.selection is None:
        return _source(row)
    return "selected (by English validation)" if row.selection == SELECTED else row.selection


def _source(row: TransferRow) -> str:
    return _way(row) + translation_suffix(row)


def _way(row: TransferRow) -> str:
    if row.variant:
        return f"{row.variant}: {_way(replace(row, variant=None))}"
    if row.source == "none":
        return "no intermediate task"
    named = row.source if len(row.sources) <= _NAMED_SOURCES else f"{len(row.sources)} sources"
    return f"{named} ({row.composition})" if row.trained else named


def _parameters(counts: dict[str, int]) -> str:
    return f"{counts['trained']:,} ({100 * counts['trained'] / counts['total']:.2f}%)"


def _flops(number: float) -> str:
    """Floating-point operations with a prefix of the SI."""
    for prefix in ("", "k", "M", "G", "T", "P"):
        if number < 1000:
            return f"{number:.3g} {prefix}" if number else "0"
        number /= 1000
    return f"{number:,.3g} E"


def _method(spec: StageSpec) -> str:
    return "" if spec.stage == "evaluate" else f"{spec.method} {spec.composition}"


def _score(run: Run) -> str:
    if run.spec.stage == "evaluate":
        parts = ("english", "zero_shot")
        return ", ".join(
            f"{part.replace('_', '-')} {run.metrics[part]['score']:.1f}" for part in parts if part in run.metrics
        )
    return f"validation {run.metrics['best_score']:.1f}"
