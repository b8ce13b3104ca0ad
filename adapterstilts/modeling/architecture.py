"""What differs between families of backbones, told from the configuration alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from adapterstilts.errors import CompatibilityError
from adapterstilts.languages import LANGUAGES, context_language
from adapterstilts.settings import Pooling, Strict
from adapterstilts.tasks.windows import own_separator

# Families that count positions from behind the padding id, as RoBERTa does.
_POSITIONS_BEHIND_PADDING = (
    "camembert", "data2vec-text", "longformer", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta",
    "xlm-roberta-xl", "xmod",
)  # fmt: skip
# Architectures of a block of embeddings and a list of layers, with nothing above the layers.
_PLAIN = ("bert", "camembert", "roberta", "xlm-roberta")
# What `transformers` calls the dropout of hidden states, by family.
_DROPOUTS = ("hidden_dropout_prob", "dropout_rate", "resid_pdrop", "dropout")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
# Last parts of the names of the modules that choose experts.
_ROUTERS = ("gate", "router", "shared_expert_gate")
# Parts of the names of what X-MOD keeps as it was pretrained when it is fine-tuned, so that another language's module
# can take the place of the one trained with (Pfeiffer et al. 2022, and `freeze_embeddings_and_language_adapters` of
# `transformers`).
_KEPT_BY_XMOD = frozenset({"embeddings", "adapter_modules", "adapter_layer_norm"})


class Facts(Strict):
    """What has to be known of a backbone to plan stages on it; it has the names of a `transformers` configuration.

    Attributes:
        languages: Codes of the languages that X-MOD has a module for; empty for all others.
        positions: The longest input in tokens; None where there is no limit.
        pooling: How one vector of a text is read by default.
        masked_lm: Whether there is a head for masked language modelling.
        causal: Whether a token sees only those before it.
        separator: What is put between two texts, where the tokenizer puts nothing there.
    """

    model_type: str
    hidden_size: int
    num_hidden_layers: int
    languages: tuple[str, ...] = ()
    positions: int | None
    pooling: Pooling
    masked_lm: bool
    causal: bool
    separator: str

    @classmethod
    def of(cls, config: Any, tokenizer: Any) -> Facts:
        """The facts of a configuration and a fast tokenizer."""
        return cls.known(config, separator=own_separator(tokenizer))

    @classmethod
    def known(cls, config: Any, *, separator: str) -> Facts:
        """The facts of a configuration."""
        return cls(
            model_type=config.model_type,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_hidden_layers,
            languages=tuple(config.languages) if config.model_type == "xmod" else (),
            positions=positions(config),
            pooling=default_pooling(config),
            masked_lm=has_masked_lm(config),
            causal=is_causal(config),
            separator=separator,
        )


def has_plain_layers(config: Any) -> bool:
    """Whether a backbone is embeddings and a list of layers, each of which reads what the one below it gives."""
    return config.model_type in _PLAIN


def is_causal(config: Any) -> bool:
    """Whether a token sees only those before it, so that the last one alone has seen the whole text."""
    from transformers import AutoModelForCausalLM

    if is_encoder_decoder(config) or has_masked_lm(config) or getattr(config, "use_bidirectional_attention", False):
        return False
    return type(config) in AutoModelForCausalLM._model_mapping


def is_encoder_decoder(config: Any) -> bool:
    """Whether the family has a decoder beside its encoder, also where a checkpoint holds the encoder alone."""
    from transformers import AutoModelForSeq2SeqLM

    return config.is_encoder_decoder or type(config) in AutoModelForSeq2SeqLM._model_mapping


def form(config: Any) -> str:
    """The form of the architecture in words."""
    if is_encoder_decoder(config):
        return "encoder of an encoder-decoder"
    return "decoder (causal)" if is_causal(config) else "encoder"


def has_masked_lm(config: Any) -> bool:
    """Whether the family has a head for masked language modelling above its encoder."""
    from transformers import AutoModelForMaskedLM

    return not is_encoder_decoder(config) and type(config) in AutoModelForMaskedLM._model_mapping


def default_pooling(config: Any) -> Pooling:
    """How one vector of a text is read by default.

    The `last` token for causal decoders, the `mean` for encoders of encoder-decoders, which have no token for it, and
    the `first` for all others, unless their configuration says `classifier_pooling`, as ModernBERT's does.
    """
    if is_causal(config):
        return "last"
    if is_encoder_decoder(config) or getattr(config, "classifier_pooling", None) == "mean":
        return "mean"
    return "first"


def dropout(config: Any) -> float:
    """The dropout of hidden states; 0 for families without."""
    return next((float(getattr(config, name)) for name in _DROPOUTS if getattr(config, name, None) is not None), 0.0)


def drops_attention(config: Any) -> bool:
    """Whether attention has dropout in training."""
    return bool(getattr(config, "attention_probs_dropout_prob", 0) or getattr(config, "attention_dropout", 0))


def drops(config: Any) -> bool:
    """Whether a backbone has dropout in training."""
    return bool(dropout(config)) or drops_attention(config)


def initializer_range(config: Any) -> float:
    """Standard deviation of new weights; T5's family has only factors, and gets that of most others."""
    return getattr(config, "initializer_range", 0.02)


