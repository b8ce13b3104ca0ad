"""A trained model for programs that do not have adapterstilts: of `transformers`, or of any runtime of ONNX."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts import __version__
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import ExportModelOptions
from adapterstilts.data.input_rows import input_features
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.files import put_in_place, write_json
from adapterstilts.stages.reporter import Reporter
from adapterstilts.tasks.catalogue import in_catalogue
from adapterstilts.tasks.explained import Said, labels_of
from adapterstilts.tasks.label_thresholds import THRESHOLD
from adapterstilts.tasks.span_qa import NO_ANSWER_THRESHOLD

if TYPE_CHECKING:
    from adapterstilts.stages.answering.answerer import Answerer

ABOUT = "export.json"
_TRIED_ON = 6
_SCORED_ON = 500
# How much scores may differ, as a share of the largest where it exceeds 1.
_MOST, _MOST_ONNX = 1e-5, 1e-4
# Heads for texts of which the end is left out where they are too long; other texts are read in parts.
_CUT = ("classification", "multi_label", "regression", "choice")
# What the scores of each head mean.
_SCORES = {
    "classification": "one for each label; divided by `temperature`, their softmax are probabilities",
    "multi_label": "one for each label; those whose sigmoid exceeds `threshold` are given",
    "regression": "the number itself, in the unit of the data",
    "choice": "one for each choice; divided by `temperature`, their softmax are probabilities",
    "token": "one for each tag at each token, of which the first of a word counts",
    "span": "for each token how well the answer starts and ends there",
}
_NO_ANSWER = (
    "; there is none where start and end at the {place} token of a window, the least of all windows, exceed those of "
    "the best span by more than `no_answer_threshold`"
)


@dataclass(frozen=True)
class ExportedModel:
    """What was written.

    Attributes:
        loading: How it is loaded: a class of `transformers`, the script `load.py`, or `onnx`.
        difference: The largest difference between its scores and ours; None where they could not be compared.
        tried_on: What rows they were compared on.
        scores: Validation score before and after int8, where that was asked for and there are such rows.
        files: Name to size in bytes.
        notes: What else one should know, a sentence each.
    """

    folder: Path
    task: str
    format: str
    loading: str
    difference: float | None
    tried_on: str
    files: dict[str, int]
    scores: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@in_catalogue
def run_export_model(reference: str, options: ExportModelOptions, reporter: Reporter) -> ExportedModel:
    """Exports a trained model; see `adapterstilts.export_model`."""
    folder = options.to
    _check(options)
    trained = TrainedModel.of(reference, options, reporter.note)
    columns = list(input_features(trained.kind))
    if trained.setup.backbone.quantization:
        raise CompatibilityError(
            f"{trained.run.name} is on a backbone in {trained.setup.backbone.quantization}, whose weights have "
            "no equal in other formats.",
            remedy="Train it without --load-in-4bit.",
        )
    with _scratch(folder) as scratch:
        work = _Work(trained, scratch / "model", columns, options.int8, reporter.note)
        work.place.mkdir()
        result = work.onnx() if options.format == "onnx" else work.transformers()
        work.cut_texts()
        write_json(work.place / ABOUT, work.about(result["loading"]))
        files = sorted(path for path in work.place.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        sizes = {path.relative_to(work.place).as_posix(): path.stat().st_size for path in files}
        put_in_place(work.place, folder)
    return ExportedModel(folder=folder, task=trained.task.name, format=options.format, files=sizes, **result)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder beside another, which is gone afterwards.

    Raises:
        UsageError: Nothing can be written there.
    """
    try:
        beside = folder.resolve().parent
        beside.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=beside, prefix=f".{folder.name}-")
    except OSError as error:
        raise UsageError(
            f"--to {folder} cannot be written ({error.strerror}).", remedy="Give a folder in a place of yours."
        ) from None
    with scratch as made:
        yield Path(made)


def _check(options: ExportModelOptions) -> None:
    """Refuses what cannot be written, before anything is loaded.

    Raises:
        UsageError: The folder is not empty, or an option has no meaning.
        CompatibilityError: A library is not installed.
    """
    folder = options.to
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"--to {folder} is there already and not empty.", remedy="Give a folder that is not there yet."
        )
    if options.int8 and options.format != "onnx":
        raise UsageError("--int8 has no meaning for --format transformers.", remedy="Add --format onnx.")
    if options.precision == "bf16":
        raise UsageError(
            "--precision bf16 has no meaning for an export, whose weights are fp32.",
            remedy="Leave it out; programs can load them in bf16.",
        )
    if options.format == "onnx":
        from adapterstilts.modeling.exchange.onnx_graph import check_installed

        check_installed(runtime=options.int8)


