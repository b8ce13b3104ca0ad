"""What adapters and heads are called in files that `adapters` wrote: the names of their tensors have it in them."""

from __future__ import annotations

from pathlib import Path

from adapterstilts.errors import SharingError
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.modeling.exchange.claims import ADAPTER_CONFIG
from adapterstilts.modeling.exchange.foreign_adapters import HEAD_CONFIG
from adapterstilts.modeling.exchange.foreign_peft import modules_to_save
from adapterstilts.modeling.exchange.strict_json import read_object
from adapterstilts.modeling.exchange.weights import Weights
from adapterstilts.modeling.methods import METHODS
from adapterstilts.parsed import get_text

_MOST_CHARACTERS = 200


def called_in(folder: Path, description: ModelDescription) -> tuple[str | None, str | None]:
    """What a model's only adapter and only head are called; None where it has several, which have our names.

    Raises:
        SharingError: A configuration has no name, or one that cannot be part of a tensor's.
    """
    adapters = [one for block in description.blocks for one in block.adapters]
    if len(adapters) != 1 or METHODS.get(adapters[0].method.name).library_name != "adapters":
        return None, None
    adapter, head = folder / ADAPTER_CONFIG, folder / HEAD_CONFIG
    called = name_in(adapter) if adapter.is_file() else None
    return called, name_in(head) if len(description.heads) == 1 and head.is_file() else None


def ignored_in(weights: Weights, description: ModelDescription) -> tuple[str, ...]:
    """Modules that a file of `peft` has whole, where the model has no head that they could be.

    Raises:
        SharingError: The configuration is not what it should be.
    """
    if description.heads or not (weights.folder / ADAPTER_CONFIG).is_file():
        return ()
    return tuple(modules_to_save(weights))


def name_in(path: Path) -> str:
    """The name that a configuration of `adapters` gives.

    Raises:
        SharingError: As `called_in`.
    """
    try:
        name = get_text(read_object(path), "name")
    except ValueError as error:
        raise SharingError(f"{path}: {error}.", remedy="Save the adapter again with `save_adapter`.") from None
    if not name or "." in name or len(name) > _MOST_CHARACTERS:
        raise SharingError(
            f"{path}: {name[:_MOST_CHARACTERS]!r} cannot be the name of an adapter.",
            remedy="Save the adapter under a name of letters and digits.",
        )
    return name
