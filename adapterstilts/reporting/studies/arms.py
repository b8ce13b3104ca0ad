"""The cells of a study as tables: intermediate tasks down, targets across, one table for each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapterstilts.reporting.transfer_rows import SIGNIFICANT
from adapterstilts.studies.results import Cell, StudyResult

FROM, TO, NONE = "from", "to", "none"
# What a row without an intermediate phase need not share with the rows that are compared with it.
_LOOSE = ("baseline", "composition")


@dataclass(frozen=True)
class Arm:
    """The cells that differ in intermediate task and target alone.

    Attributes:
        axes: What they share.
        name: The values that tell it from other arms.
        cells: (intermediate task, target) to the cell; `none` is what the others are compared with.
    """

    axes: dict[str, str]
    name: str
    cells: dict[tuple[str, str], Cell]

    @property
    def sources(self) -> list[str]:
        """Its intermediate tasks, `none` first."""
        found = dict.fromkeys(source for source, _ in self.cells)
        return sorted(found, key=lambda source: source != NONE)

    @property
    def targets(self) -> list[str]:
        """Its targets."""
        return list(dict.fromkeys(target for _, target in self.cells))

    def mean_gain(self, source: str) -> float | None:
        """The mean over targets, each alike; None where none has a gain."""
        gains = [cell.gain.mean for (own, _), cell in self.cells.items() if own == source and cell.gain]
        return sum(gains) / len(gains) if gains else None


def arms(result: StudyResult) -> list[Arm]:
    """The arms of a study, in the order of its cells."""
    compared = [cell for cell in result.cells if _source(cell) != NONE] or result.cells
    ways = {tuple(_rest(cell).items()): _rest(cell) for cell in compared}
    names = _names(list(ways.values()))
    found = []
    for (key, axes), name in zip(ways.items(), names, strict=True):
        own = [cell for cell in compared if tuple(_rest(cell).items()) == key]
        targets = dict.fromkeys(cell.axes[TO] for cell in own)
        references = {(NONE, target): _reference(axes, target, result.cells) for target in targets}
        cells = {place: cell for place, cell in references.items() if cell}
        found.append(Arm(axes, name, cells | {(_source(cell), cell.axes[TO]): cell for cell in own}))
    return found


def scored(cell: Cell) -> float | None:
    """The task score over the languages other than English, or in English where it was scored in no other."""
    scores = cell.row.zero_shot or cell.row.english or {}
    return scores.get("score")


def significant(cell: Cell) -> bool:
    """Whether its gain differs from 0 after Holm's correction over the study."""
    return cell.gain is not None and cell.gain.p_holm is not None and cell.gain.p_holm < SIGNIFICANT


def _source(cell: Cell) -> str:
    return cell.axes.get(FROM, NONE)


def _rest(cell: Cell) -> dict[str, str]:
    return {axis: value for axis, value in cell.axes.items() if axis not in (FROM, TO)}


def _reference(axes: dict[str, str], target: str, cells: Sequence[Cell]) -> Cell | None:
    """The row without an intermediate phase that shares most with an arm, and all that matters."""
    strict = {axis: value for axis, value in axes.items() if axis not in _LOOSE}
    fitting = [
        cell
        for cell in cells
        if _source(cell) == NONE
        and cell.axes[TO] == target
        and all(cell.axes.get(axis, value) == value for axis, value in strict.items())
    ]
    alike = [sum(cell.axes.get(axis) == axes.get(axis) for axis in _LOOSE) for cell in fitting]
    return fitting[alike.index(max(alike))] if fitting else None


def _names(ways: Sequence[dict[str, str]]) -> list[str]:
    """The values of those axes in which they differ, or of all where there is one."""
    varied = [axis for axis in ways[0] if len({way.get(axis) for way in ways}) > 1] if ways else []
    return [" · ".join(way[axis] for axis in varied or way if way.get(axis)) for way in ways]
