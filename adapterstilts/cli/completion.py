"""What a shell may complete: tasks, languages, backbones, methods, runs and files, by what a flag's value is called."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from adapterstilts.errors import AstiltsError

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completer(metavar: str) -> Completer | None:
    """What completes a value that is called `metavar`, e.g. `TASK[@KEY]|REF,...`; None for what has no names.

    Of a list with commas the last name is completed.
    """
    words = set(re.findall(r"[A-Z]+", metavar.partition("=")[0]))
    sources = [source for word, source in _SOURCES.items() if word in words]
    if metavar.startswith("NAME[OPTION"):
        sources = [_methods]
    if not sources and "FILE" not in words:
        return None

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, begun = incomplete.rpartition(",") if "," in metavar else ("", "", incomplete)
        try:
            found = [name for source in sources for name in source(ctx) if name.startswith(begun)]
        except AstiltsError:  # the command itself says it, where it does not stand in the line that is typed
            found = []
        items = [CompletionItem(f"{before}{comma}{name}") for name in dict.fromkeys(found)]
        return items or ([CompletionItem(incomplete, type="file")] if "FILE" in words or "REF" in words else [])

    return complete


def _tasks(ctx: click.Context) -> Iterable[str]:
    from adapterstilts.tasks.catalogue import Catalogue

    # Where the package looks when the flag is not given.
    folders = ctx.params.get("tasks") or os.environ.get("ASTILTS_TASKS", "").split(os.pathsep)
    return Catalogue.load([Path(one) for one in folders if one]).names()


def _languages(ctx: click.Context) -> Iterable[str]:
    from adapterstilts.languages import LANGUAGES

    return LANGUAGES


def _methods(ctx: click.Context) -> Iterable[str]:
    from adapterstilts.modeling.methods import METHODS

    return METHODS.names()


def _backbones(ctx: click.Context) -> Iterable[str]:
    from adapterstilts.mini import backbone_names

    return backbone_names()


def _runs(ctx: click.Context) -> Iterator[str]:
    from adapterstilts.commands.options.values import split_paths
    from adapterstilts.remote_files import is_url
    from adapterstilts.runs.store import RunStore

    store = Path(ctx.params.get("store") or os.environ.get("ASTILTS_STORE", "") or "astilts-runs")
    others = ctx.params.get("read_store") or split_paths(os.environ.get("ASTILTS_READ_STORE", ""))
    found = RunStore(store, tuple(Path(one) for one in others if not is_url(str(one)))).runs()
    yield from (f"{run.spec.task}@{run.short_key}" for run in found)


_SOURCES = {
    "TASK": _tasks, "CODE": _languages, "BACKBONE": _backbones, "KEY": _runs, "RUN": _runs, "RUNS": _runs,
}  # fmt: skip
