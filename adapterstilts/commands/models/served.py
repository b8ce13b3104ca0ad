"""Trained models that answer requests together, in any language that they can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adapterstilts.commands.load import MEND, as_record
from adapterstilts.commands.models.answering import Note, Ready, make_ready
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import ServeOptions
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.input_rows import InputColumns, input_features, unspaced
from adapterstilts.errors import AstiltsError, DataError, UsageError, unknown
from adapterstilts.languages import LANGUAGES
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.serving.messages import Answer, Model, Question
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.explained import labels_of
from adapterstilts.tasks.kind import Kind, Row
from adapterstilts.tasks.sources import Names

if TYPE_CHECKING:
    from adapterstilts.stages.answering.together import Together

_GUESSED_FROM = 200


@dataclass
class ServedModel:
    """One model, with what it needs for each language that was asked for.

    Attributes:
        by_language: Whether it has adapters or modules of its own for each language.
        likely: What columns are called in the task's own files.
    """

    name: str
    trained: TrainedModel
    kind: Kind
    first: Ready
    by_language: bool
    likely: Mapping[str, Names]
    others: dict[str, Ready] = field(default_factory=dict)


class Served:
    """Models by name.

    Args:
        together: What answers.
        catalogue: The tasks that are in use.
    """

    def __init__(self, together: Together, catalogue: Catalogue, options: ServeOptions, note: Note) -> None:
        self._together = together
        self._catalogue = catalogue
        self._options = options
        self._note = note
        self._models: dict[str, ServedModel] = {}

    @property
    def names(self) -> Sequence[str]:
        """Of the models."""
        return list(self._models)

    def add(self, name: str, trained: TrainedModel) -> None:
        """Loads a model.

        Raises:
            AstiltsError: It cannot be loaded, or nobody can ask it about rows one by one.
        """
        kind = trained.kind
        features = input_features(kind)
        blocks = ModelOutline.read(trained.run.folder).description.blocks
        over = (bool(blocks) and bool(blocks[0].language)) or trained.facts.model_type == "xmod"
        ready = make_ready(trained, self._options, self._note)
        self._models[name] = ServedModel(name, trained, kind, ready, over, trained.likely_columns)
        self._together.add(name, ready.answerer, list(features))

    def described(self) -> Iterator[str]:
        """A line for each, with what it adds to memory and with whom it shares batches."""
        known: set[int] = set()
        for one in self._models.values():
            model = one.first.answerer.model
            tensors = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
                       for tensor in (*model.parameters(), *model.buffers())}  # fmt: skip
            added = sum(size for place, size in tensors.items() if place not in known)
            known |= tensors.keys()
            shared = ", ".join(self._together.sharing(one.name))
            yield (
                f"{one.name}: {one.trained.task.name} on {one.trained.setup.backbone.name}, "
                f"{added / 2**20:,.1f} MB {'more ' if len(known) > len(tensors) else ''}in memory"
                + (f"; shares batches with {shared}" if shared else "")
            )

    def models(self) -> list[Model]:
        """What they are."""
        return [self._described(one) for one in self._models.values()]

    def _described(self, one: ServedModel) -> Model:
        task, ready = one.trained.task, one.first
        return Model(
            name=one.name,
            task=task.name,
            kind=task.kind,
            reads=list(input_features(one.kind)),
            labels=list(labels_of(one.kind)),
            languages=list(task.data.languages if task.data.fingerprints else ()),
            language=ready.language,
            backbone=one.trained.setup.backbone.name,
            method=ready.answerer.model.method.name,
            calibrated=hasattr(ready.calibrated, "value"),
            calibration=str(ready.calibrated),
            max_length=task.encoding.max_length,
            shares_batches_with=self._together.sharing(one.name),
        )

    def answer(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        """An answer to each question, or why there is none."""
        with self._catalogue.in_use():
            asked: list[tuple[str, list[Row]]] = []
            read: list[str | AstiltsError] = []
            for question in questions:
                try:
                    key, language, rows = self._read(question)
                    asked.append((key, rows))
                    read.append(language)
                except AstiltsError as error:
                    read.append(error)
            found = zip(self._together.answer(asked), (rows for _, rows in asked), strict=True)
            return [
                one if isinstance(one, AstiltsError) else self._answer(question, one, *next(found))
                for question, one in zip(questions, read, strict=True)
            ]

    def _answer(self, question: Question, language: str, found: Any, rows: Sequence[Row]) -> Answer:
        name = str(question.model)
        return Answer.model_construct(
            model=name,
            task=self._models[name].trained.task.name,
            language=language,
            results=found.results,
            cut=found.cut,
            unspaced=[place for place, row in enumerate(rows) if unspaced(row)],
        )

    def _read(self, question: Question) -> tuple[str, str, list[Row]]:
        """Which of the models that are loaded is asked, the language that it reads, and its rows."""
        one = self._models[str(question.model)]
        code = question.language
        if code is not None and code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)
        key, language = self._in(one, code)
        records = [(f"input {place}", as_record(given, one.kind, place)) for place, given in enumerate(question.inputs)]
        if not records:
            return key, language, []
        told = {name: tuple(names) if isinstance(names, list) else names for name, names in question.columns.items()}
        try:
            columns = InputColumns.of(one.kind, [record for _, record in records[:_GUESSED_FROM]], told, one.likely)
        except UsageError as error:
            reads = ", ".join(input_features(one.kind))
            raise DataError(
                error.message,
                remedy=f'{one.name} reads {reads}: give these, or say with "columns" what they are called.',
            ) from error
        rows = columns.rows(records, language=language, where="the inputs", bad=BadRows(skip=False, remedy=MEND))
        return key, language, [row for _, row in rows]

    def _in(self, one: ServedModel, code: str | None) -> tuple[str, str]:
        """The name of what answers in a language, which is loaded where a model has parts of its own for each."""
        if code is None or code == one.first.language:
            return one.name, one.first.language
        if not one.by_language:
            return one.name, code
        key = f"{one.name} {code}"
        if code not in one.others:
            ready = make_ready(one.trained, self._options.model_copy(update={"language": code}), self._note)
            self._together.add(key, ready.answerer, list(input_features(one.kind)))
            one.others[code] = ready
        return key, code
