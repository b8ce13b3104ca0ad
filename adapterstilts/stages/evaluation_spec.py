"""From choices and recipes to the spec of an evaluation, of which nothing has run yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from adapterstilts.data.sources.rows import Source
from adapterstilts.data.splits import evaluation_split
from adapterstilts.data.translation.reading import into_english
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import check_languages, context_language, named_languages
from adapterstilts.modeling.architecture import check_modules
from adapterstilts.modeling.backbone import check_length
from adapterstilts.runs.rivals import FrozenClassifier
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.stages.graph import Evaluation, Stage, Training
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.training_spec import resolve_settings, trained_kind, with_options
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.retrieval_options import PRESETS, preset, resolve_layer

NO_LANGUAGE_ADAPTER = "none"
"""What stands for the key of a run where a language is evaluated without a language adapter."""

LanguageSum = tuple[tuple[float, Training], ...]
"""Weights and stages whose adapters are added up, weight by weight, to the one that a language is evaluated with."""


@dataclass(frozen=True)
class Scored:
    """What is to be scored, and how vectors are read where nothing is trained for it.

    Attributes:
        languages: Languages, or pairs of context's and question's; None for all that there are.
        split: None for `test` where the source has it, else `validation`.
        benchmark: Whose languages are the default.
        cross_pairs: Whether every pair of the languages is scored.
        preset: A published way of reading sentence vectors, which `layer` and `margin` override.
        max_examples: Upper bound on examples of each language.
    """

    languages: tuple[str, ...] | None = None
    split: Literal["test", "validation"] | None = None
    benchmark: str | None = None
    cross_pairs: bool = False
    preset: str | None = None
    layer: int | str | None = None
    margin: str | None = None
    max_examples: int | None = None


def plan_evaluation(
    planner: Planner,
    task: Recipe,
    model: Training | None,
    scored: Scored,
    *,
    language_adapters: Mapping[str, Training | None] = MappingProxyType({}),
    rival: FrozenClassifier | None = None,
    language_sums: Mapping[str, LanguageSum] = MappingProxyType({}),
) -> Evaluation:
    """Plans to score a stage's model on `task`, or the backbone as it is where there is no stage.

    Args:
        language_adapters: Language or pair to the stage whose adapter takes the trained one's place, or None for none.
        language_sums: Other ones where a weighted sum of adapters does.

    Raises:
        UsageError: A language is unknown or not among the task's.
        DataError: A language's data are not there.
    """
    setup, source, facts = planner.setup, planner.setup.source, planner.facts
    languages = evaluation_languages(source, task, scored)
    check_modules(facts, languages, name=setup.backbone.name)
    split = evaluation_split(source, task, languages, scored.split)
    kind = evaluation_kind(planner, task, scored)
    if kind.trained and (learned := rival.tasks[-1:] if rival else model.spec.tasks if model else ()):
        (encoding,) = (one.encoding for one in learned)
    else:
        encoding = planner.encoding(resolve_settings(planner, task, "train-target"), kind)
    check_length(facts, encoding.max_length, name=setup.backbone.name)
    # Where nothing is trained, decoding can only be calibrated on the validation data of each language.
    calibrated = () if kind.trained or split == "validation" else languages
    spec = EvaluateSpec(
        task=task.name,
        kind=task.kind,
        options=kind.decisive_options(),
        metric=task.metric,
        source=source.of(task).name,
        split=split,
        fingerprints={language: source.fingerprint(task, split, language) for language in languages},
        calibration={
            language: source.fingerprint(task, "validation", language)
            for language in calibrated
            if not source.missing(task, "validation", language)
        },
        backbone=setup.backbone.fingerprint,
        max_examples=scored.max_examples,
        skip_bad_rows=planner.skip_bad_rows,
        encoding=encoding,
        precision=planner.precision,
        inputs=(model.key,) if model else (),
        quantization=setup.backbone.quantization,
        language_adapters={
            language: stage.key if stage else NO_LANGUAGE_ADAPTER for language, stage in language_adapters.items()
        },
        translate_test=into_english(setup.test_translations, task, split, languages),
        rival=rival,
        language_sums={one: {stage.key: weight for weight, stage in terms} for one, terms in language_sums.items()},
    )
    return Stage(spec, (*([model] if model else []), *_exchanged(language_adapters, language_sums)))


def _exchanged(
    language_adapters: Mapping[str, Training | None], language_sums: Mapping[str, LanguageSum]
) -> list[Training]:
    """The stages that language adapters are from, each once."""
    summed = (stage for terms in language_sums.values() for _, stage in terms)
    return list({stage.key: stage for stage in (*language_adapters.values(), *summed) if stage}.values())


def evaluation_kind(planner: Planner, task: Recipe, scored: Scored) -> Kind:
    """The task's kind with what was chosen about retrieval.

    Raises:
        UsageError: A preset is unknown, or an option does not fit.
    """
    kind = trained_kind(planner, task)
    if kind.trained:
        return kind
    if scored.preset and scored.preset not in PRESETS:
        raise unknown("preset", scored.preset, PRESETS)
    given = {"layer": scored.layer, "pooling": planner.pooling, "margin": scored.margin}
    chosen = {name: value for name, value in given.items() if value is not None}
    depth = planner.facts.num_hidden_layers
    published = preset(scored.preset, task.options["mode"], depth) if scored.preset else {}
    kind = with_options(task, **{**published, **chosen})
    try:
        resolve_layer(kind.head().options["layer"], depth)
    except ValueError as error:
        raise UsageError(f"--layer: {error}.", remedy=f"{planner.setup.backbone.name} has no more.") from None
    return kind


def evaluation_languages(source: Source, task: Recipe, scored: Scored) -> tuple[str, ...]:
    """What to score: all languages that the source has, or those that were asked for; with pairs, if wanted.

    Raises:
        UsageError: The task is not one of the benchmark, or has no such language or pairs.
    """
    benchmark = scored.benchmark
    if benchmark and benchmark not in task.benchmarks:
        raise UsageError(
            f"{task.name} is not a task of {benchmark}.",
            remedy=f"Leave out --benchmark{' or give ' + task.benchmarks[0] if task.benchmarks else ''}.",
        )
    offered = source.languages(task, benchmark)
    if scored.cross_pairs and not task.cross_pairs:
        raise UsageError(f"{task.name} has no pairs of languages.", remedy="Leave out --cross-pairs: it is for mlqa.")
    chosen: Sequence[str] = scored.languages or offered
    if scored.cross_pairs:
        singles = dict.fromkeys(context_language(name) for name in named_languages(chosen, offered))
        chosen = tuple(one if one == other else f"{one}-{other}" for one in singles for other in singles)
    if task.cross_pairs:
        offered = (*offered, *(f"{one}-{other}" for one in offered for other in offered if one != other))
    return check_languages(chosen, available=offered, owner=f"{task.name} in the {source.of(task).name} source")
