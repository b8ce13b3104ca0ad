"""The cells of a study as tables: intermediate tasks down, targets across, one table for each arm.

A baseline without an intermediate task, such as a longer target phase, is a row of its own in its arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapterstilts.reporting.transfer_rows import SIGNIFICANT
from adapterstilts.studies.results import Cell, StudyResult

FROM, TO, NONE = "from", "to", "none"
_BASELINE = "baseline"
# What a row without an intermediate phase need not share with the rows that are compared with it.
_LOOSE = (_BASELINE, "composition")


@dataclass(frozen=True)
class Arm:
    """The cells that differ in intermediate task and target alone.

    Attributes:
        axes: What they share.
        name: The values that tell it from other arms.
        cells: (row, target) to the cell. A row is an intermediate task, `none`, which the others are compared with, or
            one of `controls`.
        controls: Baselines without an intermediate task, by name.
    """

    axes: dict[str, str]
    name: str
    cells: dict[tuple[str, str], Cell]
    controls: frozenset[str] = frozenset()

    @property
    def sources(self) -> list[str]:
        """Its rows: `none` first, then intermediate tasks."""
        found = dict.fromkeys(source for source, _ in self.cells)
        return sorted(found, key=lambda source: (source != NONE, source in self.controls))

    @property
    def targets(self) -> list[str]:
        """Its targets."""
        return list(dict.fromkeys(target for _, target in self.cells))

    def mean_gain(self, source: str) -> float | None:
        """The mean over targets, each alike; None where none has a gain."""
        gains = self._gains(source)
        return sum(gains) / len(gains) if gains else None

    def share(self, source: str) -> str:
        """Of how many targets that is the mean, as `(1 of 2)`; empty where other rows have no more."""
        own, most = len(self._gains(source)), max(len(self._gains(one)) for one in self.sources)
        return f"({own} of {most})" if 0 < own < most else ""

    def _gains(self, source: str) -> list[float]:
        return [cell.gain.mean for (own, _), cell in self.cells.items() if own == source and cell.gain]


def arms(result: StudyResult) -> list[Arm]:
    """The arms of a study, in the order of its cells."""
    compared = [cell for cell in result.cells if source_of(cell) != NONE] or result.cells
    ways = {tuple(_rest(cell).items()): _rest(cell) for cell in compared}
    names = _names(list(ways.values()))
    found = []
    for (key, axes), name in zip(ways.items(), names, strict=True):
        own = [cell for cell in compared if tuple(_rest(cell).items()) == key]
        targets = dict.fromkeys(cell.axes[TO] for cell in own)
        references = {(NONE, target): _reference(axes, target, result.cells) for target in targets}
        cells = {place: cell for place, cell in references.items() if cell}
        controls = frozenset(source_of(cell) for cell in own if _is_control(cell))
        found.append(Arm(axes, name, cells | {(source_of(cell), cell.axes[TO]): cell for cell in own}, controls))
    return found


def source_of(cell: Cell) -> str:
    """The row of its arm that a cell is in."""
    return cell.axes[_BASELINE] if _is_control(cell) else _from(cell)


def scored(cell: Cell) -> float | None:
    """The task score over the languages other than English, or in English where it was scored in no other."""
    scores = cell.row.zero_shot or cell.row.english or {}
    return scores.get("score")


def language_notes(found: Sequence[Arm]) -> list[str]:
    """Which scores of some arms are not over the languages that the others are over."""
    notes = []
    for arm in found:
        for (source, target), cell in arm.cells.items():
            reference = arm.cells.get((NONE, target), cell)
            if cell.row.english and not cell.row.zero_shot:
                notes.append(f"{target}: scored in English alone, which the score is then in, without a gain.")
            elif cell.row.languages.keys() != reference.row.languages.keys():
                notes.append(f"{source} to {target}: score and gain are over {', '.join(cell.row.languages)} alone.")
    return list(dict.fromkeys(notes))


def significant(cell: Cell) -> bool:
    """Whether its gain differs from 0 after Holm's correction over the study."""
    return cell.gain is not None and cell.gain.p_holm is not None and cell.gain.p_holm < SIGNIFICANT


def _from(cell: Cell) -> str:
    return cell.axes.get(FROM, NONE)


def _is_control(cell: Cell) -> bool:
    """Whether it has no intermediate task and is no row that others are compared with."""
    return _from(cell) == NONE and cell.axes.get(_BASELINE, NONE) != NONE and cell.row.contrast is not None


def _rest(cell: Cell) -> dict[str, str]:
    found = {axis: value for axis, value in cell.axes.items() if axis not in (FROM, TO)}
    return {**found, _BASELINE: NONE} if _is_control(cell) else found


def _reference(axes: dict[str, str], target: str, cells: Sequence[Cell]) -> Cell | None:
    """The row without an intermediate phase that shares most with an arm, and all that matters."""
    strict = {axis: value for axis, value in axes.items() if axis not in _LOOSE}
    fitting = [
        cell
        for cell in cells
        if source_of(cell) == NONE
        and cell.axes[TO] == target
        and all(cell.axes.get(axis, value) == value for axis, value in strict.items())
    ]
    alike = [sum(cell.axes.get(axis) == axes.get(axis) for axis in _LOOSE) for cell in fitting]
    return fitting[alike.index(max(alike))] if fitting else None


def _names(ways: Sequence[dict[str, str]]) -> list[str]:
    """The values of those axes in which they differ, or of all where there is one."""
    varied = [axis for axis in ways[0] if len({way.get(axis) for way in ways}) > 1] if ways else []
    return [" · ".join(way[axis] for axis in varied or way if way.get(axis)) for way in ways]
