"""Backbones that are planned by their published shape: as many parameters as their cards say."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModel

from adapterstilts.modeling.backbone import known_backbone
from adapterstilts.modeling.known_backbones import known_config, known_facts

# From the model cards; in thousands of millions, the output layer included where it is one of its own.
PARAMETERS = {
    "FacebookAI/xlm-roberta-base": 0.278,
    "FacebookAI/xlm-roberta-large": 0.560,
    "FacebookAI/roberta-large": 0.355,
    "intfloat/multilingual-e5-small": 0.118,
    "facebook/xlm-roberta-xl": 3.48,
    "facebook/xlm-roberta-xxl": 10.7,
    "Qwen/Qwen2.5-0.5B": 0.494,
    "Qwen/Qwen2.5-1.5B": 1.54,
    "Qwen/Qwen2.5-3B": 3.09,
    "Qwen/Qwen2.5-7B": 7.62,
    "Qwen/Qwen2.5-14B": 14.8,
    "Qwen/Qwen3-4B-Base": 4.02,
    "Qwen/Qwen3-32B": 32.8,
    "Qwen/Qwen3-30B-A3B-Base": 30.5,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_shape_has_the_published_number_of_parameters(name: str) -> None:
    config = known_config(name)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    output = 0 if config.tie_word_embeddings else config.vocab_size * config.hidden_size
    billions = (sum(one.numel() for one in model.parameters()) + output) / 1e9
    assert float(f"{billions:.3g}") == pytest.approx(PARAMETERS[name], rel=0.004)


def test_facts_are_those_of_the_family() -> None:
    large, decoder = known_facts("FacebookAI/xlm-roberta-large"), known_facts("Qwen/Qwen2.5-7B")
    assert (large.positions, large.pooling, large.causal, large.separator) == (512, "first", False, "")
    assert (decoder.pooling, decoder.causal, decoder.separator) == ("last", True, "\n")
    assert known_backbone("nobody/knows-this") is None
