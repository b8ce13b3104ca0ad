"""The tables of a transfer: a row for each run, a column for each language."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from adapterstilts.commands.results import SELECTED, Metrics, TransferResult, TransferRow
from adapterstilts.languages import LANGUAGES, context_language, question_language, zero_shot_languages
from adapterstilts.reporting.few_shots import few_shot_tables
from adapterstilts.reporting.text_table import plain_table, shown_flops, shown_parameters, text_of
from adapterstilts.reporting.transfer_rows import SIGNIFICANT, compared, legend, mean_name, row_name

# Of tables with a value that is no share, what is in percent.
_UNITS = {"perplexity": "(accuracy in percent)", "mse": "(correlations in percent)"}


def transfer_tables(result: TransferResult) -> str:
    """One table per target: a row for each run, a column for each language; and those of few shots after it."""
    tables = []
    for task, rows in groupby(result.rows, key=lambda row: row.task):
        tables.append(_transfer_table(list(rows)))
        tables.append(few_shot_tables([row for row in result.few_shots if row.task == task]))
    return "\n".join(table for table in tables if table)


def _transfer_table(rows: Sequence[TransferRow]) -> str:
    labels = rows[0].metric_labels
    metrics = list(labels)
    shown = "/".join(labels.values())
    others = zero_shot_languages(rows[0].languages)
    examples = sorted({int(scores["examples"]) for scores in rows[0].languages.values()})
    count = f"{examples[0]:,}" if len(examples) == 1 else f"{examples[0]:,} to {examples[-1]:,}"
    unit = next((words for name, words in _UNITS.items() if name in metrics), "in percent")
    most = max(len(row.seeds) for row in rows)
    seeds = f", mean of {most} seeds ± standard deviation" if most > 1 else ""
    several = len(compared(rows)) > 1
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
            cells += [
                _cell(row.zero_shot, metrics, row.spread.get("zero_shot")),
                _difference(row, headline, marked=several),
            ]
        if row.cross_lingual:
            cells.append(_cell(row.cross_lingual, metrics, row.spread.get("cross_lingual")))
        cells += [_cell(row.languages[language], metrics) for language in others]
        seconds = " + ".join(f"{value:.0f}" for value in row.seconds.values())
        compute = " + ".join(shown_flops(cost.flops) for cost in row.cost.values())
        table.add_row(_first_cell(row), *cells, shown_parameters(row.parameters), compute, seconds)
    own = [row for row in rows if row.selection is None]
    pairs = "".join(_pair_table(row, headline, labels[headline]) for row in own if row.cross_lingual)
    pairs += "".join(_attention_table(row) for row in own if row.fusion_attention)
    return text_of(table) + pairs + "".join(f"  {line}\n" for line in legend(rows))


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
    return f"{row_name(row)}: {label} by language of the context (down) and of the question (across)\n{text_of(table)}"


def _attention_table(row: TransferRow) -> str:
    """What AdapterFusion looked at in English, or else in the first language: a share for each layer and run."""
    language = "en" if "en" in row.fusion_attention else next(iter(row.fusion_attention))
    layers = row.fusion_attention[language]
    table = plain_table("")
    for name in ["layer", *next(iter(layers.values()))]:
        table.add_column(name, justify="right", no_wrap=True)
    for layer, shares in layers.items():
        table.add_row(layer, *(f"{100 * share:.0f}%" for share in shares.values()))
    return f"{row_name(row)}: mean attention to each run, by layer, in {LANGUAGES[language]}\n{text_of(table)}"


def _first_cell(row: TransferRow) -> str:
    if row.selection is None:
        return row_name(row)
    return "selected (by English validation)" if row.selection == SELECTED else row.selection


def _cell(metrics: Metrics | None, names: Sequence[str], spread: Metrics | None = None) -> str:
    if not metrics:
        return ""
    if names[0] not in metrics:
        return "no labels"
    return "/".join(f"{metrics[name]:.1f}" + (f"±{spread[name]:.1f}" if spread else "") for name in names)


def _difference(row: TransferRow, metric: str, *, marked: bool) -> str:
    """The difference with its interval, and in a table of several with a mark if it is significant among them."""
    if metric not in row.difference:
        return ""
    one = row.difference[metric]
    shown = f"{one.mean:+.1f}" + (f" [{one.low:+.1f}, {one.high:+.1f}]" if one.low is not None else "")
    return shown + ("*" if one.p_holm is not None and one.p_holm < SIGNIFICANT else " ") if marked else shown
