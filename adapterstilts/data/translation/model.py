"""A sequence-to-sequence model that translates texts, in few shapes and always in the same batches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from adapterstilts.data.buckets import bucket
from adapterstilts.data.translation.families import speak
from adapterstilts.data.translation.layout import Direction
from adapterstilts.errors import CompatibilityError, UsageError, explain_hub
from adapterstilts.files import file_digest
from adapterstilts.pretrained import load_pretrained

# What decides a checkpoint folder's translations: architecture, settings of generation, weights, tokenizer.
_DECISIVE = ("*config.json", "*.safetensors", "pytorch_model*.bin", "*.model", "*.spm", "tokenizer.json", "vocab*.json")
# A translation may be twice as long as its text, and a few tokens more.
_LONGER, _MORE = 2, 16


@dataclass(frozen=True)
class Checkpoint:
    """A located model.

    Attributes:
        name: What the user called it.
        revision: Commit on the Hub; None for a folder.
        fingerprint: Identity of its weights and tokenizer.
    """

    name: str
    revision: str | None
    fingerprint: str

    def load(self, auto_class: Any, **options: Any) -> Any:
        """One part of the checkpoint.

        Raises:
            CompatibilityError: It cannot be loaded.
            HubError: It is on the Hub and the Hub is out of reach.
        """
        if self.revision is not None:
            with explain_hub(f"the model {self.name}"):
                return load_pretrained(auto_class, self.name, revision=self.revision, **options)
        try:
            return load_pretrained(auto_class, self.name, **options)
        except CompatibilityError:
            raise
        except Exception as error:  # each part of a checkpoint fails in a way of its own
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CompatibilityError(
                f"--model {self.name} cannot be loaded as a translation model: {reason.rstrip('.')}.",
                remedy="Give a sequence-to-sequence model that was saved with its tokenizer by `save_pretrained`.",
            ) from error


def locate_checkpoint(name: str, *, revision: str | None = None) -> Checkpoint:
    """Finds a model: a checkpoint folder or a Hub id.

    Raises:
        UsageError: It is neither.
        HubError: The Hub could not be asked.
    """
    folder = Path(name)
    if folder.is_dir():
        if revision:
            raise UsageError(f"--revision {revision} has no meaning for the folder {name}.", remedy="Leave it out.")
        if not (folder / "config.json").is_file():
            raise UsageError(f"--model {name} has no config.json.", remedy="Give a folder written by save_pretrained.")
        digest = hashlib.sha256()
        for path in sorted({path for pattern in _DECISIVE for path in folder.glob(pattern)}):
            digest.update(f"{path.name}\0{file_digest(path)}\0".encode())
        return Checkpoint(name, None, f"sha256:{digest.hexdigest()}")
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UsageError(f"--model {name} is not a folder.", remedy="Give a checkpoint folder or a Hub id.")
    from huggingface_hub import hf_hub_download

    with explain_hub(f"the model {name}"):
        # The path of a file in the local cache has the commit that the revision stands for.
        commit = Path(hf_hub_download(name, "config.json", revision=revision)).parent.name
    return Checkpoint(name, commit, f"hub:{commit}")


@dataclass(frozen=True)
class Batch:
    """Texts that are translated together.

    Attributes:
        width: Tokens that each of them is padded to.
    """

    texts: tuple[str, ...]
    width: int


@dataclass(frozen=True)
class Output:
    """One translation.

    Attributes:
        text: Without white space at its ends and with single spaces inside.
        finished: Whether the model ended it, and not the bound on its length.
    """

    text: str
    finished: bool


class Translator:
    """A loaded model that translates in one direction.

    Args:
        beams: Beams of the search; 1 is greedy.
        tokens_per_batch: Bound on padded tokens of a batch, all beams together.

    Raises:
        UsageError: The model does not have one of the languages.
        CompatibilityError: The checkpoint is not such a model.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        direction: Direction,
        *,
        beams: int,
        tokens_per_batch: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        self.checkpoint, self.beams, self.tokens_per_batch = checkpoint, beams, tokens_per_batch
        self.tokenizer = checkpoint.load(AutoTokenizer)
        self.speaking = speak(self.tokenizer, direction, name=checkpoint.name)
        if self.speaking.source is not None:
            self.tokenizer.src_lang = self.speaking.source
        self.model = checkpoint.load(AutoModelForSeq2SeqLM, dtype=dtype).to(device).eval()
        self.longest = getattr(self.model.config, "max_position_embeddings", None)
        # The model's own settings stay, among them tokens that are never to be generated; the length is ours.
        self.model.generation_config.max_length = None

    def plan(self, texts: Sequence[str]) -> tuple[list[Batch], list[str]]:
        """Batches of all texts, the longest first, and those that are longer than the model reads.

        The same texts give the same batches, whatever their order.
        """
        ordered = sorted(set(texts))
        lengths = {text: len(ids) for text, ids in zip(ordered, self._encode(ordered), strict=True)}
        too_long = [text for text in ordered if self.longest and lengths[text] > self.longest]
        batches: list[Batch] = []
        left = sorted(set(ordered) - set(too_long), key=lambda text: (-lengths[text], text))
        for text in left:
            width = bucket(lengths[text], max_length=self.longest or lengths[text], coarse=True)
            room = max(1, self.tokens_per_batch // (width * self.beams))
            if not batches or batches[-1].width != width or len(batches[-1].texts) >= room:
                batches.append(Batch((), width))
            batches[-1] = replace(batches[-1], texts=(*batches[-1].texts, text))
        return batches, too_long

    def translate(self, batch: Batch) -> list[Output]:
        """The translations of one batch."""
        encoded = self._encode(batch.texts)
        ids = torch.full((len(encoded), batch.width), self.tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        most = _LONGER * batch.width + _MORE
        most = min(most, self.longest - 1) if self.longest else most
        forced = {} if self.speaking.forced is None else {"forced_bos_token_id": self.speaking.forced}
        with torch.inference_mode():
            found = self.model.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                num_beams=self.beams,
                do_sample=False,
                max_new_tokens=most,
                **forced,
            ).cpu()
        texts = self.tokenizer.batch_decode(found, skip_special_tokens=True)
        # The first token may be the one that ends texts, and the last is made so where the bound is reached.
        ended = (found[:, 1:most] == self.tokenizer.eos_token_id).any(dim=1).tolist()
        return [Output(" ".join(text.split()), done) for text, done in zip(texts, ended, strict=True)]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        prefix = self.speaking.prefix
        return self.tokenizer([prefix + text for text in texts], truncation=False)["input_ids"] if texts else []
