"""Which intermediate run for a target: candidates scored from a few of its English examples, none of them trained."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from adapterstilts.commands.models.candidates import Candidate, Candidates
from adapterstilts.commands.models.shared import SharedModels
from adapterstilts.commands.options import RecommendOptions, TransferOptions, as_flags
from adapterstilts.commands.own.data import own_tasks
from adapterstilts.commands.setup import make_planner
from adapterstilts.declared import declared_by
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.languages import check_languages
from adapterstilts.runs.store import explain_full_disk
from adapterstilts.stages.ranking.rankings import RANKINGS, Ranking, Target
from adapterstilts.stages.reporter import Reporter
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue
from adapterstilts.tasks.observations import Observes

USUAL = "logme"
_USUAL_FOR: dict[Observes | None, str] = {"pairs": "knn", None: "embedding"}


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate.

    Attributes:
        rank: From 1; candidates that are level have the same.
        candidate: `TASK@KEY`, as `--from` takes it.
        score: The larger the better, and comparable within this ranking only.
        seconds: What scoring it took now; next to nothing where the store's cache had what it is made of.
        place: Where the candidate is from.
        shared_data: The tasks whose training data it was trained on and the ranking reads, so that its score is better
            than on rows that are new to it.
    """

    rank: int
    candidate: str
    score: float
    seconds: float
    place: str
    shared_data: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recommendation:
    """A ranking of intermediate runs for a target.

    Attributes:
        title: What tables call the target.
        by: What it is ranked by, `score` what tables call that, and `summary` what it is.
        examples: English training examples of the target that were read at the most; 0 where none were.
        candidates: The best first.
        ranked: How many were ranked, of which `candidates` may be the best.
        left_out: Which were not ranked, and why; each to follow "left out: ".
        seconds: What all of it took now.
        command: What goes on with the best one.
    """

    target: str
    title: str
    by: str
    score: str
    summary: str
    examples: int
    candidates: list[RankedCandidate]
    ranked: int
    left_out: list[str]
    seconds: float
    command: str


@in_catalogue
def run_recommend(to: str, options: RecommendOptions, reporter: Reporter) -> Recommendation:
    """Ranks intermediate runs for a target; see `adapterstilts.recommend`."""
    begun = time.monotonic()
    _check_method(options.method)
    catalogue = Catalogue.load(options.tasks)
    meant, own = own_tasks([to], options, catalogue, note=reporter.note)
    name = meant[to]
    # Of one's own data, training rows alone are enough to rank by.
    known = own.catalogue(options.tasks)
    task = known.recipe(name) if own.tasks else known.recipe_for_phase(name, "target")
    if options.languages:
        check_languages(options.languages, available=task.languages, owner=name)
    planner = make_planner(options, own=own)
    track = partial(reporter.track, label=f"{name} en")
    target = Target(planner, task, options.examples, lambda batches, total: track(batches, total))
    by = options.by or _USUAL_FOR.get(target.observes, USUAL)
    ranking = RANKINGS[by]
    _check(ranking, by, target)
    candidates = Candidates(planner, SharedModels.of(planner, options, note=reporter.note), [])
    with explain_full_disk(planner.setup.store.root):
        found = candidates.named(options.from_, name)
        scored = _scored(found, ranking, target, candidates.left_out)
    names = set(declared_by(TransferOptions)) - {"languages"}
    languages = f" --languages {','.join(options.languages)}" if options.languages else ""
    flags = as_flags(options, only=names) + ("" if "target" in task.phases else " --validation 0.2")
    return Recommendation(
        target=name,
        title=task.title,
        by=by,
        score=ranking.title,
        summary=ranking.summary,
        examples=target.examples.spec.data.max_examples or 0 if ranking.reads else 0,
        candidates=scored[: options.top],
        ranked=len(scored),
        left_out=candidates.left_out,
        seconds=time.monotonic() - begun,
        command=f"astilts transfer --from {shlex.quote(scored[0].candidate)} --to {shlex.quote(to)}{languages}{flags}",
    )


def _check_method(given: str | None) -> None:
    """Refuses a way of ranking in the place of a tuning method.

    Raises:
        UsageError: See above.
    """
    if given in RANKINGS:
        raise UsageError(
            f"--method {given} is a way of ranking, and --method says how candidates were tuned.",
            remedy=f"Give --by {given}.",
        )


def _check(ranking: Ranking, by: str, target: Target) -> None:
    """Refuses a ranking for a target that does not have what it reads.

    Raises:
        UsageError: See above.
        DataError: Its examples are not there.
    """
    if ranking.reads:
        _ = target.examples
    if ranking.labels is not None and target.observes not in ranking.labels:
        others = [name for name, one in RANKINGS.items() if one.labels is None or target.observes in one.labels]
        what = "pairs of texts and no labels" if target.observes == "pairs" else "no labels that could be read"
        raise UsageError(
            f"--by {by} needs labels, and {target.task.name} ({target.task.kind}) has {what}.",
            remedy=f"Give --by {', '.join(others[:-1])} or {others[-1]}.",
        )


def _scored(found: Sequence[Candidate], ranking: Ranking, target: Target, left_out: list[str]) -> list[RankedCandidate]:
    """The candidates with their scores, the best first, of those that are level the one with most examples.

    Those that have no score are noted.

    Raises:
        AstiltsError: None has one.
    """
    scored: list[tuple[int, RankedCandidate]] = []
    error: AstiltsError | None = None
    for one in found:
        begun = time.monotonic()
        try:
            score = ranking.score(one.run.verify(), target)
        except AstiltsError as caught:
            left_out.append(f"{one.name}: {caught.message.rstrip('.')}")
            error = caught
            continue
        size = one.run.metrics.get("train_examples") or 0
        shared = target.shared_data(one.run) if ranking.reads else []
        scored.append((size, RankedCandidate(0, one.name, score, time.monotonic() - begun, one.place, shared)))
    if error and not scored:
        raise error
    scored.sort(key=lambda one: (-one[1].score, -one[0]))
    scores = [one.score for _, one in scored]
    return [replace(one, rank=1 + sum(score > one.score for score in scores)) for _, one in scored]
