"""An evaluation stage: a model's answers in several languages to predictions, scores and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapterstilts.errors import StoreError
from adapterstilts.files import json_bytes, write_json, write_whole
from adapterstilts.languages import context_language, is_english, question_language
from adapterstilts.metrics import METRICS
from adapterstilts.runs.content import entry_of, entry_of_content, first_damage
from adapterstilts.runs.records import Entries, Scored, read_record, read_values
from adapterstilts.runs.rivals import Prompted
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.runs.store import CHECKPOINTS
from adapterstilts.stages.answering.answers import Answered, Answers
from adapterstilts.stages.answering.frozen import FrozenPredictor
from adapterstilts.stages.answering.predictor import Predictor, Track
from adapterstilts.stages.answering.prompting import PromptPredictor
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind, Scores


class Evaluation:
    """The work of one evaluation stage.

    Args:
        work: Folder for predictions, labels and scores; languages that are there are not scored again.
        track: Shows progress over batches.
        group: Processes that compute together; the leader decodes, scores and writes.
    """

    def __init__(self, spec: EvaluateSpec, setup: Setup, work: Path, *, track: Track, group: Group = ALONE) -> None:
        self.spec = spec
        self.work = work
        self.kind = setup.catalogue.build_kind(spec)
        self.predictor = _predictor(spec, setup, self.kind, track=track, group=group)
        self.answers = Answers(spec, setup, self.kind, predictor=self.predictor, work=work)

    def run(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Scores all languages; returns the stage's metrics, and what it adds to its provenance."""
        if not self.predictor.group.leads:
            self.predictor.help()
            return {}, {}
        with self.predictor.asking():
            return self._run()

    def _run(self) -> tuple[dict[str, Any], dict[str, Any]]:
        for name in ("scores", f"predictions/{self.spec.task}", f"labels/{self.spec.task}"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        todo = [language for language in self.spec.languages if not self._scored(language)]
        for language, answered in self.answers.of(todo):
            self._score(language, answered)
        scored = {language: read_values(self._score_file(language), Scored) for language in self.spec.languages}
        details: dict[str, Counter[str]] = {"rows_left_out": Counter(), "rows_omitted_by_design": Counter()}
        for one in scored.values():
            for name, counts in details.items():
                counts.update(one[name])
        return self._metrics(scored), details

    def _metrics(self, scored: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        found = {language: one["metrics"] for language, one in scored.items()}
        metrics = {
            "languages": found,
            **summarise(self.kind, found),
            "counts": {language: one["counts"] for language, one in scored.items()},
            "collapsed": {language: one["collapse"] for language, one in scored.items() if one.get("collapse")},
            "calibration": {language: one["calibration"] for language, one in scored.items() if one["calibration"]},
            "calibrated_on_scored_rows": [
                language
                for language, one in scored.items()
                if one["calibration"] and not self.kind.trained and language not in self.spec.calibration
            ],
        }
        if by_class := {language: one["by_class"] for language, one in scored.items() if one.get("by_class")}:
            metrics["by_class"] = by_class
        if hidden := {language: one["hidden"] for language, one in scored.items() if one.get("hidden")}:
            metrics["hidden"] = hidden
        if attention := {code: one["fusion_attention"] for code, one in scored.items() if one["fusion_attention"]}:
            metrics["fusion_attention"] = attention
        if self.predictor.run is None or not self.kind.trained:
            metrics["parameters"] = self.predictor.parameters
        return {**metrics, **self.predictor.told}

    def _calibration(self, language: str, answered: Answered) -> dict[str, float]:
        """What decoding needs: chosen in training, or on the validation split, or, if that is scored, on itself."""
        if (chosen := self.predictor.calibration) is not None:
            return dict(chosen)
        if language in self.spec.calibration:
            answered = self.answers.on_validation(language)
        return self.kind.calibrate(answered.rows, answered.features, answered.logits)

    def _score(self, language: str, answered: Answered) -> None:
        """Decodes, scores and writes one language; its score file is written last."""
        calibration = self._calibration(language, answered)
        answers = self.kind.decode(answered.rows, answered.features, answered.logits, calibration)
        labelled = not all(self.kind.unlabelled(row) for row in answered.rows)
        collapse = None
        if labelled:
            collapse = self.kind.collapse(answered.rows, answered.features, answered.logits, answers)
            spoken = context_language(language)
            result = self.kind.score(answers, answered.rows, metric=self.spec.metric, language=spoken)
        else:  # a benchmark's test data without its gold: predictions are all that there can be
            result = Scores(metrics={}, items={}, counts={"unlabelled": len(answers)})
        metric = METRICS.get(self.spec.metric)
        name = f"{self.spec.task}/{self.spec.split}-{language}{metric.suffix}"
        if labelled:
            self.kind.write_labels(answered.rows, self.work / "labels" / name)
        self.kind.write_predictions(answers, self.work / "predictions" / name)
        own = None if metric.grouped else result.groups
        scored = {
            "metrics": {**result.metrics, "examples": result.examples or len(result.items) or len(answers)},
            "counts": result.counts,
            "collapse": collapse,
            "by_class": result.by_class,
            "hidden": answered.bad.hidden,
            "calibration": calibration,
            "rows_left_out": dict(answered.bad.counts),
            "rows_omitted_by_design": dict(answered.bad.omitted),
            # What AdapterFusion looked at: layer to source to its mean share.
            "fusion_attention": self.predictor.attention.get(language, {}),
            "ids": list(answers),
            "items": result.items,
            "groups": metric.groups(answered.rows, result.items) if own is None else own,
        }
        content = json_bytes(scored)
        files = [self.work / folder / name for folder in ("labels", "predictions")]
        entries = {path.relative_to(self.work).as_posix(): entry_of(path) for path in files if path.is_file()}
        entries[self._score_file(language).relative_to(self.work).as_posix()] = entry_of_content(content)
        record = self._record(language)
        record.parent.mkdir(exist_ok=True)
        write_json(record, {name: entry.model_dump() for name, entry in entries.items()})
        write_whole(self._score_file(language), content)

    def _scored(self, language: str) -> bool:
        """Whether a language has been scored, and its files are as they were written."""
        if not self._score_file(language).is_file():
            return False
        try:
            entries = read_record(self._record(language), Entries).root
        except StoreError:
            return False
        return first_damage(self.work, entries, whole=True) is None

    def _record(self, language: str) -> Path:
        """What is written down of the files of a language, which goes with the checkpoints."""
        return self.work / CHECKPOINTS / f"scored-{language}.json"

    def _score_file(self, language: str) -> Path:
        return self.work / "scores" / f"{language}.json"


def _predictor(spec: EvaluateSpec, setup: Setup, kind: Kind, *, track: Track, group: Group) -> Predictor:
    if spec.rival is None:
        return Predictor(spec, setup, kind, track=track, group=group)
    if isinstance(spec.rival, Prompted):
        return PromptPredictor(spec, setup, kind, spec.rival, track=track, group=group)
    return FrozenPredictor(spec, setup, kind, spec.rival, track=track, group=group)


def summarise(kind: Kind, languages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """English, the mean over all other languages, and that over pairs of two languages.

    Each has its metrics, and the kind's main score as `score`.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {"english": [], "zero_shot": [], "cross_lingual": []}
    for name, metrics in languages.items():
        if metrics.keys() == {"examples"}:  # without labels there are no scores
            continue
        crossed = context_language(name) != question_language(name)
        groups["cross_lingual" if crossed else "english" if is_english(name) else "zero_shot"].append(metrics)
    summary: dict[str, Any] = {}
    for name, group in groups.items():
        if group:
            means = {key: sum(metrics[key] for metrics in group) / len(group) for key in group[0] if key != "examples"}
            summary[name] = {**means, "score": kind.main_score(means)}
    return summary
