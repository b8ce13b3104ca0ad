"""What sets the rows of a table apart: differences of means, of languages and of the task score, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from adapterstilts.files import file_digest
from adapterstilts.languages import context_language, is_english, question_language, zero_shot_languages
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.intervals import Interval, difference, holm, interval, means, score_interval
from adapterstilts.metrics.resampling import Resamples, numbered_alike, resample, united
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.store import MANIFEST, Run
from adapterstilts.tasks.kind import OF, Kind

THIS_MODEL = "this model only"
OTHER_SEEDS = "models of other seeds"
OTHER_TARGET_SEEDS = "models of other target seeds from this intermediate run"
OTHER_DRAWS = "other draws of rows for this model"

EXAMPLES = "examples"
# With one of these a task's score may be no share of right answers, nor are correlations.
_NO_SHARES = frozenset({"mse", "pearson", "perplexity", "spearman"})
SCORE = "score"
"""The task score among the metrics: in question answering the mean of exact match and F1."""

Intervals = dict[str, Interval]


@dataclass(frozen=True)
class Contrast:
    """A row's scores minus another row's, each metric and the task score (`score`) with a 95% interval.

    Attributes:
        against: The name of the other row.
        zero_shot: Differences of the mean over the languages other than English.
        with_english: Likewise, with English among them.
        cross_lingual: Of the mean over pairs of two languages.
        languages: Of each language, or pair, by itself.
        seeds: How many models of each row were compared, those of the same seed with each other.
        draws: How many draws of labelled rows each of these models has gone on with.
        groups: How many groups of examples the zero-shot mean is over; those on one text are drawn together.
        unit: What these are called: `paragraphs`, `premises`, or `examples` where each is alone.
        ungrouped: Whether the scores are of a version that did not write which examples belong together.
        scope: What the intervals are about: `THIS_MODEL`, where there is one seed, `OTHER_SEEDS`, or
            `OTHER_TARGET_SEEDS` where all seeds start from the same intermediate run; of one seed with several draws,
            `OTHER_DRAWS`.
    """

    against: str
    zero_shot: Intervals
    with_english: Intervals
    cross_lingual: Intervals
    languages: dict[str, Intervals]
    seeds: int
    groups: int
    unit: str
    ungrouped: bool
    scope: str
    draws: int = 1

    @property
    def parts(self) -> dict[tuple[str, ...], Interval]:
        """All differences, by where they are in it."""
        found: dict[tuple[str, ...], Interval] = {}
        for name in _MEANS:
            found |= {(name, metric): one for metric, one in getattr(self, name).items()}
        for language, intervals in self.languages.items():
            found |= {("languages", language, metric): one for metric, one in intervals.items()}
        return found

    def with_parts(self, parts: Mapping[tuple[str, ...], Interval]) -> Contrast:
        """The same with other differences."""
        means_: dict[str, Any] = {
            name: {metric: parts[name, metric] for metric in getattr(self, name)} for name in _MEANS
        }
        languages = {
            language: {metric: parts["languages", language, metric] for metric in own}
            for language, own in self.languages.items()
        }
        return replace(self, **means_, languages=languages)


_MEANS = ("zero_shot", "with_english", "cross_lingual")


@dataclass(frozen=True)
class Compared:
    """The evaluations of one row, with every seed.

    Attributes:
        languages: Those that were scored, in order.
        shared: Whether all seeds start from the same intermediate run.
        draws: How many runs follow each other in `runs` that have one seed, each with another draw of rows.
    """

    name: str
    runs: Sequence[Run]
    languages: Sequence[str]
    shared: bool = False
    draws: int = 1

    def repeated(self, models: int, draws: int) -> list[Run]:
        """As many runs, those of one seed next to each other."""
        found = [run for run in self.runs for _ in range(draws // self.draws)]
        return found * (models // len(found))


def contrast(mine: Compared, theirs: Compared, *, kind: Kind, memory: Memory) -> Contrast | None:
    """One row minus another, over seeds with the same number; None where nothing is labelled.

    A row that has one model, because nothing is trained for it, is compared with each of the other row's. One of
    several draws of rows has as many runs of a seed, each of which is compared with the other row's one.

    Args:
        kind: The target's, which makes a task score of its metrics.
        memory: Where results are kept, because resampling takes longer than the rest of an answer from the store.
    """
    return _contrast(mine, theirs, kind=kind, memory=memory)


def uncertainty(row: Compared, *, kind: Kind, memory: Memory) -> Contrast | None:
    """A row's scores themselves with their intervals, in the form of a contrast; None where nothing is labelled."""
    return _contrast(row, None, kind=kind, memory=memory)