def positions(config: Any) -> int | None:
    """The longest input in tokens; None where positions are only relative and have no end."""
    if not getattr(config, "position_biased_input", True) and getattr(config, "relative_attention", False):
        return None  # DeBERTa: distances are put into buckets, of which the last has no end
    found = getattr(config, "max_position_embeddings", None)
    if found and config.model_type in _POSITIONS_BEHIND_PADDING:
        return found - (config.pad_token_id + 1)
    return found


def experts(config: Any) -> int:
    """How many experts each sparse layer has; 0 for dense models."""
    return next((int(getattr(config, name)) for name in _EXPERTS if getattr(config, name, None)), 0)


def share_used(parameter: str, config: Any) -> float:
    """The share of one of a model's weights that a token uses: of experts, those that it is sent to."""
    there, chosen = experts(config), getattr(config, "num_experts_per_tok", None)
    return chosen / there if there and chosen and ".experts." in parameter else 1.0


def routers(names: Sequence[str]) -> list[str]:
    """Those of a model's modules that choose experts: `gate` and the like, beside `experts`."""
    parents = {name.rpartition(".")[0] for name in names if name.rpartition(".")[2] == "experts"}
    return [name for name in names if name.rpartition(".")[0] in parents and name.rpartition(".")[2] in _ROUTERS]


def has_experts(config: Any) -> bool:
    """Whether layers choose experts for each token."""
    return any(getattr(config, name, None) for name in ("num_experts", "num_local_experts"))


def stays_as_pretrained(config: Any, parameter: str) -> bool:
    """Whether one of the backbone's weights is not trained even where all of them are."""
    return not kept_parts(config).isdisjoint(parameter.split("."))


def kept_parts(config: Any) -> frozenset[str]:
    """Names of the parts of a backbone whose weights stay as they were pretrained."""
    return _KEPT_BY_XMOD if config.model_type == "xmod" else frozenset()


def module_language(config: Any, language: str) -> str | None:
    """X-MOD's own code of its module for a language, e.g. `de_DE`; None for backbones without such modules.

    Args:
        language: ISO 639-1 code, or a pair, of which the context's counts.

    Raises:
        KeyError: It has modules for other languages and not for this one.
    """
    if config.model_type != "xmod":
        return None
    wanted = context_language(language)
    found = [code for code in config.languages if code.partition("_")[0] == wanted]
    if not found:
        raise KeyError(wanted)
    return found[0]


def check_modules(config: Any, languages: Iterable[str], *, name: str) -> None:
    """Refuses languages, or pairs, for which a backbone with a module for each language has none.

    Raises:
        CompatibilityError: See above; the languages that it has are named.
    """
    for language in languages:
        try:
            module_language(config, language)
        except KeyError as error:
            (code,) = error.args
            known = sorted({one.partition("_")[0] for one in config.languages})
            raise CompatibilityError(
                f"{name} has no module for {LANGUAGES.get(code, code)} ({code}); it has {', '.join(known)}.",
                remedy="Leave the language out with --languages, or choose another --backbone.",
            ) from None
