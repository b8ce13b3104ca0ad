"""What is said of runs that are not to be believed."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.doubts import evaluation_doubts, training_doubts
from adapterstilts.commands.results import to_json
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.reporting.transfer import transfer_tables


def run(tasks: int = 1, **metrics: Any) -> Any:
    return SimpleNamespace(metrics={"steps": 10, **metrics}, training=SimpleNamespace(tasks=[None] * tasks))


def test_what_is_known_is_said() -> None:
    assert training_doubts(run(largest_change=1e-3, collapsed={}, constant={})) == []
    (still,) = training_doubts(run(largest_change=2e-30, collapsed={}, constant={}))
    assert still.startswith("its weights are as they were before training (the largest change is 2e-30)")
    assert training_doubts(run(steps=0, largest_change=0.0)) == []
    (gone,) = training_doubts(run(collapsed={"udpos": "the tag O to every word"}))
    assert gone == "it gives the tag O to every word in the validation data: it has collapsed"
    (worse,) = training_doubts(run(constant={"mnli": 40.0}, validation_all={"score": 30.0}))
    assert worse.startswith("its validation score of 30.0 is below the 40.0 of one and the same answer for all")
    assert training_doubts(run(constant={"mnli": 40.0}, validation_all={"score": 40.0})) == []


def test_of_several_tasks_each_is_named() -> None:
    found = training_doubts(
        run(2, collapsed={"a": "x"}, constant={"a": 10.0, "b": 20.0}, validation_all={"a/score": 5.0, "b/score": 30.0})
    )
    assert found == [
        "a: it gives x in the validation data: it has collapsed",
        "a: its validation score of 5.0 is below the 10.0 of one and the same answer for all: training has done harm",
    ]


def test_languages_with_one_reason_are_listed_together() -> None:
    found = evaluation_doubts(run(collapsed={"de": "x", "es": "y", "ru": "x", "zh": "x"}), ("de", "es", "ru"))
    assert found == ["x in de, ru", "y in es"]


def test_runs_of_earlier_versions_are_told_by_their_counts() -> None:
    said = "one and the same prediction for every example"
    old = {"de": {"distinct_predictions": 1}, "es": {"distinct_predictions": 2}}
    assert evaluation_doubts(run(counts=old), ("de", "es")) == [f"{said} in de"]
    assert said in training_doubts(run(validation={"score": 1.0, "distinct_predictions": 1}))[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "says"), [(1e-30, "its weights are as they were before training"), (1.0, "it gives|below the")]
)
def test_learning_rates_that_do_nothing_or_harm_are_said_everywhere(
    rate: float, says: str, suite: dict[str, Any]
) -> None:
    """The last lines of a training, its JSON, the notes of the table that goes on from it, and its JSON."""
    suite |= {"learning_rate": rate, "max_train_examples": 96, "epochs": 2}
    result = adapterstilts.train_intermediate("mnli", **suite)
    lines = training_summary(result).splitlines()
    warned = next(number for number, line in enumerate(lines) if line.startswith("  warning"))
    assert re.search(says, " ".join(line.strip() for line in lines[warned:])), lines
    assert all(len(line) <= 80 for line in lines if "/" not in line and "next" not in line)
    assert re.search(says, to_json(result))
    table = adapterstilts.transfer(f"mnli@{result.key[:12]}", "xnli", baseline=False, languages="en,de", **suite)
    assert re.search(says, to_json(table))
    assert re.search(says, transfer_tables(table))


def test_nothing_is_said_of_a_model_that_learns(trained: dict[str, Any]) -> None:
    assert adapterstilts.train_intermediate("squad", **trained).warnings == []
