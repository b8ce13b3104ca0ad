"""Language adapters of a transfer: one to train over, and one for each language to evaluate (Pfeiffer et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapterstilts.commands.damaged import stage_of
from adapterstilts.commands.models.language_runs import LanguageRuns, adapter_label, several_adapters, sum_of_runs
from adapterstilts.commands.models.shared import SharedModels
from adapterstilts.commands.options import SHARED, TransferOptions, as_flags
from adapterstilts.commands.options.language_sums import Term, read_sum, written
from adapterstilts.errors import CompatibilityError, UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, context_language
from adapterstilts.modeling.methods import computes_otherwise
from adapterstilts.stages.evaluation_spec import NO_LANGUAGE_ADAPTER, LanguageSum
from adapterstilts.stages.graph import Training
from adapterstilts.stages.planner import Planner


@dataclass(frozen=True)
class LanguageAdapters:
    """The language adapters of one command.

    Attributes:
        own: Language to the stage of its run.
        fallback: What languages without a run get: a language, a sum as it was written, `none`, or nothing, which is an
            error.
        drop: Last layers of the backbone in which they are left out (MAD-X 2.0: Pfeiffer et al. 2021, "UNKs
            everywhere").
        sums: Language, or the fallback, to the weighted sum that is taken instead (Klimaszewski et al. 2024).
    """

    own: dict[str, Training]
    fallback: str | None
    drop: int
    sums: dict[str, LanguageSum] = field(default_factory=dict)

    @property
    def english(self) -> Training:
        """The one that target phases are trained over."""
        return self.own[ENGLISH]

    def alone(self, languages: Iterable[str]) -> dict[str, Training | None]:
        """What languages, and pairs by the language of their context, are evaluated with, unless it is a sum."""
        return {name: self.own.get(of) for name in languages if (of := self._adapter_of(name)) not in self.sums}

    def summed(self, languages: Iterable[str]) -> dict[str, LanguageSum]:
        """The weighted sums that the others are evaluated with."""
        return {name: self.sums[of] for name in languages if (of := self._adapter_of(name)) in self.sums}

    def label(self, language: str) -> str:
        """How that is written in results."""
        of = self._adapter_of(language)
        if of in self.sums:
            used = written([(weight, adapter_label(stage)) for weight, stage in self.sums[of]])
        else:
            used = adapter_label(self.own[of]) if of in self.own else NO_LANGUAGE_ADAPTER
        return f"{used} (fallback)" if of != context_language(language) else used

    def _adapter_of(self, language: str) -> str:
        """The language whose adapter or sum it is evaluated with, or the fallback."""
        code = context_language(language)
        return code if code in self.own or code in self.sums else self.fallback or NO_LANGUAGE_ADAPTER

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
    if options.language_fallback != NO_LANGUAGE_ADAPTER:
        codes += _language(options.language_fallback)
    for code in codes:
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)
    if read_sum(sum_of_english := (options.language_adapter or {}).get(ENGLISH, "")):
        raise UsageError(
            f"--language-adapter {ENGLISH}={sum_of_english}: target phases are trained over a single adapter.",
            remedy="Give sums to other languages.",
        )


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
    if computes_otherwise(method):
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
    fallback, given = options.language_fallback, options.language_adapter or {}
    sums = {code: terms for code, text in given.items() if (terms := read_sum(text))}
    codes = list(dict.fromkeys([ENGLISH, *map(context_language, languages)]))
    if fallback != NO_LANGUAGE_ADAPTER:
        codes += [code for code in _language(fallback) if code not in codes]
    if terms := read_sum(fallback or ""):
        sums[str(fallback)] = terms
    _check_used(given, codes, sums)
    setup = planner.setup
    runs = LanguageRuns(setup.store, setup.backbone, planner.facts, models.at)
    alone = {code: text for code, text in given.items() if code not in sums}
    found = {code: runs.of(code, alone.get(code)) for code in codes if code not in sums}
    if several := {code: runs for code, runs in found.items() if len(runs) > 1}:
        raise several_adapters(several)
    own = {code: stage_of(runs[0], planner) for code, runs in found.items() if runs}
    optional = set(codes) - {ENGLISH, fallback} if fallback else set()
    if missing := [code for code in found if code not in own and code not in optional]:
        raise _missing(planner, options, missing, offered=ENGLISH not in missing and fallback is None)
    added_up = {code: _added_up(terms, runs, alone, planner, options) for code, terms in sums.items()}
    return LanguageAdapters(own, fallback, options.language_adapter_drop, added_up)


def _added_up(
    terms: Sequence[Term], runs: LanguageRuns, given: Mapping[str, str], planner: Planner, options: TransferOptions
) -> LanguageSum:
    found = sum_of_runs(terms, runs, given)
    if missing := [str(term.language) for term, (_, those) in zip(terms, found, strict=True) if not those]:
        raise _missing(planner, options, missing, offered=False)
    return tuple((weight, stage_of(those[0], planner)) for weight, those in found)


def _language(fallback: str | None) -> list[str]:
    """The language that a fallback is, unless it is a sum or there is none."""
    return [fallback] if fallback and not read_sum(fallback) else []


def _check_used(given: Mapping[str, str], codes: Sequence[str], sums: Mapping[str, Sequence[Term]]) -> None:
    """Refuses adapters of languages that nothing is evaluated in, and that are in no sum either."""
    summed = {term.language for terms in sums.values() for term in terms}
    if unused := [code for code in given if code not in codes and (code in sums or code not in summed)]:
        raise UsageError(
            f"--language-adapter {unused[0]}={given[unused[0]]}: no target is evaluated in {LANGUAGES[unused[0]]}.",
            remedy=f"These are: {', '.join(codes)}.",
        )


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
