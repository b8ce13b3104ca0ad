"""What the rows of a transfer are called, and what one should know of them, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapterstilts.commands.results import SeedScores, TransferRow
from adapterstilts.commands.table.contrasts import OTHER_TARGET_SEEDS, THIS_MODEL, Contrast
from adapterstilts.commands.table.row_names import WITHOUT
from adapterstilts.languages import ENGLISH, LANGUAGES, languages_of, zero_shot_languages
from adapterstilts.reporting.numbers import shown_tokens
from adapterstilts.tasks.kind import OF

SIGNIFICANT = 0.05
# Of how many languages other than English each is shown with an interval.
_FEW_LANGUAGES = 6
# Rows whose training differs by less than this factor count as equally long.
_SAME_BUDGET = 1.1


def row_name(row: TransferRow) -> str:
    """What a row is called in the table and below it."""
    return str(row.named)


def mean_name(rows: Sequence[TransferRow]) -> str:
    """What the mean over languages other than English is called: zero-shot only where it is that in every row."""
    plain = all(not (row.named.translated or row.intermediate_languages or _seen(row)) for row in rows)
    return "zero-shot mean" if plain else "mean without en"


def _seen(row: TransferRow) -> bool:
    """Whether an intermediate run was trained on labelled rows of a language that is scored."""
    scored = {code for name in row.languages for code in languages_of(name)}
    return any(one.language in scored for seen in row.intermediate_shots.values() for one in seen)


def legend(rows: Sequence[TransferRow]) -> list[str]:
    """What the columns are, how the rows were made, what one should know before believing them, and where they are."""
    own = [row for row in rows if row.selection is None]
    return [
        *_contrast_notes(own),
        *_uncertainty_notes(own),
        *_mean_notes(own),
        cost_note(rows),
        *_example_notes(own),
        *_budget_notes(own),
        *dict.fromkeys(f"Not comparable with the benchmark's scores: {row.differs}." for row in rows if row.differs),
        *_translation_notes(rows),
        *_shot_notes(rows),
        *_selection_notes(rows),
        *_language_notes(rows[0]),
        *_hidden_notes(rows[0]),
        *(note for row in own for note in _notes(row)),
        *(note for row in own for note in _lacking_notes(row, list(rows[0].languages))),
        *_made_notes(own),
        *(f"{row_name(row)}{seed}: {folder}" for row in own for seed, folder in _folders(row)),
    ]


def cost_note(rows: Sequence[TransferRow]) -> str:
    """What the columns are that say what a row cost."""
    return (
        "trained: parameters trained in the target phase. compute: estimated floating-point operations of "
        "intermediate + target training. seconds: intermediate + target training + evaluation"
        + (", all seeds together." if any(row.spread for row in rows) else ".")
    )


def _example_notes(rows: Sequence[TransferRow]) -> list[str]:
    """How many rows the target phase was trained on, and which checkpoint was taken."""
    found = dict.fromkeys(f"{row.examples['trained']:,} rows trained on, {_taken(row)}" for row in rows if row.examples)
    return [f"Target phase: {'; '.join(found)}."] if found else []


def _taken(row: TransferRow) -> str:
    """By what a checkpoint was selected."""
    if "scored" in row.examples:
        return "the mean of all checkpoints taken"
    selected = row.examples["selected"]
    return f"{selected:,} to select by" if selected else "the last checkpoint taken"


def _budget_notes(rows: Sequence[TransferRow]) -> list[str]:
    """How much more some rows were trained than others, where they do not differ by a little alone."""
    tokens = {row_name(row): _tokens_of_one_model(row) for row in rows if not (row.averaged_seeds or row.rival)}
    fewest = min(tokens.values(), default=0.0)
    if not fewest or max(tokens.values()) <= _SAME_BUDGET * fewest:
        return []
    ends = sorted(tokens.items(), key=lambda item: item[1])
    least, most = (f"{shown_tokens(count)} ({name})" for name, count in (ends[0], ends[-1]))
    return [f"Tokens trained on, both phases: {least} to {most}. --match compute makes those of the comparisons equal."]


def _tokens_of_one_model(row: TransferRow) -> float:
    """Of both phases; an intermediate run that several models start from is in each of them."""
    starts = {tuple(seed.intermediate_runs) for seed in row.seeds}
    return row.cost["intermediate"].tokens_seen / len(starts) + row.cost["target"].tokens_seen / len(row.seeds)


def compared(rows: Sequence[TransferRow]) -> list[Contrast]:
    """The contrasts of a table's own rows that have a difference to show."""
    return [row.contrast for row in rows if row.selection is None and row.contrast and row.difference]