@dataclass
class _Work:
    """Writing one model into an empty folder."""

    trained: TrainedModel
    place: Path
    columns: list[str]
    int8: bool
    note: Callable[[str], None]

    def __post_init__(self) -> None:
        from adapterstilts.stages.answering.calibration import labelled_rows
        from adapterstilts.stages.probes import probe_rows

        rows = labelled_rows(self.trained.task, self.trained.source, _SCORED_ON)
        self.rows: list[Any] = [] if type(rows) is str else list(rows)
        self.unscored = rows if type(rows) is str else ""
        self.probes = self.rows[:_TRIED_ON] or probe_rows(self.columns)
        count, language = len(self.probes), self.trained.task.data
        own = f"{count} validation rows of {self.trained.task.name}"
        self.tried_on = own if self.rows and language else f"{count} sentences in as many languages"

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the head's outputs."""
        return labels_of(self.trained.kind)

    @property
    def form(self) -> str:
        """Name of the head."""
        return self.trained.kind.head().name

    @property
    def told(self) -> dict[str, Any]:
        """What the configuration has to say of a head, because its form does not."""
        from adapterstilts.modeling.exchange.forms import PROBLEMS

        problem = {"problem_type": PROBLEMS[self.form]} if self.form in PROBLEMS else {}
        return {**problem, **self.threshold}

    @property
    def threshold(self) -> dict[str, float]:
        """From where on a label of several is given, or no answer, in models that say that."""
        if self.form == "multi_label":
            return {THRESHOLD: self.trained.calibration.get(THRESHOLD, 0.5)}
        kind: Any = self.trained.kind
        if self.form == "span" and kind.options.no_answer:
            return {NO_ANSWER_THRESHOLD: kind.threshold(self.trained.calibration)}
        return {}

    def _expected(self, answerer: Answerer, batches: Any) -> Any:
        """Our scores, as the export has to give them; a number's own, after which the model's head says that too."""
        from adapterstilts.modeling.exchange.agreement import our_scores
        from adapterstilts.modeling.exchange.whole import in_unit

        found = our_scores(answerer.model, answerer.head, batches)
        if self.form != "regression":
            return found
        said: Any = answerer.kind.options
        mean, sd = said.mean or 0.0, said.sd or 1.0
        in_unit(answerer.model, answerer.head, mean=mean, sd=sd)
        task = self.trained.task
        plain = task.model_copy(update={"options": {**task.options, "mean": 0.0, "sd": 1.0}})
        answerer.kind = self.trained.setup.catalogue.build_kind(plain)
        return [one * sd + mean for one in found]

    def _answerer(self) -> Answerer:
        from adapterstilts.stages.answering.answerer import Answerer
        from adapterstilts.stages.collate import build_collator

        task, trained = self.trained.task, self.trained
        model = trained.restore(precision="fp32", to_change=True)
        model.use_language_module(task.data.validation_language if task.data.fingerprints else "en")
        collator = build_collator(trained.setup, task.encoding.max_length).for_prediction()
        return Answerer(
            model.cpu(), trained.kind, task.encoding, collator, head=trained.head, calibration=trained.calibration
        )

    def transformers(self) -> dict[str, Any]:
        """One checkpoint where that is possible, or else backbone and adapter with a script that loads both."""
        from adapterstilts.modeling.exchange.agreement import check_agreement, loaded, their_scores
        from adapterstilts.modeling.exchange.whole import (
            becomes_one,
            form_in_transformers,
            no_form,
            with_head_of,
            write_checkpoint,
            write_package,
        )
        from adapterstilts.modeling.storage import StoredModel

        answerer, head = self._answerer(), self.trained.head
        stored, model = StoredModel.read(self.trained.run.folder), answerer.model
        batches = answerer.examples(self.probes)
        expected = self._expected(answerer, batches)
        outer = form_in_transformers(stored, model, head, self.labels, told=self.threshold)
        whole = becomes_one(stored.description)
        notes = self._notes(in_config=whole)
        if whole:
            if outer is None:
                raise no_form(stored.description.heads[head], model.pretrained.name)
            write_checkpoint(model, outer, self.place)
            auto_class: str | None = outer.auto_class
        else:
            if self.form == "regression":
                (changed := self.place.with_name("changed")).mkdir()
                stored = with_head_of(stored, model, head, changed)
            notes += write_package(stored, model, self.place, task=head, labels=self.labels).notes
            auto_class = None
        found = their_scores(loaded(self.place, auto_class), batches)
        difference = check_agreement(expected, found, what="The exported model", most=_MOST)
        return {"loading": auto_class or "load.py", "difference": difference, "tried_on": self.tried_on, "notes": notes}

    def onnx(self) -> dict[str, Any]:
        """A graph with everything in it, and one of smaller weights in its place where that is asked for."""
        from adapterstilts.modeling.exchange import onnx_graph
        from adapterstilts.modeling.exchange.agreement import check_agreement, graph_scores
        from adapterstilts.modeling.exchange.whole import becomes_one, merge

        answerer, path = self._answerer(), self.place / onnx_graph.GRAPH
        model = answerer.model
        batches = answerer.examples(self.probes)
        expected = self._expected(answerer, batches)
        if becomes_one(model.describe()):
            merge(model)
        onnx_graph.write_graph(model, answerer.head, self.form, batches[0], path)
        difference, notes, scores = None, self._notes(in_config=True), dict[str, float]()
        if onnx_graph.has_runtime():
            graph = onnx_graph.OnnxModel(path)
            found = graph_scores(graph.run, batches)
            difference = check_agreement(expected, found, what="The graph", most=_MOST_ONNX)
            if self.int8:
                scores = self._smaller(answerer, graph, path)
                notes += [f"The cost of int8 was not measured: {self.unscored}."] if self.unscored else []
        else:
            notes.append("Its scores were not compared with ours, because onnxruntime is not installed.")
        backbone = self.trained.setup.backbone
        config = backbone.config()
        config.update(self.told)
        if self.labels:
            names = dict(enumerate(self.labels))
            config.update({"id2label": names, "label2id": {name: number for number, name in names.items()}})
        config.save_pretrained(self.place)
        backbone.tokenizer().save_pretrained(self.place)
        return {
            "loading": "onnx",
            "difference": difference,
            "tried_on": self.tried_on,
            "scores": scores,
            "notes": notes,
        }

    def _smaller(self, answerer: Answerer, graph: Any, path: Path) -> dict[str, float]:
        """Puts a graph of int8 weights in the place of a graph; returns the validation scores of both."""
        from adapterstilts.modeling.exchange.onnx_graph import GRAPH_INT8, OnnxModel, quantize

        small, larger = path.with_name(GRAPH_INT8), list(path.parent.iterdir())
        quantize(path, small)
        scores = {}
        if self.rows:
            self.note(f"Scoring both graphs on {len(self.rows):,} validation rows")
            smaller = OnnxModel(small)
            for name, one in (("fp32", graph), ("int8", smaller)):
                scores[name] = self._score(answerer.said(self.rows, run=one.run))
        for file in larger:  # large weights lie beside their graph, those of the smaller one too
            file.unlink()
        return scores

    def _score(self, said: Said) -> float:
        from adapterstilts.stages.training.validation import scored

        return scored(self.trained.task, said.kind, said.rows, said.features, list(said.logits), said.calibration)[
            "score"
        ]

    def _notes(self, *, in_config: bool) -> list[str]:
        """What somebody has to know who reads the scores.

        Args:
            in_config: Whether there is one configuration, which says the threshold too.
        """
        length = self.trained.task.encoding.max_length
        cut = [f"Texts were cut at {length} tokens in training, as truncation=True does."] if self.form in _CUT else []
        number = ["Its score is the number itself, in the unit of the data."] if self.form == "regression" else []
        what = {
            THRESHOLD: "A label is given where its sigmoid exceeds {:g}",
            NO_ANSWER_THRESHOLD: "There is no answer where the score of none exceeds that of the best span by {:g}",
        }
        said = f"config.json and {ABOUT} say" if in_config else f"{ABOUT} says"
        several = [f"{what[name].format(value)}, which {said}." for name, value in self.threshold.items()]
        return [*cut, *number, *several]

    def cut_texts(self) -> None:
        """Makes the tokenizer cut texts where training did, once it is asked to cut any."""
        if self.form in _CUT:
            for path in self.place.rglob("tokenizer_config.json"):
                said = json.loads(path.read_text(encoding="utf-8"))
                write_json(path, {**said, "model_max_length": self.trained.task.encoding.max_length})

    def _scores(self) -> str:
        """What they mean."""
        means = _SCORES.get(self.form, "as the head gives them")
        if NO_ANSWER_THRESHOLD not in self.threshold:
            return means
        return means + _NO_ANSWER.format(place="last" if self.trained.task.encoding.causal else "first")

    def about(self, loading: str) -> dict[str, Any]:
        """What a program has to know beside the files that the libraries read."""
        from adapterstilts.stages.answering.calibration import kept_temperature

        task = self.trained.task
        temperature = getattr(kept_temperature(self.trained.run, task.name), "value", None)
        return {
            "made_with": f"adapterstilts {__version__}",
            "task": task.name,
            "kind": task.kind,
            "labels": list(self.labels),
            "loading": loading,
            "scores": self._scores(),
            **self.threshold,
            **({"temperature": temperature} if temperature else {}),
            "encoding": task.encoding.model_dump(mode="json"),
            "options": task.options,
        }
