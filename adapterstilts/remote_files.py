"""Files at any place that fsspec can reach: a folder, or a URL such as `s3://BUCKET/FOLDER`."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from adapterstilts.errors import AstiltsError, SharingError
from adapterstilts.files import sync
from adapterstilts.scrubbing import scrub

T = TypeVar("T")

_CREDENTIALS = "Check the place, and the rights and credentials for it."
_PLACES = "Give a folder, or a URL such as s3://BUCKET/FOLDER."


def is_url(text: str) -> bool:
    """Whether a place is told by a URL, and not by a path."""
    return "://" in text


@dataclass(frozen=True)
class RemoteFiles:
    """A place with files.

    Attributes:
        url: A folder, or a URL that fsspec knows: `file://`, `memory://`, `s3://`, ...
        sort: What it is said to be.
    """

    url: str
    sort: str

    @property
    def name(self) -> str:
        """What it is called where others read it, without a key to it."""
        return scrub(self.url)

    @property
    def driver(self) -> Any:
        """The file system of fsspec.

        Raises:
            SharingError: There is none for such a URL, or its package is not installed.
        """
        return self._opened[0]

    def at(self, name: str) -> str:
        """A file or folder as the driver names it."""
        return f"{self._opened[1].rstrip('/')}/{name}"

    def put(self, source: Path, name: str) -> None:
        """Copies a file there, where it is under its name when all of it has come."""
        from fsspec.implementations.local import LocalFileSystem

        place = self.at(name)
        if type(self.driver) is not LocalFileSystem:
            self.driver.put_file(str(source), place)
            return
        target = Path(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(source, scratch)
            sync(scratch)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)

    def explained(self, what: str, action: Callable[[], T]) -> T:
        """Does it; what goes wrong, in a class of the driver's own, becomes an error with a remedy.

        Args:
            what: What is done, before the place.

        Raises:
            SharingError: See above.
        """
        try:
            return action()
        except AstiltsError:
            raise
        except Exception as error:
            reason = scrub(reason_of(error)).rstrip(".")
            missing = type(error) is FileNotFoundError
        # Outside of `except`, so that the driver's error, which can hold keys, is no part of this one.
        remedy = "Check that it is there; a package that lost a file can be pushed again." if missing else _CREDENTIALS
        raise SharingError(f"Could not {what} {self.name}: {reason}.", remedy=remedy)

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, and the root in it."""
        from fsspec.core import url_to_fs

        try:
            return url_to_fs(self.url)
        except ImportError as error:
            s3 = self.url.startswith(("s3://", "s3a://"))
            raise SharingError(
                f"{self.name} needs a package that is not installed: {scrub(str(error))}.",
                remedy="Run `pip install 'adapterstilts[s3]'`." if s3 else "Install it with pip.",
            ) from None
        except ValueError as error:
            raise SharingError(
                f"{self.name} is no place of {self.sort}: {scrub(str(error))}.", remedy=_PLACES
            ) from None


def reason_of(error: Exception) -> str:
    """One line of what is wrong; what comes from the place itself without control characters."""
    match error:
        case ValidationError():
            first = error.errors()[0]
            inside = ".".join(str(part) for part in first["loc"])
            return f"{inside[:100]!r}: {first['msg']}" if inside else first["msg"]
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    return kind + next((line.strip() for line in str(error).splitlines() if line.strip()), "of unknown reason")
