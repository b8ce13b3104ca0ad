"""Gains by family, script and language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterstilts.languages import zero_shot_languages
from adapterstilts.languages.groups import origin_of, script_of
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.definition import BASELINE, TO
from adapterstilts.studies.gains import ZERO_SHOT, Gains, averaged, combined
from adapterstilts.studies.results import GroupGain

_SORTS = {"family": lambda code: origin_of(code).family, "script": script_of, "language": lambda code: code}


def group_gains(cells: Sequence[Measured]) -> list[GroupGain]:
    """The mean gain in each group of languages, of everything that the cells of all targets share."""
    ways: dict[tuple[tuple[str, str], ...], list[Measured]] = {}
    for one in cells:
        if one.single:
            axes = {name: value for name, value in one.cell.axes.items() if name not in (TO, BASELINE)}
            ways.setdefault(tuple(axes.items()), []).append(one)
    return [gain for axes, members in ways.items() for gain in _of_way(dict(axes), members)]


def _of_way(axes: dict[str, str], members: Sequence[Measured]) -> Iterator[GroupGain]:
    for sort, named in _SORTS.items():
        groups: dict[str, set[str]] = {}
        for one in members:
            for language in _languages(one):
                if name := named(language):
                    groups.setdefault(name, set()).add(language)
        for name, languages in sorted(groups.items()):
            parts = _parts(members, languages)
            yield GroupGain(sort, name, axes, sorted(languages), combined(averaged(parts)))


def _languages(one: Measured) -> list[str]:
    return zero_shot_languages(name for name in (one.gains.values if one.gains else ()) if name != ZERO_SHOT)


def _parts(members: Sequence[Measured], languages: set[str]) -> dict[str, list[tuple[Gains, str]]]:
    """Target to its gains in each of the languages that it has."""
    found: dict[str, list[tuple[Gains, str]]] = {}
    for one in members:
        for language in sorted(languages):
            if part := one.part(language):
                found.setdefault(one.target, []).append(part)
    return found
