"""Hidden states of every token of some features, kept on disk: read in place, so that memory does not bound them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from adapterstilts.data.batching import BELOW
from adapterstilts.files import file_digest, sync
from adapterstilts.tasks.kind import Row

if TYPE_CHECKING:
    from datasets import Dataset

PART = 4096
"""Features of one file, which is there whole or not at all."""
# The columns that decide what the states are.
_READ = ("input_ids", "token_type_ids")
_BY_BYTES = {2: torch.bfloat16, 4: torch.float32}

Compute = Callable[["Dataset"], Iterator[tuple[int, torch.Tensor]]]
"""From features to the place of each, in any order, and its states: `(tokens, hidden)`."""


@dataclass(frozen=True)
class LowerStates:
    """The states of all features of a data set.

    Attributes:
        parts: Those of every `PART` features, `(tokens, hidden)`.
        starts: Tokens before each feature, and those of all.
    """

    parts: Sequence[torch.Tensor]
    starts: np.ndarray

    def of(self, place: int) -> torch.Tensor:
        """Those of one feature, its sequences after each other: `(tokens, hidden)`."""
        part = place // PART
        before = self.starts[part * PART]
        return self.parts[part][self.starts[place] - before : self.starts[place + 1] - before]

    def beside(self, rows: Sequence[Row], places: Sequence[int]) -> list[Row]:
        """Features with their states, as `Collator` takes them."""
        return [{**row, BELOW: self.of(place)} for row, place in zip(rows, places, strict=True)]


def recall_states(folder: Path, *what: str, features: Dataset, hidden: int, compute: Compute) -> LowerStates:
    """The states of features, each part of which is computed once; a file that is damaged is made again.

    Args:
        folder: Where they are kept; it can be deleted at any time.
        what: Everything that decides them, beside the tokens themselves.
        hidden: Numbers of a state.
    """
    tokens = np.asarray(features["tokens"][:], dtype=np.int64)
    parts = []
    for first in range(0, len(features), PART):
        these = features.select(range(first, min(first + PART, len(features))))
        count = int(tokens[first : first + PART].sum())
        path = folder / _name(these, *what)
        kept = _read(path, count, hidden)
        parts.append(kept if kept is not None else _made(path, these, count, hidden, compute))
    return LowerStates(parts, np.concatenate([[0], tokens.cumsum()]))


def missing_tokens(folder: Path, *what: str, features: Dataset) -> int:
    """Of how many tokens the states are not there."""
    found = 0
    for first in range(0, len(features), PART):
        these = features.select(range(first, min(first + PART, len(features))))
        if not _files(folder / _name(these, *what)):
            found += sum(these["tokens"][:])
    return found


def _name(features: Dataset, *what: str) -> str:
    """The digest of everything that decides the states of some features."""
    digest = hashlib.sha256("\0".join(what).encode())
    table = features.select_columns([name for name in _READ if name in features.column_names]).with_format("arrow")[:]
    for name in table.column_names:
        column = table[name].combine_chunks()
        digest.update(f"\0{name} {column.type}".encode())
        while hasattr(column, "value_lengths"):  # lists of tokens, or lists of these
            digest.update(np.asarray(column.value_lengths()).tobytes())
            column = column.flatten()
        digest.update(np.asarray(column).tobytes())
    return digest.hexdigest()[:32]


def _files(path: Path) -> list[Path]:
    """The files of one part: after its name comes the digest of what is in it, since both are there or neither."""
    return sorted(path.parent.glob(f"{path.name}-*.states"))


def _read(path: Path, tokens: int, hidden: int) -> torch.Tensor | None:
    """The states of a part, in place on the disk; None if they are not there, cut off, or not what was written."""
    for file in _files(path):
        with suppress(OSError):
            if file_digest(file) == file.stem.rpartition("-")[2]:
                return _mapped(file, tokens, hidden)
            file.unlink()
    return None


def _mapped(file: Path, tokens: int, hidden: int) -> torch.Tensor:
    count = tokens * hidden
    dtype = _BY_BYTES[file.stat().st_size // count]
    return torch.from_file(str(file), shared=False, size=count, dtype=dtype).view(tokens, hidden)


def _made(path: Path, features: Dataset, tokens: int, hidden: int, compute: Compute) -> torch.Tensor:
    """Computes and writes a part, all of it or nothing."""
    starts = np.concatenate([[0], np.cumsum(features["tokens"][:])])
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with scratch.open("wb") as file:
            for place, states in compute(features):
                assert states.shape == (starts[place + 1] - starts[place], hidden)
                file.seek(int(starts[place]) * hidden * states.element_size())
                file.write(states.contiguous().view(torch.uint8).numpy().tobytes())
        sync(scratch)
        final = path.with_name(f"{path.name}-{file_digest(scratch)}.states")
        scratch.replace(final)
    finally:
        scratch.unlink(missing_ok=True)
    return _mapped(final, tokens, hidden)
