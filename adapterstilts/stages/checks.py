"""What is refused before anything of a graph runs, so that nothing stops half-way that could have been known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.translation.layout import Direction
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.architecture import Facts, check_modules, has_plain_layers, module_language
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.compatibility import (
    check_composition,
    check_exchangeable,
    check_head,
    check_language_adapter,
    check_summable,
)
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.outline import planned_outline
from adapterstilts.modeling.quantization import check_8bit_moments, check_quantized_composition
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec, TaskSpec, TrainSpec
from adapterstilts.stages.devices.leading import joined
from adapterstilts.stages.devices.strategy import check_shared
from adapterstilts.stages.estimates.model_sizes import model_size
from adapterstilts.stages.evaluation_spec import NO_LANGUAGE_ADAPTER
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.heads import head_source, heads_of
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.training_rows import read_rows
from adapterstilts.stages.words import check_evaluated_words

Note = Callable[[str], None]

# Options that a model and the task it answers have to share, the most telling ones first.
_OF_ONE_FORM = {
    "regression": "of the same form: labels or numbers",
    "multi_label": "of the same form: one label a row or several",
    "one_text": "of the same form: one text or two",
    "labels": "with the same labels in the same order",
    "mean": "with targets of the same mean, which numbers are said from",
    "sd": "with targets of the same standard deviation, which numbers are said in",
}


@dataclass
class Checks:
    """Checks the stages of a command.

    Attributes:
        setup: What stages are made with for which their graph has no setup of their own.
        note: Told what is worth a warning.
    """

    setup: Setup
    facts: Facts
    note: Note
    _outlines: dict[str, ModelOutline] = field(default_factory=dict)
    _tried: list[tuple[Backbone, MethodSpec]] = field(default_factory=list)

    def models(self, graph: Graph) -> None:
        """Refuses models that do not fit together; nothing is read but what finished runs say of theirs.

        Raises:
            CompatibilityError: Method, composition, backbone, head or language adapter do not fit together.
            UsageError: A composition takes another number of runs, or other options.
        """
        for stage in graph:
            if stage.run is None and stage.trains:
                self._training(stage)
            elif stage.run is None:
                self._same_form(stage)
                self._exchanged(stage)

    def data(self, graph: Graph, *, force: bool) -> None:
        """Reads what stages that are not in the store will need, and tries their methods on the backbone's shape.

        Args:
            force: Whether what the store has is made again too.

        Raises:
            CompatibilityError: A method does not work on the backbone, or most of a text has no tokens.
            DataError: Data cannot be read, or translations do not belong to their rows.
        """
        for stage in graph.to_make():
            setup = graph.setup_of(stage, self.setup)
            if not force and setup.store.find(stage.spec):
                continue
            if stage.spec.stage == "evaluate":
                check_evaluated_words(stage.spec, setup, note=self.note)
                _translated_test(stage.spec, setup)
                _translated_training(stage.spec.rival.tasks if stage.spec.rival else (), setup)
            else:
                self._try(setup.backbone, stage.spec.method)
                _translated_training(stage.spec.tasks, setup)

    def outline(self, stage: Stage[TrainSpec]) -> ModelOutline:
        """What is known of a stage's model, whether it is there or not."""
        if stage.key not in self._outlines:
            run = stage.run or self.setup.store.find(stage.spec)
            self._outlines[stage.key] = ModelOutline.read(run.folder) if run else self._planned(stage)
        return self._outlines[stage.key]

    def _planned(self, stage: Stage[TrainSpec]) -> ModelOutline:
        spec = stage.spec
        return planned_outline(
            stage.name,
            spec,
            self.facts,
            [self.outline(stage.need(key)) for key in spec.inputs],
            heads=heads_of(spec, self.setup.catalogue),
            language=self.outline(stage.need(spec.language_adapter)) if spec.language_adapter else None,
        )

    def _training(self, stage: Stage[TrainSpec]) -> None:
        spec, backbone, catalogue = stage.spec, self.setup.backbone, self.setup.catalogue
        self._languages(spec)
        if spec.quantization:
            check_quantized_composition(spec.composition.name)
        if spec.settings.adamw_8bit:
            check_8bit_moments()
        if launch := joined():
            check_shared(spec, [catalogue.build_kind(task) for task in spec.tasks], launch)
        sources = [self.outline(stage.need(key)) for key in spec.inputs]
        if spec.language_adapter:
            language = self.outline(stage.need(spec.language_adapter))
            check_language_adapter(language, spec, sources).check_backbone(backbone, self.facts)
        check_composition(spec.composition, spec.method, sources, head=spec.head)
        for key, source in zip(spec.inputs, sources, strict=True):
            source.check_backbone(backbone, self.facts)
            if spec.head == "reuse":
                head = catalogue.build_kind(spec.only).head()
                check_head(source, head, head_source(stage.need(key).spec, spec.only, catalogue))
        if spec.frozen_once:  # what its layers are can be told of models that fit together
            self._lower_layers(stage)

    def _lower_layers(self, stage: Stage[TrainSpec]) -> None:
        """Refuses to keep what lower layers give where there are none."""
        name, method = self.setup.backbone.name, stage.spec.method
        if self.setup.compile:
            raise UsageError(
                "--frozen-once computes the layers of a backbone in two parts, and --compile makes one of them.",
                remedy="Leave one of the two out.",
            )
        if not has_plain_layers(self.facts):
            raise CompatibilityError(
                f"--frozen-once: the layers of {name} ({self.facts.model_type}) cannot be computed in two parts.",
                remedy="Leave it out, or choose a --backbone like XLM-R or BERT.",
            )
        if not model_size(self.outline(stage).description, self.setup.backbone).lower:
            half, last = self.facts.num_hidden_layers // 2, self.facts.num_hidden_layers - 1
            lower, upper = (f"{one}-{other}" if one < other else other for one, other in ((0, half - 1), (half, last)))
            what = str(method)
            if (composition := stage.spec.composition.name) != "none":
                what += f" with --composition {composition}"
            raise UsageError(
                f"--frozen-once has nothing to keep in {stage.name}: {what} changes {name} from its first layer or its "
                "embeddings on.",
                remedy=f"Leave it out, or leave the first layers out, as --method seq_bn[leave_out={lower}] and "
                f"peft:lora[layers_to_transform={upper}] do; or train --method head.",
            )

    def _languages(self, spec: TrainSpec) -> None:
        """Refuses languages that X-MOD has no module for, and to train on several of its modules' languages at once."""
        languages = sorted({language for task in spec.tasks for language in task.data.languages})
        check_modules(self.facts, languages, name=self.setup.backbone.name)
        if len(languages) > 1 and module_language(self.facts, languages[0]):
            raise CompatibilityError(
                f"{self.setup.backbone.name} reads each language with a module of its own, and a stage is trained with "
                f"one of them: {', '.join(languages)} cannot be trained on together.",
                remedy="Train on one language, or choose another --backbone.",
            )

    def _same_form(self, stage: Stage[EvaluateSpec]) -> None:
        """Refuses a model whose head answers another question than the one that is asked."""
        spec = stage.spec
        for key in spec.inputs:
            model = stage.need(key)
            self.outline(model).check_backbone(self.setup.backbone, self.facts)
            if not self.setup.catalogue.build_kind(spec).trained:
                continue
            trained = model.spec.only
            if trained.kind != spec.kind:
                raise CompatibilityError(
                    f"{model.name} was trained for {trained.kind}, but {spec.task} is {spec.kind}.",
                    remedy="Evaluate on a task of the same kind.",
                )
            for option, remedy in _OF_ONE_FORM.items():
                theirs, own = trained.options.get(option), spec.options.get(option)
                if theirs != own:
                    raise CompatibilityError(
                        f"{model.name} was trained with {_option(option, theirs)}, but {spec.task} has "
                        f"{_option(option, own)}.",
                        remedy=f"Evaluate on a task {remedy}.",
                    )

    def _exchanged(self, stage: Stage[EvaluateSpec]) -> None:
        """Refuses what cannot take the place of the language adapter that a model was trained over."""
        for key in set(stage.spec.language_adapters.values()) - {NO_LANGUAGE_ADAPTER}:
            check_exchangeable(self.outline(stage.need(key)))
        for weights in stage.spec.language_sums.values():
            check_summable([self.outline(stage.need(key)) for key in weights])

    def _try(self, backbone: Backbone, method: MethodSpec) -> None:
        entry = METHODS.get(method.name)
        if (backbone, method) in self._tried or not (entry.adds_adapter or entry.trains == "biases"):
            return
        from adapterstilts.modeling.trial import try_method

        try_method(backbone, method)
        self._tried.append((backbone, method))


def _translated_training(tasks: Sequence[TaskSpec], setup: Setup) -> None:
    """Reads the rows of a stage that trains on translations, so that what is wrong with them is said now."""
    for task in tasks:
        if task.data.translations and setup.translations and not setup.translations.certain:
            read_rows(task, setup)


def _translated_test(spec: EvaluateSpec, setup: Setup) -> None:
    """Reads the English translations of the rows that will be scored, if there are to be any, likewise."""
    if setup.test_translations is None or setup.test_translations.certain:
        return
    task = setup.catalogue.recipe(spec.task)
    for language in spec.translate_test:
        bad = BadRows(skip=spec.skip_bad_rows)
        rows = setup.source.load(task, spec.split, language, bad)
        wanted = setup.catalogue.build_kind(spec).subset(rows, spec.max_examples)
        setup.test_translations.load(task, spec.split, Direction(language, ENGLISH), rows=rows, wanted=wanted, bad=bad)


def _option(name: str, value: Any) -> str:
    """An option as a message has it."""
    if name == "labels":
        return f"the labels {value}" if value else "no labels"
    return f"{name}: {'false' if value is None else str(value).lower()}"
