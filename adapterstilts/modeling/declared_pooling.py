"""The pooling that a sentence encoder was trained with, as sentence-transformers writes it beside the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.memory import Memory
from adapterstilts.settings import Pooling

_FILE = "1_Pooling/config.json"
_MODES: Mapping[str, Pooling] = {
    "pooling_mode_cls_token": "first",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}


def declared_pooling(backbone: Backbone, memory: Memory) -> Pooling | None:
    """What a backbone's own file says; None where there is no such file, or it says something else.

    On the Hub, that there is none is remembered for its commit. Where the Hub is out of reach, what is in its cache
    counts.
    """
    if backbone.known:
        return None
    if backbone.revision is None:
        path = Path(backbone.path) / _FILE
        return _said(path.read_bytes()) if path.is_file() else None
    if (known := memory.known("declared pooling", backbone.fingerprint)) is not None:
        return known or None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    found: Pooling | None = None
    try:
        path = Path(hf_hub_download(backbone.path, _FILE, revision=backbone.revision))
        found = _said(path.read_bytes())
    except LocalEntryNotFoundError:  # it could not be asked
        return None
    except EntryNotFoundError:
        pass
    except (OSError, ValueError):
        return None
    memory.recall("declared pooling", backbone.fingerprint, find=lambda: found or "")
    return found


def _said(content: bytes) -> Pooling | None:
    """The one way of pooling that a file says; none where it is several after each other, or not one of ours."""
    try:
        values: Any = json.loads(content)
        modes = [name for name, value in values.items() if name.startswith("pooling_mode_") and value is True]
    except (ValueError, AttributeError):
        return None
    return _MODES.get(modes[0]) if len(modes) == 1 else None
