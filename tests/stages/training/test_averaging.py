"""The mean of a training's checkpoints: of which weights it is, whatever happens on the way, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import set_seed

import adapterstilts
from adapterstilts.errors import AstiltsError
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.reporting.runs import runs_report
from adapterstilts.reporting.terminal import as_text
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.specs import Sampling
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.settings import Optimisation
from adapterstilts.stages.training.tracking import Tracking
from adapterstilts.stages.training.trainer import TaskPart, TrainingResult, train
from adapterstilts.stages.training.validation import validations_of
from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World
from tests.stages.training.test_trainer import SEQ_BN, Prepared, assert_same_weights, log, prepare

AVERAGED = {"average_checkpoints": True}
STEPS = 23  # 8 epochs of 24 rows in batches of 8, but for the last step


class KilledError(Exception):
    """Stands for the end of the process between two steps."""


@dataclass
class Done:
    """A training, and the trained weights after each of its steps."""

    result: TrainingResult
    trained: dict[str, torch.Tensor]
    at: dict[int, dict[str, torch.Tensor]]


def trained_weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.named_parameters() if tensor.requires_grad}


def run(data: Prepared, work: Path, *, until: int | None = None) -> Done:
    """Trains in `work`, up to step `until`; nothing but what is there is gone on with."""
    set_seed(data.spec.seed)
    model = start_model(data.spec, data.setup.backbone, [], heads={"squad": data.kind.head()}, source_task=None)
    at: dict[int, dict[str, torch.Tensor]] = {}

    def progress(step: int, steps: int, logged: dict[str, float]) -> None:
        at.setdefault(step, trained_weights(model))
        if step == until:
            raise KilledError

    tracking = Tracking(names=(), stage="tried", folder=work, spec={}, on_progress=progress)
    work.mkdir(exist_ok=True)

    def score(logits: Any) -> dict[str, float]:
        return {"score": float(len(logits))}

    held_out = data.features.select(range(8))
    part = TaskPart(name="squad", features=data.features, held_out=held_out, score=score, collator=data.collator)
    result = train(model, [part], spec=data.spec, work=work, tracking=tracking)
    return Done(result, trained_weights(model), at)


def prepared(quick: dict[str, Any], **options: Any) -> Prepared:
    return prepare({**quick, **AVERAGED, "max_train_examples": 24, "max_steps": STEPS, **options}, training=True)


@pytest.mark.parametrize(
    ("options", "points"),
    [
        ({"method": SEQ_BN, "eval_steps": 5}, [5, 10, 15, 20, 23]),  # the last step counts too
        ({"method": "full"}, [3, 6, 9, 12, 15, 18, 21, 23]),  # no interval: tenths, rounded up
        ({"method": "peft:lora", "eval_steps": STEPS}, [3, 6, 9, 12, 15, 18, 21, 23]),  # one point is no mean
        ({"method": "bitfit", "eval_steps": STEPS - 1}, [22, 23]),
    ],
)
def test_the_model_is_the_mean_of_its_weights_at_each_point(
    options: dict[str, Any], points: list[int], quick: dict[str, Any], tmp_path: Path
) -> None:
    done = run(prepared(quick, **options), tmp_path / "work")
    assert sorted(done.at) == list(range(1, STEPS + 1))
    assert (done.result.averaged_checkpoints, done.result.best_step, done.result.steps) == (len(points), None, STEPS)
    assert done.trained.keys() == done.at[STEPS].keys()
    for name, tensor in done.trained.items():
        mean = torch.stack([done.at[step][name] for step in points]).double().mean(0)
        assert tensor.dtype == torch.float32 and torch.allclose(tensor.double(), mean, rtol=1e-6, atol=1e-8), name
    moved = [name for name, tensor in done.trained.items() if not torch.equal(tensor, done.at[STEPS][name])]
    assert len(moved) > len(done.trained) / 2  # it is not the last checkpoint


@pytest.mark.slow
def test_whatever_is_killed_goes_on_to_the_same_bits(quick: dict[str, Any], tmp_path: Path) -> None:
    """Between two points, right after one, and once all steps have been made; and scores are logged once."""
    data = prepared(quick, method="full", eval_steps=4)
    whole = run(data, tmp_path / "whole")
    for until in (3, 9, 12, 22):
        with pytest.raises(KilledError):
            run(data, tmp_path / "killed", until=until)
    gone_on = [run(data, tmp_path / "killed") for _ in range(2)]
    assert [one.result.resumed_from for one in gone_on] == [20, STEPS]
    for one in gone_on:
        assert [name for name in whole.trained if not torch.equal(whole.trained[name], one.trained[name])] == []
        timed = {"resumed_from": 0, "seconds": 0, "seconds_here": 0, "tokens_here": 0}
        assert replace(one.result, **timed) == replace(whole.result, **timed)
    assert log(tmp_path / "killed") == log(tmp_path / "whole")
    assert [entry["step"] for entry in log(tmp_path / "whole") if "eval_score" in entry] == [STEPS]


@pytest.fixture(scope="module")
def averaged(trained_world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose stages average, with such a run of squad."""
    world = trained_world.in_store(tmp_path_factory.mktemp("averaged"))
    settings = {**world.planner.settings, **AVERAGED, "epochs": 4}
    planner = replace(world.planner, settings=settings)
    squad = plan_training(planner, [world.recipe("squad")], "train-intermediate")
    made = World(planner, squad, world.ccg)
    made.run(squad)
    return made


