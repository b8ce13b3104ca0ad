"""Every task of the catalogue, trained and scored on the embedded suite with a tiny random backbone."""

from __future__ import annotations

import json
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.score import score_folders
from adapterstilts.data.sources.open import open_source
from adapterstilts.errors import UsageError
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import RunStore
from tests.conftest import without_training
from tests.package_tasks import recipe, suite_names, training_recipes

TARGETS = [name for name in suite_names() if "target" in recipe(name).phases]
# SQuAD stands for those that are both: as targets they are trained as well.
INTERMEDIATE = [
    name for name in suite_names() if "intermediate" in recipe(name).phases and (name not in TARGETS or name == "squad")
]
FEW = {"max_train_examples": 24, "max_eval_examples": 16}


@pytest.mark.slow
@pytest.mark.parametrize("name", INTERMEDIATE)
def test_every_intermediate_task_is_trained(suite: dict[str, Any], name: str) -> None:
    result = adapterstilts.train_intermediate(name, **suite)
    assert result.steps == 3 and result.validation
    for label in recipe(name).metric_labels.values():
        assert label in training_summary(result)
    (run,) = RunStore(suite["store"]).runs()
    assert run.metrics["train_examples"] == 24


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_trained_scored_and_scored_again(suite: dict[str, Any], name: str) -> None:
    """`astilts score` on the folders that `transfer` wrote gives the numbers that `transfer` printed."""
    options = suite if training_recipes(recipe(name), "mini") else without_training(suite)
    languages = open_source("mini", None).languages(recipe(name), None)[:3]
    result = adapterstilts.transfer("none", name, languages=languages, max_eval_examples=16, **options)
    (row,) = result.rows
    assert row.task == name and recipe(name).title in transfer_tables(result)
    assert (row.trained is None) == (not training_recipes(recipe(name), "mini"))
    scores = score_folders(row.folder / "predictions", row.folder / "labels")
    (task,) = scores.tasks
    assert set(task.languages) == set(row.languages)
    for language, metrics in task.languages.items():
        assert len(row.predictions(language)) >= 1
        for metric, value in metrics.items():
            assert row.languages[language][metric] == pytest.approx(value, abs=1e-9), (language, metric)


@pytest.mark.slow
def test_siqa_comes_before_copa(suite: dict[str, Any]) -> None:
    """XCOPA is trained on Social IQa and then on COPA, with the same head."""
    adapterstilts.train_intermediate("mnli", **suite)
    result = adapterstilts.transfer("mnli", "xcopa", max_eval_examples=16, **suite)
    runs = {run.spec.task: run for run in RunStore(suite["store"]).runs() if run.spec.stage == "train-target"
            and run.metrics and run.spec.composition.name in ("stack", "continue")}  # fmt: skip
    by_key = {run.key: run for run in RunStore(suite["store"]).runs()}
    assert result.rows[1].trained is not None
    last = next(run for run in by_key.values() if run.folder == result.rows[1].trained)
    assert last.spec.task == "copa" and last.spec.composition.name == "continue" and last.spec.head == "reuse"
    first = by_key[last.spec.inputs[0]]
    assert first.spec.task == "siqa" and first.spec.composition.name == "stack"
    assert by_key[first.spec.inputs[0]].spec.task == "mnli"
    assert result.rows[1].composition == "stack" and {"siqa", "copa"} <= set(runs)
    assert result.rows[1].seconds["target"] > first.provenance["train_seconds"]


@pytest.mark.slow
def test_untrained_targets_read_the_intermediate_model(suite: dict[str, Any]) -> None:
    adapterstilts.train_intermediate("mnli", **{**suite, "learning_rate": 0.1})
    result = adapterstilts.transfer("mnli", ["tatoeba", "bucc2018"], **without_training(suite))
    for none, mnli in (result.rows[:2], result.rows[2:]):
        assert none.parameters["trained"] == mnli.parameters["trained"] == 0 and mnli.trained is None
        assert mnli.parameters["total"] > none.parameters["total"]
        assert mnli.seconds["target"] == 0 and mnli.difference and not none.difference
        metric = next(iter(recipe(mnli.task).metric_labels))
        assert mnli.zero_shot and none.zero_shot
        gain = mnli.zero_shot[metric] - none.zero_shot[metric]
        assert mnli.difference[metric].mean == pytest.approx(gain)


def test_layers_and_presets_are_part_of_the_result(suite: dict[str, Any]) -> None:
    options = {**without_training(suite), "languages": ("de",)}
    rows = {
        name: adapterstilts.transfer("none", "tatoeba", **{**options, **given}).rows[0]
        for name, given in {
            "default": {},
            "jiant": {"preset": "jiant"},
            "xtreme": {"preset": "xtreme"},
            "embeddings": {"layer": 0},
        }.items()
    }
    assert rows["default"].folder == rows["jiant"].folder
    assert len({row.folder for row in rows.values()}) == 3
    spec = json.loads((rows["xtreme"].folder / "spec.json").read_text())
    assert spec["options"]["layer"] == "8/12" and spec["options"]["pooling"] == "mean"
    mined = adapterstilts.transfer("none", "bucc2018", **{**options, "preset": "xtreme"}).rows[0]
    spec = json.loads((mined.folder / "spec.json").read_text())
    assert (spec["options"]["pooling"], spec["options"]["repeated"]) == ("first", "drop")
    for given, message in (
        ({"preset": "jaint"}, "Unknown preset 'jaint'. Did you mean 'jiant'"),
        ({"layer": "half"}, "layer 'half' is neither a number nor a share"),
        ({"layer": 3}, "layer 3 is not one of the 2 layers"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.transfer("none", "tatoeba", **{**options, **given})


def test_benchmarks_have_languages_of_their_own(suite: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="xcopa is not a task of xtreme"):
        adapterstilts.transfer("none", "xcopa", benchmark="xtreme", **suite)
    (row,) = adapterstilts.transfer("none", "tydiqa", benchmark="xtreme-r", max_eval_examples=8, **suite).rows
    assert list(row.languages) == ["en", "ru", "sw"]
