"""Nearest neighbours and mining against the benchmark's results, brute force, and exact arithmetic."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterstilts.errors import DataError, UsageError
from adapterstilts.metrics.mining import MARGINS, above, best_threshold, mine, nearest

# Sums of products of such vectors have no rounding errors that could break a tie.
SIGNS = [vector for vector in product((-1, 0, 1), repeat=3) if any(vector)]
VECTORS = st.lists(st.sampled_from(SIGNS), min_size=1, max_size=60)


def random(rows: int, width: int = 12, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def cosine_order(query: tuple[int, ...], candidate: tuple[int, ...]) -> Fraction:
    """A number that orders candidates as their cosines to the query, without rounding."""
    dot = sum(one * other for one, other in zip(query, candidate, strict=True))
    return Fraction(dot * abs(dot), sum(value * value for value in candidate))


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "golden/retrieval"


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("margin", MARGINS.names())
def test_mining_equals_the_benchmark(golden: Path, margin: str) -> None:
    expected = json.loads((golden / "expected.json").read_text())["bucc"]
    assert sorted(expected) == MARGINS.names()
    vectors = np.load(golden / "embeddings.npz")
    pairs, scores = mine(
        vectors["source"], vectors["target"], margin=margin,
        texts=(lines(golden / "src.txt"), lines(golden / "trg.txt")), repeated="drop",
    )  # fmt: skip
    assert (np.diff(scores) <= 0).all()
    source_ids, target_ids = lines(golden / "src.id"), lines(golden / "trg.id")
    found = [f"{source_ids[source]}\t{target_ids[target]}" for source, target in pairs]
    gold = lines(golden / "gold.tsv")
    threshold, f1 = best_threshold(found, scores, gold)
    kept = above(found, scores, threshold)
    assert kept == lines(golden / f"pred_{margin}.tsv")
    correct = len(set(kept) & set(gold))
    ours = {"best-threshold": threshold, "precision": 100 * correct / len(kept), "recall": 100 * correct / len(gold)}
    assert {**ours, "F1": f1} == pytest.approx(expected[margin], abs=1e-5)


def test_neighbours_equal_the_benchmark(golden: Path) -> None:
    expected = json.loads((golden / "expected.json").read_text())["nearest_neighbour"]["prediction"]
    vectors = np.load(golden / "embeddings.npz")
    assert nearest(vectors["source"][:160], vectors["target"][:160])[1][:, 0].tolist() == expected


@pytest.mark.parametrize("k", [1, 4, 300, 500])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_neighbours_equal_brute_force(k: int, dtype: type) -> None:
    queries, candidates = random(50, seed=1).astype(dtype), random(300, seed=2).astype(dtype)
    unit = [
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for vectors in (queries.astype(np.float64), candidates.astype(np.float64))
    ]
    cosines = unit[0] @ unit[1].T
    scores, indices = nearest(queries, candidates, k)
    assert scores.shape == indices.shape == (50, min(k, 300))
    assert (scores.dtype, indices.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(indices, np.argsort(-cosines, axis=1)[:, :k])
    np.testing.assert_allclose(scores, -np.sort(-cosines, axis=1)[:, :k], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(queries=VECTORS, candidates=VECTORS, k=st.integers(1, 8), memory=st.sampled_from([1, 5000, 1 << 28]))
def test_ties_go_to_the_lowest_index(queries: list, candidates: list, k: int, memory: int) -> None:
    _, indices = nearest(np.array(queries, np.float32), np.array(candidates, np.float32), k, memory=memory)
    for query, found in zip(queries, indices, strict=True):
        order = sorted(range(len(candidates)), key=lambda index: -cosine_order(query, candidates[index]))
        assert found.tolist() == order[:k]


def test_collapsed_vectors_are_one_long_tie() -> None:
    scores, indices = nearest(random(3), np.tile(random(1), (1000, 1)), 4)
    assert indices.tolist() == [[0, 1, 2, 3]] * 3
    assert (scores == scores[:, :1]).all()


@pytest.mark.parametrize("memory", [1, 10_000, 100_000])
def test_blocks_do_not_change_the_result(memory: int) -> None:
    queries, candidates = random(40, seed=3), np.concatenate([random(90, seed=4)] * 3)
    for one, other in zip(nearest(queries, candidates, 5), nearest(queries, candidates, 5, memory=memory), strict=True):
        np.testing.assert_array_equal(one, other)


def test_length_of_vectors_does_not_matter() -> None:
    queries, candidates = random(5), random(30, seed=1)
    long = nearest(1e18 * queries, 1e-18 * candidates, 3)
    np.testing.assert_array_equal(nearest(queries, candidates, 3)[1], long[1])


def brute_force(source: np.ndarray, target: np.ndarray, margin: str, k: int) -> list[tuple[int, int]]:
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (source, target))
    cosines = x @ y.T
    of_source = np.sort(cosines, axis=1)[:, -k:].mean(axis=1)
    of_target = np.sort(cosines, axis=0)[-k:].mean(axis=0)
    mean = (of_source[:, None] + of_target[None, :]) / 2
    scores = {"absolute": cosines, "distance": cosines - mean, "ratio": np.where(mean > 0, cosines / mean, -np.inf)}[
        margin
    ]
    candidates = set()
    for row in range(len(x)):
        near = np.argsort(-cosines[row])[:k]
        candidates.add((row, int(near[scores[row, near].argmax()])))
    for column in range(len(y)):
        near = np.argsort(-cosines[:, column])[:k]
        candidates.add((int(near[scores[near, column].argmax()]), column))
    chosen: list[tuple[int, int]] = []
    for pair in sorted(candidates, key=lambda pair: -scores[pair]):
        if scores[pair] > 0 and all(pair[0] != one and pair[1] != other for one, other in chosen):
            chosen.append(pair)
    return chosen


@pytest.mark.parametrize("margin", MARGINS.names())
@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 25), m=st.integers(1, 25), k=st.integers(2, 6), seed=st.integers(0, 1000))
def test_mining_equals_brute_force(margin: str, n: int, m: int, k: int, seed: int) -> None:
    source, target = random(n, seed=seed).astype(np.float64), random(m, seed=seed + 5000).astype(np.float64)
    pairs, scores = mine(source, target, margin=margin, k=k)
    assert pairs == brute_force(source, target, margin, k)
    assert len(scores) == len(pairs) and all(score > 0 for score in scores)


def test_repeated_sentences_compete_once_and_are_left_out_or_all_paired() -> None:
    vectors = np.eye(4, dtype=np.float32)
    source = vectors[[0, 1, 1, 2]]
    texts = ["a", "b", "b\n", "c"], list("stuv")
    assert mine(source, vectors, margin="absolute", texts=texts, repeated="drop")[0] == [(0, 0), (3, 2)]
    pairs, scores = mine(source, vectors, margin="absolute", texts=texts)
    assert pairs == [(0, 0), (1, 1), (2, 1), (3, 2)] and scores.tolist() == [1.0] * 4
    # As sentences of their own, each takes a place among the other's neighbours, and only one gets the partner.
    alone = mine(source, vectors, margin="absolute")[0]
    assert ((1, 1) in alone) != ((2, 1) in alone)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 20), m=st.integers(1, 20), seed=st.integers(0, 1000), data=st.data())
def test_every_place_of_a_sentence_is_paired_as_the_sentence_is(n: int, m: int, seed: int, data: Any) -> None:
    """Mining the distinct sentences alone, and then naming all places of each."""
    unique = random(n, seed=seed).astype(np.float64), random(m, seed=seed + 5000).astype(np.float64)
    places = [data.draw(st.permutations([*range(len(side)), *range(0, len(side), 3)])) for side in unique]
    source, target = (side[place] for side, place in zip(unique, places, strict=True))
    order = [list(dict.fromkeys(place)) for place in places]  # the order in which they come first decides ties
    expected = [
        (one, other)
        for first, second in brute_force(unique[0][order[0]], unique[1][order[1]], "ratio", 4)
        for one, other in product(
            [at for at, name in enumerate(places[0]) if name == order[0][first]],
            [at for at, name in enumerate(places[1]) if name == order[1][second]],
        )
    ]
    pairs, scores = mine(source, target, texts=tuple([str(name) for name in place] for place in places))
    assert pairs == expected and (np.diff(scores) <= 0).all()


def test_threshold_lies_halfway_to_the_next_score() -> None:
    pairs, gold = ["a", "b", "c", "d"], ["a", "c", "x"]
    assert best_threshold(pairs, [4.0, 1.0, 3.0, 2.0], gold) == (2.5, pytest.approx(80.0))
    assert above(pairs, [4.0, 1.0, 3.0, 2.0], 2.5) == ["a", "c"]


def test_threshold_at_the_last_pair_and_at_none() -> None:
    assert best_threshold(["a", "b"], [2.0, 1.0], ["a", "b"]) == (1.0, 100.0)
    assert best_threshold(["a"], [2.0], ["b"]) == (0.0, 0.0)
    assert best_threshold([], [], ["b"]) == (0.0, 0.0)


def test_threshold_does_not_cut_through_equal_scores() -> None:
    pairs, scores, gold = ["a", "b", "c"], [2.0, 2.0, 1.0], ["a"]
    threshold, f1 = best_threshold(pairs, scores, gold)
    assert above(pairs, scores, threshold) == ["a", "b"] and f1 == pytest.approx(200 / 3)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.5, 1.0, 1.5, 2.0, 1 / 3]), st.booleans()), min_size=1, max_size=12))
def test_threshold_gives_the_f1_it_promises_and_none_is_better(found: list) -> None:
    scores, pairs = [score for score, _ in found], list(range(len(found)))
    gold = [pair for pair, (_, right) in enumerate(found) if right] + [-1]

    def f1(kept: list[int]) -> float:
        return 200 * len(set(kept) & set(gold)) / (len(kept) + len(gold))

    threshold, best = best_threshold(pairs, scores, gold)
    assert f1(above(pairs, scores, threshold)) == pytest.approx(best)
    assert max(f1(above(pairs, scores, score)) for score in scores) == pytest.approx(best)


def broken(value: float) -> np.ndarray:
    vectors = random(6)
    vectors[3] = value
    return vectors


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "not finite"), (np.inf, "not finite"), (0.0, "zero")])
def test_unusable_vectors_are_named(value: float, reason: str) -> None:
    with pytest.raises(DataError, match=f"Row 3 of the queries is {reason}.*1 such rows.*Check the model"):
        nearest(broken(value), random(4))
    with pytest.raises(DataError, match=f"Row 3 of the target sentences is {reason}"):
        mine(random(4), broken(value), texts=(list("abcd"), ["same"] * 6))


def test_shapes_and_numbers_that_do_not_fit() -> None:
    for call, message in (
        (lambda: nearest(random(2), random(2), 0), "k is 0. Ask for one"),
        (lambda: nearest(random(2)[0], random(2)), r"The queries have the shape \(12,\)"),
        (lambda: nearest(random(2), random(2, 3)), "differ in their dimensions: queries 12, candidates 3"),
        (lambda: mine(random(2), random(2), margin="ration"), "Unknown margin 'ration'. Did you mean 'ratio'"),
        (lambda: mine(random(2), random(2), texts=(["a"], ["b", "c"])), "1 source texts for 2 vectors"),
        (lambda: above(["a"], [1.0, 2.0], 0), "1 pairs and 2 scores"),
        (lambda: best_threshold(["a"], [], ["a"]), "1 pairs and 0 scores"),
    ):
        with pytest.raises(UsageError, match=message):
            call()
    with pytest.raises(DataError, match="There are no candidates. Give one"):
        nearest(random(2), random(0))
    with pytest.raises(DataError, match="no gold pairs. Choose the threshold on a split that has labels"):
        best_threshold(["a"], [1.0], [])


@pytest.mark.slow
@pytest.mark.parametrize("first", ["torch", "faiss"])
def test_faiss_and_torch_work_in_one_process(first: str) -> None:
    second = {"torch": "faiss", "faiss": "torch"}[first]
    code = (
        f"import {first}, {second}, numpy as np\n"
        "from adapterstilts.metrics.mining import nearest\n"
        "a = torch.rand(600, 600)\n"
        "assert nearest((a @ a).numpy(), (a @ a).numpy())[1][:, 0].tolist() == list(range(600))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_importing_the_module_leaves_faiss_out() -> None:
    code = "import sys, adapterstilts.metrics.mining; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
