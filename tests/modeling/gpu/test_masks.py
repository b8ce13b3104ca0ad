"""Masks that are made for every batch; what is tried here needs no GPU."""

from __future__ import annotations

import torch
from transformers import modeling_attn_mask_utils

from adapterstilts.modeling.gpu.masks import masks_always

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def mask_of(rows: int) -> torch.Tensor | None:
    whole = torch.ones(rows, 5, dtype=torch.long)
    return modeling_attn_mask_utils._prepare_4d_attention_mask_for_sdpa(whole, torch.float32)


def test_a_batch_without_padding_has_a_mask_on_a_gpu_while_it_lasts() -> None:
    assert mask_of(2) is None
    with masks_always(CPU):
        assert mask_of(2) is None
    with masks_always(GPU):
        mask = mask_of(2)
        with masks_always(GPU):
            assert mask_of(3) is not None
        assert mask is not None and torch.equal(mask, torch.zeros(2, 1, 5, 5))
        with masks_always(CPU):
            assert mask_of(2) is not None
    assert mask_of(2) is None