def _contrast_notes(rows: Sequence[TransferRow]) -> list[str]:
    """What Δ is the difference to, what its interval is about, and what is known to be wrong with it."""
    contrasts = compared(rows)
    if not contrasts:
        return []
    against = {one.against for one in contrasts}
    if len(against) > 1:
        other = "that without intermediate task of the same method"
    else:
        other = "that without intermediate task" if against == {WITHOUT} else f"that of {against.pop()}"
    means = any(row.averaged_seeds and row.difference for row in rows) and len(against) > 1
    also = " Means of models are compared with each other." if means else ""
    notes = [f"Δ: {mean_name(rows)} minus {other}.{also}", _interval_note(contrasts)]
    if len(contrasts) > 1:
        counted = f"the {len(contrasts)} differences of the table"
        of = f"{list(rows[0].metric_labels)[-1]}{OF}"
        if by_category := sum(name.startswith(of) for row in rows for name in row.difference):
            counted += f", by category for all {by_category}"
        notes.append(f"*: p < {SIGNIFICANT:g} after Holm's correction for {counted}.")
    if any(one.ungrouped for one in contrasts):
        notes.append("The stored scores do not say which examples share a text, so that the intervals may be too")
        notes.append("narrow: --force scores again.")
    return notes


def _uncertainty_notes(rows: Sequence[TransferRow]) -> list[str]:
    """The intervals of scores in a table that has no differences."""
    found = []
    for row in rows:
        if (one := row.uncertainty) is None:
            continue
        if one.groups < 2:
            return [_interval_note([one])]
        metric = list(row.metric_labels)[-1]
        others = zero_shot_languages(row.languages)
        parts = {name: part.get(metric) for name, part in one.languages.items() if name == ENGLISH or name in others}
        if len(others) > 1:
            parts = parts if len(others) <= _FEW_LANGUAGES else {ENGLISH: parts.get(ENGLISH)}
            parts[mean_name(rows)] = one.zero_shot.get(metric)
        shown = [
            f"{name} {part.mean:.1f} [{part.low:.1f}, {part.high:.1f}]"
            for name, part in parts.items()
            if part and part.low is not None
        ]
        if shown:
            found.append(f"{row_name(row)}: {row.metric_labels[metric]} {', '.join(shown)}.")
    return [*found, _interval_note([row.uncertainty for row in rows if row.uncertainty])] if found else []


def _interval_note(contrasts: Sequence[Contrast]) -> str:
    one = max(contrasts, key=lambda contrast: contrast.seeds)
    if one.groups < 2:
        return "No interval: all examples are about one text."
    groups = f"{one.groups:,} {one.unit}"
    if one.scope == THIS_MODEL:
        return f"In brackets: 95% interval over {groups}, {THIS_MODEL}: other seeds are other models."
    shared = " of one intermediate run" if one.scope == OTHER_TARGET_SEEDS else ""
    few = "; two seeds say little, take three or more" if one.seeds == 2 else ""
    return f"In brackets: 95% interval over {one.seeds} seeds{shared} and {groups}{few}."


def _mean_notes(rows: Sequence[TransferRow]) -> list[str]:
    """What the rows are that are one model made of several."""
    found = dict.fromkeys(str(row.variant) for row in rows if row.averaged_seeds)
    told = (
        "one model, whose weights are the mean of those of a row's models. These begin with the same new weights, so "
        "that ± is about the order of batches and dropout alone; an interval of such a mean is about this model only"
    )
    return [f"{name}: {told}." for name in found]


def _translation_notes(rows: Sequence[TransferRow]) -> list[str]:
    """How translations entered the rows of a table."""
    found: list[str] = []
    for row in rows:
        for run, languages in row.intermediate_languages.items():
            found.append(f"{run}: trained {_training(languages)}.")
        if _foreign(row.train_languages):
            by = "" if "scored" in row.examples else "; checkpoints selected on English validation data"
            found.append(f"translate-train: target phase trained {_training(row.train_languages)}{by}.")
        if row.translations_are_english_rows:
            found.append(
                "translate-test: the suite's translations are its own English rows, so every language has the score of "
                "English by construction: no result about translating."
            )
        elif row.translate_test:
            found.append("translate-test: English translations of each language's rows were scored; en is as it is.")
    return list(dict.fromkeys(found))


def _shot_notes(rows: Sequence[TransferRow]) -> list[str]:
    """Which rows are not zero-shot in a language, because their intermediate run was trained on labels of it."""
    found = {run: shots for row in rows for run, shots in row.intermediate_shots.items()}
    return [
        f"{run}: trained on {one}, so that in {one.name} it is not zero-shot."
        for run, shots in found.items()
        for one in shots
    ]


def _selection_notes(rows: Sequence[TransferRow]) -> list[str]:
    """What was picked, and by what."""
    picked = [f"{row.selection.partition(' ')[0]}: {row_name(row)}." for row in rows if row.selection]
    if not picked:
        return []
    # Baselines, and means of models, are not among what is picked from.
    own = (row for row in rows if row.selection is None and row.variant is None)
    scores = "; ".join(f"{row_name(row)} {row.validation:.1f}" for row in own)
    return [*picked, f"English validation data, by which alone the selected row was picked: {scores}."]


