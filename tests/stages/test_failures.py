"""What is kept of a stage that failed, and the command that makes it alone."""

from __future__ import annotations

import sys

import pytest

from adapterstilts.errors import DataError
from adapterstilts.stages.failures import (
    Failure,
    StagesFailedError,
    command_alone,
    forget_failure,
    record_failure,
    recorded_failure,
)
from tests.runs.test_specs import train_spec
from tests.stages.conftest import World


def test_a_record_is_kept_until_the_stage_begins_again_and_its_log_grows(world: World) -> None:
    store, spec = world.planner.setup.store, train_spec()
    for attempt in (1, 2):
        try:
            raise DataError("Row 3 has no label.", remedy="Give it one.")
        except DataError as error:
            failure = record_failure(store, spec, error, attempts=attempt, command="astilts x --only y")
    work = store.work(spec)
    assert recorded_failure(work) == failure and failure.name == store.folder(spec).name
    assert failure.error == "Row 3 has no label. Give it one." and failure.log is not None
    assert failure.log.read_text().count("Traceback") == 2 and "attempt 2" in failure.log.read_text()
    again = StagesFailedError([failure, failure], [])
    assert str(again).splitlines() == [
        "2 stages failed.",
        *2 * [f"{failure.name}: Row 3 has no label. Give it one.", f"  traceback: {failure.log}"],
        "Repeat the command when their causes are mended: what is in the store is not made again.",
    ]
    forget_failure(work)
    assert recorded_failure(work) is None and failure.log.is_file()


def test_nothing_is_written_where_another_process_works(world: World) -> None:
    store, spec = world.planner.setup.store, train_spec()
    with store.claim(spec, on_wait=print) as work:
        failure = record_failure(store, spec, ValueError("odd"), attempts=1, command=None)
        assert failure.log is None and list(work.iterdir()) == []
    assert failure.error == "ValueError: odd"


def test_the_command_alone_is_what_was_given_with_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_alone("0123456789abcdef", single=False) is None  # pytest is no command of ours
    monkeypatch.setattr(sys, "argv", ["/bin/astilts", "transfer", "--from", "a b"])
    assert command_alone("0123456789abcdef", single=False) == "astilts transfer --from 'a b' --only 0123456789ab"
    assert command_alone("0123456789abcdef", single=True) == "astilts transfer --from 'a b'"


def test_many_failures_are_cut() -> None:
    failures = [
        Failure(name=f"train-{number}", key="x", error="odd", sort="ValueError", when="now") for number in range(12)
    ]
    error = StagesFailedError(failures, [f"evaluate-{number}" for number in range(11)])
    assert "evaluate-9 and 1 more." in str(error) and "train-9: odd" in str(error) and "train-10" not in str(error)
    assert "2 more, each with checkpoints/error.log in its folder" in str(error)
