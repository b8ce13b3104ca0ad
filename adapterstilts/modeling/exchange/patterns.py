"""Patterns that `peft` looks up in the names of modules: one of a stranger can be such that looking takes for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from adapterstilts.errors import SharingError
from adapterstilts.modeling.blocks import ModelDescription

_FIELDS = ("target_modules", "feedforward_modules", "exclude_modules", "layers_pattern")
_KEYS = ("rank_pattern", "alpha_pattern")
_MOST_CHARACTERS = 300
# What is repeated, of which several together are tried in every way; a group that is repeated is tried in far more.
_REPEATED = re.compile(r"[*+?{]")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")
_MOST_REPEATED, _MOST_CHOICES = 3, 10


def check_patterns(options: Mapping[str, Any], *, where: str) -> None:
    """Refuses options of `peft` with a pattern that may take long.

    Raises:
        SharingError: See above, or one is no text.
    """
    for name, value in options.items():
        texts: Iterable[Any] = ()
        if name in _FIELDS:
            texts = value if type(value) is list else [value]
        elif name in _KEYS and type(value) is dict:
            texts = value
        for text in texts:
            if text is not None and not _is_quick(text):
                raise SharingError(
                    f"{where}: {name} has {str(text)[:80]!r}, which is no plain name of modules.",
                    remedy="Save the adapter with its modules named in full.",
                )


def check_all_patterns(description: ModelDescription, *, where: str) -> None:
    """Refuses a description with such an option.

    Raises:
        SharingError: As `check_patterns`.
    """
    for block in description.blocks:
        for adapter in block.adapters:
            check_patterns(adapter.method.options, where=where)


def _is_quick(text: Any) -> bool:
    return (
        type(text) is str
        and len(text) <= _MOST_CHARACTERS
        and len(_REPEATED.findall(text)) <= _MOST_REPEATED
        and text.count("|") <= _MOST_CHOICES
        and not _REPEATED_GROUP.search(text)
    )
