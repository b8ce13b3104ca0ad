"""Evaluating one model on one task in several languages: vectors or logits, predictions, scores, files."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.batching import Collator
from adapterstilts.data.features import encode
from adapterstilts.data.translation.layout import Direction
from adapterstilts.files import write_json
from adapterstilts.languages import ENGLISH, context_language, question_language
from adapterstilts.metrics import METRICS
from adapterstilts.modeling.architecture import module_language
from adapterstilts.modeling.blocks import Block
from adapterstilts.modeling.composition import add_language_adapter
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec, TrainSpec
from adapterstilts.runs.store import CHECKPOINTS, Run
from adapterstilts.stages.predict import predict
from adapterstilts.stages.setup import Plan
from adapterstilts.tasks.catalogue import recipe
from adapterstilts.tasks.kind import Kind, Row, Scores

if TYPE_CHECKING:
    from datasets import Dataset

Track = Callable[..., Iterable[Any]]

_AS_IT_IS = MethodSpec(name="head")


@dataclass(frozen=True)
class _Answered:
    """One language's rows and what the model said to their features."""

    rows: list[Row]
    features: Any
    logits: Sequence[np.ndarray]
    bad: BadRows


class Evaluation:
    """The work of one evaluation stage.

    Args:
        target: The run whose model is evaluated; None for the backbone as it is.
        language_adapters: Language to the run whose adapter takes the place of the one trained with, or None for none.
        collator: The stage's collator, with the token budget of prediction.
        work: Folder for predictions, labels and scores; languages that are there are not scored again.
        track: Shows progress over batches.
    """

    def __init__(
        self,
        plan: Plan,
        spec: EvaluateSpec,
        kind: Kind,
        target: Run | None,
        *,
        language_adapters: Mapping[str, Run | None],
        collator: Collator,
        work: Path,
        track: Track,
    ) -> None:
        self.plan = plan
        self.spec = spec
        self.kind = kind
        self.target = target
        self.language_adapters = language_adapters
        self.collator = collator
        self.work = work
        self.track = track
        self._attention: dict[str, dict[str, dict[str, float]]] = {}

    def run(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Scores all languages; returns the stage's metrics, and what it adds to its provenance."""
        for name in ("scores", f"predictions/{self.spec.task}", f"labels/{self.spec.task}"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        todo = [language for language in self.spec.languages if not self._score_file(language).is_file()]
        for language, answered in self._answered(todo):
            self._score(language, answered)
        scored = {
            language: json.loads(self._score_file(language).read_text(encoding="utf-8"))
            for language in self.spec.languages
        }
        left_out: Counter[str] = Counter()
        omitted: Counter[str] = Counter()
        for one in scored.values():
            left_out.update(one["rows_left_out"])
            omitted.update(one["rows_omitted_by_design"])
        found = {language: one["metrics"] for language, one in scored.items()}
        metrics = {
            "languages": found,
            **summarise(self.kind, found),
            "counts": {language: one["counts"] for language, one in scored.items()},
            "calibration": {language: one["calibration"] for language, one in scored.items() if one["calibration"]},
            "calibrated_on_scored_rows": [
                language
                for language, one in scored.items()
                if one["calibration"] and not self.kind.trained and language not in self.spec.calibration
            ],
        }
        if attention := {code: one["fusion_attention"] for code, one in scored.items() if one["fusion_attention"]}:
            metrics["fusion_attention"] = attention
        if not self.kind.trained:
            metrics["parameters"] = self.model.parameter_counts()
        return metrics, {"rows_left_out": left_out, "rows_omitted_by_design": omitted}

    @cached_property
    def model(self) -> TransferModel:
        """The model with the head to predict with, loaded when it is first needed."""
        if self.target is None:
            # Whatever method the other rows are of: the key of this run does not hold it.
            model = TransferModel(self.plan.backbone, method=_AS_IT_IS, precision=self.spec.precision)
        else:
            stored = StoredModel.read(self.target.folder)
            model = stored.restore(self.plan.backbone, precision=self.spec.precision, heads=self.kind.trained)
        if not self.kind.trained:
            model.add_head(self.head, self.kind.head())
        self._languages = self._load_languages(model)
        return model.to(self.plan.device)

    def _load_languages(self, model: TransferModel) -> dict[str, Block]:
        """The language adapters of all runs, by their keys, in the model."""
        loaded: dict[str, Block] = {}
        trained = self.target.spec if self.target else None
        if not isinstance(trained, TrainSpec) or trained.language_adapter is None:
            return loaded
        loaded[trained.language_adapter] = model.blocks[0]
        for run in self.language_adapters.values():
            if run is not None and run.key not in loaded:
                stored = StoredModel.read(run.folder)
                loaded[run.key] = add_language_adapter(model, stored, drop=trained.language_adapter_drop)
        return loaded

    @property
    def head(self) -> str:
        """The name of the head to predict with: the task that it was trained for, or this one where none was."""
        return self.target.spec.task if self.target and self.kind.trained else self.spec.task

    def _answered(self, languages: Sequence[str]) -> Iterator[tuple[str, _Answered]]:
        if self.kind.pools:
            yield from self._pooled(languages)
            return
        for language in languages:
            rows, bad = self._rows(self.spec.split, language)
            identity = self.spec.translate_test.get(language, self.spec.fingerprints[language])
            features = self._features(rows, identity, self.spec.split)
            yield language, _Answered(rows.to_list(), features, self._predict(features, rows, language), bad)

    def _pooled(self, languages: Sequence[str]) -> Iterator[tuple[str, _Answered]]:
        """Queries of each language with the candidates of all; every candidate's vector is computed once."""
        if not languages:
            return
        queries: dict[str, list[tuple[Row, np.ndarray]]] = {}
        candidates: dict[str, tuple[Row, np.ndarray]] = {}
        gold: dict[str, list[str]] = {}
        left_out: dict[str, BadRows] = {}
        for language in self.spec.languages:
            rows, left_out[language] = self._rows(self.spec.split, language)
            # Some releases have one set of candidates for all languages.
            fresh = [n for n, (id_, side) in enumerate(zip(rows["id"][:], rows["side"][:], strict=True))
                     if side == "query" or id_ not in candidates]  # fmt: skip
            rows = rows.select(fresh)
            kept = hashlib.sha256("\0".join(rows["id"][:]).encode()).hexdigest()
            identity = f"{self.spec.fingerprints[language]} {kept}"
            features = self._features(rows, identity, self.spec.split)
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
            yield language, _Answered(found, sides, [vector for _, vector in both], left_out[language])

    def _stored_vectors(self, language: str, features: Dataset, rows: Dataset) -> Sequence[np.ndarray]:
        """The vectors of one language, kept until the run is published, because all languages need them."""
        path = self.work / CHECKPOINTS / f"vectors-{language}.npy"
        attention = path.with_suffix(".attention.json")  # what the model looked at when it made them
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            unfinished = path.with_suffix(".part.npy")
            np.save(unfinished, np.stack(self._predict(features, rows, language)))
            write_json(attention, self._attention.get(language, {}))
            unfinished.replace(path)
        elif language not in self._attention:
            self._attention[language] = json.loads(attention.read_text(encoding="utf-8"))
        return np.load(path, mmap_mode="r")

    def _rows(self, split: str, language: str) -> tuple[Dataset, BadRows]:
        bad = BadRows(skip=self.spec.skip_bad_rows)
        task = recipe(self.spec.task)
        rows = self.plan.source.load(task, split, language, bad)
        scored = self.kind.subset(rows, self.spec.max_examples)
        if language in self.spec.translate_test:
            assert self.plan.test_translations is not None
            direction = Direction(language, ENGLISH)
            scored = self.plan.test_translations.load(task, split, direction, rows=rows, wanted=scored, bad=bad)
        return scored, bad

    def _features(self, rows: Dataset, fingerprint: str, split: str) -> Dataset:
        return encode(
            rows,
            identity=f"{fingerprint} {split} {self.spec.max_examples} {self.spec.skip_bad_rows}",
            kind=self.kind,
            tokenizer=self.plan.backbone.tokenizer(),
            encoding=self.spec.encoding,
            labels=False,
            cache=self.plan.store.cache / "features",
        )

    def _predict(self, features: Dataset, rows: Dataset, language: str) -> list[np.ndarray]:
        track = partial(self.track, label=f"{self.spec.task} {language}")
        model = self.model
        if self.language_adapters:
            run = self.language_adapters[language]
            model.use_language_adapter(self._languages[run.key] if run else None)
        found: list[Any] = [None] * len(features)
        for spoken, indices in self._spoken(features, rows, language).items():
            model.use_language_module(spoken)
            part = features.select(indices)
            logits = predict(model, part, task=self.head, collator=self.collator, track=track)
            for index, values in zip(indices, logits, strict=True):
                found[index] = values
        for block in model.blocks:
            if block.kind == "fuse":
                self._attention.setdefault(language, model.fusion_attention.take(block.names))
        return found

    def _spoken(self, features: Dataset, rows: Dataset, language: str) -> Mapping[str, Sequence[int]]:
        """The features of each language that X-MOD has a module for; with other backbones, all of them together."""
        if module_language(self.plan.config, language) is None:
            return {language: range(len(features))}
        spoken, groups = rows["language"][:], defaultdict[str, list[int]](list)
        for index, row in enumerate(features["row"][:]):
            groups[spoken[row]].append(index)
        return groups

    def _calibration(self, language: str, answered: _Answered) -> dict[str, float]:
        """What decoding needs: chosen in training, or on the validation split, or, if that is scored, on itself."""
        if self.target is not None and self.kind.trained:
            found = self.target.metrics.get("calibration", {})
            several = isinstance(self.target.spec, TrainSpec) and len(self.target.spec.tasks) > 1
            return found.get(self.head, {}) if several else found
        if language not in self.spec.calibration:
            return self.kind.calibrate(answered.rows, answered.features, answered.logits)
        rows, _ = self._rows("validation", language)
        features = self._features(rows, self.spec.calibration[language], "validation")
        return self.kind.calibrate(rows.to_list(), features, self._predict(features, rows, language))

    def _score(self, language: str, answered: _Answered) -> None:
        """Decodes, scores and writes one language; its score file is written last."""
        calibration = self._calibration(language, answered)
        answers = self.kind.decode(answered.rows, answered.features, answered.logits, calibration)
        labelled = not all(self.kind.unlabelled(row) for row in answered.rows)
        if labelled:
            spoken = context_language(language)
            result = self.kind.score(answers, answered.rows, metric=self.spec.metric, language=spoken)
        else:  # a benchmark's test data without its gold: predictions are all that there can be
            result = Scores(metrics={}, items={}, counts={"unlabelled": len(answers)})
        metric = METRICS.get(self.spec.metric)
        name = f"{self.spec.task}/{self.spec.split}-{language}{metric.suffix}"
        if labelled:
            self.kind.write_labels(answered.rows, self.work / "labels" / name)
        self.kind.write_predictions(answers, self.work / "predictions" / name)
        scored = {
            "metrics": {**result.metrics, "examples": result.examples or len(result.items) or len(answers)},
            "counts": result.counts,
            "calibration": calibration,
            "rows_left_out": dict(answered.bad.counts),
            "rows_omitted_by_design": dict(answered.bad.omitted),
            # What AdapterFusion looked at: layer to source to its mean share.
            "fusion_attention": self._attention.get(language, {}),
            "ids": list(answers),
            "items": result.items,
            "groups": metric.groups(answered.rows, result.items),
        }
        write_json(self._score_file(language), scored)

    def _score_file(self, language: str) -> Path:
        return self.work / "scores" / f"{language}.json"


def summarise(kind: Kind, languages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """English, the mean over all other languages, and that over pairs of two languages.

    Each has its metrics, and the kind's main score as `score`.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {"english": [], "zero_shot": [], "cross_lingual": []}
    for name, metrics in languages.items():
        if metrics.keys() == {"examples"}:  # without labels there are no scores
            continue
        crossed = context_language(name) != question_language(name)
        groups["cross_lingual" if crossed else "english" if name == "en" else "zero_shot"].append(metrics)
    summary: dict[str, Any] = {}
    for name, group in groups.items():
        if group:
            means = {key: sum(metrics[key] for metrics in group) / len(group) for key in group[0] if key != "examples"}
            summary[name] = {**means, "score": kind.main_score(means)}
    return summary
