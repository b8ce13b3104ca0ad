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


def backbone_path() -> Path:
    """The folder of the encoder that ships with the package, in the Hugging Face layout."""
    return _FOLDER / "backbone"
