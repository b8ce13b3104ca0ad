"""Masked language modelling on plain text (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import Field

from adapterstilts.metrics import METRICS
from adapterstilts.metrics.statistics import Item
from adapterstilts.settings import Encoding, Strict, validate
from adapterstilts.tasks.defaults import KindDefaults
from adapterstilts.tasks.kind import KINDS, HeadSpec, Row, Scores, paired

IGNORED = -100


class MaskingOptions(Strict):
    """Which tokens are to be predicted, and what stands in their place.

    Attributes:
        rate: Share of the tokens, special ones aside, that are to be predicted.
        masked: Of these, the share that is replaced by the mask token.
        random: The share that is replaced by any token; the rest stays as it is.
    """

    rate: float = Field(0.15, gt=0, lt=1)
    masked: float = Field(0.8, ge=0, le=1)
    random: float = Field(0.1, ge=0, le=1)


@KINDS.register("masked_lm")
class MaskedLM(KindDefaults):
    """Predicts masked tokens with the head that the backbone was pretrained with.

    Training text is masked anew in every epoch, validation text always in the same way.
    """

    name = "masked_lm"
    usual_metric = "masked_lm"
    options: MaskingOptions
    encoding_fields = ("max_length",)
    pretrained_head = True
    own_text = True
    parallel = False
    untranslatable = "it is plain text, of which every language has its own (`astilts train-language` trains on it)"
    metrics: Mapping[str, str] = MappingProxyType({"perplexity": "perplexity", "accuracy": "accuracy"})

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(MaskingOptions, options, where="options of masked_lm")

    @staticmethod
    def features() -> Any:
        """id, text, language; as `datasets.Features`."""
        from datasets import Features, Value

        return Features({name: Value("string") for name in ("id", "text", "language")})

    def head(self) -> HeadSpec:
        """A score for each word of the vocabulary at each masked token."""
        return HeadSpec(name="masked_lm", outputs=0)

    def corruption(self, tokenizer: Any, seed: int) -> Callable[[Mapping[str, Any], int], dict[str, Any]]:
        """The function that masks a training feature anew in each epoch."""

        def corrupt(feature: Mapping[str, Any], epoch: int) -> dict[str, Any]:
            # Epochs count from 1 here: validation text is masked with 0.
            ids, gold = mask_tokens(
                feature["input_ids"],
                feature["maskable"],
                self.options,
                tokenizer.mask_token_id,
                len(tokenizer),
                seed=(seed, epoch + 1),
            )
            return {**feature, "input_ids": ids, "masked_labels": gold}

        return corrupt

    def unlabelled(self, row: Row) -> bool:
        """A text is its own label."""
        return False

    def check(self, row: Row) -> None:
        """Refuses texts without words."""
        if not row["text"].strip():
            raise ValueError("the text is empty")

    def group(self, row: Row) -> str:
        """Each document is for itself."""
        return row["text"]

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """Cuts each document into windows; see `Kind.encode`.

        With `labels`, windows are left as they are, with `maskable` (1 where a token may be masked); without, they
        are masked and have `masked_labels`, -100 where nothing is to be predicted.
        """
        windows = tokenizer(
            rows["text"],
            truncation=True,
            max_length=encoding.max_length,
            return_overflowing_tokens=True,
            return_special_tokens_mask=True,
        )
        owners = windows["overflow_to_sample_mapping"]
        features: dict[str, list] = {
            "input_ids": windows["input_ids"],
            "row": [indices[owner] for owner in owners],
        }
        maskable = [[1 - special for special in mask] for mask in windows["special_tokens_mask"]]
        if labels:
            return {**features, "maskable": maskable}
        vocabulary = (tokenizer.mask_token_id, len(tokenizer))
        pairs = [
            mask_tokens(ids, may, self.options, *vocabulary, seed=(0,))
            for ids, may in zip(features["input_ids"], maskable, strict=True)
        ]
        return {**features, "input_ids": [ids for ids, _ in pairs], "masked_labels": [gold for _, gold in pairs]}

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, dict[str, float]]:
        """For each document the masked tokens, the right ones among them, and their negative log-likelihood in nats."""
        found = {row["id"]: {"tokens": 0.0, "right": 0.0, "nats": 0.0} for row in rows}
        for feature, (tokens, right, nats) in zip(features, logits, strict=True):
            sums = found[rows[feature["row"]]["id"]]
            sums["tokens"] += float(tokens)
            sums["right"] += float(right)
            sums["nats"] += float(nats)
        return found

    def score(self, predictions: Mapping[str, Any], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Perplexity and accuracy (in percent) of masked tokens; see `Kind.score`."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="document", language=language)
        metrics = METRICS.get(metric).score(
            [{"right": one["right"], "nats": one["nats"]} for one in given],
            [one["tokens"] for one in given],
            language=language,
        )
        items: dict[str, dict[str, Item]] = {
            id_: {"accuracy": (100 * one["right"], one["tokens"])} for id_, one in zip(ids, given, strict=True)
        }
        return Scores(metrics=metrics, items=items)

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """Less than a guess, see `Kind.collapse`: how much it knows of masked words is kept, and not what it says."""
        tokens, _, nats = np.sum(np.asarray(logits, dtype=np.float64), axis=0)
        words = 1 + max((max(feature["masked_labels"]) for feature in features), default=0)
        if tokens and nats / tokens > np.log(max(2, words)):
            return "no more to masked words than a guess among all"
        return None

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """Minus the perplexity: larger is better."""
        return -metrics["perplexity"]

    @property
    def averaged(self) -> bool:
        """A perplexity is on a scale of its own."""
        return False

    def write_predictions(self, predictions: Mapping[str, Any], path: Path) -> None:
        """Writes `{id: sums}` as JSON; no benchmark scores this."""
        path.write_text(json.dumps(predictions, indent=0) + "\n", encoding="utf-8")

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        """Reads `{id: sums}`."""
        return json.loads(path.read_text(encoding="utf-8"))

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes nothing: the text is its own label."""


def mask_tokens(
    ids: Sequence[int],
    maskable: Sequence[int],
    options: MaskingOptions,
    mask_id: int,
    vocabulary_size: int,
    *,
    seed: tuple[int, ...],
) -> tuple[list[int], list[int]]:
    """Masks one sequence, in a way that its tokens and `seed` decide.

    Returns:
        The sequence to show, and its labels, -100 where nothing is to be predicted; at least one token is.
    """
    shown = np.asarray(ids, dtype=np.int64)
    rng = np.random.default_rng((*seed, zlib.crc32(shown.tobytes())))
    places = np.flatnonzero(np.asarray(maskable))
    if not len(places):
        return shown.tolist(), [IGNORED] * len(shown)
    chosen = places[rng.random(len(places)) < options.rate]
    if not len(chosen):
        chosen = rng.choice(places, size=1)
    labels = np.full(len(shown), IGNORED)
    labels[chosen] = shown[chosen]
    draw = rng.random(len(chosen))
    noise = rng.integers(vocabulary_size, size=len(chosen))
    shown[chosen] = np.where(
        draw < options.masked, mask_id, np.where(draw < options.masked + options.random, noise, shown[chosen])
    )
    return shown.tolist(), labels.tolist()
