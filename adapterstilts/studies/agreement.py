"""Whether a model answers the same questions alike in English and in other languages.

As RankC (Qi et al. 2023) this is about consistency and not about being right. Where an answer is a label, two answers
are alike if they are the same label; where it is a span of a text, if both are right or both are wrong, since spans of
two languages cannot be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from statistics import fmean
from typing import Any

from adapterstilts.commands.stored_predictions import read_predictions
from adapterstilts.files import file_digest
from adapterstilts.languages import ENGLISH, zero_shot_languages
from adapterstilts.metrics.intervals import Interval, interval, mean_gains
from adapterstilts.metrics.resampling import resample, united
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.store import MANIFEST, Run
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.results import Agreement
from adapterstilts.tasks.catalogue import Catalogue

# Kinds whose answers are the same thing in every language.
_COMPARABLE = ("pair_classification", "multiple_choice")

Alike = dict[str, dict[str, float]]
"""Language to example to whether it was answered as in English: 100 or 0."""


def agreements(cells: Sequence[Measured], catalogue: Catalogue, memory: Memory) -> list[Agreement]:
    """One for each cell whose target has the same questions in all languages."""
    parallel = {one.target for one in cells if catalogue.recipe(one.target).parallel}
    found: dict[str, list[Alike]] = {}
    made = []
    for one in cells:
        if one.target not in parallel:
            continue
        ours = _of_runs(one, found, memory)
        languages = {language: fmean(fmean(seed[language].values()) for seed in ours) for language in ours[0]}
        if not languages:
            continue
        base = next((other for other in cells if other.runs is one.base), None)
        gain = _gain(one, base, found, memory) if base is not None and base is not one else None
        made.append(Agreement(one.cell.axes, fmean(languages.values()), gain, languages))
    return made


def _of_runs(one: Measured, found: dict[str, list[Alike]], memory: Memory) -> list[Alike]:
    runs = [seed.evaluation for seed in one.runs.seeds]
    name = " ".join(run.key for run in runs)
    if name not in found:
        found[name] = [memory.recall("alike", _told(run), find=partial(_alike, one, run)) for run in runs]
    return found[name]


def _alike(one: Measured, run: Run) -> Alike:
    """Reads the predictions of one evaluation."""
    spec, row = run.evaluation, one.cell.row
    languages = zero_shot_languages(spec.languages)
    if ENGLISH not in spec.languages:
        return {}
    said = {language: _said(run, language, row.catalogue) for language in (ENGLISH, *languages)}
    english = said[ENGLISH]
    return {
        language: {id_: 100.0 * (answer == english[id_]) for id_, answer in said[language].items() if id_ in english}
        for language in languages
        if said[language].keys() & english.keys()
    }


def _told(run: Run) -> str:
    """An evaluation with what is in it: one that was made again, or in another store, may answer otherwise."""
    return f"{run.key} {file_digest(run.folder / MANIFEST)}"


def _said(run: Run, language: str, catalogue: Catalogue) -> Mapping[str, Any]:
    """Labels or choices, or whether each span is the right one."""
    if run.evaluation.kind in _COMPARABLE:
        return read_predictions(run, language, catalogue)
    scored = run.scores(language)
    return {id_: item["exact_match"] for id_, item in scored["items"].items()}


def _gain(one: Measured, base: Measured, found: dict[str, list[Alike]], memory: Memory) -> Interval | None:
    """How much more alike its answers are than those of the row that a cell is compared with."""
    keys = [_told(seed.evaluation) for each in (one, base) for seed in each.runs.seeds]

    def find() -> dict[str, float] | None:
        gain = _resampled(_of_runs(one, found, memory), _of_runs(base, found, memory), _groups(one, base))
        return asdict(gain) if gain else None

    told = memory.recall("agreement of groups", *keys, find=find)
    return Interval(**told) if told else None


def _groups(*rows: Measured) -> dict[str, str]:
    """Example to what names those that are about one text, such as the hypotheses for a premise."""
    runs = [seed.evaluation for one in rows for seed in one.runs.seeds]
    scored = (run.scores(language) for run in runs for language in run.evaluation.languages)
    return united(given for one in scored if (given := one.get("groups")))


def _resampled(ours: list[Alike], theirs: list[Alike], groups: Mapping[str, str]) -> Interval | None:
    count = max(len(ours), len(theirs))
    sides = [
        [{language: {id_: {"": value} for id_, value in one[language].items()} for language in one} for one in side]
        * (count // len(side))
        for side in (ours, theirs)
    ]
    if any(one.keys() != sides[0][0].keys() for side in sides for one in side):
        return None
    drawn = resample(*sides, groups=groups)
    return interval(mean_gains(drawn, drawn.languages), groups=drawn.count(drawn.languages))
