"""From options to specs: profile, recipe and flags are resolved into the one identity of each stage."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adapterstilts.commands.options import TrainingOptions, TransferOptions
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.sources.rows import Source
from adapterstilts.data.splits import evaluation_split
from adapterstilts.data.translation.reading import (
    Translations,
    from_english,
    into_english,
    open_test_translations,
    open_translations,
)
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.languages import ENGLISH, check_languages, context_language
from adapterstilts.modeling.architecture import check_modules, default_pooling
from adapterstilts.modeling.backbone import Backbone, check_length, check_tokenizer, locate_backbone
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.modeling.precision import choose_device, choose_precision
from adapterstilts.modeling.quantization import NF4, check_quantization
from adapterstilts.modeling.trial import try_method
from adapterstilts.profiles import Profile, load_profile
from adapterstilts.runs.specs import (
    Choice,
    EvaluateSpec,
    MethodSpec,
    Phase,
    Precision,
    Sampling,
    TaskSpec,
    TrainingData,
    TrainSpec,
)
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.settings import Settings, validate
from adapterstilts.tasks.kind import KINDS, Kind, PoolingOptions
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.retrieval_options import PRESETS, resolve_layer

if TYPE_CHECKING:
    import torch

# How a phase begins that takes nothing from an earlier one.
START = Choice(name="none")
# What stands for the key of a run where a language is evaluated without a language adapter.
NO_LANGUAGE_ADAPTER = "none"


@dataclass(frozen=True)
class Plan:
    """What all stages of one command share.

    Attributes:
        translations: Where training rows in other languages come from.
        test_translations: Where English rows come from that are scored instead of other languages' own.
        remade: Keys of the stages that this command has computed again, because of `--force`.
    """

    options: TrainingOptions
    profile: Profile
    source: Source
    backbone: Backbone
    config: Any
    method: MethodSpec
    device: torch.device
    precision: Precision
    store: RunStore
    translations: Translations | None = None
    test_translations: Translations | None = None
    remade: set[str] = field(default_factory=set)


def make_plan(
    options: TrainingOptions, *, translations: Path | None = None, translate_test: Path | None = None
) -> Plan:
    """Resolves and checks everything that does not depend on a task.

    Args:
        translations: Folder of translations to train on, or `mini`; by default, the suite's if it is the source.
        translate_test: Folder of English translations to score, or `mini`; by default, originals are scored.

    Raises:
        UsageError: A name is unknown or a value does not fit.
        CompatibilityError: Backbone, tokenizer, method and number format do not fit together.
        HubError: The backbone is on the Hub and the Hub is out of reach.
    """
    _check_one_process()
    profile = load_profile(options.profile)
    name = profile.backbone if options.backbone is None else options.backbone
    revision = options.revision or (profile.revision if name == profile.backbone else None)
    method = parse_method(options.method or profile.method, unfreeze_backbone=options.unfreeze_backbone)
    method = METHODS.get(method.name).normalize(method)
    device = choose_device(options.device)
    if options.load_in_4bit:
        check_quantization(method, options.precision, device)
    source = open_source("files" if options.data_dir else profile.source, options.data_dir)
    backbone = locate_backbone(name, revision=revision)
    config = backbone.config()
    if METHODS.get(method.name).adds_adapter or METHODS.get(method.name).trains == "biases":
        try_method(backbone, method)
    check_tokenizer(backbone.tokenizer(), config, name=name)
    precision = choose_precision(options.precision, device=device, hidden_size=config.hidden_size)
    return Plan(
        options=options,
        profile=profile,
        source=source,
        backbone=replace(backbone, quantization=NF4) if options.load_in_4bit else backbone,
        config=config,
        method=method,
        device=device,
        precision="bf16" if options.load_in_4bit else precision,
        store=RunStore(options.store),
        translations=open_translations(translations, source, flag="--translations"),
        test_translations=open_test_translations(translate_test, source),
    )


def _check_one_process() -> None:
    """Refuses a process that a launcher started beside others, which would wait for one another's locks."""
    if os.environ.get("LOCAL_RANK", "-1") != "-1" or os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            "A launcher (torchrun, accelerate launch) started this process, but a stage is the work of one.",
            remedy="Start astilts itself; several commands share GPUs with CUDA_VISIBLE_DEVICES and one --store.",
        )


