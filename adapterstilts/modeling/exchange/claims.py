"""What a folder of another library says of itself, before a backbone is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapterstilts.errors import CompatibilityError, SharingError
from adapterstilts.modeling.exchange.strict_json import read_object
from adapterstilts.modeling.methods import Library
from adapterstilts.settings import Strict

ADAPTER_CONFIG, MODEL_CONFIG = "adapter_config.json", "config.json"
_MOST_CHARACTERS = 300


class Claims(Strict):
    """What a folder is said to be.

    Attributes:
        base: Name of the checkpoint that an adapter is for; it is told as it was, and nothing is opened by it.
        revision: Commit of it.
        model_type: Architecture of the backbone, where that is told; so are the sizes.
    """

    library: Library
    base: str | None = None
    revision: str | None = None
    model_type: str | None = None
    hidden_size: int | None = None
    num_hidden_layers: int | None = None


def read_claims(folder: Path) -> Claims:
    """Reads the configuration in a folder.

    Raises:
        SharingError: There is none, or it is not what it should be.
    """
    if (folder / ADAPTER_CONFIG).is_file():
        told = read_object(folder / ADAPTER_CONFIG)
        if "peft_type" in told:
            return _claims(folder, "peft", told, base="base_model_name_or_path", revision="revision")
        return _claims(folder, "adapters", told, base="model_name", sizes=("model_type", "hidden_size"))
    if (folder / MODEL_CONFIG).is_file():
        told = read_object(folder / MODEL_CONFIG)
        sizes = ("model_type", "hidden_size", "num_hidden_layers")
        return _claims(folder, "transformers", told, base="_name_or_path", sizes=sizes)
    raise SharingError(
        f"{folder} has neither {ADAPTER_CONFIG} nor {MODEL_CONFIG}.",
        remedy="Give a folder of one adapter or model, as its library saves it.",
    )


def check_claims(claims: Claims, config: Any, *, where: str) -> None:
    """Refuses what is said to be for another backbone.

    Args:
        config: The backbone's.
        where: How the folder is called in errors.

    Raises:
        CompatibilityError: Architecture or sizes differ.
    """
    for name in ("model_type", "hidden_size", "num_hidden_layers"):
        told, here = getattr(claims, name), getattr(config, name)
        if told is not None and told != here:
            raise CompatibilityError(
                f"{where} is for another backbone: {name} {told!r} there, {here!r} here.",
                remedy=f"Use the backbone that it is for{f', {claims.base}' if claims.base else ''}.",
            )


def _claims(
    folder: Path,
    library: Library,
    told: Mapping[str, Any],
    *,
    base: str,
    revision: str = "",
    sizes: tuple[str, ...] = (),
) -> Claims:
    found = {"base": told.get(base) or None, "revision": told.get(revision) or None}
    found |= {name: told.get(name) for name in sizes}
    for name, value in found.items():
        due = int if name in ("hidden_size", "num_hidden_layers") else str
        if (value is not None and type(value) is not due) or len(str(value)) > _MOST_CHARACTERS:
            raise SharingError(
                f"The configuration in {folder}: {name} is {type(value).__name__} where {due.__name__} is due.",
                remedy="It is not what a library writes; get the folder again from where it came from.",
            )
    return Claims(library=library, **found)
