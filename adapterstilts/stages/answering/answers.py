"""What a model says to the rows that are evaluated, language by language, or for all languages together."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.features import encode
from adapterstilts.data.translation.layout import Direction
from adapterstilts.errors import DataError, StoreError
from adapterstilts.files import write_json
from adapterstilts.languages import ENGLISH
from adapterstilts.runs.content import entry_of, file_problem
from adapterstilts.runs.records import FileEntry, Record, read_record
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.runs.store import CHECKPOINTS
from adapterstilts.stages.answering.predictor import Predictor
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind, Row

if TYPE_CHECKING:
    from datasets import Dataset

T = TypeVar("T")


@dataclass(frozen=True)
class Answered:
    """One language's rows and what the model said to their features."""

    rows: list[Row]
    features: Any
    logits: Sequence[np.ndarray]
    bad: BadRows


class _Vectors(Record):
    """What is written down of the vectors of a language: their file, and what the model looked at."""

    vectors: FileEntry
    layers: dict[str, Any]


def _kept(path: Path, attention: Path) -> _Vectors | None:
    """What is written down of vectors that are as they were written."""
    try:
        found = read_record(attention, _Vectors)
    except StoreError:
        return None
    return found if file_problem(path, found.vectors, whole=True) is None else None


def each_ahead(make: Callable[[str], T], names: Iterable[str]) -> Iterator[tuple[str, T]]:
    """What is made of each name, in their order; a thread makes the next one while the caller is at work on one.

    It has the caller's context, to which entries of registries from outside the package belong.
    """
    thread = ThreadPoolExecutor(max_workers=1)
    waiting: deque[tuple[str, Future[T]]] = deque()
    try:
        for name in names:
            waiting.append((name, thread.submit(copy_context().run, make, name)))
            if len(waiting) > 1:
                first, made = waiting.popleft()
                yield first, made.result()
        for last, made in waiting:
            yield last, made.result()
    finally:
        thread.shutdown(cancel_futures=True)


