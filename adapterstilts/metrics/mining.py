"""Nearest neighbours, and the mining of translation pairs from two sets of sentence vectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import product
from typing import Literal, TypeVar

import numpy as np

from adapterstilts.errors import DataError, UsageError
from adapterstilts.registry import Registry

P = TypeVar("P", bound=Hashable)

Margin = Callable[[np.ndarray, np.ndarray], np.ndarray]

MARGINS: Registry[Margin] = Registry("margin")
"""How a pair's cosine is set against the mean cosine of both sides' neighbours (Artetxe and Schwenk 2019,
arXiv 1811.01136, section 3.1)."""

MARGINS.add("absolute", lambda cosine, mean: cosine)
MARGINS.add("distance", lambda cosine, mean: cosine - mean)
# A mean that is not positive turns the order of ratios round, so nothing is mined there.
MARGINS.add("ratio", lambda cosine, mean: np.divide(cosine, mean, out=np.full_like(cosine, -np.inf), where=mean > 0))

# Neighbours that faiss is asked for beyond k, and how far apart two of its scores have to be to trust their order.
_SPARE = 16
_ROUNDING = 1e-5


def nearest(
    queries: np.ndarray, candidates: np.ndarray, k: int = 1, *, memory: int = 1 << 28
) -> tuple[np.ndarray, np.ndarray]:
    """The candidates with the highest cosine to each query, by exact search.

    The result does not depend on `memory`, and of equally near candidates the lowest index comes first.

    Args:
        queries: `(n, d)`, of any float type and any length of vectors.
        candidates: `(m, d)`.
        k: Number of neighbours; where there are fewer candidates, all of them are returned.
        memory: Bytes that blocks of vectors may take up, besides the arguments and the result.

    Returns:
        Cosines `(n, min(k, m))`, float32, best first, and the candidates' indices, int64.

    Raises:
        DataError: A vector is zero or not finite, or there are none.
        UsageError: The shapes do not fit, or k is below 1.
    """
    _check({"queries": queries, "candidates": candidates}, k)
    width, k = min(k + _SPARE, len(candidates)), min(k, len(candidates))
    scores, indices = _search(queries, candidates, width, memory)
    # Where the last one found is as near as the last one asked for, there may be more like it.
    if width < len(candidates):
        crowded = np.flatnonzero(scores.min(axis=1) >= np.partition(scores, -k, axis=1)[:, -k] - _ROUNDING)
        indices[crowded, :k] = _search_ties(queries[crowded], candidates, k, memory)
        indices[crowded, k:] = indices[crowded, :1]
    indices.sort(axis=1)

    best_scores = np.empty((len(queries), k), dtype=np.float32)
    best_indices = np.empty((len(queries), k), dtype=np.int64)
    rows = _rows_at_once(memory, 32 * queries.shape[1] * width)
    for start in range(0, len(queries), rows):
        block = slice(start, start + rows)
        found = indices[block]
        # Summed in float64 over the last axis: unlike a matrix product, the same for a pair in any block.
        products = _normalized(queries[block])[:, None, :].astype(np.float64) * _normalized(candidates[found])
        cosines = products.sum(axis=-1).astype(np.float32)
        cosines[:, 1:][found[:, 1:] == found[:, :-1]] = -np.inf
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        best_scores[block] = np.take_along_axis(cosines, order, axis=1)
        best_indices[block] = np.take_along_axis(found, order, axis=1)
    return best_scores, best_indices


def mine(
    source: np.ndarray,
    target: np.ndarray,
    *,
    margin: str = "ratio",
    k: int = 4,
    minimum: float = 0.0,
    texts: tuple[Sequence[str], Sequence[str]] | None = None,
    repeated: Literal["expand", "drop"] = "expand",
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Pairs of sentences that are each other's translation, as the BUCC scripts of benchmark and STILTs authors do.

    The best-scoring of k neighbours of each source sentence and of each target sentence are candidates; they are taken
    from the best score down, unless one of their sentences is taken already ("max" retrieval of Artetxe and Schwenk).

    Args:
        source: `(n, d)` sentence vectors.
        target: `(m, d)`.
        margin: Name in `MARGINS`.
        k: Neighbours on each side.
        minimum: Pairs have to score more than this.
        texts: The sentences of both sides. With them, equal ones are one sentence, with the vector of the last one.
        repeated: What becomes of pairs with a sentence that is there several times: `expand` gives one for each of its
            places, as the STILTs authors' toolkit does, and `drop` none, as the benchmark's script does.

    Returns:
        Pairs of indices (source, target), and their scores, float64, from the best down.

    Raises:
        DataError: A vector is zero or not finite, or there are none.
        UsageError: There is no such margin, or shapes or numbers of texts do not fit.
    """
    score = MARGINS.get(margin)
    _check({"source sentences": source, "target sentences": target}, k)
    both = texts or (None, None)
    sides = [_Side(source, both[0], "source"), _Side(target, both[1], "target")]
    x, y = (side.vectors for side in sides)
    forward, forward_indices = nearest(x, y, k)
    backward, backward_indices = nearest(y, x, k)
    means = forward.mean(axis=1, dtype=np.float64), backward.mean(axis=1, dtype=np.float64)

    forward_scores = score(forward.astype(np.float64), (means[0][:, None] + means[1][forward_indices]) / 2)
    backward_scores = score(backward.astype(np.float64), (means[1][:, None] + means[0][backward_indices]) / 2)
    best_target = np.take_along_axis(forward_indices, forward_scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    best_source = np.take_along_axis(backward_indices, backward_scores.argmax(axis=1)[:, None], axis=1)[:, 0]

    sources = np.concatenate([np.arange(len(x)), best_source])
    targets = np.concatenate([best_target, np.arange(len(y))])
    scores = np.concatenate([forward_scores.max(axis=1), backward_scores.max(axis=1)])
    order = np.lexsort((targets, sources, -scores))
    order = order[scores[order] > minimum]
    sources, targets, scores = sources[order], targets[order], scores[order]
    found: list[tuple[tuple[int, int], float]] = []
    for one in _one_to_one(sources, targets, len(x), len(y)):
        places = sides[0].places[sources[one]], sides[1].places[targets[one]]
        if repeated == "expand" or all(len(place) == 1 for place in places):
            found += [(pair, scores[one]) for pair in product(*places)]
    return [pair for pair, _ in found], np.asarray([score for _, score in found], dtype=np.float64)


def _one_to_one(sources: np.ndarray, targets: np.ndarray, count: int, other: int) -> list[int]:
    """The candidates, in their order, none of whose two sentences an earlier one has taken.

    Args:
        count: How many source sentences there are, and `other` target sentences.
    """
    free_source, free_target = np.ones(count, dtype=bool), np.ones(other, dtype=bool)
    taken = []
    for candidate, (source, target) in enumerate(zip(sources, targets, strict=True)):
        if free_source[source] and free_target[target]:
            free_source[source] = free_target[target] = False
            taken.append(candidate)
    return taken


def best_threshold(
    pairs: Sequence[P], scores: Sequence[float] | np.ndarray, gold: Collection[P]
) -> tuple[float, float]:
    """The score from which on pairs have to be kept for the best F1 against `gold`.

    It lies halfway between the last pair that is kept and the next one, as in the benchmark's script.

    Args:
        pairs: Mined pairs, in any order.
        scores: One for each of them.
        gold: The right pairs.

    Returns:
        The threshold, and the F1 of `above` with it, in percent; 0 and 0 if no pair is right.

    Raises:
        DataError: `gold` is empty.
        UsageError: There are not as many scores as pairs.
    """
    if not gold:
        raise DataError("There are no gold pairs.", remedy="Choose the threshold on a split that has labels.")
    _check_scores(pairs, scores)
    right = set(gold)
    order = sorted(range(len(pairs)), key=lambda index: -scores[index])
    threshold, best, correct = 0.0, 0.0, 0
    for kept, index in enumerate(order, start=1):
        correct += pairs[index] in right
        last = float(scores[index])
        following = float(scores[order[kept]]) if kept < len(order) else last
        if following == last and kept < len(order):
            continue
        f1 = 2 * correct / (kept + len(right))
        if f1 > best:
            middle = (last + following) / 2
            threshold, best = (middle if middle > following else last), f1
    return threshold, 100 * best


def above(pairs: Sequence[P], scores: Sequence[float] | np.ndarray, threshold: float) -> list[P]:
    """The pairs that score `threshold` or more, in their order."""
    _check_scores(pairs, scores)
    return [pair for pair, score in zip(pairs, scores, strict=True) if score >= threshold]


class _Side:
    """The distinct sentences of one side, in the order in which they come first.

    Attributes:
        places: Rows of each in the array that was given.
        vectors: `(distinct, d)`: of a sentence that is there several times the last one's.
    """

    def __init__(self, vectors: np.ndarray, texts: Sequence[str] | None, what: str) -> None:
        if texts is None:
            self.places, self.vectors = [[row] for row in range(len(vectors))], vectors
            return
        if len(texts) != len(vectors):
            raise UsageError(
                f"There are {len(texts):,} {what} texts for {len(vectors):,} vectors.", remedy="Give one for each."
            )
        places: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            places.setdefault(text.strip(), []).append(row)
        self.places = list(places.values())
        self.vectors = vectors[[rows[-1] for rows in self.places]]


def _search(queries: np.ndarray, candidates: np.ndarray, width: int, memory: int) -> tuple[np.ndarray, np.ndarray]:
    """faiss's `width` best of all candidates for each query, in no order, block by block."""
    import faiss

    dimensions = queries.shape[1]
    scores = np.full((len(queries), width), -np.inf, dtype=np.float32)
    indices = np.full((len(queries), width), -1, dtype=np.int64)
    rows = _rows_at_once(memory, 64 * dimensions)
    for first in range(0, len(candidates), rows):
        index = faiss.IndexFlatIP(dimensions)
        part = _normalized(candidates[first : first + rows])
        index.add(part)
        for start in range(0, len(queries), rows):
            block = slice(start, start + rows)
            found, places = index.search(_normalized(queries[block]), min(width, len(part)))
            both = np.concatenate([scores[block], found], axis=1)
            where = np.concatenate([indices[block], places + first], axis=1)
            keep = np.argpartition(-both, width - 1, axis=1)[:, :width]
            scores[block] = np.take_along_axis(both, keep, axis=1)
            indices[block] = np.take_along_axis(where, keep, axis=1)
    return scores, indices


def _search_ties(queries: np.ndarray, candidates: np.ndarray, k: int, memory: int) -> np.ndarray:
    """Indices `(n, k)` of the best candidates, in no order; of those with equal float32 cosines the lowest."""
    best = np.full((len(queries), k), np.iinfo(np.int64).min, dtype=np.int64)
    columns = _rows_at_once(memory // 2, 32 * queries.shape[1])
    rows = _rows_at_once(memory // 2, 32 * min(columns, len(candidates)))
    for first in range(0, len(candidates), columns):
        part = _normalized(candidates[first : first + columns]).astype(np.float64).T
        for start in range(0, len(queries), rows):
            block = slice(start, start + rows)
            cosines = (_normalized(queries[block]).astype(np.float64) @ part).astype(np.float32)
            keys = np.concatenate([best[block], _keys(cosines, first)], axis=1)
            best[block] = np.partition(keys, -k, axis=1)[:, -k:]
    return -best & 0xFFFFFFFF


def _keys(cosines: np.ndarray, first: int) -> np.ndarray:
    """Integers that sort as the cosines do, and of equal ones the column with the lowest index highest."""
    bits = cosines.view(np.int32).astype(np.int64)
    ordered = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return (ordered << 32) - np.arange(first, first + cosines.shape[1])


def _normalized(vectors: np.ndarray) -> np.ndarray:
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=-1, keepdims=True))
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)


