"""Sharing a trained model: on the Hub, or in a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapterstilts import mini
from adapterstilts.commands.options import PushOptions
from adapterstilts.errors import SharingError, UsageError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.runs.leftovers import scratch_folder
from adapterstilts.runs.specs import EvaluateSpec, SharedSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.sharing.card import address_card
from adapterstilts.sharing.contents import CARD
from adapterstilts.sharing.export import Export
from adapterstilts.sharing.incoming import outgoing
from adapterstilts.sharing.manifest import Manifest
from adapterstilts.sharing.package import open_package
from adapterstilts.sharing.references import HubReference, parse_reference
from adapterstilts.sharing.registry import Registry
from adapterstilts.sharing.registry_entries import Entry, describe
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue

_HUB = "hub:"


@dataclass(frozen=True)
class PushResult:
    """What was shared, or would be.

    Attributes:
        name: What the model is called.
        place: Where it is now, as other commands take it; where it would be, for `dry_run`.
        files: Name to size in bytes.
        changed: Whether anything was uploaded; None where nothing was to be.
        url: Where it can be looked at; of a pull request, that.
        licence: Of its training data.
    """

    name: str
    place: str
    files: dict[str, int]
    changed: bool | None
    licence: str
    url: str | None = None
    card: str = field(default="", repr=False)

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(self.files.values())


@in_catalogue
def run_push(run: str, options: PushOptions, note: Callable[[str], None]) -> PushResult:
    """Shares a run; see `adapterstilts.push`."""
    store = options.open_store()
    target = _target(options)
    export = Export.of(trained_run(store, run), store, Catalogue.load(options.tasks))
    _check_licence(export, allowed=options.license_allows)
    backbone = run_backbone(export.run, options.backbone)
    with scratch_folder(store) as scratch:
        folder = scratch / export.name
        manifest = export.write(folder, backbone)
        place = str(target) if isinstance(target, HubReference) else f"{target.name}#{export.name}"
        address_card(folder, _branch(target, options.revision) if isinstance(target, HubReference) else place)
        package = open_package(folder)
        result = PushResult(
            name=export.name,
            place=place,
            files={file.name: file.bytes for file in package.files},
            changed=None,
            licence=export.licence.text,
            card=(folder / CARD).read_text(encoding="utf-8"),
        )
        files = ", ".join(f"{name} ({size:,})" for name, size in result.files.items())
        note(f"{export.name}: {len(result.files)} files, {result.bytes:,} bytes, to {place}: {files}")
        if options.dry_run:
            return result
        if isinstance(target, Registry):
            entry = entry_of(export.name, folder, manifest)
            _, changed = target.push(folder, entry)
            return replace(result, place=target.reference(entry, target.entries()), changed=changed)
        return _on_hub(result, folder, target, options, note)


def has_run(store: RunStore, text: str) -> bool:
    """Whether a key, a folder or a task means a trained model of a store, or several."""
    task, _, key = text.partition("@")
    return any(
        (run.training.task == task and run.key.startswith(key)) or run.key.startswith(text) or run.name == text
        for run in _models(store)
    )


def trained_run(store: RunStore, text: str) -> Run:
    """The trained model of a store that a key, a folder or a task means.

    Raises:
        UsageError: There is none, or several of a task.
    """
    if not text.strip():
        raise UsageError(
            "The run is empty.", remedy="Name a run's key or folder, or a task; `astilts runs` lists them."
        )
    task, _, key = text.partition("@")
    of_task = [run for run in _models(store) if run.training.task == task and run.key.startswith(key)]
    of_task = [run for run in of_task if not isinstance(run.spec, SharedSpec)] or of_task  # rather one's own
    if not key:  # and rather one that knows English alone
        of_task = [run for run in of_task if run.training.shots is None] or of_task
    if len(of_task) == 1:
        return of_task[0].verify()
    if of_task:
        names = {run.key: f"{run.training.task}@{run.short_key}" for run in _models(store)}
        listed = "".join(f"\n  {names[run.key]} ({_told_apart(run, names)})" for run in of_task)
        raise UsageError(f"{store.root} has {len(of_task)} models of {text}.", remedy=f"Choose one:{listed}")
    run = store.resolve(text)
    if isinstance(run.spec, EvaluateSpec):
        raise UsageError(f"{run.name} is an evaluation and not a model.", remedy="`astilts runs` lists models.")
    return run.verify()


def _told_apart(run: Run, names: Mapping[str, str]) -> str:
    """What sets a run apart from others of its task."""
    begun = " + ".join(names.get(key, key[:12]) for key in run.spec.inputs)
    told = [run.spec.stage, f"from {begun}" if begun else "", str(run.training.method), f"seed {run.training.seed}"]
    return ", ".join(filter(None, [*told, str(run.training.shots or "")]))


def _models(store: RunStore) -> list[Run]:
    return [run for run in store.runs() if not isinstance(run.spec, EvaluateSpec)]


def run_backbone(run: Run, given: str | None) -> Backbone:
    """The backbone that a run was trained on.

    Args:
        given: Where it is, if not where the run's record says.

    Raises:
        UsageError: It is not there any more.
    """
    fingerprint, name = run.training.backbone, given or run.provenance["backbone"]
    commit = fingerprint.removeprefix(_HUB) if fingerprint.startswith(_HUB) and not Path(name).is_dir() else None
    if not given and not fingerprint.startswith(_HUB):
        check_folder(name, what=run.name)
    try:
        backbone = locate_backbone(name, revision=commit)
    except UsageError as error:
        raise UsageError(f"{run.name}: {error.message}", remedy="Say where it is with --backbone.") from None
    if backbone.fingerprint != fingerprint:
        raise UsageError(
            f"{run.name} was trained on another backbone than {name} is now.",
            remedy="Say where the one is that it was trained on with --backbone.",
        )
    return replace(backbone, quantization=ModelOutline.read(run.folder).description.quantization)


def check_folder(name: str, *, what: str) -> None:
    """Refuses a backbone that was no one of the Hub and is not here, for which the Hub is not to be asked.

    Raises:
        UsageError: See above.
    """
    if name not in mini.backbone_names() and not Path(name).is_dir():
        raise UsageError(
            f"{what} was trained on a backbone in the folder {name}, which is not here.",
            remedy="Say where it is with --backbone.",
        )


def entry_of(name: str, folder: Path, manifest: Manifest) -> Entry:
    """How a registry lists a model."""
    languages = [code for one in manifest.evaluations for code in one.languages]
    return describe(
        outgoing(folder, lambda text: None),
        name=name,
        task=manifest.spec.task,
        stage=manifest.spec.stage,
        backbone=manifest.base.name,
        fingerprint=manifest.base.fingerprint,
        method=str(manifest.spec.method),
        languages=tuple(dict.fromkeys(languages or manifest.spec.tasks[0].data.languages)),
        score=manifest.metrics.validation_all.get("score", manifest.metrics.best_score),
    )


def _target(options: PushOptions) -> HubReference | Registry:
    text = options.to
    hub_only = {
        "--private": options.private, "--revision": options.revision, "--create-pr": options.create_pr
    }  # fmt: skip
    url, sign, name = text.rpartition("#")
    if sign and "/" not in name:
        raise UsageError(f"--to {text}: a registry names its models itself.", remedy=f"Write --to {url}.")
    looks_like_place = "://" in text and not text.startswith("hf://")
    reference = None if looks_like_place else parse_reference(text, flag="--to")
    if isinstance(reference, HubReference):
        if reference.revision:
            raise UsageError(
                f"--to {text}: a model is pushed to a branch, not to a revision.",
                remedy=f"Write --to {reference.repository} --revision BRANCH.",
            )
        return reference
    if given := [name for name, value in hub_only.items() if value]:
        raise UsageError(f"{given[0]} has no meaning for a registry ({text}).", remedy="Leave it out.")
    if reference is not None and "/" not in text and not text.startswith((".", "~")):
        raise UsageError(
            f"--to {text} is no place.", remedy=f"Write USER/{text} for the Hub, or ./{text} for a folder."
        )
    return Registry(text)


def _branch(target: HubReference, revision: str | None) -> str:
    """Where a model is that was pushed to a branch."""
    return str(replace(target, revision=revision))


def _check_licence(export: Export, *, allowed: bool) -> None:
    if export.licence.forbidden and not allowed:
        tasks = ", ".join(export.licence.forbidden)
        raise SharingError(
            f"The licence of {tasks} does not allow to pass on what was made of its data ({export.licence.text}).",
            remedy="If you have its owner's leave, add --license-allows.",
        )


def _on_hub(
    result: PushResult, folder: Path, target: HubReference, options: PushOptions, note: Callable[[str], None]
) -> PushResult:
    from adapterstilts.sharing.hub import publish

    published = publish(
        folder,
        target.repository,
        private=options.private,
        revision=options.revision,
        create_pr=options.create_pr,
        message=f"{result.name}, by adapterstilts",
        note=note,
    )
    place = f"{target}@{published.commit}"
    return replace(result, place=place, changed=published.changed, url=published.pull_request or published.url)
