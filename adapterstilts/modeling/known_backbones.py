"""Backbones of the Hub whose shape is known here, so that stages on them can be planned without the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.memory import Memory

# What tokenizers that put nothing between two texts get there.
_SEPARATOR = "\n"


@lru_cache(maxsize=1)
def _shapes() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(
        files(__package__).joinpath("known_backbones.yaml").read_text(encoding="utf-8")
    )
    return found


@dataclass(frozen=True)
class KnownBackbone(Backbone):
    """A backbone that the Hub cannot deliver now: stages on it can be planned and not run.

    Its fingerprint is none of a checkpoint, so that keys of planned stages are others than those they will have.
    """

    def config(self) -> Any:
        """The configuration that is known here."""
        from transformers import AutoConfig

        return AutoConfig.for_model(**_shapes()[self.name])

    def facts(self, memory: Memory) -> Facts:
        """What its configuration says; of its tokenizer is assumed what holds for its family."""

        def find() -> dict[str, Any]:
            between = _SEPARATOR if self.config().model_type.startswith("qwen") else ""
            return Facts.known(self.config(), separator=between).model_dump(mode="json")

        return Facts.model_validate(memory.recall("known facts", *Facts.model_fields, self.name, find=find))


def known_backbone(name: str) -> KnownBackbone | None:
    """The backbone of that name, if its shape is known here."""
    return KnownBackbone(name, name, None, f"not fetched:{name}") if name in _shapes() else None