def _rows_at_once(memory: int, row_bytes: int) -> int:
    return max(memory // row_bytes, 1)


def _check(sides: dict[str, np.ndarray], k: int) -> None:
    if k < 1:
        raise UsageError(f"k is {k}.", remedy="Ask for one neighbour or more.")
    for what, vectors in sides.items():
        if vectors.ndim != 2:
            raise UsageError(f"The {what} have the shape {vectors.shape}.", remedy="Give one row for each vector.")
        if not vectors.size:
            raise DataError(f"There are no {what}.", remedy="Give one vector or more.")
        sums = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        for bad, reason in ((~np.isfinite(sums), "not finite"), (sums == 0, "zero, which has no direction")):
            if bad.any():
                raise DataError(
                    f"Row {np.flatnonzero(bad)[0]} of the {what} is {reason} ({bad.sum():,} such rows).",
                    remedy="Check the model and the precision that made the vectors.",
                )
    widths = {what: vectors.shape[1] for what, vectors in sides.items()}
    if len(set(widths.values())) > 1:
        raise UsageError(
            f"Vectors differ in their dimensions: {', '.join(f'{what} {width}' for what, width in widths.items())}.",
            remedy="Make both with the same model.",
        )


def _check_scores(pairs: Sequence[P], scores: Sequence[float] | np.ndarray) -> None:
    if len(pairs) != len(scores):
        raise UsageError(f"There are {len(pairs):,} pairs and {len(scores):,} scores.", remedy="Give one for each.")
