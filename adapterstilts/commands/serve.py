"""Trained models that answer over HTTP, several on one backbone."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Sequence
from multiprocessing import get_all_start_methods

from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import ServeOptions
from adapterstilts.errors import CompatibilityError, UsageError, unknown
from adapterstilts.languages import LANGUAGES
from adapterstilts.stages.reporter import Reporter
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue

_LIBRARIES = ("fastapi", "fastapi_offline", "uvicorn")
EXIT_CODES = {signal.SIGTERM: 0, signal.SIGINT: 130}


@in_catalogue
def run_serve(references: Sequence[str], options: ServeOptions, reporter: Reporter) -> int:
    """Serves until a signal ends it; see `adapterstilts.serve`.

    Returns:
        The code with which a process should end then: 0 after SIGTERM, 130 after SIGINT.
    """
    check_libraries()
    named = name_models(references)
    _check(named, options)
    import torch

    from adapterstilts.commands.models.served import Served
    from adapterstilts.serving.app import Limits
    from adapterstilts.serving.server import listening_socket, serve
    from adapterstilts.stages.answering.together import Together

    if options.threads or options.processes > 1:
        torch.set_num_threads(options.threads or 1)
    at = listening_socket(options.host, options.port)
    try:
        service = Served(Together(), Catalogue.load(options.tasks), options, reporter.note)
        found = [(name, TrainedModel.of(reference, options, reporter.note)) for name, reference in named.items()]
        # Backbones one after the other, since only the last one's weights are at hand for the next model.
        for name, trained in sorted(found, key=lambda one: one[1].setup.backbone.fingerprint):
            service.add(name, trained)
        for line in service.described():
            reporter.note(line)
        limits = Limits(options.max_bytes, options.max_texts, options.max_characters)
        if options.processes > 1 and torch.cuda.is_initialized():
            raise CompatibilityError(
                f"--processes {options.processes}: a GPU is used by one process.", remedy="Leave --processes away."
            )
        ended = serve(service, limits, at, waiting=options.max_waiting, note=reporter.note, processes=options.processes)
    finally:
        at.close()
    return EXIT_CODES.get(signal.Signals(ended), 0)


def check_libraries() -> None:
    """Refuses to begin without the libraries of the extra `serve`.

    Raises:
        CompatibilityError: One is not installed.
    """
    for library in _LIBRARIES:
        if importlib.util.find_spec(library) is None:
            raise CompatibilityError(f"{library} is not installed.", remedy="pip install 'adapterstilts[serve]'.")


def name_models(references: Sequence[str]) -> dict[str, str]:
    """Name to reference: `NAME=REF`, or the reference is the name too.

    Raises:
        UsageError: Two have the same name, or a name or reference is empty.
    """
    found: dict[str, str] = {}
    for given in references:
        name, separator, reference = given.partition("=")
        name, reference = (name, reference) if separator else (given, given)
        if not name or not reference:
            raise UsageError(f"{given!r} is no model.", remedy="Write RUN|REF, or NAME=RUN|REF.")
        if name in found:
            raise UsageError(f"Two models are called {name!r}.", remedy=f"Give one another name: NAME={reference}.")
        found[name] = reference
    return found


def _check(named: dict[str, str], options: ServeOptions) -> None:
    for code in (*([options.language] if options.language else []), *(options.language_adapter or {})):
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)
    if options.processes > 1 and (options.threads or 1) > 1:
        raise UsageError(
            f"--processes {options.processes} --threads {options.threads}: of several processes, each has one thread.",
            remedy="Leave one of them away.",
        )
    if options.processes > 1 and "fork" not in get_all_start_methods():
        raise UsageError(
            f"--processes {options.processes}: processes cannot be copied on this system.",
            remedy="Leave --processes away.",
        )
    if options.task and len(named) > 1:
        raise UsageError(
            f"--task {options.task} says which head of one model is meant, and there are {len(named)} models.",
            remedy="Start a server for that model alone.",
        )