def _contrast(mine: Compared, other: Compared | None, *, kind: Kind, memory: Memory) -> Contrast | None:
    draws, theirs = mine.draws, other or mine
    # A row may lack languages, which have no template to ask in.
    languages = [one for one in mine.languages if one in theirs.languages]
    models = max(len(mine.runs), draws * len(theirs.runs))
    seeds = models // draws
    ours, others = (one.repeated(models, draws) for one in (mine, theirs))

    def find() -> dict[str, Any] | None:
        return _found(ours, others, languages, kind, draws, alone=other is None)

    if METRICS.get(ours[0].evaluation.metric).statistics:  # whose code can change
        found = find()
    else:
        scored = [f"{run.key} {file_digest(run.folder / MANIFEST)}" for run in (*ours, *others)]
        what = "contrast of what is counted" if other else "score with its ends"
        found = memory.recall(what, *languages, *scored, *([f"{draws} draws"] * (draws > 1)), find=find)
    if found is None:
        return None
    alone = THIS_MODEL if draws == 1 else OTHER_DRAWS
    scope = alone if seeds == 1 else OTHER_TARGET_SEEDS if mine.shared or theirs.shared else OTHER_SEEDS
    read: dict[str, Any] = {name: _read(found[name]) for name in _MEANS}
    read["languages"] = {language: _read(one) for language, one in found["languages"].items()}
    rest = {name: found[name] for name in ("groups", "unit", "ungrouped")}
    return Contrast(against=other.name if other else "", seeds=seeds, draws=draws, scope=scope, **read, **rest)


def adjusted(contrasts: Sequence[Contrast | None]) -> list[Contrast | None]:
    """The contrasts of one table with p values adjusted by Holm's method, each difference among its like.

    Those of all categories of examples are in one table, and adjusted together.
    """
    parts = [dict(one.parts) if one else {} for one in contrasts]
    alike: dict[tuple[str, ...], list[tuple[int, tuple[str, ...]]]] = {}
    for number, one in enumerate(parts):
        for place in one:
            metric, category, _ = place[-1].partition(OF)
            alike.setdefault((*place[:-1], metric, category), []).append((number, place))
    for places in alike.values():
        found = holm([parts[number][place] for number, place in places])
        for (number, place), interval_ in zip(places, found, strict=True):
            parts[number][place] = interval_
    return [one.with_parts(own) if one else None for one, own in zip(contrasts, parts, strict=True)]


def _read(values: Mapping[str, Any]) -> Intervals:
    return {name: Interval(**one) for name, one in values.items()}


@dataclass(frozen=True)
class Drawn:
    """Two rows' scores in resamples of what both answered.

    Attributes:
        languages: Those that there are labels of.
        ids: Language to the examples that were scored.
        ungrouped: Whether the scores are of a version that did not write which examples belong together.
    """

    resamples: Resamples
    languages: list[str]
    ids: dict[str, set[str]]
    ungrouped: bool


def drawn(mine: Sequence[Run], theirs: Sequence[Run], languages: Sequence[str]) -> Drawn | None:
    """Resamples the examples of two rows' evaluations, run by run; None where nothing is labelled."""
    files = {id(run): _files(run, languages) for run in (*mine, *theirs)}
    every = list(files.values())
    languages = [language for language in languages if all(one[language]["items"] for one in every)]
    if not languages:  # without labels there are none
        return None
    grouped = {language: united(one[language].get("groups") or {} for one in every) for language in languages}
    apart = {language: number for number, alike in enumerate(numbered_alike(grouped)) for language in alike}
    scored = {
        run: {language: _named(one[language]["items"], apart[language]) for language in languages}
        for run, one in files.items()
    }
    _complete(list(scored.values()), languages)
    groups = united(
        {id_: _name(first, apart[language]) for id_, first in _named(own, apart[language]).items()}
        for language, own in grouped.items()
    )
    metric = METRICS.get(mine[0].evaluation.metric)
    sides = ([scored[id(run)] for run in side] for side in (mine, theirs))
    return Drawn(
        resamples=resample(*sides, groups=groups, statistics=metric.statistics),
        languages=languages,
        ids={language: set(scored[id(mine[0])][language]) for language in languages},
        ungrouped=metric.grouped
        and any(one[language].get("groups") is None for one in every for language in languages),
    )


