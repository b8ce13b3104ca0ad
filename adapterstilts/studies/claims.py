"""Sentences held against the numbers of a study: supported, contradicted, or without evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapterstilts.metrics.intervals import Interval, holm
from adapterstilts.studies.axes import axis_values, short_names, text_of
from adapterstilts.studies.cells import Measured, by_target, chosen
from adapterstilts.studies.definition import FROM, OF_ROWS, TO, ClaimText, Selection, Slope, Study
from adapterstilts.studies.gains import Part, averaged, combined
from adapterstilts.studies.results import Claim, Verdict

SUPPORTED: Verdict = "supported"
CONTRADICTED: Verdict = "contradicted"
NO_EVIDENCE: Verdict = "no evidence"
LEVEL = 0.05


class LackingError(Exception):
    """There are no cells for a measure; the message says of what."""


@dataclass(frozen=True)
class _Measure:
    """What was measured for a claim."""

    words: str
    value: Interval
    cells: int
    unit: str = "points"
    verdict: Verdict | None = None


def claims_of(study: Study, cells: Sequence[Measured]) -> list[Claim]:
    """Every claim of a study with its verdict."""
    short = short_names(map(text_of, study.axes.get(FROM, ())))
    made = [_claim(study, one, cells) for one in study.claims]
    return [replace(found, measure=_shortened(found.measure, short)) for found in made]


def _shortened(words: str, short: Mapping[str, str]) -> str:
    for name, shown in short.items():
        words = words.replace(name, shown)
    return words


def _claim(study: Study, claim: ClaimText, cells: Sequence[Measured]) -> Claim:
    told = Claim(claim.text, _words(claim), None, NO_EVIDENCE, published=claim.published, source=claim.source)
    try:
        found = _measure(study, claim, cells)
    except LackingError as error:
        return replace(told, why=str(error))
    verdict = found.verdict or judged(claim, found.value)
    words = found.words
    if claim.expect == "absent" and not found.verdict:
        words += f", within {claim.margin:g} {'point' if claim.margin == 1 else 'points'} of 0"
    return replace(told, measure=words, value=found.value, verdict=verdict, cells=found.cells, unit=found.unit)


def judged(claim: ClaimText, value: Interval) -> Verdict:
    """What an interval says of an expectation; without ends it says nothing."""
    low, high = value.low, value.high
    if low is None or high is None:
        return NO_EVIDENCE
    holds: Mapping[str, tuple[bool, bool]] = {
        "positive": (low > 0, high < 0),
        "negative": (high < 0, low > 0),
        "absent": (-claim.margin < low and high < claim.margin, low > claim.margin or high < -claim.margin),
        "any": (low > 0 or high < 0, False),
    }
    supported, contradicted = holds[claim.expect]
    return SUPPORTED if supported else CONTRADICTED if contradicted else NO_EVIDENCE


def _measure(study: Study, claim: ClaimText, cells: Sequence[Measured]) -> _Measure:
    ways: dict[str, Callable[[Any], _Measure]] = {
        "slope": lambda given: _slope(study, given, cells),
        "each": lambda given: _each(claim, given, cells),
        "best": lambda given: _best(given, cells),
    }
    for name, measure in ways.items():
        if (given := getattr(claim, name)) is not None:
            return measure(given)
    terms = _terms(claim)
    found = [_some(cells, selection) for selection, _ in terms]
    alike = _alike(found, _shared_axes(study, [selection for selection, _ in terms]))
    if not all(alike):
        raise LackingError("no two cells of it differ in nothing else")
    parts = [part for own, (_, weight) in zip(alike, terms, strict=True) for part in averaged(by_target(own), weight)]
    count = sum(map(len, alike))
    words = _words(claim)
    if lacking := sum(map(len, found)) - count:
        words += f", without {lacking} {'cell' if lacking == 1 else 'cells'} that others have none beside"
    return _Measure(words, combined(parts), count)


def _shared_axes(study: Study, selections: Sequence[Selection]) -> list[str]:
    """What cells have to have in common to be compared: the target, and each axis that the study crosses.

    Where selections say different things of an axis, this is what they are compared in, and so are rows of a table.
    """
    tied = {axis for arm in study.arms for axis in arm}
    axes = [TO, *(axis for axis in study.axes if axis not in OF_ROWS and axis not in tied)]
    said = {axis: {tuple(sorted(map(text_of, one.get(axis, ())))) for one in selections} for axis in axes}
    return [axis for axis in axes if len(said[axis]) == 1]


def _alike(groups: Sequence[Sequence[Measured]], axes: Sequence[str]) -> list[list[Measured]]:
    """Of each group, the cells beside which every other one has some with the same values of these axes."""

    def place(one: Measured) -> tuple[str | None, ...]:
        return tuple(one.cell.axes.get(axis) for axis in axes)

    common = set.intersection(*({place(one) for one in group} for group in groups))
    return [[one for one in group if place(one) in common] for group in groups]


def _terms(claim: ClaimText) -> list[tuple[Selection, float]]:
    if claim.terms:
        return [(one.of, one.weight) for one in claim.terms]
    found = [(claim.mean or {}, 1.0)]
    return [*found, (claim.minus, -1.0)] if claim.minus is not None else found


def _some(cells: Sequence[Measured], selection: Selection) -> list[Measured]:
    found = [one for one in chosen(cells, selection) if one.part()]
    if not found:
        raise LackingError(f"no cell with labels in other languages has {described(selection)}")
    return found


def _slope(study: Study, slope: Slope, cells: Sequence[Measured]) -> _Measure:
    """How the mean gain goes with the logarithm of a number: a sum of gains, weighted as least squares has it."""
    sides = [(slope.of, 1.0), *([(slope.minus, -1.0)] if slope.minus else [])]
    lines = [_line(study, slope, of, cells) for of, _ in sides]
    points = [(value, selection, found) for line in lines for value, selection, found in line]
    # Only what every point has says how one differs from another.
    axes = _shared_axes(study, [selection for _, selection, _ in points])
    alike = iter(_alike([found for _, _, found in points], axes))
    parts: list[Part] = []
    count = 0
    for line, (of, sign) in zip(lines, sides, strict=True):
        middle = sum(place for place, *_ in line) / len(line)
        spread = sum((place - middle) ** 2 for place, *_ in line)
        for place, *_ in line:
            if not (own := next(alike)):
                raise LackingError(_too_few(slope, of))
            parts += averaged(by_target(own), sign * (place - middle) / spread)
            count += len(own)
    words = f"slope of the mean gain ({described(slope.of)}) on log10 of {slope.by}"
    if slope.minus:
        words += f", minus that of {described(slope.minus)}"
    return _Measure(words, combined(parts), count, unit="points for ten times as much")


def _line(
    study: Study, slope: Slope, of: Selection, cells: Sequence[Measured]
) -> list[tuple[float, Selection, list[Measured]]]:
    """The points of a slope: the logarithm of each value's number, and the cells there are with it."""
    numbers = study.properties[slope.axis]
    points = []
    for value in [text_of(value) for value in of.get(slope.axis, axis_values(study, slope.axis))]:
        selection: Selection = {**of, slope.axis: (value,)}
        if found := [one for one in chosen(cells, selection) if one.part()]:
            points.append((math.log10(numbers[value][slope.by]), selection, found))
    if len({place for place, *_ in points}) < 2:
        raise LackingError(_too_few(slope, of))
    return points


