"""The stages that a model is made of: its own, and those of the models that it was begun with, wherever these are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapterstilts.errors import StoreError
from adapterstilts.runs.run import KEY_DIGITS
from adapterstilts.runs.shots import Labelled
from adapterstilts.runs.specs import SharedSpec, TrainSpec, key
from adapterstilts.runs.store import Run, RunStore


def lineage(run: Run, store: RunStore, *, whole: bool = False) -> list[TrainSpec]:
    """The trainings behind a model, its own first, each once; behind an evaluation, those of the models that it scores.

    Args:
        store: Where the models before it are; of shared ones, their files say it.
        whole: Whether all of these have to be there; otherwise nothing is said of one that is not.

    Raises:
        StoreError: One is not there, or damaged.
    """
    return list({key(one): one for one in _line(run, store, whole)}.values())


def labelled_behind(run: Run, store: RunStore) -> list[Labelled]:
    """The labelled rows of languages other than English that these were trained on."""
    return labelled_of(lineage(run, store))


def labelled_of(specs: Iterable[TrainSpec]) -> list[Labelled]:
    """The labelled rows of languages other than English that some trainings have, each once."""
    found: dict[str, Labelled] = {}
    for spec in specs:
        for one in (*([spec.shots] if spec.shots else ()), *(rows for task in spec.tasks for rows in task.native)):
            found.setdefault(one.model_dump_json(), one)
    return list(found.values())


def _line(run: Run, store: RunStore, whole: bool) -> Iterator[TrainSpec]:
    spec = run.spec
    if isinstance(spec, SharedSpec):
        yield from (*([spec.made] if spec.made else []), *spec.begun_with)
        return
    if isinstance(spec, TrainSpec):
        yield spec
    for one in (
        *spec.inputs,
        *([spec.language_adapter] if isinstance(spec, TrainSpec) and spec.language_adapter else ()),
    ):
        if model := store.of_key(one):
            yield from _line(model, store, whole)
        elif whole:
            raise StoreError(
                f"{run.name} was begun with the run {one[:KEY_DIGITS]}, which {store.root} does not have, or damaged: "
                "what that was trained on cannot be told.",
                remedy="Name a store that has it with --read-store, or make it again.",
            )