def plan_training(
    plan: Plan,
    tasks: Sequence[Recipe],
    phase: Phase,
    *,
    composition: Choice = START,
    head: str = "new",
    inputs: Sequence[Run] = (),
    sampling: Sampling | None = None,
    languages: Mapping[str, Sequence[str]] = MappingProxyType({}),
    language_adapter: Run | None = None,
) -> TrainSpec:
    """The spec of one training stage.

    Args:
        tasks: The tasks whose training data are used; the settings that they share are the first one's.
        inputs: The runs that `composition` starts from.
        sampling: How often each of several tasks is trained on.
        languages: Task to the languages of its training data; where a task is not there, English.
        language_adapter: The run whose adapter lies below all others.

    Raises:
        UsageError: A setting is unknown or out of range.
        DataError: The training data are not there.
        CompatibilityError: The backbone lacks positions, or the head that a task goes on with.
    """
    kinds = [trained_kind(plan, task) for task in tasks]
    if any(kind.pretrained_head for kind in kinds):
        plan.backbone.check_masked_lm(plan.config)
    settings = [resolve_settings(plan, task, phase, composition=composition.name) for task in tasks]
    for one in settings:
        check_length(plan.config, one.max_length, name=plan.backbone.name)
    return TrainSpec(
        stage=phase,
        tasks=tuple(
            TaskSpec(
                kind=task.kind,
                options=kind.decisive_options(),
                metric=task.metric,
                data=_training_data(plan, task, phase, languages.get(task.name, (ENGLISH,))),
                encoding=one.encoding(),
            )
            for task, kind, one in zip(tasks, kinds, settings, strict=True)
        ),
        sampling=sampling,
        backbone=plan.backbone.fingerprint,
        precision=plan.precision,
        method=plan.method,
        method_config=METHODS.get(plan.method.name).resolve(plan.method.options),
        composition=composition,
        head="reuse" if head == "reuse" else "new",
        settings=settings[0].optimisation(),
        seed=plan.profile.seed if plan.options.seed is None else plan.options.seed,
        inputs=tuple(run.key for run in inputs),
        language_adapter=language_adapter.key if language_adapter else None,
        quantization=plan.backbone.quantization,
    )


def trained_kind(plan: Plan, task: Recipe) -> Kind:
    """The kind of a task to train for, with `--pooling` where it reads one vector of a text."""
    kind, pooling = task.build_kind(), plan.options.pooling
    if pooling is None or not reads_one_vector(task):
        return kind
    if isinstance(kind.options, PoolingOptions) and pooling == default_pooling(plan.config):
        return kind
    return KINDS.get(task.kind)({**task.options, "pooling": pooling})


def reads_one_vector(task: Recipe) -> bool:
    """Whether pooling is something that the kind of a task can be told."""
    return "pooling" in type(task.build_kind().options).model_fields


def check_pooling(options: TrainingOptions, tasks: Sequence[Recipe]) -> None:
    """Refuses `--pooling` where no task reads one vector of a text.

    Raises:
        UsageError: See above.
    """
    if options.pooling and not any(map(reads_one_vector, tasks)):
        raise UsageError(
            f"--pooling has no meaning for {', '.join(task.name for task in tasks)}.",
            remedy="It is for pair classification, multiple choice and retrieval.",
        )


def resolve_settings(plan: Plan, task: Recipe, phase: Phase, *, composition: str = START.name) -> Settings:
    """Settings of one stage; later ones win.

    The order: method, recipe, composition, profile (from general to specific), suite, flags.
    """
    method = METHODS.get(plan.method.name)
    scopes = ("all", method.family, phase, f"{phase}.{method.family}")
    values: dict[str, Any] = dict(method.defaults)
    for published in ("all", method.family):
        values |= task.settings.get(published, {})
    for scope in scopes:
        values |= plan.profile.settings.get(scope, {})
    for scope in scopes if plan.source.name == "mini" else ():
        values |= task.sources.mini.settings.get(scope, {})
    values |= plan.options.settings
    settings = validate(Settings, values, where=f"settings of {phase} on {task.name}")
    try:
        task.build_kind().check_encoding(settings)
    except ValueError as error:
        raise UsageError(f"settings of {phase} on {task.name}: {error}.", remedy="Change one of the three.") from None
    return settings


def plan_evaluation(
    plan: Plan,
    task: Recipe,
    target: Run | None,
    options: TransferOptions,
    *,
    language_adapters: Mapping[str, Run | None] = MappingProxyType({}),
) -> EvaluateSpec:
    """The spec of scoring a run's model on `task`, or the backbone as it is where there is no run.

    Args:
        language_adapters: Language or pair to the run whose adapter takes the place of the one trained with, or None
            for none.

    Raises:
        UsageError: A language is unknown or not among the task's.
        DataError: A language's data are not there.
    """
    if target is not None and not isinstance(target.spec, TrainSpec):
        raise UsageError(f"{target.folder.name} is not a trained model.", remedy="Give a training run.")
    languages = evaluation_languages(plan.source, task, options)
    check_modules(plan.config, languages, name=plan.backbone.name)
    split = evaluation_split(plan.source, task, languages, options.split)
    kind = evaluation_kind(plan, task, options)
    trained = kind.trained and target is not None
    encoding = target.spec.only.encoding if trained else resolve_settings(plan, task, "train-target").encoding()  # type: ignore[union-attr]
    check_length(plan.config, encoding.max_length, name=plan.backbone.name)
    # Where nothing is trained, decoding can only be calibrated on the validation data of each language.
    calibrated = () if kind.trained or split == "validation" else languages
    return EvaluateSpec(
        task=task.name,
        kind=task.kind,
        options=kind.decisive_options(),
        metric=task.metric,
        source=plan.source.name,
        split=split,
        fingerprints={language: plan.source.fingerprint(task, split, language) for language in languages},
        calibration={
            language: plan.source.fingerprint(task, "validation", language)
            for language in calibrated
            if not plan.source.missing(task, "validation", language)
        },
        backbone=plan.backbone.fingerprint,
        max_examples=options.max_eval_examples,
        skip_bad_rows=options.skip_bad_rows,
        encoding=encoding,
        precision=plan.precision,
        inputs=(target.key,) if target else (),
        quantization=plan.backbone.quantization,
        language_adapters={
            language: run.key if run else NO_LANGUAGE_ADAPTER for language, run in language_adapters.items()
        },
        translate_test=into_english(plan.test_translations, task, split, languages),
    )


