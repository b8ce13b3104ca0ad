"""What one should know of a study's models before believing its gains, such as that one of them has collapsed."""

from __future__ import annotations

from adapterstilts.reporting.studies.arms import FROM, arms
from adapterstilts.studies.axes import short_names
from adapterstilts.studies.results import StudyResult

_MOST = 12


def doubts(result: StudyResult) -> list[str]:
    """A sentence for each doubt and the cells of one target and table that it is about; of many, the first ones."""
    short = short_names(result.axes.get(FROM, ()))
    about: dict[tuple[str, str, str], list[str]] = {}
    for arm in arms(result):
        for (source, target), cell in arm.cells.items():
            for doubt in cell.row.warnings:
                about.setdefault((target, arm.name, doubt), []).append(short.get(source, source))
    found = [
        f"{target} from {', '.join(sources)}{f' ({arm})' if arm else ''}: {doubt}."
        for (target, arm, doubt), sources in about.items()
    ]
    more = len(found) - _MOST
    return found if more <= 0 else [*found[:_MOST], f"{more:,} doubts more: `warnings` of the cells in results.json."]
