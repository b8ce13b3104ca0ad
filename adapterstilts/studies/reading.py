"""A paragraph that answers a study's question from its numbers, and says so where they do not answer it."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.metrics.intervals import Interval
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.claims import CONTRADICTED, SUPPORTED
from adapterstilts.studies.definition import Study
from adapterstilts.studies.results import Claim


def reading_of(study: Study, claims: Sequence[Claim], cells: Sequence[Measured]) -> str:
    """What the claims say together; without any, what the cells do."""
    single = [one for one in cells if one.single]
    seeds = sorted({len(one.runs.seeds) for one in single})
    sentences = [study.reading.strip()] if study.reading else []
    sentences.append(_basis(single, seeds))
    sentences += [_sentence(one) for one in claims]
    if not claims:
        sentences.append(_without_claims(single, _tested(cells)))
    if seeds and seeds[-1] == 1:
        sentences.append("With one seed, intervals are about these models alone and not about training again.")
    return " ".join(sentences)


def _basis(single: Sequence[Measured], seeds: Sequence[int]) -> str:
    targets = len({one.target for one in single})
    most = seeds[-1] if seeds else 0
    return (
        f"{_counted(len(single), 'cell')} on {_counted(targets, 'target')} were compared with the same model without "
        f"an intermediate phase, with {_counted(most, 'seed')}{' at the most' if len(seeds) > 1 else ''}."
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _sentence(claim: Claim) -> str:
    text = claim.text.rstrip(".")
    if claim.value is None:
        return f"Nothing can be said of this: {text} ({claim.why})."
    told = value_text(claim.value, claim.unit)
    if claim.verdict == SUPPORTED:
        return f"Supported: {text} ({told})."
    if claim.verdict == CONTRADICTED:
        return f"Contradicted: {text} ({told})."
    return f"No evidence for or against this: {text} ({told}{_detectable(claim.value)})."


def _detectable(value: Interval) -> str:
    """What would have been seen: an effect has to be larger than half of the interval."""
    if value.low is None or value.high is None:
        return ""
    return f"; what is smaller than {(value.high - value.low) / 2:.1f} would not be seen"


def value_text(value: Interval, unit: str = "points") -> str:
    """A measure with its interval."""
    if value.low is None or value.high is None:
        return f"{value.mean:+.1f} {unit}, without an interval"
    return f"{value.mean:+.1f} {unit}, 95% interval {value.low:+.1f} to {value.high:+.1f}"


def _tested(cells: Sequence[Measured]) -> int:
    """For how many gains p values are adjusted: those of baselines too."""
    return sum(one.cell.gain is not None and one.cell.gain.p_holm is not None for one in cells)


def _without_claims(single: Sequence[Measured], tested: int) -> str:
    gains = [one.cell.gain for one in single if one.cell.gain is not None]
    sure = [one for one in gains if one.p_holm is not None and one.p_holm < 0.05]
    better = sum(one.mean > 0 for one in sure)
    return (
        f"{better} of them gain and {len(sure) - better} lose more than chance explains (p < 0.05 after Holm's "
        f"correction for {tested}); of the other {len(gains) - len(sure)} there is no evidence either way."
    )
