"""A trained model as an object that answers, for Python programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

from adapterstilts.commands.models.answering import Note, Ready, check_language, make_ready, told_of_cut
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import LoadOptions
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.input_rows import InputColumns, input_features
from adapterstilts.errors import DataError, UsageError
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue
from adapterstilts.tasks.explained import Result, explained, labels_of
from adapterstilts.tasks.kind import Kind

_CHUNK = 2000
_WHERE = "the inputs"
MEND = "Give it otherwise, or leave it out; all inputs of a call are read from the same columns."
"""What can be done about an input that a model does not read."""

_PAIRS = {"context": ("question", "context"), "text_b": ("text_a", "text_b")}


class Model:
    """A trained model with its weights in memory; several threads may use it, which wait for each other.

    Attributes:
        task: Name of the task that it answers.
        kind: The form of that task, e.g. `span_qa`.
        labels: Names of its labels or tags; none where answers are found or chosen.
        languages: Languages that it was trained in.
        language: The language that it reads texts in.
        calibration: What probabilities are divided by, or why they are uncalibrated, in words.
        temperature: What scores are divided by; None where probabilities are uncalibrated.
    """

    def __init__(self, ready: Ready, catalogue: Catalogue, note: Note) -> None:
        task = ready.trained.task
        self.task = task.name
        self.kind = task.kind
        self.labels = labels_of(ready.trained.kind)
        self.languages = task.data.languages if task.data.fingerprints else ()
        self.language = ready.language
        self.calibration = str(ready.calibrated)
        self.temperature: float | None = getattr(ready.calibrated, "value", None)
        self._answerer = ready.answerer
        self._likely = ready.trained.likely_columns
        self._catalogue = catalogue
        self._note = note
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"Model(task={self.task!r}, kind={self.kind!r}, language={self.language!r})"

    def predict(self, inputs: Any, *, chunk: int = _CHUNK, **columns: str | Sequence[str]) -> list[Result]:
        """Answers inputs; a result for each, in order.

        Results are dictionaries with the keys of the pipelines of `transformers`: `label`, `score` and `scores`;
        `answer`, `start`, `end` and `score`; `tags`, `scores` and `entities`; `choice`, `chosen`, `score` and `scores`.

        The reporter that `load` was given is told of inputs of which the beginning alone was read.

        Args:
            inputs: One or several of: a text; a pair, of two texts or of question and context; a list of words to tag,
                which a text is split into at white space and punctuation, and Chinese or Japanese into letters, so that
                Thai or Burmese takes the list; a mapping with the columns that the model reads, such as `question` and
                `context`.
            chunk: Inputs that are answered at a time.
            columns: What the columns of mappings are called that are read as `text`, `question`, `context`, `choices`
                or `tokens`, where their names do not tell.

        Raises:
            AstiltsError: An input is not of the model's form; the message says which. Or `chunk` is no number of them.
        """
        if type(chunk) is not int or chunk < 1:
            raise UsageError(f"chunk: {chunk!r} is no number of inputs.", remedy="Give 1 or more, or leave it out.")
        given = [inputs] if _is_one(inputs) else list(inputs)
        kind = self._answerer.kind
        records = [(f"input {number}", as_record(one, kind, number)) for number, one in enumerate(given)]
        if not records:
            return []
        with self._lock, self._catalogue.in_use():
            told = {name: one if type(one) is str else tuple(one) for name, one in columns.items()}
            found = InputColumns.of(kind, [record for _, record in records[:200]], told, self._likely)
            rows, bad = [], BadRows(skip=False, remedy=MEND)
            for start in range(0, len(records), chunk):
                part = records[start : start + chunk]
                rows.append([row for _, row in found.rows(part, language=self.language, where=_WHERE, bad=bad)])
            return [result for part in rows for result in self._answered(part)]

    def _answered(self, rows: list[dict[str, Any]]) -> list[Result]:
        said = self._answerer.said(rows)
        if told := told_of_cut(self._answerer, said):
            self._note(told)
        return explained(said)


def as_record(given: Any, kind: Kind, number: int) -> Mapping[str, Any]:
    """One input as a record with columns.

    Raises:
        DataError: A model of this kind reads no such input.
    """
    names = list(input_features(kind))
    match given:
        case Mapping():
            if odd := next((name for name in given if not isinstance(name, str)), None):
                raise DataError(
                    f"Input {number} has a column called {odd!r}, which is no text.",
                    remedy=f"Call columns by texts, such as {names[0]!r}.",
                )
            return given
        case str():
            return {names[0]: given}
        case [*parts] if names == ["tokens"]:
            return {"tokens": parts}
        case [str(first), str(second)]:
            pair = next((both for name, both in _PAIRS.items() if name in names), ())
            if pair and "choices" not in names:
                return dict(zip(pair, (first, second), strict=True))
    raise DataError(
        f"Input {number} is {given!r:.80}, and the model reads {', '.join(names)}.",
        remedy=f"Give a mapping with {', '.join(names)}.",
    )


def _is_one(inputs: Any) -> bool:
    """Whether it is one input and not several; a tuple is one pair."""
    match inputs:
        case str() | Mapping():
            return True
        case tuple() if len(inputs) == 2 and all(type(part) is str for part in inputs):
            return True
        case Iterable():
            return False
    raise DataError(f"{inputs!r:.80} is no input.", remedy="Give a text, a mapping, or a list of them.")


@in_catalogue
def load_model(reference: str, options: LoadOptions, note: Note) -> Model:
    """Loads a trained model; see `adapterstilts.load`."""
    check_language(options)
    trained = TrainedModel.of(reference, options, note)
    input_features(trained.kind)
    return Model(make_ready(trained, options, note), Catalogue.load(options.tasks), note)
