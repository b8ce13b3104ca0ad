"""A folder that holds one shared model, checked as far as that is possible before a tensor is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.errors import SharingError
from adapterstilts.files import file_digest, is_folder
from adapterstilts.sharing.contents import ADAPTER_CONFIG, CARD, MOST_FILES, OWN, File, chosen
from adapterstilts.sharing.manifest import Manifest, read_manifest

_DEEPEST = 3


@dataclass(frozen=True)
class Package:
    """A shared model on this disk.

    Attributes:
        place: Where it is from: a folder, `hf://USER/NAME@COMMIT`, a registry, or the package itself.
        files: Those of its files that are read.
        manifest: What adapterstilts said about it; None where another library made it.
        content: SHA-256 of names and contents of its files, the card aside.
    """

    folder: Path
    place: str
    files: tuple[File, ...]
    manifest: Manifest | None
    content: str

    @property
    def bytes(self) -> int:
        """Size of its files together."""
        return sum(file.bytes for file in self.files)


def open_package(folder: Path, *, place: str | None = None, allow_pickle: bool = False) -> Package:
    """Looks at a folder's files, and reads what adapterstilts said about them.

    Args:
        place: Where the folder's content is from, if not from the folder.
        allow_pickle: Whether weights that are there as pickles alone are taken.

    Raises:
        SharingError: It is no folder of a shared model, or one that was changed since it was made.
    """
    where = place or str(folder)
    if not is_folder(folder):
        raise SharingError(f"{where} is not a folder.", remedy="Give the folder of one shared model.")
    files = chosen(listing(folder, where=where), where=where, allow_pickle=allow_pickle)
    names = {file.name for file in files}
    manifest = read_manifest(folder, where=where) if OWN in names else None
    if manifest:
        _check_files(folder, files, manifest, where)
    elif ADAPTER_CONFIG not in names and "config.json" not in names:
        raise SharingError(
            f"{where} has weights, and nothing that says of what: no {OWN}, {ADAPTER_CONFIG} or config.json.",
            remedy="Ask its owner for the file that its library wrote beside the weights.",
        )
    return Package(folder, where, tuple(files), manifest, _content(folder, files))


def listing(folder: Path, *, where: str) -> list[File]:
    """The files below a folder, one more at most than a shared folder may have.

    Raises:
        SharingError: One of them is a link, or no file that can be read.
    """
    found: list[File] = []
    for entry, name in _walk(folder, ""):
        if entry.is_symlink():
            raise SharingError(
                f"{where}: {name} is a link, which could lead anywhere.", remedy="Copy the folder with `cp -rL` first."
            )
        if not entry.is_file(follow_symlinks=False):
            raise SharingError(f"{where}: {name} is no file.", remedy="Leave only the model's files in the folder.")
        found.append(File(name, entry.stat(follow_symlinks=False).st_size))
        if len(found) > MOST_FILES:
            break
    return sorted(found, key=lambda file: file.name)


def _walk(folder: Path, beginning: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{beginning}{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield entry, name
            elif name.count("/") < _DEEPEST and not entry.name.startswith("."):
                yield from _walk(Path(entry.path), f"{name}/")


def _check_files(folder: Path, files: list[File], manifest: Manifest, where: str) -> None:
    """Every file is what it was when the model was shared, and nothing was added that would be read."""
    there = {file.name: file for file in files}
    for name, record in manifest.files.items():
        if name not in there:
            raise SharingError(f"{where}: {name} is missing.", remedy="Get the whole folder again.")
        if there[name].bytes != record.bytes or file_digest(folder / name) != record.sha256:
            raise SharingError(
                f"{where}: {name} is not what it was when the model was shared (SHA-256 {record.sha256[:12]}…).",
                remedy="Get the whole folder again; if it stays so, ask its owner.",
            )
    if added := sorted(there.keys() - manifest.files.keys() - {OWN, CARD}):
        raise SharingError(f"{where}: {added[0]} is not among the files that {OWN} lists.", remedy="Take it out.")


def _content(folder: Path, files: list[File]) -> str:
    digest = hashlib.sha256()
    for file in files:
        if file.name != CARD:
            digest.update(f"{file.name}\0{file_digest(folder / file.name)}\n".encode())
    return digest.hexdigest()
