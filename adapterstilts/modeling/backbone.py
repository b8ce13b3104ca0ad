"""The pretrained encoder or decoder: finding it, identifying its weights, loading it."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts.errors import CompatibilityError, UsageError, explain_hub, unknown
from adapterstilts.files import file_digest, no_file
from adapterstilts.modeling.architecture import Facts, has_masked_lm, is_encoder_decoder
from adapterstilts.modeling.cpu.cores import keep_to_cores
from adapterstilts.modeling.known_backbones import is_known, known_config, known_facts
from adapterstilts.modeling.quantization import quantization_config
from adapterstilts.pretrained import check_published, load_pretrained
from adapterstilts.runs.memory import Memory

if TYPE_CHECKING:
    import torch
    from torch import nn

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAMED_TOKENS = ("bos_token", "cls_token", "eos_token", "mask_token", "pad_token", "sep_token", "unk_token")
_TOKENIZER = ("*.model", "tokenizer*.json", "vocab.*", "merges.txt")
# Parts that are made one by one, and of which any number more is a mistake or meant to keep a machine busy.
_COUNTED = re.compile(r"(?:n|num)_(?:\w+_)?(?:layers?|experts|heads)|(?:\w+_)?layers")
_MOST = 10_000
# What decides the output of a checkpoint folder: architecture, weights, tokenizer.
_DECISIVE = ("config.json", "*.safetensors", "pytorch_model*.bin", *_TOKENIZER)


# Where `transformers` keeps the whole head for masked language modelling: RoBERTa's family, BERT's, and ModernBERT's.
_MASKED_LM_HEADS = (("lm_head",), ("cls",), ("head", "decoder"))
# Families of which `AutoModel` does not find the weights in a checkpoint of the whole language model.
_INSIDE_LANGUAGE_MODEL = ("gemma3_text",)


@dataclass(frozen=True)
class Backbone:
    """A located checkpoint.

    Attributes:
        name: What the user called it.
        path: Folder or Hub id, as `from_pretrained` takes it.
        revision: Commit on the Hub; None for a folder.
        fingerprint: Identity of its weights and tokenizer.
        quantization: The number format in which its weights are loaded, if it is not one of torch's own: `nf4`.
        known: Whether only its published shape is at hand: stages on it can be planned and not run, and its fingerprint
            is none of a checkpoint, so that their keys are others than those they will have.
    """

    name: str
    path: str
    revision: str | None
    fingerprint: str
    quantization: str | None = None
    known: bool = False

    def config(self) -> Any:
        """The checkpoint's `transformers` configuration.

        Raises:
            CompatibilityError: It is not that of a text model.
        """
        from transformers import AutoConfig

        if self.known:
            return known_config(self.name)
        config = self._load(AutoConfig)
        if not all(isinstance(getattr(config, name, None), int) for name in ("hidden_size", "num_hidden_layers")):
            raise CompatibilityError(
                f"{self.name} is {config.model_type!r}, which is not one encoder or decoder of text.",
                remedy="Choose a backbone that reads text alone, such as xlm-roberta-large or google/gemma-3-1b-pt.",
            )
        for name, value in config.to_dict().items():
            if _COUNTED.fullmatch(name) and isinstance(value, int) and value > _MOST:
                raise CompatibilityError(
                    f"--backbone {self.name}: its config.json says {name} {value:,}, which no model has.",
                    remedy="Get the folder again from where it comes from.",
                )
        return config

    def tokenizer(self) -> Any:
        """The checkpoint's fast tokenizer, one for all stages of a process: one of XLM-R takes a second to read.

        Raises:
            CompatibilityError: There is only a slow one, which gives no character offsets.
        """
        return _tokenizer(self)

    def encoder(self, dtype: torch.dtype, *, frozen: bool = False) -> nn.Module:
        """The encoder, or the decoder below its output layer, without any head, its weights in `dtype`.

        Args:
            frozen: Whether the weights are never going to change. They are then shared with all other frozen encoders
                of this process that were built since, so that they are read once.

        Raises:
            CompatibilityError: The checkpoint lacks some of its weights, which would stay random.
        """
        if frozen and self.quantization is None:
            return _sharing_weights(_frozen_encoder(self, dtype))
        return self._read_encoder(dtype)

    def _read_encoder(self, dtype: torch.dtype) -> nn.Module:
        keep_to_cores()
        config = self.config()
        auto_class, inside = _route(config)
        options = {**without_pooler(config), **quantization_config(self.quantization)}
        model, report = self._load(auto_class, dtype=dtype, output_loading_info=True, **options)
        if absent := sorted(report["missing_keys"]):
            raise CompatibilityError(
                f"{self.name} has no weights for {absent[0]} and {len(absent) - 1} more.",
                remedy="The checkpoint does not fit its config.json: save it again with `save_pretrained`.",
            )
        return _without_cache(inside(model))

    def random_encoder(self) -> nn.Module:
        """The encoder's architecture with new weights, on the current default device."""
        config = self.config()
        auto_class, inside = _route(config)
        return _without_cache(inside(auto_class.from_config(config, **without_pooler(config))))

    def masked_lm_decoder(self, encoder: Any) -> nn.Module:
        """Hidden states to scores of the vocabulary: the checkpoint's own head for masked language modelling.

        Where its output layer shares the word embeddings, it shares those of `encoder`.

        Raises:
            CompatibilityError: The checkpoint has no such head.
        """
        from torch import nn

        config = self.config()
        if not has_masked_lm(config):
            raise _no_masked_lm(self.name, config.model_type)
        model, missing = self._masked_lm_model()
        parts = masked_lm_parts(model)
        beginnings = tuple(f"{part}." for part in parts)
        absent = [name for name in missing if name.startswith(beginnings) and "decoder" not in name]
        if not parts or absent:
            raise _no_masked_lm(self.name, absent[0] if absent else "unknown form")
        output = model.get_output_embeddings()
        if output.weight is model.get_input_embeddings().weight:
            output.weight = encoder.get_input_embeddings().weight
        modules = [getattr(model, part) for part in parts]
        return modules[0] if len(modules) == 1 else nn.Sequential(*modules)

    def _masked_lm_model(self) -> tuple[Any, list[str]]:
        """The checkpoint as a masked language model, and names of weights that it lacks."""
        from transformers import AutoModelForMaskedLM

        model, report = self._load(AutoModelForMaskedLM, output_loading_info=True)
        return model, report["missing_keys"]

    def check_masked_lm(self, facts: Facts) -> None:
        """Refuses a family that has no head for masked language modelling, before weights are read.

        Raises:
            CompatibilityError: See above.
        """
        if not facts.masked_lm:
            raise _no_masked_lm(self.name, facts.model_type)

    def facts(self, memory: Memory) -> Facts:
        """What planning has to know, once configuration and tokenizer are known to fit.

        Raises:
            CompatibilityError: It is not a text model, or its tokenizer cannot make batches for it.
            HubError: It is on the Hub and the Hub is out of reach.
        """

        def find() -> dict[str, Any]:
            if self.known:
                return known_facts(self.name).model_dump(mode="json")
            config = self.config()
            check_tokenizer(self.tokenizer(), config, name=self.name)
            return Facts.of(config, self.tokenizer()).model_dump(mode="json")

        told = ("facts, all tokens embedded", *Facts.model_fields, self.fingerprint, version("transformers"))
        return Facts.model_validate(memory.recall(*told, find=find))

    def _load(self, auto_class: Any, **options: Any) -> Any:
        if self.revision is not None:
            with explain_hub(f"the backbone {self.path}"):
                return load_pretrained(auto_class, self.path, revision=self.revision, **options)
        try:
            return load_pretrained(auto_class, self.path, **options)
        except CompatibilityError:
            raise
        except Exception as error:  # each part of a checkpoint fails in a way of its own
            part = auto_class.__name__.removeprefix("Auto").lower()
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CompatibilityError(
                f"The {part} of --backbone {self.name} cannot be loaded: {reason.rstrip('.')}.",
                remedy="Give a folder to which model and tokenizer were saved with `save_pretrained`.",
            ) from error


