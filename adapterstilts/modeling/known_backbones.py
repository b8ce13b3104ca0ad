"""Backbones of the Hub whose shape is known here, so that stages on them can be planned without the Hub."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from adapterstilts.modeling.architecture import Facts

# What tokenizers that put nothing between two texts get there.
_SEPARATOR = "\n"


@lru_cache(maxsize=1)
def _shapes() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(
        files(__package__).joinpath("known_backbones.yaml").read_text(encoding="utf-8")
    )
    return found


def is_known(name: str) -> bool:
    """Whether the shape of a backbone is known here."""
    return name in _shapes()


def known_names() -> list[str]:
    """All backbones that are known here, sorted."""
    return sorted(_shapes())


def known_config(name: str) -> Any:
    """The `transformers` configuration of a backbone that is known here."""
    from transformers import AutoConfig

    return AutoConfig.for_model(**_shapes()[name])


def known_facts(name: str) -> Facts:
    """What its configuration says; of its tokenizer is assumed what holds for its family."""
    config = known_config(name)
    return Facts.known(config, separator=_SEPARATOR if config.model_type.startswith("qwen") else "")
