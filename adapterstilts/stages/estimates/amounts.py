"""How much data a stage reads, before it has read them: rows counted, and the tokens of a few of them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.buckets import bucket, prediction_budget
from adapterstilts.errors import DataError
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.shots import FILE
from adapterstilts.runs.specs import EvaluateSpec, TaskSpec, canonical_json
from adapterstilts.settings import Encoding
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

_SAMPLE = 200
# Rows of each hundredth are held out whatever the size: see `data.splits.hold_out`.
_HELD_OUT_EVERYWHERE = 0.01
# Part of every fact's name: raise it when a sample is drawn or measured in another way.
_VERSION = "4"


@dataclass(frozen=True)
class Amount:
    """Rows of one split of a task, in one language.

    Attributes:
        rows: How many there are.
        sampled: How many of them were looked at; 0 where the numbers were published.
        lengths: Tokens of the longest sequence of each of their features, and `sequences` and `tokens` likewise.
        cached: Bytes of a feature in the store's cache.
        written: Bytes of a row that is scored: its labels, predictions and scores.
        seconds: Time that reading a row takes.
        always: Part of the rows that an evaluation reads however few examples are asked for, such as candidates.
    """

    rows: int
    sampled: int
    lengths: tuple[int, ...]
    sequences: tuple[int, ...]
    tokens: tuple[int, ...]
    cached: float = 0
    written: float = 0
    seconds: float = 0
    always: float = 0

    @property
    def features(self) -> int:
        """How many features the rows become."""
        return round(self.rows * len(self.lengths) / (self.sampled or len(self.lengths)))

    @cached_property
    def tokens_of_a_feature(self) -> float:
        """Their mean."""
        return float(np.mean(self.tokens)) if self.tokens else 0.0

    def at_most(self, rows: int | None) -> Amount:
        """Of so many rows."""
        return self if rows is None or rows >= self.rows else replace(self, rows=rows)


@dataclass(frozen=True)
class Amounts:
    """Looks at data, each once a user and not again.

    Attributes:
        read: Whether what nobody has looked at is read now; otherwise it is not known.
    """

    setup: Setup
    read: bool = True

    def training(self, task: TaskSpec) -> tuple[list[Amount], Amount] | None:
        """What a task's stage trains on, by language, and the rows that select its checkpoints; None if not known."""
        data, recipe = task.data, self.setup.catalogue.recipe(task.name)
        if data.shots:
            found = self._of(recipe, task, data.shots.split, data.shots.language, labels=True)
            return ([replace(found, rows=data.shots.count)], found.at_most(0)) if found else None
        selecting = data.validation_language
        train = {code: self._of(recipe, task, "train", code, labels=True) for code in data.fingerprints["train"]}
        every = train[selecting]
        if every is None or None in train.values():
            return None
        held = every.at_most(0)
        if data.holdout is not None:
            least = math.ceil(_HELD_OUT_EVERYWHERE * every.rows)
            held = every.at_most(max(least, min(data.holdout, max(1, every.rows // 10))))
        elif data.selects:
            kept = self._of(recipe, task, "validation", selecting, labels=False)
            if kept is None:
                return None
            held = kept
        own = every.at_most(every.rows - held.rows if data.holdout is not None else None).at_most(data.max_examples)
        parts = {code: one.at_most(data.max_examples) for code, one in train.items() if one}
        parts |= {selecting: own, **dict.fromkeys(data.translations, own)}
        return [parts[code] for code in data.languages], held

    def evaluation(self, spec: EvaluateSpec, language: str) -> Amount | None:
        """The rows that an evaluation scores in one language; None if that is not known."""
        recipe = self.setup.catalogue.recipe(spec.task)
        found = self._of(recipe, spec, spec.split, language, labels=False)
        if found is None or spec.max_examples is None:
            return found
        return found.at_most(spec.max_examples + round(found.always * found.rows))

    def _of(self, recipe: Recipe, task: Any, split: str, language: str, *, labels: bool) -> Amount | None:
        source = self.setup.source.of(recipe)
        file = self._file(split, language)
        if file is None and source.name == "hub":
            return _published(recipe, task.encoding, split, language)
        # The suite says the same in all languages, so that those of one stand for the others.
        spoken = next(iter(source.languages(recipe, None))) if source.name == "mini" and split == "test" else language
        told = file.fingerprint(recipe) if split == "validation" and file else ""
        told = told or (file.fingerprint if file else source.fingerprint(recipe, split, spoken))
        tokenizer, how = self.setup.backbone.fingerprint, (canonical_json(task.encoding), str(labels), _VERSION)
        what = ("amount", task.kind, str(task.options), task.metric, str(told), tokenizer, *how)
        known = Memory.of_user().known(*what)
        if known is None and self.read:

            def find() -> dict[str, Any]:
                import datasets  # noqa: F401 -- not part of the time that rows take

                bad = BadRows(skip=True)
                if source.name == "mini":  # what its first rows take is not what each takes
                    source.look(recipe, split, spoken, 1, bad)
                begun = time.perf_counter()
                if file is not None:
                    rows = file.load(recipe, language, bad)
                    looked = len(rows), _drawn(rows)
                else:
                    looked = source.look(recipe, split, spoken, _SAMPLE, bad) or (0, None)
                seconds = time.perf_counter() - begun
                kind = self.setup.catalogue.build_kind(task)
                return asdict(self._sampled(*looked, kind=kind, task=task, labels=labels, seconds=seconds))

            try:
                known = Memory.of_user().recall(*what, find=find)
            except DataError:  # said when the rows are read; what is wrong with them need not stop a plan
                return None
        return None if known is None else _amount(known)

    def _file(self, split: str, language: str) -> Any:
        if split == FILE:
            return self.setup.shot_files[language]
        return self.setup.validation_file if split == "validation" else None

    def _sampled(self, count: int, rows: Dataset, *, kind: Kind, task: Any, labels: bool, seconds: float) -> Amount:
        """The amount that a sample stands for.

        Args:
            seconds: Time that it took to read them all.
        """
        from datasets import Dataset

        begun = time.perf_counter()
        columns = {name: rows[name][:] for name in rows.column_names}
        features = kind.encode(
            columns,
            range(len(rows)),
            tokenizer=self.setup.backbone.tokenizer(),
            encoding=task.encoding,
            labels=labels,
        )
        each = [[len(one) for one in _sequences(ids)] for ids in features["input_ids"]]
        cached = Dataset.from_dict(features).data.nbytes / max(1, len(each))
        taken = (time.perf_counter() - begun) / len(rows) + seconds / max(1, count)
        return Amount(
            count,
            len(rows),
            tuple(max(one) for one in each),
            tuple(len(one) for one in each),
            tuple(sum(one) for one in each),
            cached=round(cached, 1),
            written=0 if labels else round(written_bytes(kind, task.metric, rows.to_list()), 1),
            seconds=round(taken, 6),
            always=len(kind.subset(rows, 0)) / max(1, len(rows)),
        )


def written_bytes(kind: Kind, metric: str, rows: list[dict[str, Any]]) -> float:
    """Bytes that an evaluation writes for each of some rows: its part in the files of labels, predictions, scores."""
    import tempfile
    from pathlib import Path

    from adapterstilts.metrics import METRICS
    from adapterstilts.tasks.kind import shown_metrics

    scored = [row for row in rows if row.get("side") != "candidate"]
    ids = sum(len(row["id"].encode()) for row in scored)
    values = sum(len(name) + 14 for name in shown_metrics(kind, metric))
    # As `stages.answering.evaluate` writes them: an id in a list, an id with its items, two ids of a group.
    scores = 4 * ids + len(scored) * (6 + 13 + values + 10)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{METRICS.get(metric).suffix}"
        kind.write_labels(rows, path)
        labels = path.stat().st_size if path.is_file() else 0
    answers = [row["answers"]["text"][:1] for row in rows] if kind.name == "span_qa" else None
    predictions = labels
    if answers is not None:
        predictions = sum(len("".join(one).encode()) for one in answers) + ids + 8 * len(rows)
    return (scores + labels + predictions) / max(1, len(rows))


def _drawn(rows: Dataset) -> Dataset:
    from adapterstilts.tasks.kind import draw

    return draw(rows, _SAMPLE)


def _sequences(ids: list[Any]) -> list[Any]:
    return ids if ids and type(ids[0]) is list else [ids]


def _amount(known: Mapping[str, Any]) -> Amount:
    lists = {name: tuple(known[name]) for name in ("lengths", "sequences", "tokens")}
    return Amount(**{**known, **lists})


def _published(recipe: Recipe, encoding: Encoding, split: str, language: str) -> Amount | None:
    """What a recipe says of its data; None where it does not."""
    published = recipe.published
    rows = published.rows_of(split, language) if published else None
    if published is None or rows is None or not published.lengths:
        return None
    windows = [cut for length in published.lengths for cut in _windows(length, encoding)]
    sequences = (published.sequences,) * len(windows)
    tokens = tuple(published.sequences * one for one in windows)
    return Amount(rows, len(published.lengths), tuple(windows), sequences, tokens, cached=9 * float(np.mean(tokens)))


def _windows(length: int, encoding: Encoding) -> list[int]:
    """The windows of a text, or what is left of it where it is cut."""
    if not encoding.stride or length <= encoding.max_length:
        return [min(length, encoding.max_length)]
    more = math.ceil((length - encoding.max_length) / encoding.stride)
    return [*[encoding.max_length] * more, length - more * encoding.stride]


@dataclass(frozen=True)
class Padded:
    """What batches of features are, padding included.

    Attributes:
        tokens: Padded tokens of a feature.
        calls: Micro-batches of an optimiser step, or of a feature where there are no steps.
        largest: Padded tokens of the largest micro-batch, and `width` that of the longest sequence.
    """

    tokens: float
    calls: float
    largest: int
    width: int


def padded_for_training(
    amount: Amount, *, batch_size: int, tokens_per_batch: int, max_length: int, comparing: int | None
) -> Padded:
    """Draws the batches of one pool from the lengths of a sample: as `data.batching` makes them."""
    random = np.random.default_rng(0)
    size = min(max(1, amount.features), 50 * batch_size)
    chosen = random.choice(len(amount.lengths), size=size) if size != len(amount.lengths) else np.arange(size)
    lengths, sequences = np.asarray(amount.lengths)[chosen], np.asarray(amount.sequences)[chosen]
    order = np.argsort(lengths, kind="stable")
    tokens = calls = largest = width = steps = 0
    for start in range(0, size, batch_size):
        batch = order[start : start + batch_size]
        several = int(sequences[batch].max())
        widest = bucket(int(lengths[batch[-1]]), max_length=max_length)
        if comparing:
            count = max(1, len(batch) // comparing)
        else:
            count = math.ceil(len(batch) / max(1, tokens_per_batch // (widest * several)))
        cuts = [round(part * len(batch) / count) for part in range(count + 1)]
        for first, last in pairwise(cuts):
            micro = batch[first:last]
            own = bucket(int(lengths[micro].max()), max_length=max_length)
            padded = own * int(sequences[micro].sum())
            tokens, largest, width = tokens + padded, max(largest, padded), max(width, own)
        calls, steps = calls + count, steps + 1
    return Padded(tokens / size, calls / steps, largest, width)


def padded_for_prediction(amount: Amount, *, tokens_per_batch: int, max_length: int, on_gpu: bool) -> Padded:
    """As `Collator.plan` makes batches."""
    widths = [bucket(length, max_length=max_length) for length in amount.lengths]
    padded = [width * several for width, several in zip(widths, amount.sequences, strict=True)]
    budget = prediction_budget(tokens_per_batch, on_gpu=on_gpu)
    mean, every = float(np.mean(padded)), amount.features
    whole = max(1, math.ceil(every * mean / budget), min(len(set(widths)), every))
    return Padded(mean, whole / max(1, every), min(budget, math.ceil(every * mean)), max(widths))