def locate_backbone(name: str, *, revision: str | None = None, flag: str = "--backbone") -> Backbone:
    """Finds a backbone: one that ships with the package, as `mini` does, a checkpoint folder, or a Hub id.

    Args:
        revision: Commit, tag or branch on the Hub; only a commit works without asking the Hub.
        flag: Where the name was given.

    Raises:
        UsageError: The folder is no checkpoint, or the name looks like a folder, or one of the package's, that is not
            there.
        CompatibilityError: It is known to be of an architecture that is not there.
        HubError: The Hub could not be asked.
    """
    from adapterstilts import mini

    embedded = name in mini.backbone_names()
    if revision and (embedded or Path(name).is_dir()):
        raise UsageError(f"--revision {revision} has no meaning for {name}.", remedy="Leave it out: it is for the Hub.")
    if embedded:
        path = mini.backbone_path(name)
        return Backbone(name, str(path), None, _folder_fingerprint(path))
    if not name:
        raise UsageError(f"{flag} is empty.", remedy="Give a checkpoint folder, a Hub id, or leave it out.")
    folder = Path(name)
    if folder.is_dir():
        return Backbone(name, str(folder), None, _folder_fingerprint(folder, flag))
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UsageError(f"{flag} {name} is not a folder.", remedy="Give a checkpoint folder or a Hub id.")
    if name.startswith("mini-") and "/" not in name:
        raise unknown("embedded backbone", name, mini.backbone_names())
    check_published(name)
    commit = revision if revision and _COMMIT.fullmatch(revision) else _resolve_commit(name, revision)
    return Backbone(name, name, commit, f"hub:{commit}")


