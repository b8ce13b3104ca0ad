"""Finding shared models: in registries by their entries, on the Hub by tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from adapterstilts.commands.models.shared import same_tasks
from adapterstilts.commands.options import SearchOptions
from adapterstilts.errors import UsageError
from adapterstilts.languages import LANGUAGES
from adapterstilts.sharing.registry import Registry
from adapterstilts.sharing.registry_entries import Entry


@dataclass(frozen=True)
class FoundModel:
    """A shared model.

    Attributes:
        reference: What other commands take.
        score: On the English data that selected its checkpoint; None where the place does not say.
    """

    reference: str
    task: str
    backbone: str
    method: str
    languages: list[str]
    score: float | None
    downloads: int | None = None


def run_search(task: str | None, options: SearchOptions, note: Callable[[str], None]) -> list[FoundModel]:
    """Shared models that fit, those of registries first; see `adapterstilts.search`."""
    if not (options.hub or options.registry):
        raise UsageError(
            "--no-hub: without a registry there is nowhere to look.",
            remedy="Name one with --registry, or leave it out.",
        )
    found = [*_in_registries(task, options, note)]
    if options.hub:
        from adapterstilts.sharing.hub import TASK_TAG, find

        found += [
            FoundModel(
                reference=one.repository,
                task="+".join(tag.removeprefix(TASK_TAG) for tag in one.tags if tag.startswith(TASK_TAG)),
                backbone=_tagged(one.tags, "base_model:adapter:") or _tagged(one.tags, "base_model:"),
                method=_tagged(one.tags, "method:"),
                languages=[tag for tag in one.tags if len(tag) in (2, 3) and tag in LANGUAGES],
                score=None,
                downloads=one.downloads,
            )
            for one in find(
                task=task,
                backbone=options.backbone,
                method=options.method,
                language=options.language,
                limit=options.limit,
                note=note,
            )
        ]
    return found


def _in_registries(task: str | None, options: SearchOptions, note: Callable[[str], None]) -> Iterator[FoundModel]:
    for registry in (Registry(url, note) for url in options.registry or ()):
        entries = registry.entries()
        fitting = (entry for entry in entries if _fits(entry, task, options))
        for entry in islice(fitting, options.limit):
            yield FoundModel(
                reference=registry.reference(entry, entries),
                task=entry.task,
                backbone=entry.backbone,
                method=entry.method,
                languages=list(entry.languages),
                score=entry.score,
            )


def _fits(entry: Entry, task: str | None, options: SearchOptions) -> bool:
    return (
        (task is None or same_tasks(entry.task, task))
        and options.backbone in (None, entry.backbone)
        and options.method in (None, entry.method, re.split(r"[\[ ]", entry.method)[0])
        and (options.language is None or options.language in entry.languages)
    )


def _tagged(tags: Sequence[str], beginning: str) -> str:
    return next((tag.removeprefix(beginning) for tag in tags if tag.startswith(beginning)), "")
