"""Studies of the package, and how far one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from adapterstilts.commands.plan import STORED
from adapterstilts.reporting.numbers import shown_seconds
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns
from adapterstilts.runs.store import KEY_DIGITS
from adapterstilts.stages.status import StageStatus
from adapterstilts.studies.definition import Study


def studies_report(found: Sequence[Study]) -> Report:
    """Each study with its sizes and its question."""
    rows = [[one.name, ", ".join(one.sizes), " ".join(one.question.split())] for one in found]
    return Report([Sheet("", columns("study", "sizes", "question", wraps=("sizes", "question")), rows)])


def shown_status(one: StageStatus) -> dict[str, Any]:
    """One stage as JSON."""
    return {
        "name": one.name,
        "key": one.key,
        "state": one.state,
        "folder": str(one.folder),
        "work": one.work,
        "failure": one.failure,
    }


def status_report(found: Sequence[StageStatus]) -> Report:
    """Stages that are not finished, and how many of each state there are."""
    counts = Counter(one.state for one in found)
    rows = [[one.key[:KEY_DIGITS], one.state, one.name.rpartition("-")[0], _how_far(one)] for one in found]
    open_ = [row for one, row in zip(found, rows, strict=True) if one.state not in (STORED, "waiting")]
    heads = columns("key", "state", "stage", "how far", wraps=("stage", "how far"))
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    notes = [f"{len(found)} stages: {told}."]
    notes += [f"{one.name}: {one.failure.error}" for one in found if one.failure]
    notes += [f"alone: {one.failure.command}" for one in found if one.failure and one.failure.command]
    sheets = [Sheet("", heads, open_)] if open_ else []
    return Report([*sheets, Notes(notes)], data=Sheet("", heads, rows))


def _how_far(one: StageStatus) -> str:
    work = one.work
    if work is None or not work.total:
        return ""
    parts = [f"{work.doing or 'step'} {work.done:,} of {work.total:,}"]
    parts += [f"loss {work.loss:.3g}"] if work.loss is not None else []
    parts += [f"{shown_seconds(work.seconds_left)} left"] if work.seconds_left is not None else []
    return ", ".join([*parts, f"{work.host}:{work.pid}"])
