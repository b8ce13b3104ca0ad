"""Named things: one lookup with suggestions, no silent replacement, and who brought each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from adapterstilts.errors import UsageError, unknown

T = TypeVar("T")


@dataclass(frozen=True)
class Origin:
    """Who brought a task or an entry of a registry.

    Attributes:
        kind: This `package`, a `folder` of the user's, or the `entry point` of another installed package.
        name: The package's name, or the folder.
    """

    kind: Literal["package", "folder", "entry point"]
    name: str

    def __str__(self) -> str:
        return {"package": "the package", "folder": self.name, "entry point": f"package {self.name}"}[self.kind]


PACKAGE = Origin("package", "adapterstilts")
"""What comes with adapterstilts itself."""


class Registry(Generic[T]):
    """Maps names to entries of one sort.

    Args:
        what: What an entry is called in error messages, e.g. `"method"`.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, tuple[T, Origin]] = {}

    def add(self, name: str, entry: T, *, origin: Origin = PACKAGE) -> T:
        """Registers `entry`. What comes from outside may be registered again by the same origin, and replaces itself.

        Raises:
            ValueError: The package has registered `name` already.
            UsageError: `name` is taken by another origin.
        """
        _, owner = self._entries.get(name, (None, None))
        if owner == origin == PACKAGE:
            raise ValueError(f"{self.what} {name!r} is registered twice")
        if owner is not None and owner != origin:
            # The package's own entries are registered when their module is imported, which can be the later of the two.
            newcomer, first = (owner, origin) if origin == PACKAGE else (origin, owner)
            raise UsageError(
                f"{self.what} {name!r} of {newcomer} is already registered by {first}.", remedy="Give it another name."
            )
        self._entries[name] = (entry, origin)
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda entry: self.add(name, entry)

    def get(self, name: str) -> T:
        """Returns the entry called `name`.

        Raises:
            UsageError: There is no such entry; the message suggests near names.
        """
        return self._find(name)[0]

    def origin(self, name: str) -> Origin:
        """Who registered `name`; the errors are those of `get`."""
        return self._find(name)[1]

    def _find(self, name: str) -> tuple[T, Origin]:
        if name not in self._entries:
            raise unknown(self.what, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries[name][0] for name in self.names())

    def __len__(self) -> int:
        return len(self._entries)


_SHARED: dict[str, Registry[Any]] = {}


def shared_registry(what: str) -> Registry[Any]:
    """The registry of this process for entries called `what`, made when it is first asked for.

    Whoever adds to it from outside need not import the module whose own entries it holds, nor what that imports.
    """
    return _SHARED.setdefault(what, Registry(what))


class Additions(Generic[T]):
    """A registry as one origin adds to it.

    Args:
        registry: The registry, which is the whole process's.
        origin: Who adds; see `Registry.add`.
    """

    def __init__(self, registry: Registry[T], origin: Origin) -> None:
        self._registry = registry
        self._origin = origin
        self._added: set[str] = set()

    def add(self, name: str, entry: T) -> T:
        """Registers `entry`.

        Raises:
            ValueError: This origin adds two entries of one name.
            UsageError: `name` is taken by another origin.
        """
        if name in self._added:
            raise ValueError(f"{self._registry.what} {name!r} is registered twice")
        self._registry.add(name, entry, origin=self._origin)
        self._added.add(name)
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda entry: self.add(name, entry)
