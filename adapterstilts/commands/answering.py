"""A trained model made ready to answer: its weights, the adapter of the texts' language, its temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapterstilts.commands.language_adapters import candidates, several_adapters
from adapterstilts.commands.options import LoadOptions
from adapterstilts.commands.trained_models import TrainedModel
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.runs.store import Run
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.places import Places
from adapterstilts.sharing.registry import Registry

if TYPE_CHECKING:
    from adapterstilts.modeling.transfer_model import TransferModel
    from adapterstilts.stages.answerer import Answerer
    from adapterstilts.stages.calibration import Calibrated

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
    from adapterstilts.stages.answerer import Answerer
    from adapterstilts.stages.calibration import Uncalibrated, find_temperature
    from adapterstilts.stages.collate import build_collator

    run = _language_run(trained, options, note)
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
    if run is not None:
        _use_language_adapter(model, trained, run)
        note(f"Language adapter: {run.name}")
    return Ready(trained, answerer, language, calibrated)


def _language_run(trained: TrainedModel, options: LoadOptions, note: Note) -> Run | None:
    """The language adapter in the place of the one that the model was trained over; None to leave that one there.

    Raises:
        UsageError: There is none of the language, or there are several.
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
        return None
    if code is None:
        note("The texts are read with the language adapter of training; --language CODE takes another one.")
        return None
    setup = trained.setup
    adoption = Adoption(setup.backbone, trained.facts, setup.store, base_differs=options.base_differs,
                        allow_pickle=options.allow_pickle, note=note)  # fmt: skip
    registries = tuple(Registry(url, note) for url in options.registry or ())
    places = Places(setup.store.cache / "shared", registries, options.allow_pickle, note)
    found = candidates(
        setup.store, setup.backbone, trained.facts, code, given.get(code), lambda one: adoption.adopt(places.fetch(one))
    )
    if len(found) > 1:
        raise several_adapters({code: found})
    if found:
        return found[0].verify()
    if code == ENGLISH:  # the one of training, wherever it was brought from
        return None
    raise UsageError(
        f"{setup.store.root} has no language adapter of {LANGUAGES[code]} on {setup.backbone.name}.",
        remedy=f"Train it with `astilts train-language {code}`, give a shared one with --language-adapter {code}=REF, "
        "or leave out --language to read the texts with that of training.",
    )


def _use_language_adapter(model: TransferModel, trained: TrainedModel, run: Run) -> None:
    """Puts a language adapter in the place of the one that the model was trained over, unless it is that."""
    from adapterstilts.modeling.composing import add_language_adapter
    from adapterstilts.modeling.precision import choose_device
    from adapterstilts.modeling.storage import StoredModel

    made = trained.made
    if made and made.language_adapter == run.key:
        return
    drop = made.language_adapter_drop if made else 0
    model.use_language_adapter(add_language_adapter(model, StoredModel.read(run.folder), drop=drop))
    model.to(choose_device(trained.setup.device))
