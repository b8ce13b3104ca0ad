"""Specs of training: what decides a result is in the key, and nothing else is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.errors import CompatibilityError, DataError, UsageError
from adapterstilts.modeling.methods import parse_method
from adapterstilts.profiles import load_profile, profile_names
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Choice, Phase
from adapterstilts.stages.planner import Planner, ResolvedMethod
from adapterstilts.stages.training_spec import Start, plan_training, resolve_settings
from tests.stages.conftest import World

PRETRAINED = Start()


def key_of(world: World, task: str, start: Start = PRETRAINED, **changes: Any) -> str:
    planner = replace(world.planner, **changes)
    return plan_training(planner, [world.recipe(task)], "train-target", start=start).key


def test_inputs_are_planned_and_need_not_have_run(world: World) -> None:
    planner = replace(world.planner, seed=99)
    first = plan_training(planner, [world.recipe("squad")], "train-intermediate")
    start = Start(Choice(name="stack"), (first,), "reuse")
    second = plan_training(planner, [world.recipe("mlqa")], "train-target", start=start)
    assert second.spec.inputs == (first.key,) and second.needs == (first,)
    assert world.planner.setup.store.of_key(first.key) is None


@pytest.mark.parametrize(
    ("task", "setting", "decides"),
    [
        ("squad", {"stride": 20}, True),
        ("squad", {"max_query_length": 20}, True),
        ("xnli", {"stride": 20}, False),
        ("xnli", {"max_query_length": 20}, False),
        ("xnli", {"max_length": 64}, True),
        ("panx", {"stride": 20}, False),
        ("copa", {"max_query_length": 20}, False),
        ("lareqa", {"max_query_length": 20}, True),
        ("lareqa", {"stride": 20}, False),
        ("mlm", {"stride": 20}, False),
    ],
)
def test_a_setting_that_does_not_change_the_inputs_is_not_in_the_key(
    world: World, task: str, setting: dict[str, int], decides: bool
) -> None:
    changed = key_of(world, task, settings={**world.planner.settings, **setting})
    assert (changed != key_of(world, task)) == decides


MERGES = [
    ("merge", {}),
    ("merge", {"kind": "linear"}),
    ("merge", {"weights": [0.5, 0.5]}),
    ("merge", {"kind": "linear", "weights": [0.5, 0.5], "then": "stack"}),
]


def test_compositions_that_mean_the_same_have_one_key(world: World) -> None:
    def keys(choices: list[tuple[str, dict[str, Any]]]) -> set[str]:
        starts = [Start(Choice(name=name, options=options), (world.squad, world.ccg)) for name, options in choices]
        return {key_of(world, "mlqa", start) for start in starts}

    assert len(keys(MERGES)) == 1
    assert len(keys([("merge", {}), ("merge", {"weights": [0.7, 0.3]}), ("merge", {"kind": "arithmetic"})])) == 3
    assert len(keys([("merge", {}), ("merge", {"then": "continue"})])) == 2
    assert len(keys([("average", {}), ("average", {"weights": [0.5, 0.5]})])) == 1
    assert len(keys([("fuse", {}), ("fuse", {"target": "none"}), ("fuse", {"target": "one-step"})])) == 2
    with pytest.raises(UsageError, match="3 weights for 2 sources"):
        keys([("merge", {"weights": [1, 2, 3]})])


def test_the_rank_that_svd_has_anyway_says_nothing(world: World) -> None:
    lora = ResolvedMethod.of(parse_method("peft:lora"), Memory.of_user())
    keys = [
        key_of(
            world,
            "mlqa",
            Start(Choice(name="merge", options={"kind": "svd", **rank}), (world.squad, world.ccg)),
            method=lora,
        )
        for rank in ({}, {"rank": lora.config["r"]}, {"rank": 2})
    ]
    assert keys[0] == keys[1] != keys[2]


def test_pooling_is_in_the_key_where_it_is_not_the_backbones_own(world: World) -> None:
    plain = key_of(world, "xnli")
    assert key_of(world, "xnli", pooling="first") == plain != key_of(world, "xnli", pooling="mean")
    assert key_of(world, "panx", pooling="mean") == key_of(world, "panx")


def test_later_settings_win(world: World) -> None:
    planner, squad = replace(world.planner, settings={}), world.recipe("squad")
    suited = resolve_settings(planner, squad, "train-target")
    assert suited.epochs == 2 and suited.batch_size == 32  # the suite's, the profile's
    assert resolve_settings(planner, squad, "train-intermediate").warmup_ratio == 0.1  # the recipe's
    given = replace(planner, settings={"epochs": 7})
    assert resolve_settings(given, squad, "train-target").epochs == 7
    with pytest.raises(UsageError, match=r"settings of train-target on squad: stride 90 skips tokens"):
        resolve_settings(replace(planner, settings={"stride": 90, "max_length": 96}), squad, "train-target")


def test_what_says_the_same_otherwise_is_replaced(world: World, tmp_path: Path) -> None:
    """XTREME warms up for 500 steps on TyDiQA, and a share that was asked for had no effect."""
    planner, tydiqa = published(world, "xtreme", tmp_path, "full"), world.recipe("tydiqa")

    def resolved(**settings: Any) -> tuple[Any, ...]:
        found = resolve_settings(replace(planner, settings=settings), tydiqa, "train-target")
        return found.warmup_steps, found.warmup_ratio, found.max_steps, found.epochs

    assert resolved() == (500, 0.1, None, 3)
    assert resolved(warmup_ratio=0.3) == (None, 0.3, None, 3)
    assert resolved(warmup_steps=7, max_steps=50) == (7, 0.1, 50, 2)  # what epochs are does not make another key
    assert resolved(warmup_steps=7, warmup_ratio=0.3, max_steps=50, epochs=9) == (7, 0.1, 50, 2)


PUBLISHED = [
    ("paper", "full", "mnli", {"learning_rate": 1e-5, "epochs": 2, "max_length": 256, "warmup_ratio": 0.1}),
    ("xtreme", "full", "mnli", {"learning_rate": 3e-5, "epochs": 5, "max_length": 128, "eval_steps": 100}),
    ("paper", "full", "tydiqa", {"batch_size": 16, "warmup_steps": None, "weight_decay": 0.01, "patience": 30}),
    ("xtreme", "full", "tydiqa", {"batch_size": 32, "warmup_steps": 500, "weight_decay": 1e-4, "epochs": 3}),
    ("xtreme", "full", "qqp", {"learning_rate": 1e-5, "epochs": 2, "eval_steps": 1000}),  # not in the benchmark
    ("paper", "seq_bn", "mnli", {"learning_rate": 1e-4, "max_length": 256}),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "method", "task", "expected"), PUBLISHED)
def test_profiles_follow_whom_they_say(
    profile: str, method: str, task: str, expected: dict[str, Any], world: World, tmp_path: Path
) -> None:
    planner = published(world, profile, tmp_path, method)
    found = resolve_settings(planner, world.recipe(task), "train-target").model_dump()
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("method", ["seq_bn", "full", "peft:lora"])
@pytest.mark.parametrize("profile", profile_names())
def test_every_phase_of_every_profile_can_be_planned(profile: str, method: str, world: World, tmp_path: Path) -> None:
    planner = replace(
        published(world, profile, tmp_path, method),
        setup=world.planner.setup,
        settings={"max_length": 128, "stride": 32, "max_query_length": 32},
        max_train_examples=None,
    )
    bounds = {"laptop": (8000, 8000, 1500)}.get(profile, (None, None, None))
    phases: list[tuple[str, Phase]] = [
        ("mlm", "train-language"), ("squad", "train-intermediate"), ("squad", "train-target"),
    ]  # fmt: skip
    for (task, phase), bound in zip(phases, bounds, strict=True):
        asked = planner if task != "mlm" else replace(planner, method=world.planner.method)
        assert plan_training(asked, [world.recipe(task)], phase).spec.only.data.max_examples == bound
        few = plan_training(replace(asked, max_train_examples=9), [world.recipe(task)], phase)
        assert few.spec.only.data.max_examples == 9


def published(world: World, profile: str, folder: Path, method: str = "seq_bn") -> Planner:
    """The planner with a profile's settings, for data that are not the suite's."""
    return replace(
        world.planner,
        setup=replace(world.planner.setup, source=open_source("files", folder)),
        profile=load_profile(profile),
        method=ResolvedMethod.of(parse_method(method), Memory.of_user()),
        settings={},
    )


def test_adapter_fusion_has_its_own_learning_rate(world: World, tmp_path: Path) -> None:
    planner, task = published(world, "paper", tmp_path), world.recipe("squad")
    rates = {
        name: resolve_settings(planner, task, "train-target", Choice(name=name)).learning_rate
        for name in ("none", "stack", "fuse", "average")
    }
    assert rates == {"none": 1e-4, "stack": 1e-4, "fuse": 5e-5, "average": 1e-4}
    given = replace(planner, settings={"learning_rate": 3e-4})
    assert resolve_settings(given, task, "train-target", Choice(name="fuse")).learning_rate == 3e-4
    planned = plan_training(
        replace(planner, setup=world.planner.setup, settings={"max_length": 128, "stride": 32}), [task], "train-target",
        start=Start(Choice(name="fuse"), (world.squad, world.ccg)),
    )  # fmt: skip
    assert planned.spec.settings.learning_rate == 5e-5


def test_tags_that_a_recipe_leaves_to_the_data_are_all_of_the_training_rows(world: World) -> None:
    task, source = world.recipe("ccg"), world.planner.setup.source
    tags = Counter(tag for row in source.load(task, "train", "en", BadRows(skip=False)) for tag in row["tags"])
    labels = world.ccg.spec.only.options["labels"]
    assert set(labels) == set(tags) and len(tags) > 20
    assert [tags[one] for one in labels] == sorted(tags.values(), reverse=True)
    assert world.planner.setup.catalogue.build_kind(world.ccg.spec.only).head().outputs == len(tags)


def test_what_is_not_there_is_said(world: World) -> None:
    with pytest.raises(DataError, match="mlm: no training data: train rows of mlm in 'fr' is not there"):
        plan_training(world.planner, [world.recipe("mlm")], "train-intermediate", languages={"mlm": ["fr"]})
    long = replace(world.planner, settings={"max_length": 200})
    with pytest.raises(CompatibilityError, match=r"has 128 positions, fewer than max_length 200"):
        plan_training(long, [world.recipe("squad")], "train-intermediate")
