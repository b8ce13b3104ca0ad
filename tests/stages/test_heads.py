"""Which head of an earlier stage a task can go on with."""

from __future__ import annotations

from typing import Any

from adapterstilts.stages.heads import head_source, heads_of
from adapterstilts.tasks.catalogue import Catalogue
from tests.runs.test_specs import SQUAD, train_spec


def task(name: str, **changes: Any) -> Any:
    data = SQUAD.data.model_copy(update={"task": name})
    return SQUAD.model_copy(update={"data": data, **changes})


PAIRS = {"kind": "pair_classification", "metric": "accuracy"}
MNLI = task("mnli", options={"labels": ["a", "b", "c"]}, **PAIRS)
QQP = task("qqp", options={"labels": ["x", "y"]}, **PAIRS)
SNLI = task("snli", options={"labels": ["c", "b", "a"]}, **PAIRS)


def test_heads_are_those_of_the_kinds() -> None:
    heads = heads_of(train_spec(tasks=(SQUAD, MNLI)), Catalogue())
    assert {name: (head.name, head.outputs) for name, head in heads.items()} == {
        "squad": ("span", 2), "mnli": ("classification", 3),
    }  # fmt: skip


def test_of_several_tasks_the_same_one_comes_first_and_then_one_of_the_same_form() -> None:
    several = train_spec(tasks=(SQUAD, SNLI, MNLI, QQP))
    for wanted, found in ((MNLI, "mnli"), (QQP, "qqp"), (task("mlqa"), "squad")):
        assert head_source(several, wanted, Catalogue()) == found
    xnli = task("xnli", options={"labels": ["a", "b", "c"]}, **PAIRS)
    assert head_source(several, xnli, Catalogue()) == "mnli"  # of equal labels, rather than of equal number
    assert head_source(train_spec(tasks=(SQUAD, QQP)), MNLI, Catalogue()) == "squad+qqp"
    assert head_source(train_spec(tasks=(SQUAD,)), MNLI, Catalogue()) == "squad"