class Answers:
    """The rows of one evaluation with their answers.

    Args:
        predictor: The model.
        work: The stage's folder, in which vectors that all languages need are kept until it is published.
    """

    def __init__(self, spec: EvaluateSpec, setup: Setup, kind: Kind, *, predictor: Predictor, work: Path) -> None:
        self.spec = spec
        self.setup = setup
        self.kind = kind
        self.predictor = predictor
        self.work = work

    def of(self, languages: Sequence[str]) -> Iterator[tuple[str, Answered]]:
        """Each language with its answers."""
        if self.kind.pools:
            yield from self._pooled(languages)
            return
        for language, (rows, features, bad) in each_ahead(self.scored_rows, languages):
            yield language, Answered(rows.to_list(), features, self.predictor.logits(features, rows, language), bad)

    def on_validation(self, language: str) -> Answered:
        """A language's validation rows, on which decoding is calibrated where nothing is trained."""
        rows, bad = self._rows("validation", language)
        features = self._features(rows, self.spec.calibration[language], "validation")
        return Answered(rows.to_list(), features, self.predictor.logits(features, rows, language), bad)

    def scored_rows(self, language: str) -> tuple[Dataset, Dataset, BadRows]:
        """The rows that are scored, and their features."""
        rows, bad = self._rows(self.spec.split, language)
        identity = self.spec.translate_test.get(language, self.spec.fingerprints[language])
        return rows, self._features(rows, identity, self.spec.split), bad

    def _pooled(self, languages: Sequence[str]) -> Iterator[tuple[str, Answered]]:
        """Queries of each language with the candidates of all; every candidate's vector is computed once."""
        if not languages:
            return
        queries: dict[str, list[tuple[Row, np.ndarray]]] = {}
        candidates: dict[str, tuple[Row, np.ndarray]] = {}
        gold: dict[str, list[str]] = {}
        left_out: dict[str, BadRows] = {}
        fresh = partial(self._fresh_rows, known=set())
        for language, (rows, features, left_out[language]) in each_ahead(fresh, self.spec.languages):
            queries[language] = []
            own = rows.to_list()
            for feature, vector in zip(features, self._stored_vectors(language, features, rows), strict=True):
                row = own[feature["row"]]
                if row["side"] == "candidate":
                    candidates[row["id"]] = (row, vector)
                else:
                    queries[language].append((row, vector))
                    # A question is the same in all languages, and right answers in all of them count.
                    known = gold.setdefault(row["id"], [])
                    known += [id_ for id_ in row["gold"] if id_ not in known]
        # Right answers in languages that are not evaluated are not among the candidates.
        right = {id_: [one for one in ids if one in candidates] for id_, ids in gold.items()}
        for language in languages:
            both = [*queries[language], *candidates.values()]
            found: list[Row] = [{**row, "gold": right[row["id"]]} if row["side"] == "query" else row for row, _ in both]
            sides = [{"row": index, "candidate": int(row["side"] == "candidate")} for index, row in enumerate(found)]
            yield language, Answered(found, sides, [vector for _, vector in both], left_out[language])

    def _fresh_rows(self, language: str, known: set[str]) -> tuple[Dataset, Dataset, BadRows]:
        """The queries of a language with those candidates that are not `known` yet, and their features."""
        rows, bad = self._rows(self.spec.split, language)
        # Some releases have one set of candidates for all languages.
        places = [n for n, (id_, side) in enumerate(zip(rows["id"][:], rows["side"][:], strict=True))
                  if side == "query" or id_ not in known]  # fmt: skip
        rows = rows.select(places)
        known.update(id_ for id_, side in zip(rows["id"][:], rows["side"][:], strict=True) if side == "candidate")
        kept = hashlib.sha256("\0".join(rows["id"][:]).encode()).hexdigest()
        return rows, self._features(rows, f"{self.spec.fingerprints[language]} {kept}", self.spec.split), bad

    def _stored_vectors(self, language: str, features: Dataset, rows: Dataset) -> Sequence[np.ndarray]:
        """The vectors of one language, kept until the run is published, because all languages need them."""
        path = self.work / CHECKPOINTS / f"vectors-{language}.npy"
        attention = path.with_suffix(".attention.json")  # what the model looked at when it made them
        seen = self.predictor.attention
        if (kept := _kept(path, attention)) is None:
            path.parent.mkdir(exist_ok=True)
            unfinished = path.with_suffix(".part.npy")
            np.save(unfinished, np.stack(self.predictor.logits(features, rows, language)))
            write_json(attention, {"vectors": entry_of(unfinished).model_dump(), "layers": seen.get(language, {})})
            unfinished.replace(path)
        else:
            seen.setdefault(language, kept.layers)
        return np.load(path, mmap_mode="r")

    def _rows(self, split: str, language: str) -> tuple[Dataset, BadRows]:
        bad = BadRows(skip=self.spec.skip_bad_rows)
        task = self.setup.catalogue.recipe(self.spec.task)
        rows = self.setup.source.load(task, split, language, bad)
        scored = self.kind.subset(rows, self.spec.max_examples)
        if language in self.spec.translate_test:
            if self.setup.test_translations is None:
                raise DataError(
                    f"{task.name}: English translations of {language} are needed, and none are given.",
                    remedy="Give a folder with --translate-test.",
                )
            direction = Direction(language, ENGLISH)
            scored = self.setup.test_translations.load(task, split, direction, rows=rows, wanted=scored, bad=bad)
        return scored, bad

    def _features(self, rows: Dataset, fingerprint: str, split: str) -> Dataset:
        return encode(
            rows,
            identity=f"{fingerprint} {split} {self.spec.max_examples} {self.spec.skip_bad_rows}",
            kind=self.kind,
            tokenizer=self.setup.backbone.tokenizer(),
            encoding=self.spec.encoding,
            labels=False,
            cache=self.setup.store.cache / "features",
        )
