"""Every family of backbones, tiny and random, with the embedded suite's tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from adapterstilts.mini.tokenizer import build_tokenizer

WIDTH, LAYERS = 32, 2
_SHARED = {
    "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": 2 * WIDTH,
    "max_position_embeddings": 130, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_DECODER = {**_SHARED, "num_key_value_heads": 1}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2}
# Distances alone, in buckets, as mDeBERTa-v3 has them.
_DEBERTA = {
    "relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"], "position_buckets": 32,
    "norm_rel_ebd": "layer_norm", "share_att_key": True, "type_vocab_size": 0,
}  # fmt: skip
_MODERNBERT = {"cls_token_id": 0, "sep_token_id": 2, "local_attention": 16, "global_attn_every_n_layers": 2}
_MT5 = {
    "d_model": WIDTH, "d_kv": 16, "d_ff": 2 * WIDTH, "num_layers": LAYERS, "num_decoder_layers": 1, "num_heads": 2,
    "pad_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_XMOD = {"languages": ["en_XX", "de_DE", "zh_CN"], "default_language": "en_XX", "adapter_reduction_factor": 2}


@dataclass(frozen=True)
class Family:
    """One architecture.

    Attributes:
        model: Its class in `transformers` with the head that checkpoints have, and `config` that of its settings.
        adapters: Whether the adapters library puts `seq_bn` into it.
        pooling: How a vector of a text is read by default.
        form: `encoder`, `decoder` or `experts`, which is a decoder too.
    """

    model: str
    config: str
    settings: dict[str, Any]
    adapters: bool = True
    pooling: str = "first"
    form: str = "encoder"

    def save(self, folder: Path) -> Path:
        """Writes random weights and the tokenizer."""
        tokenizer = build_tokenizer()
        torch.manual_seed(0)
        config = getattr(transformers, self.config)(vocab_size=len(tokenizer), **self.settings)
        getattr(transformers, self.model)(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder


def _decoder(name: str, *, adapters: bool = True, form: str = "decoder", **settings: Any) -> Family:
    model = f"{name.removesuffix('Text')}ForCausalLM"
    return Family(model, f"{name}Config", {**_DECODER, **settings}, adapters, "last", form)


FAMILIES: dict[str, Family] = {
    "xlm-roberta": Family("XLMRobertaForMaskedLM", "XLMRobertaConfig", _SHARED),
    "xlm-roberta-xl": Family("XLMRobertaXLForMaskedLM", "XLMRobertaXLConfig", _SHARED, adapters=False),
    "bert": Family("BertForMaskedLM", "BertConfig", _SHARED),
    "roberta": Family("RobertaForMaskedLM", "RobertaConfig", _SHARED),
    "deberta-v2": Family("DebertaV2ForMaskedLM", "DebertaV2Config", {**_SHARED, **_DEBERTA}),
    "xmod": Family("XmodForMaskedLM", "XmodConfig", {**_SHARED, **_XMOD}, adapters=False),
    "modernbert": Family("ModernBertForMaskedLM", "ModernBertConfig", {**_SHARED, **_MODERNBERT}),
    "mt5": Family("MT5ForConditionalGeneration", "MT5Config", _MT5, pooling="mean"),
    "llama": _decoder("Llama"),
    "mistral": _decoder("Mistral", sliding_window=64),
    "qwen2": _decoder("Qwen2"),
    "qwen3": _decoder("Qwen3", head_dim=16),
    "gemma": _decoder("Gemma", adapters=False, head_dim=16),
    "gemma2": _decoder("Gemma2", head_dim=16, query_pre_attn_scalar=16, sliding_window=64),
    "gemma3_text": _decoder("Gemma3Text", head_dim=16, query_pre_attn_scalar=16, sliding_window=64),
    "mixtral": _decoder("Mixtral", adapters=False, form="experts", num_local_experts=4, num_experts_per_tok=2),
    "qwen2_moe": _decoder("Qwen2Moe", adapters=False, form="experts", moe_intermediate_size=16,
                          shared_expert_intermediate_size=WIDTH, **_EXPERTS),
    "qwen3_moe": _decoder("Qwen3Moe", adapters=False, form="experts", head_dim=16, moe_intermediate_size=16,
                          **_EXPERTS),
    "olmoe": _decoder("Olmoe", adapters=False, form="experts", **_EXPERTS),
}  # fmt: skip
