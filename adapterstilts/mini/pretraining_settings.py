"""How each of the embedded backbones is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from adapterstilts.mini import LANGUAGES


@dataclass(frozen=True)
class PretrainingSettings:
    """Settings of one run.

    Attributes:
        family: XLM-R reads masked words; the other two are decoders, which read the next word.
        width, layers, heads, inner: sizes of the layers; of a mixture, `inner` is that of one expert. In an XLM-R's
            embeddings as many dimensions as one head has say where a word stands.
        tied: whether the output layer shares the word embeddings, which are trained then, and stay as they begin else.
        experts, chosen: experts of each layer of a mixture, and how many of them a token is sent to.
        balance: weight of the loss that a mixture pays for experts of unequal load.
        languages: what is read; words of other languages are words without meaning.
        steps: optimiser steps.
        rows: examples per step.
        masked: most predicted positions per example; the output layer sees rows * masked positions in every step.
        learning_rate: its peak, after a linear warm-up over `warmup` of the steps, before a cosine decay to zero.
        concept_weight: share of the loss that is paid for the concept of a predicted word, in whatever language and
            form, rather than for its form. Paying for forms alone pulls the languages apart.
        replaced, kept: shares of the masked positions that show a random word, or the right one, instead of the mask.
        seed: of the text, the masks and the weights.
    """

    family: Literal["xlm-roberta", "mistral", "mixtral"] = "xlm-roberta"
    width: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 384
    tied: bool = False
    experts: int = 0
    chosen: int = 0
    balance: float = 0.0
    languages: tuple[str, ...] = LANGUAGES
    steps: int = 6000
    rows: int = 32
    masked: int = 8
    learning_rate: float = 2e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    concept_weight: float = 0.5
    replaced: float = 0.15
    kept: float = 0.05
    seed: int = 0

    @property
    def causal(self) -> bool:
        """Whether the next word is predicted."""
        return self.family != "xlm-roberta"


_DECODER = PretrainingSettings(
    family="mistral", width=64, inner=128, tied=True, steps=1000, masked=12, learning_rate=5e-3
)
SETTINGS = {
    "mini": PretrainingSettings(),
    "mini-narrow": PretrainingSettings(width=64, inner=192),
    "mini-wide": PretrainingSettings(width=192, inner=576),
    "mini-english": PretrainingSettings(languages=("en",), tied=True, steps=700),
    "mini-moe": replace(_DECODER, family="mixtral", inner=64, experts=8, chosen=2, balance=0.02),
    "mini-dense-active": _DECODER,
    "mini-dense-total": replace(_DECODER, inner=512),
}
