"""Named things: one lookup with suggestions, no silent replacement, and who brought each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
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
    """Maps names to entries of one sort: the package's own, and those of the `Entries` in use.

    Args:
        what: What an entry is called in error messages, e.g. `"method"`; `Entries` have theirs by it.
        modules: Those that register the package's entries, by their names in it. They are imported when somebody looks.
    """

    def __init__(self, what: str, modules: Iterable[str] = ()) -> None:
        self.what = what
        self._modules = tuple(f"{__package__}.{one}" for one in modules)
        self._own: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Registers an entry of the package's.

        Raises:
            ValueError: `name` is taken.
        """
        if name in self._own:
            raise ValueError(f"{self.what} {name!r} is registered twice")
        self._own[name] = entry
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda entry: self.add(name, entry)

    def get(self, name: str) -> T:
        """Returns the entry called `name`.

        Raises:
            UsageError: There is no such entry; the message suggests near names.
        """
        known = self._known()
        if name not in known:
            raise unknown(self.what, name, known)
        return known[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._known())

    def __contains__(self, name: str) -> bool:
        return name in self._known()

    def __iter__(self) -> Iterator[T]:
        known = self._known()
        return iter(known[name] for name in sorted(known))

    def __len__(self) -> int:
        return len(self._known())

    def _known(self) -> Mapping[str, T]:
        for module in self._modules:
            import_module(module)
        others = _IN_USE.get().of(self.what)
        for name, (_, origin) in others.items():
            if name in self._own:
                raise _taken(self.what, name, origin, PACKAGE)
        return {**self._own, **{name: entry for name, (entry, _) in others.items()}} if others else self._own


class Entries:
    """Entries of registries that come from outside the package, of one origin or of several.

    They are known to registries while they are in use, and to no one else in the process.
    """

    def __init__(self, *parts: Entries) -> None:
        """All entries of `parts`.

        Raises:
            UsageError: Two origins have entries of one name.
        """
        self._entries: dict[str, dict[str, tuple[Any, Origin]]] = {}
        for part in parts:
            for what, named in part._entries.items():
                for name, (entry, origin) in named.items():
                    self._put(what, name, entry, origin)

    def of(self, what: str) -> Mapping[str, tuple[Any, Origin]]:
        """Name to entry and origin, for the registry of entries called `what`."""
        return self._entries.get(what, {})

    def adding(self, registry: str, origin: Origin) -> Additions:
        """What `origin` adds entries to a registry with.

        Args:
            registry: What its entries are called.
        """
        return Additions(registry, lambda name, entry: self._put(registry, name, entry, origin))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Lets registries know these entries, instead of those that were in use before."""
        token = _IN_USE.set(self)
        try:
            yield
        finally:
            _IN_USE.reset(token)

    def _put(self, what: str, name: str, entry: Any, origin: Origin) -> None:
        _, owner = self.of(what).get(name, (None, origin))
        if owner != origin:
            raise _taken(what, name, origin, owner)
        self._entries.setdefault(what, {})[name] = (entry, origin)


_IN_USE: ContextVar[Entries] = ContextVar("entries in use", default=Entries())  # noqa: B039 (nobody adds to it)


def _taken(what: str, name: str, newcomer: Origin, owner: Origin) -> UsageError:
    return UsageError(
        f"{what} {name!r} of {newcomer} is already registered by {owner}.", remedy="Give it another name."
    )


class Additions:
    """Adds entries of one origin to one registry.

    Args:
        what: What the registry's entries are called.
        put: Takes name and entry.
    """

    def __init__(self, what: str, put: Callable[[str, Any], None]) -> None:
        self._what = what
        self._put = put
        self._added: set[str] = set()

    def add(self, name: str, entry: T) -> T:
        """Registers `entry`.

        Raises:
            ValueError: This origin adds two entries of one name.
        """
        if name in self._added:
            raise ValueError(f"{self._what} {name!r} is registered twice")
        self._put(name, entry)
        self._added.add(name)
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda entry: self.add(name, entry)
