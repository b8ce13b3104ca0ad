"""The untrained encoder of the mini suite, wired so that a few minutes of training suffice.

Mimetic initialisation (Trockman and Kolter 2023) starts a transformer near the structure training would find. Here:
words and positions live in subspaces of their own; the heads of the first layer but one look at the neighbourhood, by
position; the other heads look for tokens like their own, because queries and keys start equal; values and outputs start
as each other's transpose, so that what is looked at is copied; and the output layer starts as the aligned embeddings.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from adapterstilts.mini.aligned_embeddings import aligned_embeddings
from adapterstilts.mini.pretraining_settings import PretrainingSettings
from adapterstilts.mini.tokenizer import MAX_LENGTH, SPECIAL, as_read, vocabulary

_EMBEDDING_SCALE = 0.1
_CONTENT_STD = 0.06
_NEIGHBOURHOOD = 0.75
_COPIED = 0.5


def initial_model(settings: PretrainingSettings) -> XLMRobertaForMaskedLM:
    """An XLM-R with aligned word embeddings, without dropout.

    Where its output layer is one of its own, the embeddings are frozen; else both are trained together.
    """
    width, heads, seed = settings.width, settings.heads, settings.seed
    position_width = width // heads
    torch.manual_seed(seed)
    words, words_width = as_read(vocabulary(), settings.languages), width - position_width
    config = XLMRobertaConfig(
        vocab_size=len(SPECIAL) + len(words) + 1, hidden_size=width, num_hidden_layers=settings.layers,
        num_attention_heads=heads, intermediate_size=settings.inner, max_position_embeddings=MAX_LENGTH + 2,
        type_vocab_size=1, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, tie_word_embeddings=settings.tied,
        pad_token_id=SPECIAL.index("<pad>"), bos_token_id=SPECIAL.index("<s>"), eos_token_id=SPECIAL.index("</s>"),
        layer_norm_eps=1e-5,
    )  # fmt: skip
    model = XLMRobertaForMaskedLM(config)
    inputs = aligned_embeddings(words, words_width, seed=seed, language_share=0.2, form_share=0.2)
    embeddings = model.roberta.embeddings
    with torch.no_grad():
        embeddings.word_embeddings.weight.copy_(_EMBEDDING_SCALE * nn.functional.pad(inputs, (0, position_width)))
        positions = nn.functional.pad(_sinusoids(MAX_LENGTH + 2, position_width), (words_width, 0))
        embeddings.position_embeddings.weight.copy_(_EMBEDDING_SCALE * positions)
        if not settings.tied:
            outputs = aligned_embeddings(words, words_width, seed=seed, language_share=0.7, form_share=0.5)
            model.lm_head.decoder.weight.copy_(_EMBEDDING_SCALE * nn.functional.pad(outputs, (0, position_width)))
        model.lm_head.dense.weight.copy_(torch.eye(width))
        for number, layer in enumerate(model.roberta.encoder.layer):
            _wire(layer.attention, words_width, neighbouring=heads - 1 if number == 0 else 0)
    embeddings.word_embeddings.weight.requires_grad = settings.tied
    return model


def _wire(attention: Any, words_width: int, *, neighbouring: int) -> None:
    """Set the weights of one attention layer whose first `neighbouring` heads look at the neighbourhood."""
    layer = attention.self
    query = layer.query.weight.normal_(0.0, _CONTENT_STD)
    if neighbouring:
        head_width = layer.attention_head_size
        query[: neighbouring * head_width].normal_(0.0, 0.01)
        position_width = query.shape[1] - words_width
        for head in range(neighbouring):
            start = head * head_width
            query[start : start + position_width, words_width:] += _NEIGHBOURHOOD * torch.eye(position_width)
    else:
        query[:, words_width:] *= 0.3
    layer.key.weight.copy_(query)
    value = nn.init.orthogonal_(layer.value.weight)
    if neighbouring:
        value[:, words_width:] = 0
    value *= _COPIED**0.5
    attention.output.dense.weight.copy_(value.T)


def _sinusoids(length: int, width: int) -> torch.Tensor:
    """Positions whose likeness falls off within a sentence: wavelengths of 10 to 300 tokens, entries of variance 1."""
    angles = torch.arange(length).unsqueeze(1) * torch.linspace(0.02, 0.6, width // 2)
    return 2**0.5 * torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
