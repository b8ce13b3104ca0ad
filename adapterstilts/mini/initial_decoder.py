"""An untrained decoder for the mini suite, dense or a mixture of experts, wired as `initial_model` wires its encoder.

Its embeddings say nothing of positions, which rotary embeddings do in each layer. So that the first layer's heads but
one look at the words just before, all words share one dimension of constant size, from which their queries and keys
are made: a key turned by some words' angle fits best the query that stands that much later.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, MistralConfig, MixtralConfig

from adapterstilts.mini.aligned_embeddings import aligned_embeddings
from adapterstilts.mini.pretraining_settings import PretrainingSettings
from adapterstilts.mini.tokenizer import MAX_LENGTH, SPECIAL, as_read, vocabulary

_EMBEDDING_SCALE = 0.3
_CONTENT_STD = 0.1
_NEIGHBOURHOOD = 12.0
_COPIED = 0.5
_ROTATION = 100.0
_LAST_SCALE = 0.5


def initial_decoder(settings: PretrainingSettings) -> Any:
    """A Mistral or Mixtral with aligned word embeddings, which its output layer shares, without dropout."""
    torch.manual_seed(settings.seed)
    words = as_read(vocabulary(), settings.languages)
    shared = {
        "vocab_size": len(SPECIAL) + len(words) + 1,
        "hidden_size": settings.width,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "num_key_value_heads": settings.heads,
        "intermediate_size": settings.inner,
        "max_position_embeddings": MAX_LENGTH,
        "rope_theta": _ROTATION,
        "sliding_window": None,
        "tie_word_embeddings": True,
        "pad_token_id": SPECIAL.index("<pad>"),
        "bos_token_id": SPECIAL.index("<s>"),
        "eos_token_id": SPECIAL.index("</s>"),
    }
    if settings.experts:
        balance = settings.balance
        config: Any = MixtralConfig(
            **shared, num_local_experts=settings.experts, num_experts_per_tok=settings.chosen,
            router_aux_loss_coef=balance,
        )  # fmt: skip
    else:
        config = MistralConfig(**shared)
    model = AutoModelForCausalLM.from_config(config)
    vectors = aligned_embeddings(words, settings.width - 1, seed=settings.seed, language_share=0.4, form_share=0.3)
    embeddings = model.get_input_embeddings()
    with torch.no_grad():
        embeddings.weight.copy_(_EMBEDDING_SCALE * nn.functional.pad(vectors, (0, 1), value=1.0))
        model.model.norm.weight.fill_(_LAST_SCALE)
        for number, layer in enumerate(model.model.layers):
            _wire(layer.self_attn, neighbouring=settings.heads - 1 if number == 0 else 0)
    return model


def _wire(attention: Any, *, neighbouring: int) -> None:
    """Set the weights of an attention layer whose heads look 1, 2, ... words back, the first `neighbouring` of them."""
    width = attention.head_dim
    query = attention.q_proj.weight.normal_(0.0, _CONTENT_STD)
    key = attention.k_proj.weight.copy_(query)
    angles = _ROTATION ** (-torch.arange(0, width, 2) / width)
    for head in range(neighbouring):
        rows = slice(head * width, (head + 1) * width)
        query[rows] *= 0.1
        key[rows] *= 0.1
        turned = (head + 1) * angles
        query[rows, -1] = _NEIGHBOURHOOD**0.5 * torch.cat([torch.ones_like(angles), torch.zeros_like(angles)])
        key[rows, -1] = _NEIGHBOURHOOD**0.5 * torch.cat([turned.cos(), turned.sin()])
    value = nn.init.orthogonal_(attention.v_proj.weight)
    value *= _COPIED**0.5
    attention.o_proj.weight.copy_(value.T)
