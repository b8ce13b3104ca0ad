"""Errors that a user can act on: what was wrong, where it came from, what to do."""

from __future__ import annotations

import difflib
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_SHOWN = 120


class AstiltsError(Exception):
    """Base of every error that adapterstilts raises on purpose.

    Args:
        message: The offending value and the place it came from.
        remedy: What the user can do about it, as one or more imperative sentences.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{message} {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class UsageError(AstiltsError):
    """A name, flag or setting that does not exist or does not fit the others."""

    exit_code = 2


class DataError(AstiltsError):
    """A file or record that does not follow its release format."""


class CompatibilityError(AstiltsError):
    """Weights, backbone, method or composition that cannot be used together."""


class StoreError(AstiltsError):
    """A run folder that is missing, damaged or cannot be written."""


class SharingError(AstiltsError):
    """A shared folder, or a place for them, that is not what it should be or cannot be used safely."""


class HubError(AstiltsError):
    """The Hugging Face Hub could not deliver a file."""


class GraphError(CompatibilityError):
    """Kernels could not be recorded as a graph, after which their process computes nothing more on its GPU."""


class ProcessLostError(AstiltsError):
    """A process of several has failed or is gone, so that the others cannot go on.

    Attributes:
        ranks: The processes that have, as far as it is known.
    """

    def __init__(self, message: str, *, remedy: str | None = None, ranks: Iterable[int] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.ranks = frozenset(ranks)


def unknown(what: str, value: str, options: Iterable[str]) -> UsageError:
    """Builds the error for a name that is not among `options`, with the nearest ones suggested."""
    names = sorted(options)
    value = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    lower = {name.lower(): name for name in names}
    # Two letters of a language's code have as much in common with most others.
    near = difflib.get_close_matches(value.lower(), lower, n=3, cutoff=0.5) if len(value) > 2 else []
    close = [lower[name] for name in near]
    if close:
        remedy = f"Did you mean {' or '.join(repr(name) for name in close)}?"
    else:
        remedy = f"Choose from: {', '.join(names)}." if names else "None is there."
    return UsageError(f"Unknown {what} {value!r}.", remedy=remedy)


@contextmanager
def explain_hub(what: str) -> Iterator[None]:
    """Turns the many ways in which the Hub can be out of reach into one line with the two remedies."""
    try:
        yield
    except AstiltsError:
        raise
    except (OSError, ValueError) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HubError(
            f"Could not get {what} from the Hugging Face Hub: {reason.rstrip('.')}.",
            remedy="Without the Hub, use --profile mini, or local copies with --data-dir and --backbone.",
        ) from error


def sendable(error: Exception) -> Exception:
    """An error, or what can be said of one that does not cross to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
