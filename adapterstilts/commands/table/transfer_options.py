"""What is refused about the options of a transfer before anything is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.models.intermediate_runs import NONE, Intermediates
from adapterstilts.commands.models.language_adapters import check_language_options
from adapterstilts.commands.models.shared import is_strangers
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.table.repetitions import Seeds
from adapterstilts.commands.table.targets import PUBLISHED_FUSION
from adapterstilts.commands.used import check_pooling, check_settings_used, flag, names_of, without_training
from adapterstilts.errors import UsageError
from adapterstilts.languages import is_several, known_language
from adapterstilts.modeling.compositions import COMPOSITIONS
from adapterstilts.modeling.option_text import parse_choice
from adapterstilts.runs.specs import Choice
from adapterstilts.tasks.recipe import Recipe


def parse_composition(options: TransferOptions) -> Choice | None:
    """The composition that was asked for, if one was.

    Raises:
        UsageError: It is unknown, or its text cannot be read.
    """
    if options.composition is None:
        return None
    choice = parse_choice(options.composition, flag="--composition")
    if COMPOSITIONS.get(choice.name).of_seeds:
        raise UsageError(
            f"--composition {choice.name} is for runs that differ in their seed alone.", remedy="Use --average-seeds."
        )
    return choice


def check_options(
    options: TransferOptions, tasks: Sequence[Recipe], names: Sequence[str], composition: Choice | None
) -> None:
    """Refuses options that are unknown, exclude each other, or have no effect on any target.

    Args:
        tasks: The targets.
        names: As in `--from`.

    Raises:
        UsageError: See above.
    """
    for name in options.languages or ():
        if not is_several(name):
            known_language(name)
    trained = [task for task in tasks if task.build_kind().trained]
    check_pooling(options.pooling, tasks)
    _check_retrieval(options, tasks)
    _check_needs_training(options, [task for task in tasks if task not in trained])
    _check_seeds(options, tasks, trained=bool(trained), alone=set(names) == {NONE})
    check_language_options(options)
    _check_language_adapters(options, composition)
    if not trained:
        _check_says_nothing(options, tasks, alone=set(names) == {NONE})
    elif set(names) == {NONE}:
        _check_alone(options)
    check_settings_used(options.settings, tasks, validation_from=options.validation_from, trained=bool(trained))


def chosen_seeds(options: TransferOptions, usual: int, rows: Sequence[Intermediates]) -> Seeds:
    """How many seeds each phase has: of intermediate models that somebody else trained, by default those alone.

    Args:
        usual: How many where nothing is said.

    Raises:
        UsageError: The phases have different numbers, of which neither is one.
    """
    given = options.intermediate_seeds
    target = options.seeds or (given if given and given > 1 else usual)
    if options.average_seeds:
        _check_average(target, given)
        return Seeds(target, 1)
    shared = any(one.run is not None and is_strangers(one.run) for row in rows for one in row)
    intermediate = given or (target if any(rows) and not shared else 1)
    if intermediate not in (1, target):
        raise UsageError(
            f"--intermediate-seeds {intermediate} with --seeds {target}: a model of a row has one seed of both phases.",
            remedy=f"Give {target}, or 1 for one intermediate run under all of them.",
        )
    return Seeds(target, intermediate)


def _check_average(target: int, intermediate: int | None) -> None:
    """Refuses the mean of one model, or of models that do not begin alike."""
    if target < 2:
        raise UsageError("--average-seeds with one seed has nothing to take the mean of.", remedy="Add --seeds 3.")
    if intermediate is not None and intermediate > 1:
        raise UsageError(
            f"--average-seeds and --intermediate-seeds {intermediate} do not go together: only models that begin with "
            "the same weights have a mean that is one.",
            remedy="Leave one of them out.",
        )


def check_rows(options: TransferOptions, tasks: Sequence[Recipe], rows: Sequence[Intermediates]) -> None:
    """Refuses what the number of rows, or of intermediate runs in one, makes impossible.

    Raises:
        UsageError: See above.
    """
    if options.select and options.validation_from == "none":
        raise UsageError(
            "--select picks by English validation scores, and --validation-from none leaves them out.",
            remedy="Leave one of the two out.",
        )
    if options.select and len(rows) < 2:
        raise UsageError(
            "--select has only one row to choose from.", remedy="Name more tasks in --from, or leave it out."
        )
    if options.against is not None and len(rows) < 2 and not options.compare:
        raise UsageError(
            f"--against {options.against!r} has only one row to compare.",
            remedy="Name more tasks in --from, or leave it out.",
        )
    untrained = [task for task in tasks if not task.build_kind().trained]
    if untrained and any(len(row) > 1 for row in rows):
        raise UsageError(
            f"--composition {options.composition}: {names_of(untrained)} is evaluated without training, so several "
            "intermediate runs cannot become one model for it.",
            remedy="Evaluate it in a command of its own, without --composition.",
        )


def _check_seeds(options: TransferOptions, tasks: Sequence[Recipe], *, trained: bool, alone: bool) -> None:
    """Refuses repetitions of what is not there.

    Args:
        alone: Whether there is no intermediate run.
    """
    if options.intermediate_seeds and alone:
        raise UsageError(
            f"--intermediate-seeds {options.intermediate_seeds} has no meaning with --from {NONE}.",
            remedy="Name an intermediate task, or leave it out.",
        )
    if options.seeds and options.seeds > 1 and not trained and alone:
        raise without_training(f"--seeds {options.seeds}", tasks)


def _check_retrieval(options: TransferOptions, tasks: Sequence[Recipe]) -> None:
    """Refuses options about sentence vectors that no target is compared by."""
    kinds = [kind for kind in (task.build_kind() for task in tasks) if not kind.trained]
    for name in ("preset", "layer", "margin"):
        used = [kind for kind in kinds if name == "preset" or name in kind.decisive_options()]
        if getattr(options, name) is not None and not used:
            of = "bucc2018" if name == "margin" else "bucc2018 and tatoeba, which are evaluated without training"
            raise UsageError(f"{flag(name)} has no meaning for {names_of(tasks)}.", remedy=f"It is for {of}.")


def _check_needs_training(options: TransferOptions, untrained: Sequence[Recipe]) -> None:
    """Refuses options that need training for every target."""
    for name, used, lacking in (
        ("--select", options.select, "English validation score to select by"),
        ("--language-adapters", options.language_adapters, "training over the English one"),
        ("--train-languages", bool(options.train_languages), "training data to translate"),
        ("--average-seeds", options.average_seeds, "model to take the mean of"),
    ):
        if used and untrained:
            raise UsageError(
                f"{name}: {names_of(untrained)} is evaluated without training, so there is no {lacking}.",
                remedy="Evaluate it in a command of its own, without this option.",
            )


def _check_says_nothing(options: TransferOptions, tasks: Sequence[Recipe], *, alone: bool) -> None:
    """Refuses options about training where no target is trained.

    Args:
        alone: Whether there is no intermediate run, which `--method` would choose, either.
    """
    for name, given in (
        ("--head reuse", options.head == "reuse"),
        (f"--composition {options.composition}", options.composition is not None),
        (f"--max-train-examples {options.max_train_examples}", options.max_train_examples is not None),
        (f"--seed {options.seed}", options.seed is not None),
        (f"--match {options.match}", options.match != "none" and not options.compare),
        (f"--validation-from {options.validation_from}", options.validation_from is not None),
        (f"--method {options.method}", alone and options.method is not None),
        ("--unfreeze-backbone", alone and options.unfreeze_backbone),
    ):
        if given:
            raise without_training(name, tasks)


def _check_alone(options: TransferOptions) -> None:
    """Refuses options about an intermediate run where there is none."""
    for name, given in (
        ("--head reuse", options.head == "reuse"),
        (f"--composition {options.composition}", options.composition is not None),
    ):
        if given:
            raise UsageError(
                f"{name} has no meaning with --from {NONE}.", remedy="Name an intermediate task, or leave it out."
            )


def _check_language_adapters(options: TransferOptions, composition: Choice | None) -> None:
    if not options.language_adapters:
        return
    for name, given in (("--train-languages", options.train_languages), ("--translate-test", options.translate_test)):
        if given:
            raise UsageError(
                f"{name} and --language-adapters do not go together: translated text is read over the adapter of "
                "another language.",
                remedy="Leave one of them out.",
            )
    if composition == PUBLISHED_FUSION:
        raise UsageError(
            f"--composition {composition}: the target's own adapter cannot be fused from above a language adapter.",
            remedy="Use fuse or fuse[target=one-step], or leave out --language-adapters.",
        )
