"""Batches of pretraining text: rows of like length, with what is to be predicted in them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch

from adapterstilts.mini.pretraining_settings import PretrainingSettings
from adapterstilts.mini.pretraining_text import Example, examples
from adapterstilts.mini.tokenizer import MASK, SPECIAL, UNREAD, as_read, vocabulary

PAD = SPECIAL.index("<pad>")
IGNORED = -100
# From which share of the steps on, stories of how many facts are read: short ones first.
_CURRICULUM = ((0.0, (2,)), (0.25, (2, 3)), (0.5, (3, 4, 5)))
_POOL = 32
_END = "</s>"


@dataclass(frozen=True)
class Batch:
    """Token ids `(rows, seq)`, positions to predict from `(rows, masked)`, and labels, -100 where there is none."""

    input_ids: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor


def batches(settings: PretrainingSettings) -> Iterator[Batch]:
    """Endless batches, in few shapes, because a new shape costs time and memory on a CPU."""
    pieces = as_read(vocabulary(), settings.languages)
    ids = {text: number for number, text in enumerate([*SPECIAL, *(piece.text for piece in pieces), MASK])}
    read = torch.tensor([ids[piece.text] for piece in pieces if (UNREAD, piece.text) not in piece.meanings])
    rng = random.Random(f"batches|{settings.seed}")
    generator = torch.Generator().manual_seed(settings.seed)
    for rows in _rows(settings, rng):
        if settings.causal:
            yield _next_words([_either_way(row, rng) for row in rows], settings.masked, ids, rng)
        else:
            yield _corrupted(_batch(rows, settings.masked, ids), settings, read, ids[MASK], generator)


def _rows(settings: PretrainingSettings, rng: random.Random) -> Iterator[list[Example]]:
    sources = [
        examples(settings.seed, facts=facts, most_masked=settings.masked, part=part, languages=settings.languages)
        for part, (_, facts) in enumerate(_CURRICULUM)
    ]
    step = 0
    while True:
        source = sources[sum(step >= start * settings.steps for start, _ in _CURRICULUM) - 1]
        pool = sorted(islice(source, _POOL * settings.rows), key=lambda example: len(example.pieces))
        for number in rng.sample(range(_POOL), k=_POOL):
            yield pool[number * settings.rows : (number + 1) * settings.rows]
        step += _POOL


def _batch(rows: Sequence[Example], most_masked: int, ids: dict[str, int]) -> Batch:
    length = 16 * math.ceil(max(len(row.pieces) for row in rows) / 16)
    input_ids = torch.full((len(rows), length), PAD)
    positions = torch.zeros((len(rows), most_masked), dtype=torch.long)
    labels = torch.full_like(positions, IGNORED)
    for index, row in enumerate(rows):
        numbers = [ids[piece] for piece in row.pieces]
        input_ids[index, : len(numbers)] = torch.tensor(numbers)
        for column, position in enumerate(row.masked):
            positions[index, column] = position
            labels[index, column] = numbers[position]
    return Batch(input_ids, positions, labels)


def _corrupted(
    batch: Batch, settings: PretrainingSettings, read: torch.Tensor, mask: int, generator: torch.Generator
) -> Batch:
    """The batch with masks, some random words of `read` and some right ones at the positions to predict."""
    draw = torch.rand(batch.positions.shape, generator=generator)
    noise = read[torch.randint(len(read), batch.positions.shape, generator=generator)]
    right = batch.input_ids.gather(1, batch.positions)
    shown = torch.full_like(right, mask)
    shown = torch.where(draw < settings.replaced, noise, shown)
    shown = torch.where((draw > 1 - settings.kept) | (batch.labels == IGNORED), right, shown)
    return replace(batch, input_ids=batch.input_ids.scatter(1, batch.positions, shown))


def _either_way(row: Example, rng: random.Random) -> Example:
    """A row, or its segments in the other order: what is said twice can be told from the first time alone."""
    end = row.pieces.index(_END)
    first, second = row.pieces[1:end], row.pieces[end + 2 : -1]
    if rng.random() < 0.5:
        first, second = second, first
    return Example(("<s>", *first, _END, _END, *second, _END), ())


def _next_words(rows: Sequence[Example], most: int, ids: dict[str, int], rng: random.Random) -> Batch:
    """Words drawn from the rows, to be predicted from the positions before them."""
    drawn = [
        replace(row, masked=tuple(sorted(rng.sample(words, k=min(most, len(words))))))
        for row in rows
        for words in [[place for place, piece in enumerate(row.pieces) if piece not in SPECIAL]]
    ]
    batch = _batch(drawn, most, ids)
    return replace(batch, positions=(batch.positions - 1).clamp_min(0))
