"""Arrays that take a model to compute, kept on disk."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from adapterstilts import __version__
from adapterstilts.files import share_as_usual

Arrays = Mapping[str, np.ndarray]
# What the digest is called in a file.
_DIGEST = "sha256"


def recall_arrays(folder: Path, *what: str, find: Callable[[], Arrays]) -> Arrays:
    """The arrays that `what` names, computed once; a file that is damaged is made again.

    Args:
        folder: Where they are kept; it can be deleted at any time.
        what: Everything that decides them: their sort, and the identities of models and rows.
        find: Computes them.
    """
    from safetensors.numpy import save_file

    name = hashlib.sha256("\0".join((__version__, *what)).encode()).hexdigest()[:32]
    path = folder / f"{name}.safetensors"
    if (kept := _read(path)) is not None:
        return kept
    found = {key: np.ascontiguousarray(value) for key, value in find().items()}
    folder.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        save_file(found, scratch, metadata={_DIGEST: _digest(found)})
        share_as_usual(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return found


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """What is kept; None if it is not there, cut off, or not what was written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 -- it is no mapping
            digest = (file.metadata() or {}).get(_DIGEST)
    except (OSError, SafetensorError):
        return None
    return found if digest == _digest(found) else None


def _digest(arrays: Arrays) -> str:
    """SHA-256 of names, forms and values."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
