"""How fast a stage is, and how long it will take."""

from __future__ import annotations

from adapterstilts.stages.watched import Watched


def test_rate_and_time_left_count_from_the_first_step_that_was_seen() -> None:
    now = [100.0]
    one = Watched("train", clock=lambda: now[0])
    one.trained(51, 101, {"loss": 2.0, "grad_norm": 9.0})
    assert (one.rate, one.left, one.done, one.total) == (None, None, 51, 101)
    now[0] += 5
    one.trained(61, 101, {"eval_score": 40.0})
    assert (one.rate, one.left) == (2.0, 20.0) and one.values == {"loss": 2.0, "validation": 40.0}
    for label, done in (("mlqa en", 0), ("mlqa en", 4), ("mlqa de", 0)):
        one.batch(label, done, 8)
        now[0] += 1
        if label == "mlqa de":
            assert one.rate is None and one.doing == "mlqa de"
    one.batch("mlqa de", 8, 8)
    assert one.left == 0.0
