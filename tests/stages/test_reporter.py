"""A reporter that shows nothing passes batches through."""

from adapterstilts.stages.reporter import Reporter, Silent


def test_silence() -> None:
    reporter: Reporter = Silent()
    reporter.note("a")
    reporter.trained("stage", 1, 2, {})
    assert list(reporter.track([1, 2], 2, "b")) == [1, 2]
