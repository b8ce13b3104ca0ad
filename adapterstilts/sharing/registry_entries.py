"""What an index of shared folders says about each of them, and the digest that binds it to its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from adapterstilts.files import file_digest
from adapterstilts.settings import Strict, validate
from adapterstilts.sharing.contents import CARD, MOST_FILES, File, is_known

MOST_NAMES = 1_000
MOST_LETTERS = 96
"""Of a package's name."""
_SHORT = 12

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_.+-]{{0,{MOST_LETTERS - 1}}}$")]
Text = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]*$")]


def _file_name(name: str) -> str:
    if not is_known(name, pickles=False):
        raise ValueError(f"{name!r} is no name of a file of a shared folder")
    return name


class EntryFile(Strict):
    """One file of a package."""

    name: Annotated[str, AfterValidator(_file_name)]
    bytes: int = Field(ge=0)
    sha256: Sha256


class Entry(Strict):
    """A package in a registry, as its index describes it.

    Attributes:
        name: Which packages of a registry share only if they are versions of one another.
        digest: SHA-256 over names, sizes and digests of the files.
        stage: What it was trained for: an intermediate task, a target, a language.
        backbone: What the model it belongs to is called, and `fingerprint` what identifies it.
        score: The main one on the rows that selected the checkpoint, in percent.
    """

    schema_version: Literal[1] = 1
    name: Name
    digest: Sha256
    task: Text
    stage: Text
    backbone: Text
    fingerprint: Text
    method: Text
    languages: tuple[Text, ...] = Field((), max_length=MOST_NAMES)
    score: float | None = Field(None, allow_inf_nan=False)
    files: tuple[EntryFile, ...] = Field(min_length=1, max_length=MOST_FILES)

    @model_validator(mode="after")
    def _holds_together(self) -> Entry:
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("a file is named twice")
        if self.digest != package_digest(self.files):
            raise ValueError("the digest is not that of its files")
        return self

    @property
    def key(self) -> str:
        """What its folder and its place in the index are made of."""
        return f"{self.name}-{self.digest[:_SHORT]}"

    @property
    def folder(self) -> str:
        """Where its files are, below the root of a registry."""
        return f"packages/{self.name}/{self.digest[:_SHORT]}"

    @property
    def content(self) -> list[tuple[str, str]]:
        """Names and digests of its files, the card aside."""
        return [(file.name, file.sha256) for file in self.files if file.name != CARD]

    @property
    def listing(self) -> list[File]:
        """Its files, for `contents.chosen`."""
        return [File(file.name, file.bytes, file.sha256) for file in self.files]


def package_digest(files: Iterable[EntryFile]) -> str:
    """SHA-256 of a package: the same for the same files under the same names."""
    rows = sorted((file.name, file.bytes, file.sha256) for file in files)
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def describe(files: Mapping[str, Path], *, name: str, **facts: Any) -> Entry:
    """The entry for files as they are now.

    Args:
        files: Name to file, as `incoming.outgoing` finds them.
        facts: The other attributes of the entry.

    Raises:
        UsageError: The name or another fact is none that an entry may have.
    """
    listed = tuple(
        EntryFile(name=own, bytes=path.stat().st_size, sha256=file_digest(path)) for own, path in sorted(files.items())
    )
    told = {**facts, "name": name, "digest": package_digest(listed), "files": listed}
    return validate(Entry, told, where="the entry of a registry")
