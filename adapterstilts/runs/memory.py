"""What takes long to find out and never changes, kept on disk.

A command that is answered from the store would otherwise import torch just to learn what it knew the last time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts import __version__
from adapterstilts.errors import UsageError
from adapterstilts.files import write_json

FOLDER = "ASTILTS_CACHE"
"""The environment variable that names another folder for facts than the user's cache."""


@dataclass(frozen=True)
class Memory:
    """Facts as JSON files.

    Attributes:
        folder: Where they are; it can be deleted at any time.
    """

    folder: Path

    @classmethod
    def of_user(cls) -> Memory:
        """The facts that all stores of a user share, since what decides one is part of its name.

        Raises:
            UsageError: No folder is given, and the user has no home.
        """
        if given := os.environ.get(FOLDER):
            return cls(Path(given))
        try:
            cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        except RuntimeError:
            raise UsageError("This user has no home folder.", remedy=f"Set {FOLDER} to a folder for a cache.") from None
        return cls(Path(cache) / "adapterstilts")

    def recall(self, *what: str, find: Callable[[], Any], again: Callable[[Any], bool] | None = None) -> Any:
        """The fact that `what` names, found out once; errors are not kept.

        Args:
            what: Everything that decides the fact: its sort, identities, versions of libraries.
            find: Finds it out; its result has to be JSON.
            again: Whether a fact that is known is to be found out again.
        """
        path = self._path(what)
        try:
            known = _fact(path)
        except _ABSENT:
            fact = find()
        else:
            if not (again and again(known)):
                return known
            fact = find()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(path, {"what": what, "fact": fact})
        except OSError:  # then it is found out again
            pass
        return fact

    def known(self, *what: str) -> Any:
        """The fact, if it has been found out; None otherwise."""
        try:
            return _fact(self._path(what))
        except _ABSENT:
            return None

    def _path(self, what: tuple[str, ...]) -> Path:
        name = hashlib.sha256("\0".join((__version__, *what)).encode()).hexdigest()[:32]
        return self.folder / f"{name}.json"


# A fact that is not there, or whose file is cut off.
_ABSENT = (OSError, ValueError, KeyError, TypeError)


def _fact(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["fact"]
