"""From the runs of few shots to rows: means over draws and seeds, and the difference to the zero-shot row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev

from adapterstilts.commands.results import Metrics, TransferRow
from adapterstilts.commands.table.contrasts import Compared, Contrast, adjusted, contrast
from adapterstilts.commands.table.few_shot_results import DrawScores, FewShotRow
from adapterstilts.commands.table.few_shots import FewShotStages, ShotRuns
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.runs.store import Run

_SETTINGS = ("learning_rate", "epochs", "batch_size")


def few_shot_rows(
    stages: Sequence[FewShotStages],
    runs: Sequence[list[list[ShotRuns]]],
    rows: Sequence[TransferRow],
    *,
    memory: Memory,
) -> list[FewShotRow]:
    """The rows of one target's few shots, those of a language next to each other.

    Args:
        runs: Those of each of the stages.
        rows: The rows of its table, which they go on from.
        memory: Where intervals are kept.
    """
    contrasts = [_contrast(one, found, rows[one.row], memory) for one, found in zip(stages, runs, strict=True)]
    made = [_row(one, found, rows[one.row]) for one, found in zip(stages, runs, strict=True)]
    languages = dict.fromkeys(one.language for one in stages)
    found: list[FewShotRow] = []
    for language in languages:
        numbers = [number for number, one in enumerate(stages) if one.language == language]
        # Each language has a table of its own.
        for number, own in zip(numbers, adjusted([contrasts[number] for number in numbers]), strict=True):
            difference = own.languages[language] if own else {}
            found.append(replace(made[number], contrast=own, difference=difference))
    return found


def _row(stages: FewShotStages, runs: list[list[ShotRuns]], row: TransferRow) -> FewShotRow:
    language, first = stages.language, runs[0][0]
    seeds = [[_scores(one, language) for one in seed] for seed in runs]
    by_draw = [_mean(list(draw)) for draw in zip(*seeds, strict=True)]
    by_seed = [_mean(seed) for seed in seeds]
    spec = first.training.training
    assert isinstance(spec, TrainSpec)
    every = [one for seed in runs for one in seed]
    zero = [seed.languages[language] for seed in row.seeds]
    return FewShotRow(
        task=row.task,
        title=row.title,
        metric_labels=row.metric_labels,
        intermediate=row.intermediate,
        composition=row.composition,
        method=row.method,
        variant=row.variant,
        split=row.split,
        zero_shot_row=str(row.named),
        language=language,
        shots=first.shots.count,
        of=first.shots.of,
        left_out=first.shots.left_out,
        where=stages.where,
        scores=_mean(by_draw),
        spread=_spread(by_draw) or _spread(by_seed),
        zero_shot=row.languages[language],
        zero_shot_spread=_spread(zero),
        draws=[_draw(one, language) for one in every],
        difference={},
        contrast=None,
        settings={name: getattr(spec.settings, name) for name in _SETTINGS},
        seconds={
            "few_shot": sum(one.training.provenance["train_seconds"] for one in every),
            "evaluation": sum(one.evaluation.provenance["wall_seconds"] for one in every),
        },
    )


def _draw(one: ShotRuns, language: str) -> DrawScores:
    spec = one.training.training
    assert spec.seed is not None and spec.shots is not None
    return DrawScores(
        seed=spec.seed,
        draw=one.shots.draw,
        scores=_scores(one, language),
        counts=one.evaluation.metrics["counts"][language],
        shots=spec.shots,
        folder=one.evaluation.folder,
        trained=one.training.folder,
    )


def _scores(one: ShotRuns, language: str) -> Metrics:
    found: Metrics = one.evaluation.metrics["languages"][language]
    return found


def _mean(found: Sequence[Metrics]) -> Metrics:
    return {name: fmean(one[name] for one in found) for name in found[0]}


def _spread(found: Sequence[Metrics]) -> Metrics:
    """The sample standard deviation of each metric; nothing of one alone."""
    if len(found) < 2:
        return {}
    return {name: stdev([one[name] for one in found]) for name in found[0] if name != "examples"}


def _contrast(stages: FewShotStages, runs: list[list[ShotRuns]], row: TransferRow, memory: Memory) -> Contrast | None:
    """Few shots minus zero shots, in the language alone."""
    mine = [one.evaluation for seed in runs for one in seed]
    starts = {tuple(seed.intermediate_runs.values()) for seed in row.seeds}
    shared = bool(row.intermediate_runs) and len(starts) == 1
    theirs = [Run(seed.folder) for seed in row.seeds]
    kind = row.catalogue.build_kind(mine[0].evaluation)
    languages = [stages.language]
    return contrast(
        Compared("few shots", mine, languages, shared=shared, draws=len(runs[0])),
        Compared(str(row.named), theirs, languages, shared=shared),
        kind=kind,
        memory=memory,
    )
