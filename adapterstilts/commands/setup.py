"""From options to a setup and a planner: everything that does not depend on a task is resolved and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from adapterstilts.commands.options import TrainingOptions
from adapterstilts.commands.own.tasks import NO_OWN_TASKS, OwnTasks
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.sources.validation_file import ValidationFile
from adapterstilts.data.translation.reading import open_test_translations, open_translations
from adapterstilts.errors import HubError, UsageError
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone, known_backbone, locate_backbone
from adapterstilts.modeling.declared_pooling import declared_pooling
from adapterstilts.modeling.methods import check_method, parse_method
from adapterstilts.modeling.precision import check_device, choose_device, choose_precision
from adapterstilts.modeling.quantization import NF4, check_quantization
from adapterstilts.profiles import Profile, load_profile
from adapterstilts.runs.memory import Memory
from adapterstilts.stages.devices.launch import launched
from adapterstilts.stages.devices.leading import joined
from adapterstilts.stages.planner import Planner, ResolvedMethod
from adapterstilts.stages.setup import Setup

Note = Callable[[str], None]
# Backbones that the Hub could not deliver to this process, which then plans others without asking it.
_OUT_OF_REACH: list[str] = []


def make_planner(
    options: TrainingOptions,
    *,
    method: str | None = None,
    translations: Path | None = None,
    translate_test: Path | None = None,
    own: OwnTasks = NO_OWN_TASKS,
    planned_only: Note | None = None,
) -> Planner:
    """Resolves and checks everything that does not depend on a task.

    Args:
        method: What is trained where the options do not say; default: the profile's.
        translations: Folder of translations to train on, or `mini`; by default, the suite's if it is the source.
        translate_test: Folder of English translations to score, or `mini`; by default, originals are scored.
        own: Tasks that no recipe describes.
        planned_only: If nothing is run, a backbone is enough whose shape is known without the Hub; this is told so.

    Raises:
        UsageError: A name is unknown or a value does not fit.
        CompatibilityError: Backbone, tokenizer, method and number format do not fit together.
        HubError: The backbone is on the Hub and the Hub is out of reach.
    """
    _check_leading()
    profile, memory = load_profile(options.profile), Memory.of_user()
    given = parse_method(options.method or method or profile.method, unfreeze_backbone=options.unfreeze_backbone)
    resolved = ResolvedMethod.of(given, memory)
    _check_machine(options, resolved)
    source = own.beside(open_source("files" if options.data_dir else profile.source, options.data_dir))
    validation_from, validation_file = _validation(options.validation_from)
    backbone = _planned_backbone(profile, options, planned_only)
    facts = _checked_facts(backbone, resolved, memory)
    precision = choose_precision(options.precision, device=options.device, hidden_size=facts.hidden_size, memory=memory)
    return Planner(
        setup=Setup(
            store=options.open_store(),
            catalogue=own.catalogue(options.tasks),
            source=source,
            backbone=replace(backbone, quantization=NF4) if options.load_in_4bit else backbone,
            device=options.device,
            tokens_per_batch=options.tokens_per_batch,
            compile=options.compile,
            cuda_graphs=options.cuda_graphs,
            translations=open_translations(translations, source, flag="--translations"),
            test_translations=open_test_translations(translate_test, source),
            validation_file=validation_file,
            report_to=options.report_to,
        ),
        facts=facts,
        profile=profile,
        method=resolved,
        precision="bf16" if options.load_in_4bit else precision,
        settings=options.settings,
        seed=profile.seed if options.seed is None else options.seed,
        pooling=options.pooling,
        declared_pooling=declared_pooling(backbone, memory),
        max_train_examples=options.max_train_examples,
        skip_bad_rows=options.skip_bad_rows,
        validation_from=validation_from,
    )


def _check_machine(options: TrainingOptions, method: ResolvedMethod) -> None:
    """Refuses a device that is not there, or that cannot do what is asked of it."""
    check_device(options.device)
    if options.compile and joined():
        raise UsageError(
            "--compile: a backbone is compiled for one process alone, and a launcher has started several.",
            remedy="Leave it out, or start one.",
        )
    if options.load_in_4bit:
        check_quantization(method.spec, options.precision, choose_device(options.device))


def _checked_facts(backbone: Backbone, method: ResolvedMethod, memory: Memory) -> Facts:
    """What is known of a backbone, once a method's sizes are of use there."""
    facts = backbone.facts(memory)
    check_method(method.spec, facts, backbone=backbone.name)
    return facts


def _validation(given: str | None) -> tuple[Literal["train", "none"] | None, ValidationFile | None]:
    """What `--validation-from` says.

    Raises:
        UsageError: There is no such file.
    """
    if given is None:
        return None, None
    if given in ("train", "none"):
        return cast("Literal['train', 'none']", given), None
    if not Path(given).is_file():
        raise UsageError(f"--validation-from {given} is not a file.", remedy="Give train, none or a file.")
    return None, ValidationFile(Path(given).resolve())


def chosen_backbone(profile: Profile, name: str | None, revision: str | None) -> Backbone:
    """The backbone that is named, or the profile's; its pinned revision belongs to that one only.

    Raises:
        UsageError: There is no such folder, or it is no checkpoint.
        HubError: The Hub could not be asked.
    """
    chosen = profile.backbone if name is None else name
    return locate_backbone(chosen, revision=revision or (profile.revision if chosen == profile.backbone else None))


def _planned_backbone(profile: Profile, options: TrainingOptions, note: Note | None) -> Backbone:
    """As `chosen_backbone`; without the Hub, if nothing is run, one whose shape is known here.

    Args:
        note: Told that it is one of these; None where something is run.
    """
    known = known_backbone(options.backbone or profile.backbone) if note else None
    if known and _OUT_OF_REACH:  # it takes long to find that out again
        return known
    try:
        found = chosen_backbone(profile, options.backbone, options.revision)
        if known and note:
            found.facts(Memory.of_user())
    except HubError:
        if known is None or note is None:
            raise
        _OUT_OF_REACH.append(known.name)
        note("The Hub is out of reach: backbones are planned by their published shape, and keys will be others.")
        return known
    return found


def _check_leading() -> None:
    """Refuses a process that a launcher started beside others, and that neither leads nor follows them.

    Raises:
        UsageError: See above.
    """
    if not joined() and (launch := launched()):
        raise UsageError(
            f"This is one of {launch.count} processes of a launcher (torchrun, accelerate launch), in which a Python "
            "function cannot be called.",
            remedy="Have the launcher start the command line: `-m adapterstilts`, and the words of the command.",
        )
