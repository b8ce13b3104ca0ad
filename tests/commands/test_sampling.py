"""How often each of several tasks is trained on, and options about it that do not fit."""

from __future__ import annotations

from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import RunStore

TASKS = ["squad", "hellaswag"]


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ([], {}, "No task is given"),
        (["squad", "mlqa"], {}, "is not a task for the intermediate phase"),
        (["squad", "squad"], {}, "The task 'squad' is given twice. Give each once"),
        (["all", "squad"], {}, "'squad' is given beside 'all'"),
        ("squad", {"sampling": "uniform"}, "--sampling uniform has no meaning for squad alone"),
        (TASKS, {"sampling": "unifrom"}, "sampling: Input should be .*'unifrom'"),
        (TASKS, {"sampling": "temperature"}, "needs --temperature. Give it, e.g. --temperature 2"),
        (TASKS, {"sampling": "capped"}, "--sampling capped needs --cap"),
        (TASKS, {"sampling": "weights"}, "Give it, e.g. --weights squad=2,hellaswag=1"),
        (TASKS, {"temperature": 2}, "--temperature 2 has no meaning for --sampling proportional"),
        (TASKS, {"weights": {"squad": 2, "hellaswag": 0.5}}, "--weights squad=2,hellaswag=0.5 has no meaning for"),
        (TASKS, {"sampling": "uniform", "cap": 9}, "--cap 9 has .* Give --sampling capped, or leave --cap out"),
        (TASKS, {"sampling": "temperature", "temperature": 0}, "greater than 0 .given: 0"),
        (TASKS, {"sampling": "temperature", "temperature": float("inf")}, "finite number"),
        (TASKS, {"sampling": "weights", "weights": {"squad": 2}}, "names no weight for hellaswag"),
        (TASKS, {"sampling": "weights", "weights": {"squad": 2, "hellaswag": 1, "qqp": 1}}, "not trained, qqp"),
        (TASKS, {"sampling": "weights", "weights": {"squad": 2, "hellaswag": 0}}, "--weights hellaswag=0 is not a sh"),
        (TASKS, {"sampling": "weights", "weights": {"squad": 2, "hellaswag": 0.001}}, "hellaswag gets none of the 6"),
    ],
)  # fmt: skip
def test_wrong_use_is_an_error_with_a_remedy(
    suite: dict[str, Any], tasks: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        adapterstilts.train_intermediate(tasks, **suite, **options)
    assert RunStore(suite["store"]).runs() == []


def test_sampling_decides_how_often_a_task_is_seen(suite: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate(
        TASKS, sampling="weights", weights={"squad": 5, "hellaswag": 1}, **{**suite, "epochs": 2}
    )
    assert {task: one.examples_seen for task, one in result.tasks.items()} == {"squad": 80, "hellaswag": 16}
    other = adapterstilts.train_intermediate(TASKS, sampling="uniform", **{**suite, "epochs": 2})
    assert other.key != result.key and other.sampling == "uniform"
