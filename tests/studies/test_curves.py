"""Learning curves of long trainings: no more points than are drawn, and none of them of one sort alone."""

from __future__ import annotations

import json
from pathlib import Path

from adapterstilts.runs.store import Run
from adapterstilts.studies.run import _points


def test_losses_and_validation_scores_are_thinned_by_themselves(tmp_path: Path) -> None:
    steps = range(10, 5001, 10)
    lines = [line for step in steps for line in ({"step": step, "loss": 1 / step}, {"step": step, "eval_score": step})]
    lines.append({"step": 5000, "train_loss": 0.1})
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    points = _points(Run(tmp_path))
    for name in ("loss", "eval_score"):
        own = [point["step"] for point in points if name in point]
        assert len(own) == 200 and own == sorted(own) and (own[0], own[-1]) == (10, 5000)
    assert len(points) == 400
