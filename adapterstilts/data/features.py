"""Tokenised data, computed once for a data set, tokenizer and encoding, and kept on disk."""

from __future__ import annotations

import errno
import hashlib
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from adapterstilts.errors import StoreError
from adapterstilts.files import sync, write_json
from adapterstilts.runs.content import entries_of, first_damage
from adapterstilts.runs.records import Entries, read_record
from adapterstilts.runs.specs import canonical_json
from adapterstilts.settings import Encoding
from adapterstilts.tasks.kind import Kind, Row

if TYPE_CHECKING:
    from datasets import Dataset

# Part of every cache key: raise it when a kind's `encode` gives other features than before.
_FEATURES_VERSION = 5
# Names all files of a folder with their digests.
_CONTENT = "content.json"
_DAMAGED = ".damaged"
# A tokenizer serves one thread at a time: each call sets how it truncates.
_TURN = Lock()
# Tokenizer to its size and digest.
_DIGESTS: WeakKeyDictionary[Any, tuple[int, str]] = WeakKeyDictionary()


def encode(
    rows: Dataset, *, identity: str, kind: Kind, tokenizer: Any, encoding: Encoding, labels: bool, cache: Path
) -> Dataset:
    """Features of `rows`, read from `cache` when they were made before and are as they were then.

    Columns beside the kind's own: `sequences` (how many a feature has), `length` (tokens of the longest) and `tokens`
    (of all together).

    Args:
        identity: Names the rows' content: equal identities have equal rows.
        labels: True for training features, False for features that can be decoded.
    """
    from datasets import load_from_disk

    with _TURN:
        parts = (
            str(_FEATURES_VERSION),
            identity,
            str(len(rows)),
            kind.name,
            canonical_json(kind.options),
            canonical_json(encoding),
            str(labels),
            _vocabulary(tokenizer),
        )
        folder = cache / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        if (found := _read(folder)) is None:
            _make(folder, rows, partial(kind.encode, tokenizer=tokenizer, encoding=encoding, labels=labels))
            found = load_from_disk(folder)
    return found


def _make(folder: Path, rows: Dataset, encoded: Callable[..., dict[str, list]]) -> None:
    """Writes the features of rows, all of them or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch, _without_bars():
        features = rows.map(
            lambda batch, indices: _with_length(encoded(batch, indices)),
            batched=True,
            with_indices=True,
            remove_columns=rows.column_names,
            load_from_cache_file=False,
            cache_file_name=str(Path(scratch) / "features.arrow"),
        )
        features.save_to_disk(Path(scratch) / "features")
        del features  # some systems keep files that are looked at
        made = Path(scratch) / "features"
        entries = entries_of(made)
        for name in entries:
            sync(made / name)
        write_json(made / _CONTENT, {name: entry.model_dump() for name, entry in entries.items()})
        try:
            made.replace(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another process finished the same ones first
                raise


def encode_now(rows: Sequence[Row], *, kind: Kind, tokenizer: Any, encoding: Encoding) -> list[Row]:
    """Features of rows without gold answers, that can be decoded; kept nowhere, for rows that are seen once.

    Args:
        rows: All with the same columns, those that the kind reads beside the gold one.
    """
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    indices = range(len(rows))
    with _TURN:
        found = _with_length(kind.encode(columns, indices, tokenizer=tokenizer, encoding=encoding, labels=False))
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


@contextmanager
def _without_bars() -> Iterator[None]:
    """`datasets` without bars of its own, which would stand between those of a command."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _read(folder: Path) -> Dataset | None:
    """The features in `folder`; those that are not what was written are set aside, because they can be made again."""
    from datasets import load_from_disk
    from pyarrow import ArrowInvalid

    if not folder.is_dir():
        return None
    try:
        if first_damage(folder, read_record(folder / _CONTENT, Entries).root, whole=True) is None:
            return load_from_disk(folder)
    except (OSError, ValueError, ArrowInvalid, StoreError):
        pass
    aside = folder.parent / _DAMAGED / f"{folder.name}-{uuid.uuid4().hex}"
    aside.parent.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):  # another process was faster
        folder.replace(aside)
    return None


def features_damage(cache: Path) -> Iterator[tuple[Path, str | None, int]]:
    """All features that are kept: where, what is wrong with them if anything is, and their size in bytes."""
    for folder in sorted(cache.glob("[!.]*")) if cache.is_dir() else ():
        if "." in folder.name:  # is being written
            continue
        try:
            entries = read_record(folder / _CONTENT, Entries).root
        except StoreError as error:
            yield folder, error.message.rstrip("."), 0
        else:
            size = sum(entry.bytes for entry in entries.values())
            yield folder, first_damage(folder, entries, whole=True), size


def _vocabulary(tokenizer: Any) -> str:
    """The digest of everything that decides a tokenizer's output, without the settings that its last call left behind.

    It is made once: what XLM-R's writes of itself has 8 MB.
    """
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    known = _DIGESTS.get(tokenizer)
    if known is None or known[0] != len(tokenizer):
        whole = tokenizer.backend_tokenizer.to_str()
        known = _DIGESTS[tokenizer] = (len(tokenizer), hashlib.sha256(whole.encode()).hexdigest())
    return known[1]


def has_several(ids: Sequence[Any]) -> bool:
    """Whether a feature's `input_ids` are several sequences and not one."""
    return bool(ids) and isinstance(ids[0], list)


def sequences_of(ids: Sequence[Any]) -> Sequence[Sequence[int]]:
    """The sequences of a feature's `input_ids`."""
    return ids if has_several(ids) else [ids]


def _with_length(features: dict[str, list]) -> dict[str, list]:
    lengths = [[len(ids) for ids in sequences_of(value)] for value in features["input_ids"]]
    return {
        **features,
        "sequences": [len(each) for each in lengths],
        "length": [max(each) for each in lengths],
        "tokens": [sum(each) for each in lengths],
    }
