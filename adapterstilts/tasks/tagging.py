"""Tagging: one tag for each word of a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import model_validator

from adapterstilts.errors import DataError
from adapterstilts.metrics import METRICS, submission
from adapterstilts.metrics.chunks import chunks
from adapterstilts.metrics.statistics import Item
from adapterstilts.settings import Encoding, Strict, validate
from adapterstilts.tasks.defaults import KindDefaults, most_common
from adapterstilts.tasks.kind import KINDS, HeadSpec, Row, Scores, paired
from adapterstilts.tasks.labels import begins_and_continues, check_lines, label_order
from adapterstilts.tasks.observations import Observed, Observes, one_of

_IGNORED = -100


class TaggingOptions(Strict):
    """How words are tagged.

    Attributes:
        labels: All tags, in the order of the head's outputs; where none are told and the set is `open`, those of the
            training data.
        open: Whether gold tags outside `labels` are allowed, as in data with many rare tags: no prediction can be right
            there.
        missing: The tag of a word for which there is no prediction, because its characters give no token.
        main: The metric that counts in selection and averages. Span F1 reads the first letter of a tag as its prefix,
            so for categories with many equal first letters it says nothing.
        scheme: `bio` for tags of which `I-X` only continues `B-X` or `I-X`; `none` for tags without such rules.
        repair: Turn an `I-X` that continues nothing into `B-X`. The benchmark's scorer reads both alike, so this
            changes files and not scores; how many there were is counted either way.
    """

    labels: tuple[str, ...] = ()
    missing: str
    open: bool = False
    main: Literal["f1", "accuracy"] = "f1"
    scheme: Literal["none", "bio"] = "none"
    repair: bool = False

    @model_validator(mode="after")
    def _has_labels(self) -> TaggingOptions:
        if len(self.labels) < 2 and not (self.open and not self.labels):
            raise ValueError("labels: give two tags or more, or none and `open: true` for those of the training data")
        check_lines((*self.labels, self.missing))
        return self


@KINDS.register("tagging")
class Tagging(KindDefaults):
    """A tag for each word, read at its first token, as in XTREME.

    Sentences longer than the model's input are split between words and the parts' tags joined again.
    """

    name = "tagging"
    usual_metric = "tagging"
    options: TaggingOptions
    encoding_fields = ("max_length",)
    untranslatable = "it has a tag for each word, and the words of a translation are others, in another order"

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(TaggingOptions, options, where="options of tagging")
        self._numbers = {label: number for number, label in enumerate(self.options.labels)}

    @property
    def metrics(self) -> Mapping[str, str]:
        """Span F1 and token accuracy, the main one last."""
        labels = {"accuracy": "accuracy", "f1": "F1"}
        return {name: labels[name] for name in sorted(labels, key=lambda name: name == self.options.main)}

    @staticmethod
    def features() -> Any:
        """id, tokens[], tags[], language; as `datasets.Features`."""
        from datasets import Features, List, Value

        text = Value("string")
        return Features({"id": text, "tokens": List(text), "tags": List(text), "language": text})

    @classmethod
    def starting_options(cls, rows: Iterable[Row], told: Mapping[str, Any]) -> dict[str, Any]:
        """The tags that occur, the most frequent of them for words without a token, and whether they are spans.

        A span of one word can be longer in other rows, so there is an `I-X` for each `B-X`.
        """
        counts = Counter(tag for row in rows for tag in row["tags"])
        spans = begins_and_continues(counts)
        longer = {f"I-{tag[2:]}" for tag in counts if spans and tag.startswith("B-")}
        return {
            "labels": list(label_order({*counts, *longer})),
            "missing": "O" if spans and "O" in counts else max(sorted(counts), key=counts.__getitem__, default=""),
            "scheme": "bio" if spans else "none",
            "main": "f1" if spans else "accuracy",
        }

    def head(self) -> HeadSpec:
        """A score for each tag at each token."""
        return HeadSpec(name="token", outputs=len(self.options.labels))

    @property
    def collects(self) -> bool:
        """Tags that are not told."""
        return not self.options.labels

    def collect(self, rows: Iterable[Row]) -> dict[str, Any]:
        """The tags of the rows, the most frequent first."""
        counts = Counter(tag for row in rows for tag in row["tags"])
        return {"labels": sorted(counts, key=lambda tag: (-counts[tag], tag))}

    def unlabelled(self, row: Row) -> bool:
        """No tag is an empty one."""
        return not any(row["tags"])

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """Any one tag."""
        found = {tag for row in rows for tag in row["tags"]}
        return f"sentences have the tag {found.pop()!r} at every word" if len(found) == 1 else None

    def without_gold(self, row: Row) -> dict[str, Any]:
        """Without its tags."""
        return {**row, "tags": [""] * len(row["tokens"])}

    def check(self, row: Row) -> None:
        """Refuses sentences without words, with another number of tags, or with tags the recipe does not have."""
        if not row["tokens"] or len(row["tokens"]) != len(row["tags"]):
            raise ValueError(f"the sentence has {len(row['tokens'])} words and {len(row['tags'])} tags")
        odd = [] if self.options.open else [tag for tag in row["tags"] if tag not in self._numbers]
        if odd:
            raise ValueError(f"the tag {odd[0]!r} is not one of the {len(self._numbers)} tags of this task")

    def group(self, row: Row) -> str:
        """Each sentence is for itself; equal ones stay together."""
        return " ".join(row["tokens"])

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """One feature for each part of a sentence; see `Kind.encode`.

        With `labels`, features have `labels`, -100 at all but the first tokens of words; without, `words` (position
        of each first token's word in the sentence) and `at` (position of that token in the feature).
        """
        sentences = rows["tokens"]
        # (sentence, its first word in the part, the part's words)
        parts = [(position, 0, words) for position, words in enumerate(sentences)]
        found = _tokenize(sentences, tokenizer)
        if any(len(ids) > encoding.max_length for ids in found["input_ids"]):
            parts = [
                (position, first, words[first:end])
                for position, words in enumerate(sentences)
                for first, end in _split(found.word_ids(position), len(words), encoding.max_length)
            ]
            found = _tokenize([words for _, _, words in parts], tokenizer, max_length=encoding.max_length)
        names = ("labels",) if labels else ("words", "at")
        features: dict[str, list] = {name: values for name, values in found.items() if name != "attention_mask"}
        features |= {name: [] for name in ("row", *names)}
        for window, (position, first, _) in enumerate(parts):
            features["row"].append(indices[position])
            starts = _first_tokens(found.word_ids(window))
            if labels:
                own = [_IGNORED] * len(found["input_ids"][window])
                for word, token in starts.items():
                    own[token] = self._numbers.get(rows["tags"][position][first + word], _IGNORED)
                features["labels"].append(own)
            else:
                features["words"].append([first + word for word in starts])
                features["at"].append(list(starts.values()))
        return features

    @property
    def observes(self) -> Observes:
        """A word has a tag."""
        return "classes"

    def observed(self, feature: Row) -> Observed:
        """The first token of every word."""
        labels, count = feature["labels"], len(self.options.labels)
        places = [place for place, label in enumerate(labels) if label != _IGNORED]
        return Observed(np.array([one_of(labels[place], count) for place in places]).reshape(-1, count), places)

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, list[str]]:
        """The best-scoring tag of every word; see `Kind.decode`."""
        found = {row["id"]: [self.options.missing] * len(row["tokens"]) for row in rows}
        for feature, scores in zip(features, logits, strict=True):
            tags = found[rows[feature["row"]]["id"]]
            best = scores[feature["at"]].argmax(-1) if feature["at"] else []
            for word, number in zip(feature["words"], best, strict=True):
                tags[word] = self.options.labels[int(number)]
        if self.options.repair:
            for tags in found.values():
                for position in _ill_formed(tags):
                    tags[position] = f"B-{tags[position][2:]}"
        return found

    def score(self, predictions: Mapping[str, list], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Span F1, precision and recall, and token accuracy, in percent; see `Kind.score`."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="sentence", language=language)
        for row, tags in zip(rows, given, strict=True):
            if len(tags) != len(row["tokens"]):
                raise DataError(
                    f"{language}: sentence {row['id']!r} has {len(row['tokens'])} words and {len(tags)} predicted tags."
                )
        metrics = METRICS.get(metric).score(given, [row["tags"] for row in rows], language=language)
        items = {row["id"]: _parts_of_metrics(tags, row["tags"]) for row, tags in zip(rows, given, strict=True)}
        counts = {"distinct_predictions": len({tag for tags in given for tag in tags})}
        if self.options.open:
            counts["unknown_tags"] = sum(tag not in self._numbers for row in rows for tag in row["tags"])
        if self.options.scheme == "bio":
            counts["ill_formed_spans"] = sum(len(_ill_formed(tags)) for tags in given)
        return Scores(metrics=metrics, items=items, counts=counts)

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """One tag for all words; see `Kind.collapse`."""
        different = len({tag for row in rows for tag in row["tags"]}) > 1
        given = {tag for tags in answers.values() for tag in tags}
        return f"the tag {given.pop()} to every word" if different and len(given) == 1 else None

    def constant(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The most frequent tag at every word."""
        common = most_common(tag for row in rows for tag in row["tags"])
        return {row["id"]: [common] * len(row["tokens"]) for row in rows}

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """The metric that the options name: span F1 unless they say otherwise."""
        return metrics[self.options.main]

    def write_predictions(self, predictions: Mapping[str, list[str]], path: Path) -> None:
        """Writes a tag per line, with a blank line between sentences."""
        submission.write_tags(predictions.values(), path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, list[str]]:
        """Reads a tag per line, with a blank line between sentences."""
        return dict(zip(ids, submission.read_tags(path), strict=True))

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes a tag per line, with a blank line between sentences."""
        submission.write_tags((row["tags"] for row in rows), path)


def _tokenize(sentences: Sequence[Sequence[str]], tokenizer: Any, *, max_length: int | None = None) -> Any:
    """Tokens of sentences given as words; a word that alone exceeds `max_length` is cut.

    Where the space before a word is part of its token, as in the byte-level vocabularies of RoBERTa and of many
    decoders, every word gets one: `add_prefix_space`, as it is called there.
    """
    backend, space = tokenizer.backend_tokenizer, ""
    apart = backend.encode(["a", "a"], is_pretokenized=True, add_special_tokens=False).ids
    if apart != backend.encode("a a", add_special_tokens=False).ids:
        space, tokenizer.add_prefix_space = " ", True  # which some classes want to be told, although we do it
    return tokenizer(
        [[space + word for word in words] for words in sentences],
        is_split_into_words=True,
        truncation=max_length is not None,
        max_length=max_length,
        verbose=False,
    )


def _first_tokens(owners: Sequence[int | None]) -> dict[int, int]:
    """Word to the position of its first token; words whose characters give no token are left out."""
    found: dict[int, int] = {}
    for token, word in enumerate(owners):
        if word is not None:
            found.setdefault(word, token)
    return found


def _split(owners: Sequence[int | None], words: int, max_length: int) -> list[tuple[int, int]]:
    """Runs of words, as (first, end), whose tokens fit into `max_length` together with the special tokens.

    Args:
        owners: The word of each token of the whole sentence, None for special tokens.
    """
    room = max_length - sum(owner is None for owner in owners)
    sizes = [0] * words
    for owner in owners:
        if owner is not None:
            sizes[owner] += 1
    runs, first, used = [], 0, 0
    for word, size in enumerate(sizes):
        if word > first and used + size > room:
            runs.append((first, word))
            first, used = word, 0
        used += size
    return [*runs, (first, words)]


def _ill_formed(tags: Sequence[str]) -> list[int]:
    """Positions of those `I-X` that continue neither `B-X` nor `I-X`."""
    before = ["O", *tags]
    return [
        position
        for position, tag in enumerate(tags)
        if tag.startswith("I-") and before[position] not in (tag, f"B-{tag[2:]}")
    ]


def _parts_of_metrics(predicted: Sequence[str], gold: Sequence[str]) -> dict[str, Item]:
    """What one sentence adds to numerator and denominator of each metric; spans do not cross sentences."""
    ours, theirs = chunks([predicted]), chunks([gold])
    both = 100.0 * len(ours & theirs)
    equal = 100.0 * sum(mine == right for mine, right in zip(predicted, gold, strict=True))
    return {
        "f1": (2 * both, len(ours) + len(theirs)),
        "precision": (both, len(ours)),
        "recall": (both, len(theirs)),
        "accuracy": (equal, len(gold)),
    }
