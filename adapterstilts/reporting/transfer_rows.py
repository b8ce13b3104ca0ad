"""What the rows of a transfer are called, and what one should know of them, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from adapterstilts.commands.results import TransferRow
from adapterstilts.languages import ENGLISH, LANGUAGES

# So many intermediate runs of a row are written out in its first cell, and more of them below the table.
_NAMED_RUNS = 2


def row_name(row: TransferRow) -> str:
    """What a row is called in the table and below it."""
    return _way(row) + _translated(row)


def _way(row: TransferRow) -> str:
    if row.variant:
        return f"{row.variant}: {_way(replace(row, variant=None))}"
    if row.intermediate == "none":
        return "no intermediate task"
    named = row.intermediate if len(row.intermediate_runs) <= _NAMED_RUNS else f"{len(row.intermediate_runs)} runs"
    return f"{named} ({row.composition})" if row.trained else named


def _translated(row: TransferRow) -> str:
    """What is added to the name of a row that was trained on translations or scored in translation."""
    trained = f", translate-train {'+'.join(row.train_languages)}" if _foreign(row.train_languages) else ""
    return trained + (", translate-test" if row.translate_test else "")


def mean_name(rows: Sequence[TransferRow]) -> str:
    """What the mean over languages other than English is called: zero-shot only where it is that in every row."""
    plain = all(not _translated(row) and not row.intermediate_languages for row in rows)
    return "zero-shot mean" if plain else "mean without en"


def legend(rows: Sequence[TransferRow]) -> list[str]:
    """What the columns are, how the rows were made, what one should know before believing them, and where they are."""
    own = [row for row in rows if row.selection is None]
    drawn = "seeds and examples" if rows[0].spread else "examples"
    difference = (
        f"Δ: {mean_name(rows)} minus that without intermediate task, with 95% interval (paired bootstrap over {drawn})."
    )
    return [
        *([difference] if any(row.difference for row in rows) else []),
        "trained: parameters trained in the target phase. compute: estimated floating-point operations of "
        "intermediate + target training. seconds: intermediate + target training + evaluation"
        + (", all seeds together." if rows[0].spread else "."),
        *dict.fromkeys(f"Not comparable with the benchmark's scores: {row.differs}." for row in rows if row.differs),
        *_translation_notes(rows),
        *_selection_notes(rows),
        *_language_notes(rows[0]),
        *_hidden_notes(rows[0]),
        *(note for row in own for note in _notes(row)),
        *(f"{row_name(row)}{seed}: {folder}" for row in own for seed, folder in _folders(row)),
    ]


def _translation_notes(rows: Sequence[TransferRow]) -> list[str]:
    """How translations entered the rows of a table."""
    found: list[str] = []
    for row in rows:
        for run, languages in row.intermediate_languages.items():
            found.append(f"{run}: trained {_training(languages)}.")
        if _foreign(row.train_languages):
            found.append(
                f"translate-train: target phase trained {_training(row.train_languages)}; checkpoints selected on "
                "English validation data."
            )
        if row.translate_test:
            found.append("translate-test: English translations of each language's rows were scored; en is as it is.")
    return list(dict.fromkeys(found))


def _selection_notes(rows: Sequence[TransferRow]) -> list[str]:
    """What was picked, and by what."""
    picked = [f"{row.selection.partition(' ')[0]}: {row_name(row)}." for row in rows if row.selection]
    if not picked:
        return []
    scores = "; ".join(f"{row_name(row)} {row.validation:.1f}" for row in rows if row.selection is None)
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
    if len(row.intermediate_runs) > _NAMED_RUNS:
        notes.append(f"{row_name(row)}: {row.intermediate}.")
    for one in row.seeds:
        if collapsed := [name for name, counts in one.counts.items() if counts.get("distinct_predictions") == 1]:
            seed = f", seed {one.seed}" if len(row.seeds) > 1 else ""
            listed = ", ".join(collapsed)
            notes.append(f"{row_name(row)}{seed}: one and the same prediction for every example in {listed}.")
    if row.calibrated_on_scored_rows:
        listed = ", ".join(row.calibrated_on_scored_rows)
        notes.append(f"{row_name(row)}: threshold chosen on the gold of the scored split itself in {listed}.")
    if ill_formed := {
        name: counts["ill_formed_spans"] for name, counts in row.counts.items() if counts.get("ill_formed_spans")
    }:
        counted = ", ".join(f"{name} {count:,}" for name, count in ill_formed.items())
        notes.append(f"{row_name(row)}: predicted I- tags that continue nothing, read as B- by the scorer: {counted}.")
    return notes


def _folders(row: TransferRow) -> list[tuple[str, Path]]:
    """The evaluation of each seed, with the words to tell several apart."""
    several = len(row.seeds) > 1
    return [(f", seed {one.seed}" if several else "", one.folder) for one in row.seeds]


def _training(languages: Sequence[str]) -> str:
    own = "in English and " if ENGLISH in languages else ""
    return f"{own}on translations of its English rows into {_named(_foreign(languages))}"


def _foreign(languages: Sequence[str]) -> list[str]:
    return [code for code in languages if code != ENGLISH]


def _named(codes: Sequence[str]) -> str:
    return ", ".join(LANGUAGES[code] for code in codes)
