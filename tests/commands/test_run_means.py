"""The mean of the models of several seeds: of which weights it is, what its row says, and where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.results import TransferResult
from adapterstilts.commands.transfer import plan_transfer
from adapterstilts.errors import AstiltsError
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.storage import WEIGHTS, StoredModel
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.runs.store import Run
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.heads import heads_of
from tests.commands.conftest import SHOWN

THREE: dict[str, Any] = {**SHOWN, "seed": 5, "seeds": 3, "average_seeds": True}


@pytest.fixture(scope="module")
def averaged(mini: dict[str, Any]) -> TransferResult:
    """Rows without and with squad, three seeds of each, and the mean of each."""
    return adapterstilts.transfer("squad", "xquad", **THREE, **mini)


def run_of(folder: Path | None) -> Run:
    assert folder is not None
    return Run(folder).check()


def spec_of(folder: Path | None) -> TrainSpec:
    spec = run_of(folder).training
    assert isinstance(spec, TrainSpec)
    return spec


def assert_mean(mean: Path, of: list[Path]) -> None:
    """Every weight is the mean of those of the others, and not one of them."""
    found, single = load_file(mean / WEIGHTS), [load_file(folder / WEIGHTS) for folder in of]
    assert all(found.keys() == one.keys() for one in single)
    for name, tensor in found.items():
        expected = torch.stack([one[name].double() for one in single]).mean(0)
        assert torch.allclose(tensor.double(), expected, rtol=1e-6, atol=1e-8), name
    apart = [name for name in found if any(not torch.equal(found[name], one[name]) for one in single)]
    assert any(name.startswith("heads.") for name in apart) and len(apart) > 1


@pytest.mark.slow
def test_the_row_of_a_mean_is_that_of_one_model(averaged: TransferResult) -> None:
    none, squad, none_mean, squad_mean = averaged.rows
    for row, mean in ((none, none_mean), (squad, squad_mean)):
        assert row.trained is not None and mean.trained is not None
        assert_mean(mean.trained, [seed.trained for seed in row.seeds if seed.trained])
        assert (mean.averaged_seeds, row.averaged_seeds) == (3, 0)
        assert str(mean.named) == f"mean weights of 3 seeds: {row.named}" and mean.composition == row.composition
        (one,) = mean.seeds
        assert one.seed is None and mean.spread == {} and mean.intermediate_runs == row.intermediate_runs
        metrics = run_of(mean.trained).metrics
        assert metrics["steps"] == 0 and mean.validation == metrics["validation_all"]["score"]
        assert metrics["parameters"] == run_of(row.trained).metrics["parameters"]
        assert mean.cost["target"].tokens_seen == row.cost["target"].tokens_seen > 0
        assert Run(mean.folder).evaluation.inputs == (run_of(mean.trained).key,)
    assert squad_mean.contrast is not None and squad.contrast is not None
    assert (squad_mean.contrast.against, squad_mean.contrast.seeds) == (str(none_mean.named), 1)
    assert (squad.contrast.against, squad.contrast.seeds) == (str(none.named), 3)
    assert none_mean.contrast is None
    assert squad_mean.zero_shot and none_mean.zero_shot
    gain = squad_mean.zero_shot["f1"] - none_mean.zero_shot["f1"]
    assert squad_mean.difference["f1"].mean == pytest.approx(gain)
    text = " ".join(transfer_tables(averaged).split())
    assert "Means of models are compared with each other." in text
    assert "mean weights of 3 seeds: one model, whose weights are the mean of those of a row's models" in text
    assert "95% interval over 3 seeds of one intermediate run" in text


def test_seeds_begin_with_the_same_new_weights_and_the_key_says_so(
    averaged: TransferResult, mini: dict[str, Any]
) -> None:
    _, squad, *_ = averaged.rows
    specs = [spec_of(seed.trained) for seed in squad.seeds]
    assert [(spec.seed, spec.first_weights) for spec in specs] == [(5, None), (6, 5), (7, 5)]
    plain = adapterstilts.plan(adapterstilts.transfer, "squad", "xquad", seeds=1, seed=5, **SHOWN, **mini)
    assert plain.to_train == 0  # the first seed is the one that it always was
    planned = plan_transfer(["squad"], ["xquad"], read_options(TransferOptions, {**THREE, **mini}))
    setup = planned.planner.setup
    source = StoredModel.read(setup.store.need(specs[0].inputs[0]).folder)
    begun = []
    for spec in (*specs, specs[1].model_copy(update={"first_weights": None})):
        heads = heads_of(spec, setup.catalogue)
        model = start_model(spec, setup.backbone, [source], heads=heads, source_task="squad")
        begun.append({name: one.detach() for name, one in model.named_parameters() if one.requires_grad})
    first, *others, apart = begun
    assert all(torch.equal(first[name], one[name]) for one in others for name in first)
    assert any(not torch.equal(first[name], apart[name]) for name in first)
    # The same weights, but other batches and dropout.
    one, other = (load_file(run_of(seed.trained).folder / WEIGHTS) for seed in squad.seeds[:2])
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {"method": "full"},
        {"method": "peft:lora"},
        {"method": "seq_bn[reduction_factor=4]", "composition": "fuse[target=two-step]"},
        {"method": "head", "validation_from": "none", "average_checkpoints": True},
    ],
    ids=lambda given: given["method"],
)
def test_models_of_every_form_have_a_mean(given: dict[str, Any], mini: dict[str, Any], tmp_path: Path) -> None:
    options = {**mini, **SHOWN, "store": tmp_path, "read_store": (mini["store"],), "baseline": False}
    sources = "none" if given["method"] == "head" else "squad,ccg" if "composition" in given else "squad"
    options |= {"baseline": sources == "none"}
    if "validation_from" in given:
        options.pop("max_validation_examples")
    if given["method"] in ("full", "peft:lora"):
        trained_with = {name: value for name, value in options.items() if name not in (*SHOWN, "baseline")}
        adapterstilts.train_intermediate("squad", **{**trained_with, **given})
    if "composition" in given:
        options["learning_rate"] = 0.01
    wanted = {**options, **given, "average_seeds": True, "seeds": 2}
    planned = plan_transfer(sources.split(","), ["xquad"], read_options(TransferOptions, wanted))
    (mean,) = [one for one in planned.graph if one.trains and one.spec.composition.name == "mean"]
    outline = Checks(planned.planner.setup, planned.planner.facts, print).outline(mean)
    single, averaged = adapterstilts.transfer(sources, "xquad", **wanted).rows
    assert averaged.trained is not None and averaged.composition == single.composition
    assert ModelOutline.read(averaged.trained) == outline and outline.name == averaged.trained.name
    assert_mean(averaged.trained, [seed.trained for seed in single.seeds if seed.trained])


@pytest.mark.slow
def test_few_shots_go_on_from_the_mean(averaged: TransferResult, mini: dict[str, Any]) -> None:
    shots = {"shots": {"de": [3]}, "draws": 1, "shot_epochs": 2}
    mlqa = {"seed": 5, "seeds": 2, "average_seeds": True, "languages": ("en", "de"), "max_eval_examples": 8}
    result = adapterstilts.transfer("none", "mlqa", **shots, **mlqa, **mini)
    _, mean = result.few_shots
    assert mean.zero_shot_row == "mean weights of 2 seeds: no intermediate task" and len(mean.draws) == 1
    assert spec_of(mean.draws[0].trained).inputs == (run_of(result.rows[1].trained).key,)


@pytest.mark.slow
def test_two_data_sets_that_follow_each_other_have_one_mean(mini: dict[str, Any]) -> None:
    given = {name: value for name, value in mini.items() if name != "max_length"}
    options = {"seeds": 2, "average_seeds": True, "languages": ("zh",), "max_eval_examples": 8, **given}
    single, mean = adapterstilts.transfer("none", "xcopa", **options).rows
    assert mean.trained and spec_of(mean.trained).task == "copa"
    assert_mean(mean.trained, [seed.trained for seed in single.seeds if seed.trained])
    assert len(spec_of(mean.trained).inputs) == 2


def test_the_card_says_of_how_many_models_it_is(averaged: TransferResult, mini: dict[str, Any], tmp_path: Path) -> None:
    mean = averaged.rows[-1].trained
    assert mean is not None
    adapterstilts.push(mean.name, to=str(tmp_path / "shared"), store=mini["store"])
    (card,) = tmp_path.rglob("README.md")
    assert "Its weights are the mean of 3 models" in card.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("target", "given", "message"),
    [
        ("xquad", {"seeds": 1}, "--average-seeds with one seed has nothing to take the mean of. Add --seeds 3"),
        ("xquad", {}, "--average-seeds with one seed"),
        ("tatoeba", {"seeds": 2}, "--average-seeds: tatoeba is evaluated without training, so there is no model to"),
        ("xquad", {"seeds": 2, "method": "loreft"}, "the mean of weights of method 'loreft' is none of that method"),
        ("xquad", {"seeds": 2, "method": "peft:adalora"}, "the mean of weights of method 'peft:adalora' is none"),
        ("xquad", {"composition": "mean"}, "--composition mean is for runs that differ in their seed alone"),
    ],
)
def test_where_there_is_no_mean_it_is_refused_when_planning(
    target: str, given: dict[str, Any], message: str, suite: dict[str, Any]
) -> None:
    average = {} if "composition" in given else {"average_seeds": True}
    kept = suite if target == "xquad" else {name: suite[name] for name in ("profile", "backbone", "store")}
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.plan(adapterstilts.transfer, "none", target, **{**kept, **average, **given})


def test_a_graph_has_the_runs_before_their_mean(mini: dict[str, Any]) -> None:
    planned = plan_transfer(["squad"], ["xquad"], read_options(TransferOptions, {**THREE, **mini}))
    assert isinstance(planned.graph, Graph)
    order = [stage.key for stage in planned.graph]
    means = [stage for stage in planned.graph if stage.trains and stage.spec.composition.name == "mean"]
    assert len(means) == 2
    assert all(order.index(key) < order.index(mean.key) for mean in means for key in mean.spec.inputs)