def known_backbone(name: str) -> Backbone | None:
    """The backbone of that name as it can be planned with, if its shape is known here."""
    return Backbone(name, name, None, f"not fetched:{name}", known=True) if is_known(name) else None


@lru_cache(maxsize=1)
def _frozen_encoder(backbone: Backbone, dtype: torch.dtype) -> nn.Module:
    """An encoder that is not used itself."""
    return backbone._read_encoder(dtype).requires_grad_(False)


def _sharing_weights(model: nn.Module) -> nn.Module:
    """A copy of a model with parameters and buffers of its own that share the memory of the model's."""
    from torch import nn

    shared: dict[int, Any] = {id(one): nn.Parameter(one.detach(), requires_grad=False) for one in model.parameters()}
    shared |= {id(one): one.detach() for one in model.buffers()}
    return copy.deepcopy(model, shared)


@lru_cache(maxsize=2)
def _tokenizer(backbone: Backbone) -> Any:
    from transformers import AutoTokenizer

    folder = Path(backbone.path)
    if folder.is_dir() and not any(file for pattern in _TOKENIZER for file in folder.glob(pattern)):
        raise CompatibilityError(
            f"--backbone {backbone.name} has no tokenizer.",
            remedy="Save it to the same folder with `tokenizer.save_pretrained`.",
        )
    tokenizer = backbone._load(AutoTokenizer)
    if not tokenizer.is_fast:
        raise CompatibilityError(
            f"{backbone.name} has no fast tokenizer, and character offsets need one.",
            remedy="Convert it with transformers, or choose another --backbone.",
        )
    return tokenizer


def masked_lm_parts(model: Any) -> tuple[str, ...]:
    """Names of the modules of a masked language model that are its head, in order; empty where none is known."""
    return next((names for names in _MASKED_LM_HEADS if all(hasattr(model, name) for name in names)), ())


def check_length(facts: Facts, max_length: int, *, name: str) -> None:
    """Refuses inputs longer than the backbone has positions for.

    Raises:
        CompatibilityError: `max_length` tokens do not fit.
    """
    if facts.positions and max_length > facts.positions:
        raise CompatibilityError(
            f"{name} has {facts.positions} positions, fewer than max_length {max_length}.",
            remedy=f"Use --max-length {facts.positions} or less.",
        )