@pytest.mark.slow
def test_validation_data_score_the_mean_and_nothing_else(averaged: World) -> None:
    run = averaged.run(averaged.squad)
    metrics, setup = run.metrics, averaged.planner.setup
    assert metrics["averaged_checkpoints"] == 6 and metrics["best_step"] is None and metrics["steps"] == 12
    # What the run keeps is what was scored.
    model = StoredModel.read(run.folder).restore(setup.backbone, precision="fp32")
    (validation,) = validations_of(run.training, setup)
    again = validation.score(model, metrics["calibration"])
    assert again is not None and again.metrics == metrics["validation_all"]
    assert metrics["best_score"] == metrics["validation"]["score"]
    assert "mean of 6 checkpoints" in as_text(runs_report([run]))


def test_several_tasks_have_one_mean(averaged: World) -> None:
    recipes = [averaged.recipe(name) for name in ("ccg", "mnli")]
    stage = plan_training(averaged.planner, recipes, "train-intermediate", sampling=Sampling(strategy="uniform"))
    metrics = averaged.run(stage).metrics
    assert metrics["averaged_checkpoints"] > 2
    assert {"ccg/score", "mnli/score", "score"} <= metrics["validation"].keys()


@pytest.mark.slow
def test_what_is_printed_says_that_it_is_a_mean(suite: dict[str, Any], tmp_path: Path) -> None:
    given = {**suite, **AVERAGED, "eval_steps": 1, "epochs": 2, "max_eval_examples": 8}
    train_only = {name: value for name, value in given.items() if name != "max_eval_examples"}
    with_rows = adapterstilts.train_intermediate("squad", **train_only)
    train_only.pop("max_validation_examples")
    without = adapterstilts.train_intermediate("squad", validation_from="none", **train_only)
    first, second = training_summary(with_rows), training_summary(without)
    assert with_rows.best_step is None and with_rows.averaged_checkpoints == with_rows.steps == 6
    assert "24 trained on, 16 to score" in first and "mean of 6 in 6 steps" in first and "(English)" in first
    assert "none: the mean of the checkpoints is kept" in second and "select" not in first + second
    assert "mean of 6 checkpoints" in as_text(runs_report([Run(without.folder)]))
    pushed = adapterstilts.push(f"squad@{with_rows.key}", to=str(tmp_path / "shared"), store=suite["store"])
    (card,) = tmp_path.rglob("README.md")
    told = card.read_text(encoding="utf-8")
    assert "which selected no checkpoint" in told and "the model is the mean of 6 checkpoints" in told, pushed
    result = adapterstilts.transfer("none", "xquad", languages="en,de", shots=4, draws=1, shot_epochs=3, **given)
    assert "rows trained on, the mean of all checkpoints taken." in transfer_tables(result)
    (few,) = [run for run in RunStore(suite["store"]).runs() if run.spec.stage == "few-shot"]
    assert few.metrics["averaged_checkpoints"] == few.metrics["steps"] == 3 and few.metrics["best_score"] is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"patience": 4}, "--patience 4 has no meaning with --average-checkpoints, which never stops early"),
        ({"method": "peft:adalora"}, "peft:adalora takes rank away while it trains"),
        ({"max_steps": 1}, "a training of 1 step has no two checkpoints. Train for longer"),
        ({"max_steps": 0}, "a training of 0 steps has no two checkpoints"),
    ],
)
def test_what_has_no_meaning_then_is_refused_when_planning(
    given: dict[str, Any], message: str, suite: dict[str, Any]
) -> None:
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.plan(adapterstilts.train_intermediate, "squad", **{**suite, **AVERAGED, **given})


def test_few_shots_of_one_step_are_refused_when_planning(suite: dict[str, Any]) -> None:
    given = {**suite, **AVERAGED, "epochs": 2, "shots": 4, "draws": 1, "languages": "en,de"}
    with pytest.raises(AstiltsError, match="a training of 1 step has no two checkpoints"):
        adapterstilts.plan(adapterstilts.transfer, "none", "mlqa", shot_epochs=1, **given)


def test_a_training_that_turns_out_to_be_one_step_is_refused(suite: dict[str, Any]) -> None:
    with pytest.raises(AstiltsError, match="a training of 1 step has no two checkpoints"):
        adapterstilts.train_intermediate("squad", **{**suite, **AVERAGED, "batch_size": 64})


def test_a_patience_that_has_no_effect_makes_no_other_key(averaged: World) -> None:
    """That of adapters is another than the default."""
    assert averaged.squad.spec.settings.patience == Optimisation().patience
    assert json.loads((averaged.run(averaged.squad).folder / "spec.json").read_text())["settings"][
        "average_checkpoints"
    ]


def test_seeds_decide_the_mean(averaged: World, tmp_path: Path) -> None:
    again = averaged.in_store(tmp_path / "again")
    (tmp_path / "again" / averaged.squad.name).unlink()
    run = again.run(averaged.squad)
    assert not run.folder.is_symlink()
    assert_same_weights(run.folder, averaged.run(averaged.squad).folder)
