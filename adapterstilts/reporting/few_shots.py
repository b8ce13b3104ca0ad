"""From zero to few shots as text: a table for each language, zero-shot rows and those that go on from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from adapterstilts.commands.table.contrasts import Contrast
from adapterstilts.commands.table.few_shot_results import FewShotRow
from adapterstilts.languages import LANGUAGES
from adapterstilts.printable import counted
from adapterstilts.reporting.sheets import Notes, Sheet, columns
from adapterstilts.reporting.transfer_rows import SIGNIFICANT

Metrics = dict[str, float]

_SECONDS = "seconds: training + evaluation, all draws and seeds together."


def few_shot_parts(rows: Sequence[FewShotRow]) -> list[Sheet | Notes]:
    """The tables of one target, each with what one should know of it."""
    languages = [list(found) for _, found in groupby(rows, key=lambda row: row.language)]
    return [part for found in languages for part in (_table(found), Notes(_legend(found), on_details=[_SECONDS]))]


def _table(rows: Sequence[FewShotRow]) -> Sheet:
    first, metrics = rows[0], list(rows[0].metric_labels)
    headline = metrics[-1]
    labels = "/".join(first.metric_labels.values())
    title = (
        f"{first.title} in {LANGUAGES[first.language]}, from zero to few shots: {first.split} split, "
        f"{counted(int(first.scores['examples']), 'example')}, {labels}"
    )
    several = len(_compared(rows)) > 1
    cells = []
    for name, found in groupby(rows, key=lambda row: row.zero_shot_row):
        own = list(found)
        cells.append([name, "0", "", _cell(own[0].zero_shot, metrics, own[0].zero_shot_spread), "", ""])
        for row in own:
            seconds = " + ".join(f"{value:.0f}" for value in row.seconds.values())
            scores, difference = _cell(row.scores, metrics, row.spread), _difference(row, headline, marked=several)
            cells.append(["", f"{row.shots:,}", str(_draws(row)), scores, difference, seconds])
    numbers = ("shots", "draws", first.language, f"Δ {first.metric_labels[headline]}", "seconds")
    return Sheet(title, columns("from", *numbers, right=numbers, detail=("seconds",), wraps=("from",)), cells)


def _cell(scores: Metrics, names: Sequence[str], spread: Metrics) -> str:
    if names[0] not in scores:
        return "no labels"
    return "/".join(f"{scores[name]:.1f}" + (f"±{spread[name]:.1f}" if spread else "") for name in names)


def _difference(row: FewShotRow, metric: str, *, marked: bool) -> str:
    if metric not in row.difference:
        return ""
    one = row.difference[metric]
    shown = f"{one.mean:+.1f}" + (f" [{one.low:+.1f}, {one.high:+.1f}]" if one.low is not None else "")
    return shown + ("*" if one.p_holm is not None and one.p_holm < SIGNIFICANT else " ") if marked else shown


def _draws(row: FewShotRow) -> int:
    return len({one.draw for one in row.draws})


def _seeds(row: FewShotRow) -> int:
    return len({one.seed for one in row.draws})


def _compared(rows: Sequence[FewShotRow]) -> list[Contrast]:
    return [row.contrast for row in rows if row.contrast and row.difference]


def _legend(rows: Sequence[FewShotRow]) -> list[str]:
    """That these are no zero-shot scores, what was drawn from where, how it was trained, and where the runs are."""
    first = rows[0]
    language = LANGUAGES[first.language]
    apart = f", without {first.left_out:,} that share a text with scored rows" if first.left_out else ""
    settings = dict.fromkeys(
        f"{row.settings['epochs']:g} epochs at learning rate {row.settings['learning_rate']:g}" for row in rows
    )
    return [
        f"Not zero-shot: the rows with shots were trained on labelled {language} rows after the zero-shot model above.",
        _SECONDS,
        f"Drawn from {first.where} ({first.of:,} rows{apart}); of one draw, fewer rows are among more.",
        f"Trained for {', or '.join(settings)}; no {language} label selected anything.",
        *_spread_notes(rows),
        *_contrast_notes(rows),
        *(f"{row.zero_shot_row}, {row.shots:,} shots, draw {row.draws[0].draw}: {row.draws[0].folder}" for row in rows),
    ]


def _spread_notes(rows: Sequence[FewShotRow]) -> list[str]:
    draws, seeds = max(map(_draws, rows)), max(map(_seeds, rows))
    if draws == seeds == 1:
        return []
    over = [f"{draws} draws" if draws > 1 else "", f"{seeds} seeds" if seeds > 1 else ""]
    of = " and ".join(one for one in over if one)
    spread = "draws (of zero shots, seeds)" if draws > 1 and seeds > 1 else "draws" if draws > 1 else "seeds"
    return [f"Scores are means over {of}; ±: standard deviation over {spread}."]


def _contrast_notes(rows: Sequence[FewShotRow]) -> list[str]:
    contrasts = _compared(rows)
    if not contrasts:
        return []
    one = max(contrasts, key=lambda contrast: (contrast.draws, contrast.seeds))
    notes = ["Δ: minus the zero-shot row of the same models."]
    if one.groups < 2:
        return [*notes, "No interval: all examples are about one text."]
    over = [
        f"{one.draws} draws" if one.draws > 1 else "",
        f"{one.seeds} seeds" if one.seeds > 1 else "",
        f"{one.groups:,} {one.unit}",
    ]
    told = [part for part in over if part]
    listed = " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
    limits = []
    if one.seeds == 1:
        limits.append("this zero-shot model only: other seeds are other models")
    if any(row.contrast and row.contrast.draws == 1 for row in rows):
        limits.append("where there is one draw, these rows only")
    about = f", {'; '.join(limits)}" if limits else ""
    notes.append(f"In brackets: 95% interval over {listed}{about}.")
    if len(contrasts) > 1:
        notes.append(f"*: p < {SIGNIFICANT:g} after Holm's correction for the {len(contrasts)} differences above.")
    return notes