def check_tokenizer(tokenizer: Any, config: Any, *, name: str) -> None:
    """Refuses a tokenizer with which batches of texts cannot be made.

    Raises:
        CompatibilityError: It has no padding token, as many decoders' have none, or tokens that the model has no
            embeddings for.
    """
    if tokenizer.pad_token_id is None:
        token = tokenizer.unk_token or tokenizer.eos_token or "<pad>"
        raise CompatibilityError(
            f"The tokenizer of {name} has no padding token.",
            remedy="Save a copy of the backbone whose tokenizer has one, for instance a token that it has already: "
            f"`tokenizer.pad_token = {token!r}`, then `save_pretrained` both to a folder for --backbone.",
        )
    size = config.vocab_size
    needed = [token for token in _NAMED_TOKENS if (getattr(tokenizer, f"{token}_id") or 0) >= size]
    # Special tokens that no text has, such as those of images, may be there for other models.
    unread = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
    without = {id_: text for text, id_ in tokenizer.get_vocab().items() if id_ >= size and id_ not in unread}
    without |= {getattr(tokenizer, f"{token}_id"): getattr(tokenizer, token) for token in needed}
    if without:
        some = ", ".join(repr(without[id_]) for id_ in sorted(without)[:3]) + (", …" if len(without) > 3 else "")
        raise CompatibilityError(
            f"The tokenizer of {name} has {len(tokenizer):,} tokens, and the model {size:,} embeddings: none for "
            f"{some}.",
            remedy="Call `model.resize_token_embeddings(len(tokenizer))` and save both to a folder for --backbone, or "
            "use the tokenizer as it was before tokens were added to it.",
        )


def _resolve_commit(name: str, revision: str | None) -> str:
    from huggingface_hub import hf_hub_download

    with explain_hub(f"the backbone {name}"):
        # Works from the local cache too: its path holds the commit that the revision stood for.
        path = Path(hf_hub_download(name, "config.json", revision=revision))
    return path.parent.name


def _folder_fingerprint(folder: Path, flag: str = "--backbone") -> str:
    if not (folder / "config.json").is_file():
        raise UsageError(f"{flag} {folder} has no config.json.", remedy="Give a folder written by `save_pretrained`.")
    files = sorted({path for pattern in _DECISIVE for path in folder.glob(pattern)})
    digest = hashlib.sha256()
    for path in files:
        if problem := no_file(path):
            raise UsageError(f"{flag} {folder}: {path.name} {problem[0]}.", remedy=problem[1])
        digest.update(f"{path.name}\0{file_digest(path)}\0".encode())
    return f"sha256:{digest.hexdigest()}"


def _route(config: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The automatic class that finds a checkpoint's weights, and the way from its models to the encoder."""
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForTextEncoding

    if config.model_type in _INSIDE_LANGUAGE_MODEL:
        return AutoModelForCausalLM, lambda model: model.get_decoder()
    if not is_encoder_decoder(config):
        return AutoModel, lambda model: model
    if type(config) in AutoModelForTextEncoding._model_mapping:
        return AutoModelForTextEncoding, lambda model: model
    return AutoModel, lambda model: model.get_encoder()


def loading_class(config: Any) -> tuple[str, str]:
    """The automatic class that loads the encoder of an architecture, and what has to be called on its model for it."""
    auto_class, _ = _route(config)
    if auto_class.__name__ == "AutoModelForCausalLM":
        return auto_class.__name__, ".get_decoder()"
    inside = is_encoder_decoder(config) and auto_class.__name__ == "AutoModel"
    return auto_class.__name__, ".get_encoder()" if inside else ""


def _without_cache(encoder: Any) -> nn.Module:
    # A decoder would keep keys and values for text that is never generated.
    encoder.config.use_cache = False
    return encoder


def _no_masked_lm(name: str, reason: str) -> CompatibilityError:
    return CompatibilityError(
        f"{name} has no head for masked language modelling ({reason}).",
        remedy="Choose a backbone that was saved with it, such as xlm-roberta-base.",
    )


def without_pooler(config: Any) -> dict[str, bool]:
    """What an encoder is built with so that it has no pooler.

    A pooler over the first token belongs to the pretraining head; ours replace it.
    """
    auto_class, _ = _route(config)
    model_class = auto_class._model_mapping[type(config)]
    return {"add_pooling_layer": False} if "add_pooling_layer" in model_class.__init__.__code__.co_varnames else {}
