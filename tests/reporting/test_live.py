"""The table of several stages, as a terminal of 80 columns has it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from adapterstilts.reporting.live import LiveTable, duration
from adapterstilts.reporting.progress import Progress
from adapterstilts.stages.reporter import Change, Totals

TOTALS = Totals(stages=12, done=3, failed=1, dropped=2, running=2, jobs=2, found=5)


def drawn(table: LiveTable) -> list[str]:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(table._drawn())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_running_stages_have_a_row_each_and_notes_are_above() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    table = LiveTable(TOTALS, console)
    names = ["train-target-mlqa-0123456789ab", "evaluate-xquad-ba9876543210"]
    try:
        for name in names:
            table.changed(Change("started", TOTALS, stage=name))
        training, scoring = (table.of(name) for name in names)
        training.trained("", 1, 1_200, {"loss": 0.51234})
        training.trained("", 13, 1_200, {"loss": 0.41234, "grad_norm": 2.0})
        tracked = iter(scoring.track(range(40), 40, "xquad de"))
        for _ in range(6):
            next(tracked)
        training.note("[left] out 3 records")
        lines = drawn(table)
        assert all(len(line) <= 80 for line in lines) and len(lines) == 4
        assert lines[0].split() == ["stage", "step", "a", "second", "loss", "left"]
        assert lines[1].startswith(f"{names[0]}  ") and "13/1,200" in lines[1] and " 0.412 " in lines[1]
        assert lines[2].startswith(f"{names[1]}  xquad de") and "5/40" in lines[2]
        assert lines[3] == "3 of 12 stages done, 1 failed, 2 not made for want of them, 2 running, 4 waiting"
        table.changed(Change("finished", TOTALS, stage=names[0], seconds=3.0))
        assert not any(names[0] in line for line in drawn(table))
    finally:
        table.close()
    assert "[left] out 3 records" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seconds", "shown"), [(7.4, "7 s"), (99, "99 s"), (240, "4 min"), (9000, "2.5 h")])
def test_times_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_without_a_terminal_several_stages_at_a_time_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(shown=False)
    progress.changed(Change("planned", Totals(2, jobs=2)))
    one, other = progress.of("one"), progress.of("other")
    for step in (1, 2, 3):
        one.trained("one", step, 3, {})
        other.trained("other", step, 5, {})
    progress.changed(Change("finished", Totals(2, done=1, jobs=2), stage="one", seconds=61.0))
    progress.changed(Change("failed", Totals(2, done=1, failed=1, jobs=2), stage="other", error="Odd.", log="a/log"))
    progress.changed(Change("ended", Totals(2, done=1, failed=1, jobs=2)))
    assert capsys.readouterr().err.splitlines() == [
        "one: 3 steps",
        "other: 5 steps",
        "one: finished after 61 s, 1 of 2",
        "other: failed: Odd.",
        "  traceback: a/log",
    ]
