"""Whether weights have moved."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.stages.training.changes import WeightSample


def test_the_largest_change_of_a_trained_weight_is_found(tiny_backbone: Path) -> None:
    method = MethodSpec(name="seq_bn")
    model = TransferModel(locate_backbone(str(tiny_backbone)), method=method, precision="fp32")
    model.train_adapter(model.add_adapter("squad", method))
    sample = WeightSample.of(model)
    assert sample.values and sample.largest_change(model) == 0.0
    frozen = next(one for one in model.parameters() if not one.requires_grad)
    trained = [one for one in model.parameters() if one.requires_grad]
    with torch.no_grad():
        frozen.data = frozen + 1.0  # elsewhere: models of one backbone share what none of them trains
        assert sample.largest_change(model) == 0.0
        trained[0].add_(1e-30)
        assert sample.largest_change(model) < 1e-6
        trained[-1].add_(0.25)
    assert sample.largest_change(model) == pytest.approx(0.25)
