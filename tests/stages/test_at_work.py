"""What a stage writes down of itself while it is made."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapterstilts.stages.at_work import Recorded, at_work
from adapterstilts.stages.reporter import Silent


class Batches(Silent):
    def __init__(self) -> None:
        self.steps: list[int] = []

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        self.steps.append(step)

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        return [10 * batch for batch in batches]


def test_who_works_and_how_far_it_is_is_written_now_and_then_and_everything_passed_on(tmp_path: Path) -> None:
    assert at_work(tmp_path) is None
    seen = Batches()
    recorded = Recorded(seen, tmp_path)
    first = at_work(tmp_path)
    assert first is not None and (first.pid, first.done, first.total, first.rate) == (os.getpid(), 0, 0, None)
    recorded.trained("stage", 1, 9, {"loss": 2.0})
    assert at_work(tmp_path) == first  # it is not time yet
    recorded._last -= 60
    recorded.trained("stage", 2, 9, {})
    second = at_work(tmp_path)
    assert second is not None and (second.done, second.total, second.loss, second.doing) == (2, 9, 2.0, "")
    assert second.rate is not None and second.seconds_left is not None and second.since == first.since
    recorded._last -= 60
    assert list(recorded.track([1, 2], 2, "mlqa de")) == [10, 20] and seen.steps == [1, 2]
    third = at_work(tmp_path)
    assert third is not None and (third.doing, third.total) == ("mlqa de", 2)


def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    recorded = Recorded(Silent(), tmp_path)
    for path in (tmp_path / "checkpoints").iterdir():
        path.unlink()
    (tmp_path / "checkpoints").rmdir()
    recorded._last -= 60
    recorded.trained("stage", 2, 9, {})
    assert at_work(tmp_path) is None
