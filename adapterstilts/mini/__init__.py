"""The embedded mini suite: a small world told in six languages by hand-written grammars, and a tiny encoder for it.

Everything is generated from seeds, so that every experiment of the package also runs without network in seconds.
`adapterstilts.mini.generators` gives the rows; `scripts/build_mini` makes the encoder.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

LANGUAGES = ("en", "de", "es", "ru", "zh", "sw")

_FOLDER = Path(__file__).parent
_BACKBONES = {
    "mini": "backbone",
    "mini-narrow": "backbones/narrow",
    "mini-wide": "backbones/wide",
    "mini-english": "backbones/english",
    "mini-moe": "backbones/moe",
    "mini-dense-active": "backbones/dense_active",
    "mini-dense-total": "backbones/dense_total",
}


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """SHA-256 over the lexicons and the sources that rows come from: equal fingerprints mean equal rows."""
    digest = hashlib.sha256()
    of_rows = (
        "entities.py", "frames.py", "naming.py", "near_misses.py", "options.py",
        "replay.py", "supertagging.py", "telling.py", "text.py", "world.py",
    )  # fmt: skip
    folders = (_FOLDER.glob(pattern) for pattern in ("lexicon/*.yaml", "grammar/*.py", "generators/*.py"))
    for path in sorted([path for folder in folders for path in folder] + [_FOLDER / name for name in of_rows]):
        digest.update(path.relative_to(_FOLDER).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def backbone_path(name: str = "mini") -> Path:
    """The folder of a backbone that ships with the package, in the Hugging Face layout.

    Raises:
        KeyError: There is none of this name.
    """
    return _FOLDER / _BACKBONES[name]


def backbone_names() -> list[str]:
    """The backbones that ship with the package, the one of its adapters first."""
    return list(_BACKBONES)
