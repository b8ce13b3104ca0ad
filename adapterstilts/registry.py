"""Named things: one lookup with suggestions, and no silent replacement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from adapterstilts.errors import unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to entries of one sort.

    Args:
        what: What an entry is called in error messages, e.g. `"method"`.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Registers `entry`; a name can be given only once.

        Raises:
            ValueError: `name` is already taken.
        """
        if name in self._entries:
            raise ValueError(f"{self.what} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda entry: self.add(name, entry)

    def get(self, name: str) -> T:
        """Returns the entry called `name`.

        Raises:
            UsageError: There is no such entry; the message suggests near names.
        """
        if name not in self._entries:
            raise unknown(self.what, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries[name] for name in self.names())

    def __len__(self) -> int:
        return len(self._entries)