def _language_notes(row: TransferRow) -> list[str]:
    """Which language adapters the rows of a table were trained over and evaluated with."""
    if row.language_adapter is None:
        return []
    used = ", ".join(f"{language} {adapter}" for language, adapter in row.language_adapters.items())
    return [f"language adapters: trained over {row.language_adapter}; evaluated with {used}."]


def _hidden_notes(row: TransferRow) -> list[str]:
    """Which languages have no scores although their data have something in the place of labels, and why."""
    by_reason: dict[str, list[str]] = {}
    for language, reason in row.hidden.items():
        by_reason.setdefault(reason, []).append(language)
    return [
        f"not scored, but predicted: {', '.join(languages)}, where {reason}." for reason, languages in by_reason.items()
    ]


def _notes(row: TransferRow) -> list[str]:
    """What one should know before believing a row."""
    notes = []
    if row.named.shortened:
        notes.append(f"{row_name(row)}: {row.intermediate}.")
    if row.rival:
        notes.append(f"{row_name(row)}: {_chosen(row.rival)}.")
    notes += [f"{row_name(row)}: {one}." for one in row.warnings]
    if row.shared_data:
        listed = ", ".join(row.shared_data)
        notes.append(f"{row_name(row)}: intermediate and target phase are trained on the same data ({listed}).")
    if row.selected_on_scored_rows:
        listed = ", ".join(row.selected_on_scored_rows)
        notes.append(
            f"{row_name(row)}: checkpoint selected on the scored rows themselves, or on the English rows that they are "
            f"translations of, in {listed}: these scores tend to be too high."
        )
    if row.calibrated_on_scored_rows:
        listed = ", ".join(row.calibrated_on_scored_rows)
        notes.append(f"{row_name(row)}: threshold chosen on the gold of the scored split itself in {listed}.")
    if ill_formed := {
        name: counts["ill_formed_spans"] for name, counts in row.counts.items() if counts.get("ill_formed_spans")
    }:
        counted = ", ".join(f"{name} {count:,}" for name, count in ill_formed.items())
        notes.append(f"{row_name(row)}: predicted I- tags that continue nothing, read as B- by the scorer: {counted}.")
    return notes


def _lacking_notes(row: TransferRow, languages: Sequence[str]) -> list[str]:
    """Which languages of the table a row has no scores in, because there is no template to ask in."""
    lacking = [code for code in languages if code not in row.languages]
    if not lacking:
        return []
    there = ", ".join(row.languages)
    return [
        f"{row_name(row)}: no template of {row.rival['harness']} in {', '.join(lacking)}, so that its mean and its "
        f"difference are over {there} alone."
    ]


def _chosen(rival: Mapping[str, Any]) -> str:
    """What answers in place of a trained model, and what was chosen for it."""
    if "templates" in rival:
        return (
            f"asked without training, with templates of {rival['harness']} ({', '.join(rival['templates'].values())}); "
            "the answer is the one that it gives the highest log-likelihood"
        )
    value = f"on the backbone's frozen vectors, {rival['setting']} = {rival['value']:g}"
    if not rival["validation_examples"]:
        return value
    return f"{value}, chosen on {rival['validation_examples']:,} rows of English validation data"


def _made_notes(rows: Sequence[TransferRow]) -> list[str]:
    """Which runs were not made here, and whether all were made alike."""
    shared = {label: place for row in rows for label, place in row.shared.items()}
    notes = [f"{label}: not trained here, but from {place}." for label, place in shared.items()]
    made: dict[str, set[str]] = {}
    for row in rows:
        for where, folders in row.made_on.items():
            made.setdefault(where, set()).update(folders)
    if len(made) > 1:
        listed = "; ".join(f"{len(folders):,} with {where}" for where, folders in made.items())
        notes.append(f"Runs made differently, whose numbers would not be quite the same if made again alike: {listed}.")
    return notes


def _folders(row: TransferRow) -> list[tuple[str, Path]]:
    """The evaluation of each seed, with the words to tell several apart."""
    several = len(row.seeds) > 1
    return [(f", seed {one.seed}{_origin(row, one)}" if several else "", one.folder) for one in row.seeds]


def _origin(row: TransferRow, seed: SeedScores) -> str:
    """From which intermediate runs a seed starts, where they are not those of the row's name."""
    own = seed.intermediate_runs != row.intermediate_runs
    return f" from {' + '.join(seed.intermediate_runs)}" if own else ""


def _training(languages: Sequence[str]) -> str:
    own = "in English and " if ENGLISH in languages else ""
    return f"{own}on translations of its English rows into {_named(_foreign(languages))}"


def _foreign(languages: Sequence[str]) -> list[str]:
    return [code for code in languages if code != ENGLISH]


def _named(codes: Sequence[str]) -> str:
    return ", ".join(LANGUAGES[code] for code in codes)
