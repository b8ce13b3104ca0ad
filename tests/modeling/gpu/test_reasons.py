"""Why steps are not recorded, as far as that can be told without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.gpu.draws import not_drawn
from adapterstilts.modeling.gpu.recorded import reason_against
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.kind import HeadSpec


def built(still: Path, method: str, **options: Any) -> TransferModel:
    spec = MethodSpec(name=method, options=options)
    model = TransferModel(locate_backbone(str(still)), method=spec, precision="fp32")
    model.train_adapter(model.add_adapter("task", spec))
    model.add_head("task", HeadSpec("span", 2))
    model.train_head("task")
    return model.train()


def drawn_in_a_step(model: TransferModel) -> list[str]:
    """Whose random numbers a step draws; the backbone drops nothing."""
    batch = {name: torch.ones(2, 8, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    with not_drawn(torch.device("cpu")) as drawn:
        model.backbone(**batch).last_hidden_state.sum().backward()
    return drawn


@pytest.mark.parametrize(
    ("method", "options", "drawn", "recorded"),
    [
        ("peft:lora", {}, [], True),
        ("peft:loha", {}, ["torch"], True),
        ("peft:loha", {"module_dropout": 0.5}, ["torch"], False),
        ("peft:lokr", {"module_dropout": 0.5}, ["torch"], False),
    ],
)
def test_what_a_method_draws_on_the_host_counts_where_it_decides_anything(
    method: str, options: dict[str, Any], drawn: list[str], recorded: bool, still: Path
) -> None:
    model = built(still, method, **options)
    assert drawn_in_a_step(model) == drawn
    reason = reason_against(model, [], drawn=drawn)
    assert reason is None if recorded else "random numbers on the host (torch)" in str(reason)


def test_gradients_that_somebody_watches_are_a_reason(still: Path) -> None:
    model = built(still, "peft:lora")
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    assert reason_against(model, weights, drawn=[]) is None
    weights[-1].register_hook(lambda gradient: None)
    assert reason_against(model, weights, drawn=[]) == "somebody watches the gradients"
