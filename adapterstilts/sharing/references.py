"""What a person writes to mean a model: a task, a folder, a repository on the Hub, or a name in a registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.errors import UsageError
from adapterstilts.files import is_file, is_folder

HUB = "hf://"
_FILE = "file://"
# As the Hub allows them; `..` and `--` inside are refused below.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_FOLDER = re.compile(r"\.{1,2}([/\\]|$)|/|~|[A-Za-z]:[/\\]")


@dataclass(frozen=True)
class TaskReference:
    """A task by its name, perhaps with the first digits of a run's key: it is looked for in several places."""

    task: str
    key: str | None = None


@dataclass(frozen=True)
class FolderReference:
    """A folder that holds one shared model."""

    path: Path

    def __str__(self) -> str:
        text = self.path.as_posix()
        return text if _FOLDER.match(text) else f"./{text}"


@dataclass(frozen=True)
class HubReference:
    """A repository on the Hub.

    Attributes:
        revision: Commit, tag or branch; None for the newest state.
    """

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{HUB}{self.repository}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class RegistryReference:
    """A model of a registry.

    Attributes:
        url: Of the registry; a folder is one too.
    """

    url: str
    name: str

    def __str__(self) -> str:
        return f"{self.url}#{self.name}"


PlaceReference = FolderReference | HubReference | RegistryReference
Reference = TaskReference | PlaceReference


def parse_reference(text: str, *, flag: str = "") -> Reference:
    """Reads `TASK[@KEY]`, a folder (`./…`, `/…`, `~/…`, `file://…`), `[hf://]USER/NAME[@REVISION]`, or `URL#NAME`.

    Args:
        flag: Where it was written, for the message.

    Raises:
        UsageError: It is none of these.
    """
    where = f"{flag} {text}" if flag else repr(text)
    if not text.strip():
        raise UsageError(f"{flag or 'The reference'} is empty.", remedy="Name a task, a folder or a repository.")
    if "#" in text:
        url, _, name = text.rpartition("#")
        if not url or not name:
            raise UsageError(f"{where} is no model of a registry.", remedy="Write DIR#NAME or URL#NAME.")
        return RegistryReference(url, name)
    if text.startswith(_FILE):
        return FolderReference(Path(text.removeprefix(_FILE)))
    if is_file(_expanded(text)):
        raise UsageError(
            f"{where} is a file and no model.",
            remedy="The model comes first: `astilts predict MODEL --input FILE`. A model is a task, a run, a folder "
            "or a repository on the Hub.",
        )
    if text.startswith(HUB):
        return _on_hub(text.removeprefix(HUB), where)
    if _SCHEME.match(text):
        raise UsageError(
            f"{where}: no model can be named so.",
            remedy="Of a registry, write URL#NAME, or give it with --registry and name the task.",
        )
    if _FOLDER.match(text):
        return FolderReference(_expanded(text))
    if "/" in text:
        return _on_hub(text, where)
    task, at, key = text.partition("@")
    if at and not key:
        raise UsageError(f"{where} has no key.", remedy="Write TASK@KEY; `astilts runs` lists the keys.")
    return TaskReference(task, key or None)


def is_reference(text: str) -> bool:
    """Whether a text names a place and not a task."""
    return any(sign in text for sign in "/\\#") or bool(_FOLDER.match(text))


def _expanded(text: str) -> Path:
    """The path that a text is, from the home of the user that it names if there is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _on_hub(text: str, where: str) -> HubReference:
    repository, at, revision = text.partition("@")
    if not _ID.fullmatch(repository) or ".." in repository or "--" in repository:
        folder = f" The folder of this name is ./{text}." if is_folder(Path(text)) else ""
        raise UsageError(
            f"{where} is no name of a repository on the Hub.", remedy=f"Write USER/NAME or USER/NAME@REVISION.{folder}"
        )
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise UsageError(f"{where}: {revision!r} is no revision.", remedy="Give a commit, a tag or a branch.")
    return HubReference(repository, revision or None)
