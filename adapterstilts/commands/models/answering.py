"""A trained model made ready to answer: its weights, the adapter of the texts' language, its temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapterstilts.commands.models.language_runs import LanguageRuns, several_adapters, sum_of_runs
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import LoadOptions
from adapterstilts.commands.options.language_sums import read_sum, written
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.compatibility import check_exchangeable, check_summable
from adapterstilts.runs.store import Run
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.places import Places
from adapterstilts.sharing.registry import Registry

if TYPE_CHECKING:
    from adapterstilts.modeling.transfer_model import TransferModel
    from adapterstilts.stages.answering.answerer import Answerer
    from adapterstilts.stages.answering.calibration import Calibrated
    from adapterstilts.tasks.explained import Said

Note = Callable[[str], None]
_NOT_ASKED = "--no-calibrate was given"


@dataclass(frozen=True)
class Ready:
    """A model that answers.

    Attributes:
        language: Of the texts.
        calibrated: The temperature of its probabilities, or why there is none.
    """

    trained: TrainedModel
    answerer: Answerer
    language: str
    calibrated: Calibrated


def check_language(options: LoadOptions) -> None:
    """Refuses languages that nobody knows, before anything is read.

    Raises:
        UsageError: See above, or language adapters are given for other languages than that of the texts.
    """
    for code in (*([options.language] if options.language else []), *(options.language_adapter or {})):
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)
    given = options.language_adapter or {}
    if given and (options.language is None or options.language not in given):
        raise UsageError(
            f"--language-adapter {','.join(given)}: the texts are not said to be in that language.",
            remedy=f"Say so with --language {next(iter(given))}.",
        )


def make_ready(trained: TrainedModel, options: LoadOptions, note: Note) -> Ready:
    """Loads a model's weights and finds its temperature.

    Raises:
        UsageError: It is over a language adapter, and there is none of the texts' language.
        CompatibilityError: Weights and backbone do not fit together.
    """
    from adapterstilts.modeling.architecture import module_language
    from adapterstilts.stages.answering.answerer import Answerer
    from adapterstilts.stages.answering.calibration import Uncalibrated, find_temperature
    from adapterstilts.stages.collate import build_collator

    runs = _language_runs(trained, options, note)
    model = trained.restore()
    usual = trained.task.data.validation_language if trained.task.data.fingerprints else ENGLISH
    model.use_language_module(usual)
    collator = build_collator(trained.setup, trained.task.encoding.max_length).for_prediction()
    answerer = Answerer(
        model, trained.kind, trained.task.encoding, collator, head=trained.head, calibration=trained.calibration
    )
    calibrated: Calibrated = Uncalibrated(reason=_NOT_ASKED)
    if options.calibrate:
        store = trained.setup.store
        calibrated = find_temperature(trained.run, trained.task, answerer, trained.source, cache=store.cache, note=note)
    answerer.temperature = getattr(calibrated, "value", 1.0)
    language = options.language or usual
    model.use_language_module(language)
    if language != usual and not runs and module_language(model.config, language) is None:
        note(f"--language {language} changes no answer: the model has no adapters or modules of languages.")
    if runs:
        _use_language_adapter(model, trained, runs)
        weights = [(weight, run.name) for weight, run in runs]
        note(f"Language adapter: {written(weights) if len(weights) > 1 else runs[0][1].name}")
    return Ready(trained, answerer, language, calibrated)


def told_of_cut(answerer: Answerer, said: Said) -> str | None:
    """A note on rows of which the beginning alone was read, if there are any."""
    cut = answerer.cut(said)
    if not cut:
        return None
    row = said.rows[cut[0]]
    texts = (value for name, value in row.items() if name not in ("id", "language") and type(value) is str and value)
    return (
        f"Of {len(cut):,} rows only the first {answerer.encoding.max_length} tokens were read, such as that which "
        f"begins {next(texts)!r:.40}"
    )


def _language_runs(trained: TrainedModel, options: LoadOptions, note: Note) -> list[tuple[float, Run]]:
    """The language adapter in the place of the one that the model was trained over, or the terms of a weighted sum.

    Returns:
        Runs with their weights, 1 of one alone; nothing to leave that one there.

    Raises:
        UsageError: There is none of the language, or there are several.
        CompatibilityError: It cannot be exchanged, or added up.
    """
    blocks = ModelOutline.read(trained.run.folder).description.blocks
    over = bool(blocks) and blocks[0].language
    code, given = options.language, options.language_adapter or {}
    if not over:
        if given:
            raise UsageError(
                f"--language-adapter: {trained.run.name} was trained over no language adapter.",
                remedy="Leave it out.",
            )
        return []
    if code is None:
        note("The texts are read with the language adapter of training; --language CODE takes another one.")
        return []
    runs = _there(trained, options, note)
    if terms := read_sum(given.get(code, "")):
        alone = {name: text for name, text in given.items() if not read_sum(text)}
        found = sum_of_runs(terms, runs, alone)
        if missing := [str(term.language) for term, (_, those) in zip(terms, found, strict=True) if not those]:
            raise _none_of(missing[0], trained, "take it out of the sum")
        summed = [(weight, those[0].verify()) for weight, those in found]
        check_summable([ModelOutline.read(run.folder) for _, run in summed])
        return summed
    alone_found = runs.of(code, given.get(code))
    if len(alone_found) > 1:
        raise several_adapters({code: alone_found})
    if alone_found:
        check_exchangeable(ModelOutline.read(alone_found[0].folder))
        return [(1.0, alone_found[0].verify())]
    if code == ENGLISH:  # the one of training, wherever it was brought from
        return []
    raise _none_of(
        code,
        trained,
        f"give a shared one with --language-adapter {code}=REF, or leave out --language to read the texts with that of "
        "training",
    )


def _there(trained: TrainedModel, options: LoadOptions, note: Note) -> LanguageRuns:
    """The language adapters that there are for a model."""
    setup = trained.setup
    adoption = Adoption(setup.backbone, trained.facts, setup.store, base_differs=options.base_differs,
                        allow_pickle=options.allow_pickle, note=note)  # fmt: skip
    registries = tuple(Registry(url, note) for url in options.registry or ())
    places = Places(setup.store.cache / "shared", registries, options.allow_pickle, note)
    return LanguageRuns(setup.store, setup.backbone, trained.facts, lambda one: adoption.adopt(places.fetch(one)))


def _none_of(code: str, trained: TrainedModel, otherwise: str) -> UsageError:
    setup = trained.setup
    return UsageError(
        f"{setup.store.root} has no language adapter of {LANGUAGES[code]} on {setup.backbone.name}.",
        remedy=f"Train it with `astilts train-language {code}`, {otherwise}.",
    )


def _use_language_adapter(model: TransferModel, trained: TrainedModel, runs: list[tuple[float, Run]]) -> None:
    """Puts an adapter, or a sum of several, in the place of the one that the model was trained over, unless it is that.

    Args:
        runs: With their weights.
    """
    from adapterstilts.modeling.composing import add_language_adapter, add_language_sum
    from adapterstilts.modeling.precision import choose_device
    from adapterstilts.modeling.storage import StoredModel

    made = trained.made
    of_training = made.language_adapter if made else None
    if [run.key for _, run in runs] == [of_training]:
        return
    drop = made.language_adapter_drop if made else 0
    parts = [
        (weight, add_language_adapter(model, StoredModel.read(run.folder), drop=drop))
        for weight, run in sorted(runs, key=lambda one: one[1].key)
    ]
    block = add_language_sum(model, "sum_of_languages", parts) if len(parts) > 1 else parts[0][1]
    model.use_language_adapter(block)
    model.to(choose_device(trained.setup.device))
