"""The pretrained encoder: finding it, identifying its weights, loading it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from adapterstilts.errors import CompatibilityError, UsageError, explain_hub
from adapterstilts.files import file_digest

_COMMIT = re.compile(r"[0-9a-f]{40}")
# What decides the output of a checkpoint folder: architecture, weights, tokenizer.
_DECISIVE = (
    "config.json",
    "*.safetensors",
    "pytorch_model*.bin",
    "*.model",
    "tokenizer*.json",
    "vocab.*",
    "merges.txt",
)


# Where `transformers` keeps the whole head for masked language modelling: RoBERTa's family, and BERT's.
_MASKED_LM_HEADS = ("lm_head", "cls")


@dataclass(frozen=True)
class Backbone:
    """A located checkpoint.

    Attributes:
        name: What the user called it.
        path: Folder or Hub id, as `from_pretrained` takes it.
        revision: Commit on the Hub; None for a folder.
        fingerprint: Identity of its weights and tokenizer.
    """

    name: str
    path: str
    revision: str | None
    fingerprint: str

    def config(self) -> Any:
        """The checkpoint's `transformers` configuration."""
        from transformers import AutoConfig

        return self._load(AutoConfig)

    def tokenizer(self) -> Any:
        """The checkpoint's fast tokenizer.

        Raises:
            CompatibilityError: There is only a slow one, which gives no character offsets.
        """
        from transformers import AutoTokenizer

        tokenizer = self._load(AutoTokenizer)
        if not tokenizer.is_fast:
            raise CompatibilityError(
                f"{self.name} has no fast tokenizer, and character offsets need one.",
                remedy="Convert it with transformers, or choose another --backbone.",
            )
        return tokenizer

    def encoder(self, dtype: torch.dtype) -> nn.Module:
        """The encoder without any head, its weights in `dtype`.

        Raises:
            CompatibilityError: The checkpoint lacks some of the encoder's weights, which would stay random.
        """
        from transformers import AutoModel

        options = _no_pooler(self.config())
        encoder, report = self._load(AutoModel, dtype=dtype, output_loading_info=True, **options)
        if absent := sorted(report["missing_keys"]):
            raise CompatibilityError(
                f"{self.name} has no weights for {absent[0]} and {len(absent) - 1} more.",
                remedy="The checkpoint does not fit its config.json: save it again with `save_pretrained`.",
            )
        return encoder

    def random_encoder(self) -> nn.Module:
        """The encoder's architecture with new weights, on the current default device."""
        from transformers import AutoModel

        config = self.config()
        return AutoModel.from_config(config, **_no_pooler(config))

    def masked_lm_decoder(self, encoder: Any) -> nn.Module:
        """Hidden states to scores of the vocabulary: the checkpoint's own head for masked language modelling.

        Where its output layer shares the word embeddings, it shares those of `encoder`.

        Raises:
            CompatibilityError: The checkpoint has no such head.
        """
        from transformers import AutoModelForMaskedLM

        model, report = self._load(AutoModelForMaskedLM, output_loading_info=True)
        parts = [name for name in _MASKED_LM_HEADS if hasattr(model, name)]
        absent = [name for name in report["missing_keys"] if name.startswith(tuple(parts)) and "decoder" not in name]
        if not parts or absent:
            raise CompatibilityError(
                f"{self.name} has no head for masked language modelling ({absent[0] if absent else 'unknown form'}).",
                remedy="Choose a backbone that was saved with it, such as xlm-roberta-base.",
            )
        output = model.get_output_embeddings()
        if output.weight is model.get_input_embeddings().weight:
            output.weight = encoder.get_input_embeddings().weight
        return getattr(model, parts[0])

    def _load(self, auto_class: Any, **options: Any) -> Any:
        if self.revision is not None:
            with explain_hub(f"the backbone {self.path}"):
                return auto_class.from_pretrained(self.path, revision=self.revision, **options)
        try:
            return auto_class.from_pretrained(self.path, **options)
        except Exception as error:  # each part of a checkpoint fails in a way of its own
            part = auto_class.__name__.removeprefix("Auto").lower()
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CompatibilityError(
                f"The {part} of --backbone {self.name} cannot be loaded: {reason.rstrip('.')}.",
                remedy="Give a folder to which model and tokenizer were saved with `save_pretrained`.",
            ) from error


def locate_backbone(name: str, *, revision: str | None = None) -> Backbone:
    """Finds a backbone: `mini`, a checkpoint folder, or a Hub id.

    Args:
        revision: Commit, tag or branch on the Hub; only a commit works without asking the Hub.

    Raises:
        UsageError: The folder is no checkpoint, or the name looks like a folder that is not there.
        HubError: The Hub could not be asked.
    """
    if revision and (name == "mini" or Path(name).is_dir()):
        raise UsageError(f"--revision {revision} has no meaning for {name}.", remedy="Leave it out: it is for the Hub.")
    if name == "mini":
        from adapterstilts import mini

        return Backbone(name, str(mini.backbone_path()), None, _folder_fingerprint(mini.backbone_path()))
    folder = Path(name)
    if folder.is_dir():
        return Backbone(name, str(folder), None, _folder_fingerprint(folder))
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UsageError(f"--backbone {name} is not a folder.", remedy="Give a checkpoint folder or a Hub id.")
    commit = revision if revision and _COMMIT.fullmatch(revision) else _resolve_commit(name, revision)
    return Backbone(name, name, commit, f"hub:{commit}")


def check_length(config: Any, max_length: int, *, name: str) -> None:
    """Refuses inputs longer than the backbone has positions for.

    Raises:
        CompatibilityError: `max_length` tokens do not fit.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if positions and "roberta" in config.model_type:
        positions -= config.pad_token_id + 1  # the RoBERTa family counts positions from behind the padding id
    if positions and max_length > positions:
        raise CompatibilityError(
            f"{name} has {positions} positions, fewer than max_length {max_length}.",
            remedy=f"Use --max-length {positions} or less.",
        )


def _resolve_commit(name: str, revision: str | None) -> str:
    from huggingface_hub import hf_hub_download

    with explain_hub(f"the backbone {name}"):
        # Works from the local cache too: its path holds the commit that the revision stood for.
        path = Path(hf_hub_download(name, "config.json", revision=revision))
    return path.parent.name


def _folder_fingerprint(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"--backbone {folder} has no config.json.", remedy="Give a folder written by `save_pretrained`."
        )
    files = sorted({path for pattern in _DECISIVE for path in folder.glob(pattern)})
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{file_digest(path)}\0".encode())
    return f"sha256:{digest.hexdigest()}"


def _no_pooler(config: Any) -> dict[str, bool]:
    # A pooler over the first token belongs to the pretraining head; ours replace it.
    from transformers import AutoModel

    model_class = AutoModel._model_mapping[type(config)]
    return {"add_pooling_layer": False} if "add_pooling_layer" in model_class.__init__.__code__.co_varnames else {}
