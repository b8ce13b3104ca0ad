"""Retrieval: for each query the candidates that belong to it, found by the likeness of vectors."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapterstilts.metrics import METRICS, mining, submission
from adapterstilts.metrics.statistics import Item
from adapterstilts.settings import Encoding, validate
from adapterstilts.tasks.defaults import KindDefaults
from adapterstilts.tasks.kind import KINDS, HeadSpec, Row, Scores, draw, paired
from adapterstilts.tasks.observations import Observed, Observes
from adapterstilts.tasks.retrieval_options import RetrievalOptions
from adapterstilts.tasks.retrieval_sides import (
    all_pairs,
    asked_about,
    both_sides,
    gold_candidates,
    gold_pairs,
    pair_item,
    partners,
    token_ids,
)

RANKS = 20
"""How many candidates a ranking keeps: the benchmark looks at no more."""

# So many vectors are compared with each other, and are one where no coordinate differs by more, at length 1.
_COMPARED = 1000
_STILL = 1e-5


@dataclass(frozen=True)
class _Mode:
    """What a mode is scored by, what it looks for partners of, and the options that say nothing about it."""

    metrics: Mapping[str, str]
    what: str
    metric: str
    unread: set[str]


_MODES = {
    "nearest": _Mode(
        {"accuracy": "accuracy"}, "sentence", "accuracy", {"repeated", "margin", "neighbours", "joined", "negatives"}
    ),
    "mine": _Mode({"f1": "F1"}, "sentence", "pairs", {"joined", "negatives"}),
    "rank": _Mode(
        {f"map@{RANKS}": f"mAP@{RANKS}"}, "query", f"map@{RANKS}", {"layer", "repeated", "margin", "neighbours"}
    ),
}


@KINDS.register("retrieval")
class Retrieval(KindDefaults):
    """Queries and candidates as vectors of one encoder; cosine similarity decides."""

    name = "retrieval"
    options: RetrievalOptions
    parallel = False
    untranslatable = "what it looks for is the translation, or an entry that exists in each language already"

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(RetrievalOptions, options, where="options of retrieval")

    @property
    def trained(self) -> bool:
        """Only rankings are trained for."""
        return self.options.mode == "rank"

    @property
    def comparing(self) -> int | None:
        """Pairs in one softmax."""
        return self.options.negatives if self.trained else None

    def decisive_options(self) -> dict[str, Any]:
        """Those that the mode reads."""
        return self.options.model_dump(mode="json", exclude=_MODES[self.options.mode].unread)

    @property
    def encoding_fields(self) -> tuple[str, ...]:
        """Queries have a length of their own only where they are trained for; joined texts are not separated."""
        own = ("max_query_length",) if self.trained else ()
        return ("max_length", *own, *(() if self.trained and self.options.joined else ("separator",)))

    @property
    def usual_metric(self) -> str:
        """The benchmark's metric for this mode."""
        return _MODES[self.options.mode].metric

    @property
    def metrics(self) -> Mapping[str, str]:
        """The benchmark's metric for this mode."""
        return _MODES[self.options.mode].metrics

    @staticmethod
    def features() -> Any:
        """id, side, text, context, gold[], positive, positive_context, language; as `datasets.Features`."""
        from datasets import Features, List, Value

        text = Value("string")
        names = ("id", "side", "text", "context", "positive", "positive_context", "language")
        return Features({**dict.fromkeys(names, text), "gold": List(text)})

    def head(self) -> HeadSpec:
        """Vectors of the last hidden state, to be trained; or of the one that the options name."""
        if self.options.mode == "rank":
            return HeadSpec("dual_encoder", outputs=0, options={"pooling": self.options.pooling})
        return HeadSpec("pooled", outputs=0, options={"layer": self.options.layer, "pooling": self.options.pooling})

    def check(self, row: Row) -> None:
        """Refuses empty texts, sides that are not `query` or `candidate`, and queries that the mode cannot score."""
        if row["side"] not in ("query", "candidate"):
            raise ValueError(f"the side {row['side']!r} is neither 'query' nor 'candidate'")
        if not row["text"].strip():
            raise ValueError("the text is empty")
        right = sum(map(len, gold_candidates([row]).values()))
        if self.options.mode == "nearest" and row["side"] == "query" and right != 1:
            raise ValueError(f"the query has {right} right candidates, and 'mode: nearest' is about one")

    @property
    def pools(self) -> bool:
        """Whether candidates of all languages are searched."""
        return self.options.pool == "all"

    def unlabelled(self, row: Row) -> bool:
        """Neither a query with a right candidate, nor one that brings its answer."""
        return not row["gold"] and not row["positive"]

    def subset(self, rows: Any, size: int | None) -> Any:
        """Fewer queries, for the same candidates; corpora to mine stay whole, as parts have next to no pairs."""
        from datasets import concatenate_datasets

        if size is None or self.options.mode == "mine":
            return rows
        sides = rows["side"][:]
        queries, candidates = (
            rows.select([index for index, side in enumerate(sides) if side == wanted])
            for wanted in ("query", "candidate")
        )
        return concatenate_datasets([draw(queries, size), candidates])

    def group(self, row: Row) -> str:
        """Queries about the same paragraph or entity."""
        return row["positive_context"] or row["positive"] or row["text"]

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """One feature for each text; see `Kind.encode`.

        With `labels`, a feature is a query with its right answer: two sequences, and `positive_id`, equal for equal
        answers. Without, it is one text, `candidate` says of which side.
        """

        def tokens(texts: Sequence[str], contexts: Sequence[str], limit: int) -> list[list[int]]:
            joined, separator = self.trained and self.options.joined, encoding.separator
            return token_ids(tokenizer, texts, contexts, limit, joined=joined, separator=separator)

        # Queries of trained encoders are short; of other tasks, both sides are sentences.
        shorter = min(encoding.max_query_length, encoding.max_length) if self.trained else encoding.max_length
        own: list[list[int]] = [[]] * len(rows["text"])
        for side, limit in (("query", shorter), ("candidate", encoding.max_length)):
            places = [place for place, found in enumerate(rows["side"]) if found == side]
            texts, contexts = ([rows[name][place] for place in places] for name in ("text", "context"))
            for place, ids in zip(places, tokens(texts, contexts, limit), strict=True):
                own[place] = ids
        with_answer = [place for place, positive in enumerate(rows["positive"]) if positive]
        answers = tokens(
            [rows["positive"][place] for place in with_answer],
            [rows["positive_context"][place] for place in with_answer],
            encoding.max_length,
        )
        if labels:
            return {
                "input_ids": [[own[place], answer] for place, answer in zip(with_answer, answers, strict=True)],
                "row": [indices[place] for place in with_answer],
                "positive_id": [
                    zlib.crc32(f"{rows['positive'][place]}\0{rows['positive_context'][place]}".encode())
                    for place in with_answer
                ],
            }
        return {
            "input_ids": own + answers,
            "row": [*indices, *(indices[place] for place in with_answer)],
            "candidate": [int(side == "candidate") for side in rows["side"]] + [1] * len(answers),
        }

    @property
    def observes(self) -> Observes | None:
        """A query and its answer belong together, where there are English ones to train on."""
        return "pairs" if self.trained else None

    def observed(self, feature: Row) -> Observed:
        """The vectors of both."""
        return Observed(np.full((2, 1), float(feature["positive_id"])))

    def calibrate(self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, float]:
        """The threshold with the best F1, for mined pairs."""
        if self.options.mode != "mine":
            return {}
        pairs, scores = self._mine(rows, features, logits)
        threshold, _ = mining.best_threshold(pairs, scores, gold_pairs(rows))
        return {"threshold": float(threshold)}

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, Any]:
        """Query id to the id of its candidate, or to those of its partners or of the best ones; see `Kind.decode`."""
        if self.options.mode == "mine":
            pairs, scores = self._mine(rows, features, logits)
            return partners(mining.above(pairs, scores, calibration.get("threshold", -np.inf)))
        queries, candidates = both_sides(rows, features, logits)
        count = 1 if self.options.mode == "nearest" else min(RANKS, len(candidates.ids))
        _, found = mining.nearest(queries.vectors, candidates.vectors, count)
        ranked = [[candidates.ids[index] for index in indices] for indices in found]
        if self.options.mode == "nearest":
            return {id_: best[0] for id_, best in zip(queries.ids, ranked, strict=True)}
        return dict(zip(queries.ids, ranked, strict=True))

    def _mine(
        self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]
    ) -> tuple[list[tuple[str, str]], np.ndarray]:
        """Pairs of ids, best first, with their scores."""
        queries, candidates = both_sides(rows, features, logits)
        found, scores = mining.mine(
            queries.vectors,
            candidates.vectors,
            margin=self.options.margin,
            k=self.options.neighbours,
            texts=(queries.texts, candidates.texts),
            repeated=self.options.repeated,
        )
        return [(queries.ids[source], candidates.ids[target]) for source, target in found], scores

    def score(self, predictions: Mapping[str, Any], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """The mode's metric in percent; see `Kind.score`."""
        gold = {id_: list(ids) for id_, ids in gold_candidates(rows).items()}
        entry = METRICS.get(metric)
        if self.options.mode == "mine":
            metrics = entry.score(all_pairs(predictions), gold_pairs(rows), language=language)
            # Most sentences of a corpus have no partner and are given none: they add nothing to any metric.
            pairs: dict[str, dict[str, Item]] = {
                id_: pair_item(predictions.get(id_, ()), right)
                for id_, right in gold.items()
                if right or id_ in predictions
            }
            return Scores(metrics=metrics, items=pairs, examples=len(gold))
        given = paired(predictions, gold, what=_MODES[self.options.mode].what, language=language)
        counts = {"without_gold": absent} if (absent := sum(not right for right in gold.values())) else {}
        nearest = self.options.mode == "nearest"
        references = [right[0] if right else "" for right in gold.values()] if nearest else gold.values()
        result = entry.score(given, references, language=language)
        values = result.pop("items")
        (name,) = result
        items: dict[str, dict[str, Item]] = {id_: {name: value} for id_, value in zip(gold, values, strict=True)}
        return Scores(metrics=result, items=items, counts=counts, groups=None if nearest else asked_about(rows))

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """One vector for all texts, or one candidate for all queries; see `Kind.collapse`."""
        vectors = np.stack(logits[:_COMPARED]).astype(np.float64)
        units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
        if len(units) > 1 and np.ptp(units, axis=0).max() <= _STILL:
            return "the same vector to every text"
        golds = {ids for found in gold_candidates(rows).values() for ids in found}
        if self.options.mode == "mine" or len(golds) < 2:
            return None
        first = {given if self.options.mode == "nearest" else given[0] for given in answers.values()}
        return "the same candidate to every query" if len(first) == 1 and len(answers) > 1 else None

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """The mode's metric."""
        return metrics[next(iter(self.metrics))]

    def write_predictions(self, predictions: Mapping[str, Any], path: Path) -> None:
        """Writes the index of a line, a pair or a ranking for each query."""
        _write(self.options.mode, predictions, path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        """Reads what `write_predictions` wrote."""
        if self.options.mode == "nearest":
            return dict(zip(ids, submission.read_lines(path), strict=True))
        mined = self.options.mode == "mine"
        return partners(submission.read_pairs(path)) if mined else submission.read_rankings(path)

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes the gold candidates of each query."""
        gold = gold_candidates(rows)
        if self.options.mode == "nearest":
            _write("nearest", {id_: right[0] for id_, right in gold.items()}, path)
        elif self.options.mode == "mine":
            submission.write_pairs(gold_pairs(rows), path)
        else:
            _write("rank", gold, path)


def _write(mode: str, predictions: Mapping[str, Any], path: Path) -> None:
    if mode == "nearest":
        submission.write_lines(predictions.values(), path)
    elif mode == "mine":
        submission.write_pairs(all_pairs(predictions), path)
    else:
        submission.write_rankings(predictions, path)
