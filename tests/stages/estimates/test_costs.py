"""The estimate of floating-point operations, against counts by hand and by torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.stages.estimates.costs import Work, matrix_rate, peak_memory, training_cost
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone
from tests.runs.test_specs import train_spec

WIDTH, LAYERS = 64, 2
# Queries, keys, values and outputs of attention, and the two matrices of a feed-forward block of twice the width.
LAYER = 4 * WIDTH * WIDTH + 2 * (WIDTH * 2 * WIDTH)
HEAD = 2 * WIDTH


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("backbone") / "wide", hidden_size=WIDTH)))


def begin(backbone: Backbone, method: str, **options: object) -> TransferModel:
    spec = train_spec(method=MethodSpec(name=method, options=options), composition=Choice(name="none"))
    return start_model(spec, backbone, [], heads={"squad": HeadSpec("span", 2)}, source_task=None)


def test_full_fine_tuning_takes_six_operations_for_each_weight_and_token(backbone: Backbone) -> None:
    work = Work.of(begin(backbone, "full"))
    assert work.training(10) == 10 * 6 * (LAYERS * LAYER + HEAD)


def test_a_head_needs_no_backward_pass_through_the_backbone(backbone: Backbone) -> None:
    work = Work.of(begin(backbone, "head"))
    assert (work.forward, work.backward) == (2 * (LAYERS * LAYER + HEAD), 2 * HEAD)


def test_the_backward_pass_ends_at_the_lowest_adapter(backbone: Backbone) -> None:
    both, upper = (begin(backbone, "seq_bn", reduction_factor=8, **options) for options in ({}, {"leave_out": [0]}))
    bottleneck = 2 * WIDTH * WIDTH // 8
    assert Work.of(both).backward == 2 * (LAYERS * LAYER + HEAD) + 2 * (2 * bottleneck + HEAD) + 2 * 2 * bottleneck
    assert Work.of(upper).backward == 2 * (LAYER + HEAD) + 2 * (bottleneck + HEAD) + 2 * bottleneck


def test_lower_layers_whose_states_are_kept_take_nothing(backbone: Backbone) -> None:
    model = begin(backbone, "seq_bn", reduction_factor=8, leave_out=[0])
    model.settle_below(1)
    work = Work.of(model)
    assert work.below == 2 * LAYER
    assert work.training(10) - work.training(10, kept=4) == 4 * 2 * LAYER


@pytest.mark.parametrize("method", ["full", "seq_bn", "peft:lora"])
def test_the_estimate_is_near_what_torch_counts(method: str, backbone: Backbone) -> None:
    model = begin(backbone, method).train()
    ids = torch.randint(5, 900, (4, 16))
    places = torch.tensor([1, 2, 3, 4])
    counter = FlopCounterMode(display=False)
    with counter:
        model(
            task="squad",
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            start_positions=places,
            end_positions=places,
        )["loss"].backward()
    # Not in the estimate: products of queries with keys, few for short texts, and that of the lowest layer a backward
    # pass may need only the upper part, which weighs more here than among 24 layers.
    assert Work.of(model).training(ids.numel()) == pytest.approx(counter.get_total_flops(), rel=0.25)


def test_the_machine_is_measured(backbone: Backbone, tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    assert 1e8 < matrix_rate(cpu, "fp32") < 1e14
    assert 5e7 < peak_memory(cpu)["host"] < 1e12
    model = begin(backbone, "seq_bn")
    flops, used = training_cost(model, tokens=100, tokens_here=50, seconds_here=2.0, device=cpu)
    assert flops == Work.of(model).training(100) and used["tokens_per_second"] == 25
    assert used["share_of_matrix_rate"] == pytest.approx(flops / 4 / matrix_rate(cpu, "fp32"), abs=1e-4)
    assert training_cost(model, tokens=100, tokens_here=0, seconds_here=0.0, device=cpu)[1]["tokens_per_second"] is None


def test_the_rate_of_steps_is_without_layers_that_computed_before_them(backbone: Backbone) -> None:
    """Of one pass: what the lower layers have computed once is in the operations of the stage, and of no step."""
    model, cpu = begin(backbone, "seq_bn", reduction_factor=8, leave_out=[0]), torch.device("cpu")
    model.settle_below(1)
    given: dict[str, Any] = {"tokens": 10**9, "tokens_here": 10**9, "seconds_here": 1.0, "device": cpu}
    flops, used = training_cost(model, **given, kept_tokens=0, kept_here=10**9)
    work, rate = Work.of(model), matrix_rate(cpu, "fp32")
    assert flops == work.training(10**9)
    assert used["share_of_matrix_rate"] == pytest.approx((flops - 10**9 * 2 * LAYER) / rate, abs=1e-4)
