"""Translating many texts in parts that outlive a killed process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts.data.translation.model import Batch, Translator
from adapterstilts.files import write_json

Track = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(frozen=True)
class Texts:
    """All translations of one direction.

    Attributes:
        found: Text to its translation.
        too_long: Texts that are longer than the model reads.
        unfinished: Texts whose translation the bound on its length has ended.
        kept: Batches that an earlier process had translated.
    """

    found: dict[str, str]
    too_long: frozenset[str]
    unfinished: frozenset[str]
    kept: int


def translate_texts(translator: Translator, texts: Sequence[str], work: Path, *, track: Track) -> Texts:
    """Translates each text once.

    Batches are the same however often the work is interrupted, and each is kept as soon as it is done, so that the
    result is that of an uninterrupted process.

    Args:
        work: Folder for finished batches, of this model, direction and set of texts alone.
        track: Wraps the iterable of batches, given their number, for example to show progress.
    """
    batches, too_long = translator.plan(texts)
    work.mkdir(parents=True, exist_ok=True)
    todo = [(number, batch) for number, batch in enumerate(batches) if not _file(work, number).is_file()]
    for number, batch in track(todo, len(todo)):
        _keep(_file(work, number), batch, translator)
    found: dict[str, str] = {}
    unfinished: set[str] = set()
    for number, batch in enumerate(batches):
        kept = json.loads(_file(work, number).read_text(encoding="utf-8"))
        found |= dict(zip(batch.texts, kept["texts"], strict=True))
        unfinished |= {text for text, done in zip(batch.texts, kept["finished"], strict=True) if not done}
    return Texts(found, frozenset(too_long), frozenset(unfinished), len(batches) - len(todo))


def _keep(path: Path, batch: Batch, translator: Translator) -> None:
    outputs = translator.translate(batch)
    write_json(path, {"texts": [one.text for one in outputs], "finished": [one.finished for one in outputs]})


def _file(work: Path, number: int) -> Path:
    return work / f"{number:06d}.json"
