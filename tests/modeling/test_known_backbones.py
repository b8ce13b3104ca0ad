"""Backbones that are planned by their published shape: as many parameters as their cards say."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModel

from adapterstilts.modeling.backbone import known_backbone
from adapterstilts.modeling.known_backbones import known_config, known_facts, known_names

# From the model cards; in thousands of millions, the output layer included where it is one of its own.
PARAMETERS = {
    "FacebookAI/xlm-roberta-base": 0.278,
    "FacebookAI/xlm-roberta-large": 0.560,
    "FacebookAI/roberta-large": 0.355,
    "intfloat/multilingual-e5-small": 0.118,
    "intfloat/multilingual-e5-base": 0.278,
    "intfloat/multilingual-e5-large": 0.560,
    "facebook/xlm-v-base": 0.778,
    "google-bert/bert-base-multilingual-cased": 0.178,
    "microsoft/mdeberta-v3-base": 0.278,
    "jhu-clsp/mmBERT-base": 0.307,
    "jhu-clsp/mmBERT-small": 0.140,
    "facebook/xlm-roberta-xl": 3.48,
    "facebook/xlm-roberta-xxl": 10.7,
    "Qwen/Qwen2.5-0.5B": 0.494,
    "Qwen/Qwen2.5-1.5B": 1.54,
    "Qwen/Qwen2.5-3B": 3.09,
    "Qwen/Qwen2.5-7B": 7.62,
    "Qwen/Qwen2.5-14B": 14.8,
    "Qwen/Qwen3-0.6B": 0.596,
    "Qwen/Qwen3-1.7B": 1.72,
    "Qwen/Qwen3-4B-Base": 4.02,
    "Qwen/Qwen3-32B": 32.8,
    "Qwen/Qwen3-30B-A3B-Base": 30.5,
}


@pytest.mark.slow(but=5)
@pytest.mark.parametrize("name", PARAMETERS)
def test_the_shape_has_the_published_number_of_parameters(name: str) -> None:
    config = known_config(name)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    output = 0 if config.tie_word_embeddings else config.vocab_size * config.hidden_size
    billions = (sum(one.numel() for one in model.parameters()) + output) / 1e9
    assert float(f"{billions:.3g}") == pytest.approx(PARAMETERS[name], rel=0.004)


def test_every_shape_is_checked() -> None:
    assert sorted(PARAMETERS) == known_names()


@pytest.mark.parametrize(
    ("name", "positions"),
    [("facebook/xlm-v-base", 512), ("microsoft/mdeberta-v3-base", None), ("jhu-clsp/mmBERT-small", 8192)],
)
def test_encoders_are_read_at_their_first_token_as_far_as_their_positions_go(name: str, positions: int | None) -> None:
    facts = known_facts(name)
    assert (facts.positions, facts.pooling, facts.causal, facts.separator) == (positions, "first", False, "")


def test_facts_are_those_of_the_family() -> None:
    large, decoder = known_facts("FacebookAI/xlm-roberta-large"), known_facts("Qwen/Qwen2.5-7B")
    assert (large.positions, large.pooling, large.causal, large.separator) == (512, "first", False, "")
    assert (decoder.pooling, decoder.causal, decoder.separator) == ("last", True, "\n")
    assert known_backbone("nobody/knows-this") is None
