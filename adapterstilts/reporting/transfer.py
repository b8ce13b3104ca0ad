"""The tables of a transfer: a row for each run, a column for each language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from adapterstilts.commands.results import SELECTED, Metrics, TransferResult, TransferRow
from adapterstilts.languages import LANGUAGES, context_language, question_language, zero_shot_languages
from adapterstilts.printable import counted
from adapterstilts.reporting.few_shots import few_shot_parts
from adapterstilts.reporting.numbers import shown_flops, shown_parameters
from adapterstilts.reporting.sheets import Column, Notes, Report, Sheet, columns, plain_sheet
from adapterstilts.reporting.terminal import as_text
from adapterstilts.reporting.transfer_rows import SIGNIFICANT, compared, cost_note, legend, mean_name, row_name
from adapterstilts.tasks.kind import OF

# Of tables with a value that is no share, what is in percent.
_UNITS = {"perplexity": "(accuracy in percent)", "mse": "(correlations in percent)"}
# What rows cost, which a narrow terminal leaves out.
_COSTS = ("trained", "compute", "seconds")


def transfer_tables(result: TransferResult, width: int | None = None) -> str:
    """The report as text of at most `width` columns."""
    return as_text(transfer_report(result), width)


def transfer_report(result: TransferResult) -> Report:
    """One table per target: a row for each run, a column for each language; and those of few shots after it."""
    parts: list[Sheet | Notes] = []
    for task, rows in groupby(result.rows, key=lambda row: row.task):
        parts += _target(list(rows))
        parts += few_shot_parts([row for row in result.few_shots if row.task == task])
    return Report(parts, data=_data(result))


def _data(result: TransferResult) -> Sheet:
    records = result.records()
    names = list(records[0]) if records else []
    return plain_sheet(names, (list(record.values()) for record in records))


def _target(rows: Sequence[TransferRow]) -> Iterator[Sheet | Notes]:
    headline = list(rows[0].metric_labels)[-1]
    yield _scores(rows, headline)
    own = [row for row in rows if row.selection is None]
    for row in own:
        if row.cross_lingual:
            yield from _pairs(row, headline)
    yield from _categories(own, headline)
    for row in own:
        if row.fusion_attention:
            yield from _attention(row)
    yield Notes(legend(rows), on_details=[cost_note(rows)])


def _scores(rows: Sequence[TransferRow], headline: str) -> Sheet:
    labels = rows[0].metric_labels
    others = zero_shot_languages(rows[0].languages)
    shown = [
        *(["en"] if rows[0].english else []),
        *([mean_name(rows), f"Δ {labels[headline]}"] if others else []),
        *(["mean over pairs"] if rows[0].cross_lingual else []),
        *others,
    ]
    numbers = [
        Column(name, right=True, detail=name in _COSTS, block="languages" if name in others else "")
        for name in (*shown, *_COSTS)
    ]
    several = len(compared(rows)) > 1
    cells = [_cells(row, others, headline, marked=several, english=bool(rows[0].english)) for row in rows]
    return Sheet(_title(rows), [Column("from", wraps=True), *numbers], cells)


def _title(rows: Sequence[TransferRow]) -> str:
    labels = rows[0].metric_labels
    examples = sorted({int(scores["examples"]) for scores in rows[0].languages.values()})
    count = counted(examples[0], "example") if len(examples) == 1 else f"{examples[0]:,} to {examples[-1]:,} examples"
    unit = next((words for name, words in _UNITS.items() if name in labels), "in percent")
    most = max(len(row.seeds) for row in rows)
    seeds = f", mean of {most} seeds ± standard deviation" if most > 1 else ""
    shown = "/".join(labels.values())
    return f"{rows[0].title}, {rows[0].split} split, {count} per language, {shown} {unit}{seeds}"


def _cells(row: TransferRow, others: Sequence[str], headline: str, *, marked: bool, english: bool) -> list[str]:
    metrics = list(row.metric_labels)
    cells = [_first_cell(row)]
    if english:
        cells.append(_cell(row.english, metrics, row.spread.get("english")))
    if others:
        cells.append(_cell(row.zero_shot, metrics, row.spread.get("zero_shot")))
        cells.append(_difference(row, headline, marked=marked))
    if row.cross_lingual:
        cells.append(_cell(row.cross_lingual, metrics, row.spread.get("cross_lingual")))
    cells += [_cell(row.languages.get(language), metrics) for language in others]
    seconds = " + ".join(f"{value:.0f}" for value in row.seconds.values())
    compute = " + ".join(shown_flops(cost.flops) for cost in row.cost.values())
    return [*cells, shown_parameters(row.parameters), compute, seconds]


def _pairs(row: TransferRow, metric: str) -> Iterator[Sheet | Notes]:
    """One row's scores for every language of context and question."""
    contexts = list(dict.fromkeys(context_language(name) for name in row.languages))
    questions = list(dict.fromkeys(question_language(name) for name in row.languages))
    cells = []
    for context in contexts:
        found = [row.languages.get(context if context == asked else f"{context}-{asked}") for asked in questions]
        cells.append([context, *(f"{cell[metric]:.1f}" if cell else "" for cell in found)])
    label = row.metric_labels[metric]
    title = f"{row_name(row)}: {label} by language of the context (down) and of the question (across)"
    yield Sheet(title, columns("", *questions, right=("", *questions)), cells)


def _categories(rows: Sequence[TransferRow], metric: str) -> Iterator[Sheet]:
    """The zero-shot mean of each row over the examples of a category, where the task has categories."""
    label, cells = rows[0].metric_labels[metric], []
    several = len(compared(rows)) > 1
    for row in rows:
        of = {name: name.partition(OF)[2] for name in row.zero_shot or {} if name.startswith(f"{metric}{OF}")}
        for number, (name, category) in enumerate(of.items()):
            first = row_name(row) if number == 0 else ""
            value = f"{row.zero_shot[name]:.1f}" if row.zero_shot else ""
            cells.append([first, category, value, _difference(row, name, marked=several)])
    if cells:
        numbers = [mean_name(rows), f"Δ {label}"]
        shown = columns("from", "category", *numbers, right=numbers, wraps=("from",))
        yield Sheet(f"{rows[0].title}, {label} by category of examples", shown, cells)


def _attention(row: TransferRow) -> Iterator[Sheet | Notes]:
    """What AdapterFusion looked at in English, or else in the first language: a share for each layer and run."""
    language = "en" if "en" in row.fusion_attention else next(iter(row.fusion_attention))
    layers = row.fusion_attention[language]
    names = ["layer", *next(iter(layers.values()))]
    cells = [[layer, *(f"{100 * share:.0f}%" for share in shares.values())] for layer, shares in layers.items()]
    title = f"{row_name(row)}: mean attention to each run, by layer, in {LANGUAGES[language]}"
    yield Sheet(title, columns(*names, right=names), cells)


def _first_cell(row: TransferRow) -> str:
    if row.selection is None:
        return row_name(row)
    return "selected (by English validation)" if row.selection == SELECTED else row.selection


def _cell(metrics: Metrics | None, names: Sequence[str], spread: Metrics | None = None) -> str:
    if not metrics:  # a row that lacks the language, of which a note says why
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
