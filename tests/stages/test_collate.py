"""The collator of a stage, and tokenizers that lack what it needs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.stages.collate import build_collator
from tests.stages.conftest import World


def test_a_collator_pads_with_the_tokenizers_padding_within_the_budget(world: World) -> None:
    setup = replace(world.planner.setup, tokens_per_batch=64)
    collator = build_collator(setup, 96)
    pad = setup.backbone.tokenizer().pad_token_id
    batches = collator([{"input_ids": [5] * length} for length in (16, 30, 32)])
    assert all(batch["input_ids"].numel() <= 64 for batch in batches) and len(batches) > 1
    for batch in batches:
        assert batch["input_ids"][batch["attention_mask"] == 0].tolist() == [pad] * int(
            (batch["attention_mask"] == 0).sum()
        )


@pytest.mark.parametrize("token", ["mask", "pad"])
def test_a_missing_token_is_said(world: World, tiny_backbone: Path, tmp_path: Path, token: str) -> None:
    folder = shutil.copytree(tiny_backbone, tmp_path / "backbone")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    setattr(tokenizer, f"{token}_token", None)
    shutil.rmtree(folder / "tokenizer.json", ignore_errors=True)
    tokenizer.save_pretrained(folder)
    setup = replace(world.planner.setup, backbone=locate_backbone(str(folder)))
    kind = world.recipe("mlm").build_kind() if token == "mask" else None
    with pytest.raises(CompatibilityError, match=f"has no {token}(ding)? token"):
        build_collator(setup, 96, kind=kind)
    if token == "mask":
        build_collator(setup, 96)
