"""What the module for peft does beyond what the tests of all methods see."""

from __future__ import annotations

from pathlib import Path

import torch

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from tests.backbones import FAMILIES
from tests.modeling.test_transfer_model import SPAN, batch, store
from tests.runs.test_specs import train_spec


def test_lora_is_merged_on_a_decoder_whose_attention_has_a_scaling_of_its_own(tmp_path: Path) -> None:
    """The merged adapter changes the output as much as the weighted sum of the sources' changes of the weights does."""
    backbone = locate_backbone(str(FAMILIES["llama"].save(tmp_path / "llama")))
    lora = MethodSpec(name="peft:lora", options={"r": 2})
    sources = []
    for number in range(2):
        model = TransferModel(backbone, method=lora, precision="fp32")
        model.train_adapter(model.add_adapter("squad", lora))
        model.add_head("squad", SPAN)
        sources.append(store(model, tmp_path / str(number), noise=0.3))
    merge = Choice(name="merge", options={"kind": "svd", "rank": 4, "then": "continue"})
    spec = train_spec(method=lora, composition=merge, backbone=backbone.fingerprint)
    merged = start_model(spec, backbone, sources, heads={"squad": SPAN}, source_task=None)
    plain = TransferModel(backbone, method=lora, precision="fp32", own_backbone=True)
    for source in sources:
        other = source.restore(backbone, precision="fp32")
        for name, module in other.backbone.named_modules():
            if hasattr(module, "get_delta_weight"):
                plain.backbone.get_submodule(name).weight.data += module.get_delta_weight("squad") / 2
    inputs = batch(labels=False)
    with torch.inference_mode():
        found, expected = (model.eval().backbone(**inputs).last_hidden_state for model in (merged, plain))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
