"""Shared models as folders: getting one, and saying what one is without getting its weights into memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapterstilts.commands.models.shared import same_tasks
from adapterstilts.commands.options import PullOptions
from adapterstilts.commands.push import has_run, run_backbone, trained_run
from adapterstilts.errors import UsageError
from adapterstilts.files import make_writable, put_in_place
from adapterstilts.runs.leftovers import scratch_folder
from adapterstilts.sharing.card import address_card
from adapterstilts.sharing.export import Export
from adapterstilts.sharing.package import Package, open_package
from adapterstilts.sharing.places import Places, shipped
from adapterstilts.sharing.references import TaskReference, parse_reference
from adapterstilts.sharing.registry import Registry
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue


@dataclass(frozen=True)
class SharedModel:
    """What is known of a shared model.

    Attributes:
        place: Where it is from.
        made: What adapterstilts said when it was shared; None for models of other libraries.
        configuration: What another library wrote about it instead.
        files: Name to size in bytes.
        folder: Where it is now; None where it is not kept.
    """

    place: str
    made: dict[str, Any] | None
    configuration: dict[str, Any] | None
    files: dict[str, int]
    folder: Path | None


@in_catalogue
def run_pull(reference: str, folder: Path, options: PullOptions, note: Callable[[str], None]) -> SharedModel:
    """Gets a shared model, or one of the store; see `adapterstilts.pull`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty.", remedy="Give a folder that is not there yet.")
    _check_backbone(reference, options)
    beside = folder.resolve().parent
    make_writable(beside, said=str(folder))
    with (
        tempfile.TemporaryDirectory(dir=beside, prefix=".pull-") as scratch,
        shared_model(reference, options, note) as package,
    ):
        copy = Path(scratch) / "model"
        for file in package.files:
            (copy / file.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(package.folder / file.name, copy / file.name)
        open_package(copy, place=str(folder), allow_pickle=options.allow_pickle)
        put_in_place(copy, folder)
        place = package.place
    return _described(open_package(folder, place=place, allow_pickle=options.allow_pickle))


@in_catalogue
def run_info(reference: str, options: PullOptions, note: Callable[[str], None]) -> SharedModel:
    """Says what a shared model is; see `adapterstilts.info`."""
    _check_backbone(reference, options)
    with shared_model(reference, options, note) as package:
        described = _described(package)
    return described if package.folder.is_dir() else replace(described, folder=None)


def _check_backbone(reference: str, options: PullOptions) -> None:
    """Refuses a backbone where none is asked for."""
    if options.backbone is None:
        return
    store = options.open_store()
    if not (isinstance(parse_reference(reference), TaskReference) and has_run(store, reference)):
        raise UsageError(
            f"--backbone has no meaning for {reference}, which is no run of {store.root}.", remedy="Leave it out."
        )


@contextmanager
def shared_model(reference: str, options: PullOptions, note: Callable[[str], None]) -> Iterator[Package]:
    """The shared model that a reference means, in a folder that is there as long as it is needed.

    A task is looked for in the store, then in the package, then in the registries.

    Raises:
        UsageError: There is none.
        AstiltsError: It cannot be had, or is not safe to read.
    """
    store = options.open_store()
    registries = tuple(Registry(url, note) for url in options.registry or ())
    places = Places(store.cache / "shared", registries, options.allow_pickle, note)
    parsed = parse_reference(reference)
    if not isinstance(parsed, TaskReference):
        yield places.fetch(parsed)
    elif not has_run(store, reference) and (found := _of_task(parsed, places)):
        yield found
    else:
        run = trained_run(store, reference)
        export = Export.of(run, store, Catalogue.load(options.tasks))
        with scratch_folder(store) as scratch:
            folder = scratch / export.name
            export.write(folder, run_backbone(run, options.backbone))
            address_card(folder, f"./{export.name}")
            yield open_package(folder, place=str(run.folder))


def _of_task(reference: TaskReference, places: Places) -> Package | None:
    """The model of a task that the package, or the first registry with one, has.

    Raises:
        UsageError: A registry has several.
    """
    if reference.key:
        return None
    for package in shipped():
        if package.manifest and same_tasks(package.manifest.spec.task, reference.task):
            return package
    for registry in places.registries:
        entries = registry.entries()
        found = [one for one in entries if same_tasks(one.task, reference.task)]
        if len(found) > 1:
            listed = ", ".join(registry.reference(one, entries) for one in found)
            raise UsageError(
                f"{registry.name} has {len(found)} models of {reference.task}.", remedy=f"Choose one: {listed}."
            )
        if found:
            return places.fetch_entry(registry, found[0])
    return None


def _described(package: Package) -> SharedModel:
    from adapterstilts.modeling.exchange.strict_json import read_object
    from adapterstilts.sharing.contents import ADAPTER_CONFIG

    made = package.manifest.model_dump(mode="json") if package.manifest else None
    name = ADAPTER_CONFIG if (package.folder / ADAPTER_CONFIG).is_file() else "config.json"
    return SharedModel(
        place=package.place,
        made=made,
        configuration=None if made else read_object(package.folder / name),
        files={file.name: file.bytes for file in package.files},
        folder=package.folder,
    )