def _found(
    mine: Sequence[Run], theirs: Sequence[Run], languages: Sequence[str], kind: Kind, draws: int, *, alone: bool
) -> dict[str, Any] | None:
    """What a `Contrast` has of the scores, as JSON.

    Args:
        alone: Whether it is about the first row by itself.
    """
    found = drawn(mine, theirs, languages)
    if found is None:
        return None
    intervals, languages = _Intervals(found, kind, draws, alone=alone), found.languages
    others = zero_shot_languages(languages)
    means_ = {
        "zero_shot": others,
        "with_english": [one for one in languages if is_english(one) or one in others],
        "cross_lingual": [one for one in languages if context_language(one) != question_language(one)],
    }
    shown = means_["zero_shot"] or languages
    ids = {id_ for language in shown for id_ in found.ids[language]}
    metric = METRICS.get(mine[0].evaluation.metric)
    return {
        **{name: intervals.of(members) for name, members in means_.items()},
        "languages": {language: intervals.of([language]) for language in languages},
        "groups": (count := found.resamples.count(shown)),
        "unit": EXAMPLES if count == len(ids) else metric.unit,
        "ungrouped": found.ungrouped,
    }


@dataclass(frozen=True)
class _Intervals:
    found: Drawn
    kind: Kind
    draws: int
    alone: bool

    def of(self, languages: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Metric, and the task score, to the difference of its mean over some languages; of no example, nothing."""
        if not languages:
            return {}
        drawn = self.found.resamples
        columns = [drawn.languages.index(language) for language in languages]
        values = {name: means(found, columns) for name, found in drawn.values.items()}
        with suppress(KeyError):  # of a metric whose examples' parts are not kept
            values[SCORE] = _elementwise(self.kind.main_score, values)
        # Of a part of the examples, such as questions without an answer, these languages may have none.
        values = {name: found for name, found in values.items() if np.isfinite(found[..., 0]).all()}
        groups = {name: drawn.count(languages, name) for name in drawn.values}
        groups[SCORE] = drawn.count(languages)
        gains = {name: found[0] if self.alone else difference(found) for name, found in values.items()}
        if self.draws > 1:
            gains = {name: found.reshape(-1, self.draws, found.shape[-1]) for name, found in gains.items()}
        if self.alone:
            shares = _NO_SHARES.isdisjoint(name.partition(OF)[0] for name in values)
            count = len({id_ for language in languages for id_ in self.found.ids[language]})
            return {
                name: asdict(score_interval(found, groups=groups[name], examples=count, share=shares))
                for name, found in gains.items()
            }
        return {name: asdict(interval(found, groups=groups[name])) for name, found in gains.items()}


def _elementwise(main_score: Callable[[Mapping[str, float]], float], values: Mapping[str, np.ndarray]) -> np.ndarray:
    names = list(values)
    rows = zip(*(values[name].ravel().tolist() for name in names), strict=True)
    scores = [main_score(dict(zip(names, row, strict=True))) for row in rows]
    return np.array(scores).reshape(values[names[0]].shape)


def _files(run: Run, languages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Language to what the evaluation wrote of its examples."""
    return {language: run.scores(language) for language in languages}


def _named(found: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Values by the names of examples, among all languages."""
    return {_name(id_, number): value for id_, value in found.items()}


def _name(id_: str, number: int) -> str:
    """The name of an example: its id, but in languages that number their rows in another way than the first ones."""
    return f"{number} {id_}" if number else id_


def _complete(scored: Sequence[dict[str, dict[str, Any]]], languages: Sequence[str]) -> None:
    """Gives all the same examples and metrics: what neither adds to nor takes from a quotient is not kept in files."""
    names = set.intersection(
        *(set(item) for one in scored for language in languages for item in one[language].values())
    )
    for language in languages:
        known = sorted(set().union(*(one[language] for one in scored)))
        for one in scored:
            items = one[language]
            absent = dict.fromkeys(names, (0.0, 0.0))
            one[language] = {id_: {name: items.get(id_, absent)[name] for name in names} for id_ in known}