def _too_few(slope: Slope, of: Selection) -> str:
    return f"there are no two values of {slope.axis} with {described(of)} on one target"


def _each(claim: ClaimText, selection: Selection, cells: Sequence[Measured]) -> _Measure:
    """Every group by itself: the weakest is shown, and all have to agree after Holm's correction."""
    groups: dict[str, list[Measured]] = {}
    for one in _some(cells, selection):
        groups.setdefault(one.cell.axes.get(claim.by, ""), []).append(one)
    found = holm(combined(averaged(by_target(members))) for members in groups.values())
    sign = -1 if claim.expect == "negative" else 1
    sure = [one for one in found if one.p_holm is not None and one.p_holm < LEVEL]
    if any(sign * one.mean < 0 for one in sure):
        verdict = CONTRADICTED
    else:
        verdict = SUPPORTED if len(sure) == len(found) else NO_EVIDENCE
    weakest = min(found, key=lambda one: sign * one.mean)
    name = list(groups)[found.index(weakest)]
    agree = sum(sign * one.mean > 0 for one in sure)
    each = "intermediate task" if claim.by == FROM else claim.by
    words = f"gain of each {each} ({described(selection)}): {agree} of {len(found)} sure; the weakest is {name}"
    return _Measure(words, weakest, sum(map(len, groups.values())), verdict=verdict)


def _best(selection: Selection, cells: Sequence[Measured]) -> _Measure:
    """Of each target the row with the best English validation score, that without an intermediate phase among them.

    Targets that nothing is trained for have no such score, and are left out: whatever is picked by scores in other
    languages is no result.
    """
    targets: dict[str, list[Measured]] = {}
    for one in _some(cells, selection):
        targets.setdefault(one.target, []).append(one)
    parts: list[Part] = []
    picked = []
    scored = {name: rows for name, rows in targets.items() if all(one.cell.row.validation is not None for one in rows)}
    if not scored:
        raise LackingError("no target has English validation scores to pick a row by")
    for name, rows in scored.items():
        best = max(rows, key=_validation)
        alone = _base_validation(best, cells)
        if alone is not None and alone >= _validation(best):
            picked.append(f"{name}: none")
            parts += averaged({name: [part for one in rows[:1] if (part := one.part())]}, 0.0)
        else:
            picked.append(f"{name}: {best.cell.axes['from']}")
            parts += averaged({name: [part for one in [best] if (part := one.part())]}, 1 / len(scored))
    words = f"mean gain of the row with the best English validation score of each target ({'; '.join(picked)})"
    return _Measure(words, combined(parts), len(parts))


def _validation(one: Measured) -> float:
    return -math.inf if one.cell.row.validation is None else one.cell.row.validation


def _base_validation(one: Measured, cells: Sequence[Measured]) -> float | None:
    """The English validation score of the row that a cell is compared with."""
    base = next((other for other in cells if one.base is not None and other.runs is one.base), None)
    return base.cell.row.validation if base else None


def _words(claim: ClaimText) -> str:
    if claim.terms:
        return "; ".join(f"{one.weight:+g} x mean gain {_of(one.of)}" for one in claim.terms)
    if claim.mean is not None:
        minus = f" minus that {_of(claim.minus)}" if claim.minus is not None else ""
        return f"mean gain {_of(claim.mean)}{minus}"
    return "gain"


def _of(selection: Selection) -> str:
    words = described(selection)
    return words if words.startswith("on ") else f"of {words}"


def described(selection: Selection) -> str:
    """A selection in words."""
    listed = {axis: ", ".join(map(text_of, values)) for axis, values in selection.items()}
    parts = [one if axis == FROM else f"{axis} {one}" for axis, one in listed.items() if axis != TO]
    words = "; ".join(parts) or ("" if TO in listed else "all cells")
    return f"{words} on {listed[TO]}".strip() if TO in listed else words
