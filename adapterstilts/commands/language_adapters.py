"""Language adapters of a transfer: one to train over, and one for each language to evaluate (Pfeiffer et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapterstilts.commands.damaged import stage_of
from adapterstilts.commands.options import SHARED, TransferOptions, as_flags
from adapterstilts.commands.shared_models import SharedModels
from adapterstilts.errors import CompatibilityError, UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, context_language
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.methods import trains_backbone
from adapterstilts.runs.specs import SharedSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.sharing.references import PlaceReference, is_reference, parse_reference
from adapterstilts.stages.evaluation_spec import NO_LANGUAGE_ADAPTER
from adapterstilts.stages.graph import Training, finished
from adapterstilts.stages.planner import Planner
from adapterstilts.tasks.catalogue import MLM


@dataclass(frozen=True)
class LanguageAdapters:
    """The language adapters of one command.

    Attributes:
        own: Language to the stage of its run.
        fallback: What languages without a run get: a language, `none`, or nothing, which is an error.
        drop: Last layers of the backbone in which they are left out (MAD-X 2.0: Pfeiffer et al. 2021, "UNKs
            everywhere").
    """

    own: dict[str, Training]
    fallback: str | None
    drop: int

    @property
    def english(self) -> Training:
        """The one that target phases are trained over."""
        return self.own[ENGLISH]

    def of(self, language: str) -> Training | None:
        """What a language, or a pair by the language of its context, is evaluated with."""
        code = context_language(language)
        if code in self.own:
            return self.own[code]
        return self.own.get(self.fallback or NO_LANGUAGE_ADAPTER)

    def label(self, language: str) -> str:
        """How that is written in results."""
        stage = self.of(language)
        fallback = "" if context_language(language) in self.own else " (fallback)"
        return f"{adapter_label(stage) if stage else NO_LANGUAGE_ADAPTER}{fallback}"

    @property
    def trained_over(self) -> str:
        """How the English one is written in results."""
        layers = "layer" if self.drop == 1 else f"{self.drop} layers"
        return adapter_label(self.english) + (f", left out of the last {layers}" if self.drop else "")


def check_language_options(options: TransferOptions) -> None:
    """Refuses what does not fit together, before anything is looked for.

    Raises:
        UsageError: A language is unknown, or an option has no meaning.
    """
    given = {
        "--language-adapter": options.language_adapter,
        "--language-fallback": options.language_fallback,
        "--language-adapter-drop": options.language_adapter_drop,
    }
    if not options.language_adapters:
        if name := next((name for name, value in given.items() if value), None):
            raise UsageError(f"{name} has no meaning without --language-adapters.", remedy="Add it, or leave it out.")
        return
    codes = [*(options.language_adapter or {})]
    if options.language_fallback not in (None, NO_LANGUAGE_ADAPTER):
        codes.append(str(options.language_fallback))
    for code in codes:
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)


def find_language_adapters(
    planner: Planner, options: TransferOptions, languages: Iterable[str], models: SharedModels
) -> LanguageAdapters:
    """The language adapters for these languages and pairs, each of them checked to fit the plan.

    Args:
        models: Those that others have made.

    Raises:
        UsageError: A language has none and there is no fallback, or has several, or a given key is not that of one.
        CompatibilityError: The method would change the backbone under them, or one belongs to another backbone.
    """
    method, name = planner.method.spec, planner.setup.backbone.name
    if trains_backbone(method):
        raise CompatibilityError(
            f"--language-adapters: method {method} changes the backbone that they were trained on.",
            remedy="Use a method that leaves it frozen, such as seq_bn.",
        )
    layers = planner.facts.num_hidden_layers
    if options.language_adapter_drop >= layers:
        raise UsageError(
            f"--language-adapter-drop {options.language_adapter_drop} leaves no layer: {name} has {layers}.",
            remedy="Give a smaller number.",
        )
    fallback = options.language_fallback
    codes = list(dict.fromkeys([ENGLISH, *map(context_language, languages)]))
    if fallback not in (None, NO_LANGUAGE_ADAPTER, *codes):
        codes.append(str(fallback))
    given = options.language_adapter or {}
    if unused := [code for code in given if code not in codes]:
        raise UsageError(
            f"--language-adapter {unused[0]}={given[unused[0]]}: no target is evaluated in {LANGUAGES[unused[0]]}.",
            remedy=f"These are: {', '.join(codes)}.",
        )
    found = {code: _candidates(planner, code, given.get(code), models) for code in codes}
    if several := {code: runs for code, runs in found.items() if len(runs) > 1}:
        raise several_adapters(several)
    own = {code: stage_of(runs[0], planner) for code, runs in found.items() if runs}
    optional = set(codes) - {ENGLISH, fallback} if fallback else set()
    if missing := [code for code in codes if code not in own and code not in optional]:
        raise _missing(planner, options, missing, offered=ENGLISH not in missing and fallback is None)
    return LanguageAdapters(own, fallback, options.language_adapter_drop)


def adapter_label(stage: Training) -> str:
    """How a language adapter is written in results."""
    known = [code for task in stage.spec.tasks for code in task.data.languages]
    return f"{known[0] if known else stage.spec.task}@{stage.key[:12]}"


def _candidates(planner: Planner, code: str, key: str | None, models: SharedModels) -> list[Run]:
    """The language's runs on the command's backbone, or the one with the given key, or a shared one."""
    setup = planner.setup
    return candidates(setup.store, setup.backbone, planner.facts, code, key, models.at)


def candidates(
    store: RunStore,
    backbone: Backbone,
    facts: Facts,
    code: str,
    key: str | None,
    fetch: Callable[[PlaceReference], Run],
) -> list[Run]:
    """The runs of a language on a backbone, or the one with the given key, or a shared one.

    Args:
        key: Of a run, or where a shared one is.
        fetch: Brings a shared one into the store.

    Raises:
        UsageError: The key is that of something else.
        CompatibilityError: It is on another backbone.
    """
    if key is None:
        runs = [run for run in store.runs() if _is_of(run, code)]
        return [run for run in runs if run.training.backbone == backbone.fingerprint]
    flag = f"--language-adapter {code}="
    run = fetch(parse_reference(key, flag=flag)) if is_reference(key) else store.resolve(key)  # type: ignore[arg-type]
    if not (_is_of(run, code) or _may_be_of(run)):
        raise UsageError(
            f"--language-adapter {code}={key}: {run.name} is not a language adapter of {LANGUAGES[code]}.",
            remedy="`astilts runs` lists what is there.",
        )
    ModelOutline.read(run.folder).check_backbone(backbone, facts)
    return [run]


def several_adapters(found: Mapping[str, Sequence[Run]]) -> UsageError:
    """The error for languages that have several language adapters."""
    listed = "; ".join(
        f"{LANGUAGES[code]} ({code}) has {len(runs)} language adapters: "
        + ", ".join(f"{adapter_label(finished(run))} ({_describe(run)})" for run in runs)
        for code, runs in found.items()
    )
    chosen = ",".join(f"{code}={runs[-1].short_key}" for code, runs in found.items())
    return UsageError(f"{listed}.", remedy=f"Choose with --language-adapter, e.g. --language-adapter {chosen}.")


def _missing(planner: Planner, options: TransferOptions, codes: Sequence[str], *, offered: bool) -> UsageError:
    setup = planner.setup
    shared = as_flags(options, only=set(SHARED) - {"method", "unfreeze_backbone"})
    named = ", ".join(f"{LANGUAGES[code]} ({code})" for code in codes)
    commands = "; ".join(f"astilts train-language {code}{shared}" for code in codes)
    other = " Or give --language-fallback none, en or another language." if offered else ""
    return UsageError(
        f"{setup.store.root} has no language adapter on {setup.backbone.name} for {named}.",
        remedy=f"Train it first: {commands}.{other}",
    )


def _is_of(run: Run, code: str) -> bool:
    spec = run.spec.made if isinstance(run.spec, SharedSpec) else run.spec
    return (
        spec is not None and spec.stage == "train-language" and spec.task == MLM and spec.only.data.languages == (code,)
    )


def _may_be_of(run: Run) -> bool:
    """Whether nothing is known of what a single adapter was trained on."""
    blocks = ModelOutline.read(run.folder).description.blocks
    return isinstance(run.spec, SharedSpec) and run.spec.made is None and len(blocks) == 1


def _describe(run: Run) -> str:
    spec = run.training
    return f"{spec.method}, {run.metrics['train_examples']:,} examples, seed {spec.seed}"
