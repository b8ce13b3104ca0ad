"""A reporter that shows nothing passes batches through."""

from adapterstilts.stages.reporter import Change, Reporter, Silent, Totals


def test_silence() -> None:
    reporter: Reporter = Silent()
    reporter.note("a")
    reporter.trained("stage", 1, 2, {})
    assert list(reporter.track([1, 2], 2, "b")) == [1, 2]
    assert reporter.of("stage") is reporter
    reporter.changed(Change("started", Totals(3, done=1, running=1), stage="stage"))


def test_what_has_not_begun_is_waiting() -> None:
    assert Totals(9, done=2, failed=1, dropped=1, running=2).waiting == 3
