"""Arrays that take a model to compute, kept on disk."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from adapterstilts import __version__

Arrays = Mapping[str, np.ndarray]


def recall_arrays(folder: Path, *what: str, find: Callable[[], Arrays]) -> Arrays:
    """The arrays that `what` names, computed once; a file that is damaged is made again.

    Args:
        folder: Where they are kept; it can be deleted at any time.
        what: Everything that decides them: their sort, and the identities of models and rows.
        find: Computes them.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save_file

    name = hashlib.sha256("\0".join((__version__, *what)).encode()).hexdigest()[:32]
    path = folder / f"{name}.safetensors"
    try:
        return load_file(path)
    except (OSError, SafetensorError):  # not there, or cut off
        found = {key: np.ascontiguousarray(value) for key, value in find().items()}
    folder.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        save_file(found, scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return found
