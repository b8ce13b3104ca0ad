"""The Python API: the commands as functions, with the same names and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapterstilts.commands.doctor import BackboneReport, examine
from adapterstilts.commands.methods import list_methods
from adapterstilts.commands.options import (
    IntermediateOptions,
    TrainingOptions,
    TransferOptions,
    TranslationOptions,
    read_options,
)
from adapterstilts.commands.results import MethodCost, TrainResult, TransferResult, TranslationResult
from adapterstilts.commands.train_intermediate import run_separately, run_together
from adapterstilts.commands.train_language import run_language
from adapterstilts.commands.transfer import run_transfer
from adapterstilts.commands.translate import run_translation
from adapterstilts.settings import validate
from adapterstilts.stages.reporter import Reporter, Silent
from adapterstilts.tasks.catalogue import Catalogue


def train_intermediate(tasks: str | Sequence[str], *, reporter: Reporter | None = None, **options: Any) -> TrainResult:
    """Trains one model on an intermediate task in English, or on several, or takes the finished run from the store.

    Several tasks share everything but their heads: one adapter, or with `method="full"` one backbone. What else they
    share, such as learning rate and batch size, is by default what suits the first.

    Args:
        tasks: Names in the catalogue, e.g. `"squad"` or `["squad", "mnli"]`, or `"all"` for every task that the
            source has training data of.
        reporter: Shows progress; by default only the libraries' own messages appear.
        options: Fields of `options.IntermediateOptions` and `specs.Settings`, e.g. `profile="mini", epochs=2`.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    return run_together(_names(tasks), read_options(IntermediateOptions, options), _or_silent(reporter))


def train_separately(
    tasks: str | Sequence[str], *, reporter: Reporter | None = None, **options: Any
) -> list[TrainResult]:
    """Trains a model on each intermediate task, one after the other, as `train_intermediate` does for each alone.

    Args and errors are those of `train_intermediate`; options about sampling have no meaning.
    """
    return run_separately(_names(tasks), read_options(IntermediateOptions, options), _or_silent(reporter))


def _or_silent(reporter: Reporter | None) -> Reporter:
    return Silent() if reporter is None else reporter


def train_language(language: str, *, reporter: Reporter | None = None, **options: Any) -> TrainResult:
    """Trains a language adapter by masked language modelling, or takes the finished run from the store.

    Args:
        language: ISO 639-1 code, e.g. `"de"`.
        reporter: Shows progress; by default only the libraries' own messages appear.
        options: Fields of `options.TrainingOptions` and `specs.Settings`, e.g. `profile="mini", epochs=2`.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    return run_language(language, read_options(TrainingOptions, options), reporter or Silent())


def translate(
    task: str, *, to: str | Sequence[str], model: str, reporter: Reporter | None = None, **options: Any
) -> list[TranslationResult]:
    """Translates the English training rows of a task, or test rows into English, one file for each language.

    Args:
        task: Name in the catalogue.
        to: Languages to translate into, or `"en"` with `from_=["de", "zh"]`.
        model: A sequence-to-sequence model of `transformers`: Hugging Face id or checkpoint folder.
        reporter: Shows progress; by default only the libraries' own messages appear.
        options: Fields of `options.TranslationOptions`, e.g. `profile="mini", beams=4`.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    given = {name: value for name, value in options.items() if value is not None}
    given |= {"to": _names(to), "model": model}
    if "from_" in given:
        given["from_"] = _names(given["from_"])
    return run_translation(
        task, validate(TranslationOptions, given, where="options"), _or_silent(reporter), catalogue=Catalogue.load()
    )


def methods(
    *, profile: str = "paper", backbone: str | None = None, revision: str | None = None, method: str | None = None
) -> list[MethodCost]:
    """The tuning methods, with what each trains and stores on a backbone, of which only the configuration is read.

    Args:
        method: Only this one, with these options.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    return list_methods(profile=profile, backbone=backbone, revision=revision, method=method)


def doctor(*, profile: str = "paper", backbone: str | None = None, revision: str | None = None) -> BackboneReport:
    """What works on a backbone, and why the rest does not; of it only configuration and tokenizer are read.

    Raises:
        AstiltsError: There is no such backbone, or it does not read text.
    """
    return examine(profile=profile, backbone=backbone, revision=revision)


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def transfer(
    from_: str | Sequence[str], to: str | Sequence[str], *, reporter: Reporter | None = None, **options: Any
) -> TransferResult:
    """Trains target tasks in English from intermediate tasks, and scores them in every language.

    Args:
        from_: Intermediate tasks: names, `"TASK@KEY"` for one of several runs, `"all"` that have a run, or `"none"`.
        to: Target tasks.
        reporter: Shows progress; by default only the libraries' own messages appear.
        options: Fields of `options.TransferOptions` and `specs.Settings`, e.g. `profile="mini", epochs=2`.

    Returns:
        For each target a row without intermediate task (unless `baseline=False`), a row per source or, with a
        composition that takes several, for all of them, and with `select=True` the selected row and the oracle's.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    sources = [from_] if isinstance(from_, str) else list(from_)
    targets = [to] if isinstance(to, str) else list(to)
    return run_transfer(
        sources, targets, read_options(TransferOptions, options), Silent() if reporter is None else reporter
    )
