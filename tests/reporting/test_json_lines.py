"""Events of a command, one JSON object a line."""

from __future__ import annotations

import io
import json
from typing import Any

from adapterstilts.reporting.json_lines import JsonLines
from adapterstilts.stages.reporter import Change, Totals


def test_every_event_is_an_object_with_its_stage() -> None:
    file = io.StringIO()
    lines = JsonLines(file=file)
    totals = Totals(2, running=1)
    lines.note("hello")
    lines.changed(Change("started", totals, stage="train"))
    stage = lines.of("train")
    for step in range(1, 201):
        stage.trained("train", step, 200, {"loss": 0.5, "epoch": 1.0} if step == 7 else {})
    assert list(stage.track(range(300), 300, "mlqa de")) == list(range(300))
    stage.note("inside")
    lines.changed(Change("failed", totals, stage="train", error="Odd.", log="x/error.log"))
    found: list[dict[str, Any]] = [json.loads(line) for line in file.getvalue().splitlines()]
    assert all(one["time"].endswith("+00:00") for one in found)
    told = [(one["event"], one.get("stage")) for one in found]
    assert told[:2] == [("note", None), ("started", "train")]
    assert told[-2:] == [("note", "train"), ("failed", "train")]
    (logged,) = [one for one in found if one.get("loss")]
    assert (logged["step"], logged["steps"], logged["loss"], "epoch" in logged) == (7, 200, 0.5, False)
    (last,) = [one for one in found if one.get("batch") == 300]
    assert (last["doing"], last["batches"]) == ("mlqa de", 300) and last["seconds_left"] == 0.0
    assert len(found) < 15
    assert found[-1]["error"] == "Odd." and found[-1]["log"] == "x/error.log"
    assert found[-1]["totals"] == {
        "stages": 2, "done": 0, "failed": 0, "dropped": 0, "running": 1, "jobs": 1, "found": 0, "waiting": 1,
    }  # fmt: skip
