"""What the two modules that use a tuning library have to know of a method."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from adapterstilts.errors import UsageError

_PACKAGE = Path(__file__).parents[1]


class LibraryMethod(Protocol):
    """A method as one of its library's configurations."""

    @property
    def name(self) -> str:
        """What users call it."""

    @property
    def config(self) -> str:
        """Name of the library's configuration class."""

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The values of its fields that make it this method; they are no options."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts where it is several configurations in one, whose options are written `part.option`."""


def config_class(library: ModuleType, method: LibraryMethod) -> Any:
    """The configuration class that a method's entry names.

    Raises:
        ValueError: The library has no such class.
    """
    found = getattr(library, method.config, None)
    if found is None:
        raise ValueError(f"the entry of method {method.name!r} names {method.config!r}, which {library.__name__} lacks")
    return found


@contextmanager
def explain_options(method: LibraryMethod, options: Mapping[str, Any]) -> Iterator[None]:
    """Says of what a library's class does not take that it is an option.

    Raises:
        UsageError: See above.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if is_ours(error):
            raise
        raise UsageError(f"Method {method.name} with options {dict(options)}: {str(error).rstrip('.')}.") from error


def is_ours(error: Exception) -> bool:
    """Whether a line of this package raised an error: a fault of its own, or of an entry, and not of the options."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(_PACKAGE)