def evaluation_kind(plan: Plan, task: Recipe, options: TransferOptions) -> Kind:
    """The task's kind with what the options say about retrieval.

    Raises:
        UsageError: A preset is unknown, or an option does not fit.
    """
    kind = trained_kind(plan, task)
    if kind.trained:
        return kind
    if options.preset and options.preset not in PRESETS:
        raise unknown("preset", options.preset, PRESETS)
    chosen = {**task.options, **(PRESETS[options.preset] if options.preset else {})}
    given = {"layer": options.layer, "pooling": options.pooling, "margin": options.margin}
    kind = KINDS.get(task.kind)({**chosen, **{name: value for name, value in given.items() if value is not None}})
    try:
        resolve_layer(kind.head().options["layer"], plan.config.num_hidden_layers)
    except ValueError as error:
        raise UsageError(f"--layer: {error}.", remedy=f"{plan.backbone.name} has no more.") from None
    return kind


def evaluation_languages(source: Source, task: Recipe, options: TransferOptions) -> tuple[str, ...]:
    """What to score: all languages that the source has, or those that were asked for; with pairs, if wanted."""
    benchmark = options.benchmark
    if benchmark and benchmark not in task.benchmarks:
        raise UsageError(
            f"{task.name} is not a task of {benchmark}.",
            remedy=f"Leave out --benchmark{' or give ' + task.benchmarks[0] if task.benchmarks else ''}.",
        )
    offered = source.languages(task, benchmark)
    if options.cross_pairs and not task.cross_pairs:
        raise UsageError(f"{task.name} has no pairs of languages.", remedy="Leave out --cross-pairs: it is for mlqa.")
    chosen = options.languages or offered
    if options.cross_pairs:
        singles = dict.fromkeys(context_language(name) for name in chosen)
        chosen = tuple(one if one == other else f"{one}-{other}" for one in singles for other in singles)
    if task.cross_pairs:
        offered = (*offered, *(f"{one}-{other}" for one in offered for other in offered if one != other))
    return check_languages(chosen, available=offered, owner=f"{task.name} in the {source.name} source")


def _training_data(plan: Plan, task: Recipe, phase: Phase, languages: Sequence[str]) -> TrainingData:
    """The training data in some languages, of which English alone selects checkpoints; of text without it, the first.

    Text has an original in each language; of everything else, other languages have translations of the English rows.
    """
    source = plan.source
    has_originals = phase == "train-language" or task.build_kind().own_text
    own = tuple(languages) if has_originals else (ENGLISH,)
    selecting = ENGLISH if ENGLISH in own else min(own)
    for language in own:
        if missing := source.missing(task, "train", language):
            raise DataError(f"{task.name}: no training data: {missing} is not there.", remedy="Check --data-dir.")
    # Without training data of its own, a task's validation split belongs to its test languages.
    absent = source.missing(task, "validation", selecting)
    if absent and task.source(source.name).has("validation"):
        raise DataError(f"{task.name}: no validation data: {absent} is not there.", remedy="Check --data-dir.")
    fingerprints = {"train": {language: source.fingerprint(task, "train", language) for language in own}}
    if not absent or selecting not in own:
        split = "train" if absent else "validation"
        if missing := source.missing(task, split, selecting):
            raise DataError(f"{task.name}: no validation data: {missing} is not there.", remedy="Check --data-dir.")
        fingerprints["validation"] = {selecting: source.fingerprint(task, split, selecting)}
    return TrainingData(
        task=task.name,
        source=source.name,
        fingerprints=fingerprints,
        holdout=plan.profile.holdout if absent else None,
        max_examples=plan.options.max_train_examples,
        skip_bad_rows=plan.options.skip_bad_rows,
        translations={} if has_originals else from_english(plan.translations, task, "train", languages),
        translated_only=not has_originals and ENGLISH not in languages,
    )
