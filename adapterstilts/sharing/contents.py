"""What a shared folder may hold: names, sizes and numbers of files, all known before one of them is read.

A folder comes from a stranger. Only files of known names are ever copied or downloaded, each into a place that its
name alone decides, so no listing can name a file outside of it; whatever else lies beside them is left where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapterstilts.errors import SharingError

OWN = "astilts.json"
"""What adapterstilts says about a folder that it made."""
CARD = "README.md"
COMPOSITION = "composition.json"
"""How the parts of a folder with several adapters belong together."""
ADAPTER_CONFIG = "adapter_config.json"
"""The configuration of an adapter: of `peft` where it has a `peft_type`, otherwise of `adapters`."""

MOST_FILES = 1_000
MOST_JSON_BYTES = 4 << 20
_MOST_TOKENIZER_BYTES = 256 << 20

# One adapter, its head, the attention of a fusion; a whole model in the layout of `transformers`.
_WEIGHTS = re.compile(
    r"adapter\.safetensors|differences\.safetensors|model_head\.safetensors|adapter_model\.safetensors|model_adapter_fusion\.safetensors|"
    r"model(-\d{5}-of-\d{5})?\.safetensors"
)
_JSON = re.compile(
    r"astilts\.json|composition\.json|adapter_config\.json|head_config\.json|adapter_fusion_config\.json|config\.json|"
    r"model\.safetensors\.index\.json"
)
_TOKENIZER = re.compile(
    r"tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|sentencepiece\.bpe\.model|"
    r"spiece\.model|tokenizer\.model|vocab\.(txt|json)|merges\.txt"
)
# The same weights as pickles, which can hold code.
PICKLES = {
    "pytorch_adapter.bin": "adapter.safetensors",
    "pytorch_model_head.bin": "model_head.safetensors",
    "pytorch_model_adapter_fusion.bin": "model_adapter_fusion.safetensors",
    "adapter_model.bin": "adapter_model.safetensors",
    "pytorch_model.bin": "model.safetensors",
}
# Folders of the parts of a composed model.
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,95}")


@dataclass(frozen=True)
class File:
    """One file of a shared folder, before it is read.

    Attributes:
        name: Its path in the folder, with `/`.
        sha256: Where the place knows it.
    """

    name: str
    bytes: int
    sha256: str | None = None


def is_weights(name: str) -> bool:
    """Whether a file holds tensors as safetensors."""
    return bool(_WEIGHTS.fullmatch(name.rpartition("/")[2]))


def is_known(name: str, *, pickles: bool = True) -> bool:
    """Whether a file of this name may be taken from a shared folder; such a name cannot lead out of it.

    Args:
        pickles: Whether weights as pickles count.
    """
    parts = name.split("/")
    if not all(_PART.fullmatch(part) for part in parts[:-1]) or len(parts) > 3:
        return False
    own = parts[-1]
    if own in PICKLES:
        return pickles
    return own == CARD or any(form.fullmatch(own) for form in (_WEIGHTS, _JSON, _TOKENIZER))


def chosen(files: Sequence[File], *, where: str, allow_pickle: bool = False) -> list[File]:
    """The files of a folder that are going to be read.

    Args:
        where: How the folder is called in errors.
        allow_pickle: Whether weights that are there as pickles alone are taken.

    Raises:
        SharingError: There are no weights, or only pickles; or there are too many files, or one is far too large.
    """
    if len(files) > MOST_FILES:
        raise SharingError(
            f"{where} has {'more than ' if len(files) == MOST_FILES + 1 else ''}{min(len(files), MOST_FILES):,} files; "
            f"a shared model has a few.",
            remedy="Give the folder of one model.",
        )
    known = [file for file in files if is_known(file.name)]
    for file in known:
        _check_size(file, where)
    weights = [file for file in known if is_weights(file.name)]
    pickles = [file for file in known if file.name.rpartition("/")[2] in PICKLES]
    beside = {file.name for file in weights}
    pickles = [file for file in pickles if _as_safetensors(file.name) not in beside]
    if pickles and not allow_pickle:
        raise SharingError(
            f"{where} has {pickles[0].name} as a pickle only, which can hold code.",
            remedy=f"Ask its owner for {_as_safetensors(pickles[0].name)}, or give --allow-pickle: it is then read as "
            "plain tensors, and anything else in it is refused.",
        )
    if not weights and not pickles:
        raise SharingError(
            f"{where} has no weights of an adapter or a model ({_some(file.name for file in files)}).",
            remedy="Give a folder with adapter_config.json and its safetensors file, or one that `astilts push` made.",
        )
    read = {file.name for file in (*weights, *pickles)}
    return [file for file in known if file.name in read or file.name.rpartition("/")[2] not in PICKLES]


def _check_size(file: File, where: str) -> None:
    own = file.name.rpartition("/")[2]
    most = None
    if own == CARD or _JSON.fullmatch(own):
        most = MOST_JSON_BYTES
    elif _TOKENIZER.fullmatch(own):
        most = _MOST_TOKENIZER_BYTES
    if most is not None and file.bytes > most:
        raise SharingError(
            f"{where}: {file.name} has {file.bytes:,} bytes, where {most:,} are the most.",
            remedy="It is not what its name says; nothing of it was read.",
        )


def _as_safetensors(name: str) -> str:
    folder, slash, own = name.rpartition("/")
    return f"{folder}{slash}{PICKLES[own]}"


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:5]) + (", …" if len(found) > 5 else "") if found else "it is empty"
