"""Files of a repository on the Hugging Face Hub, for data sets that are there as their release's files."""

from __future__ import annotations

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from adapterstilts.errors import DataError, explain_hub
from adapterstilts.tasks.sources import HubSource

_LISTED = 8
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)


def fetch(part: HubSource, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The named files at the pinned commit, from the cache or downloaded to it, and out of the archive if there is one.

    Args:
        names: Paths in the repository; with `archive`, paths in the archive, of which leading folders can be left out.

    Raises:
        HubError: The Hub cannot be reached, or has no such file.
        DataError: The archive is damaged, or does not hold each file exactly once.
    """
    if part.archive is None:
        return tuple(_download(part, name) for name in names)
    folder = _unpacked(part)
    targets = {name: folder / name for name in names}
    absent = {name: target for name, target in targets.items() if not target.is_file()}
    if absent:
        _unpack(_download(part, part.archive), absent, folder, f"{part.archive} of {part.path}")
    return tuple(targets.values())


def fetch_matching(part: HubSource, pattern: str) -> list[Path]:
    """The files at the pinned commit whose paths match, sorted, from the cache or downloaded to it.

    Raises:
        HubError: The Hub cannot be reached and the cache lacks them, or there are none.
    """
    from huggingface_hub import snapshot_download

    with explain_hub(f"{pattern} of the data set {part.path}"):
        folder = snapshot_download(part.path, repo_type="dataset", revision=part.revision, allow_patterns=pattern)
        if found := sorted(Path(folder).glob(pattern)):
            return found
        raise FileNotFoundError("no such files there, or in the cache while the Hub is out of reach")


def _download(part: HubSource, name: str) -> Path:
    from huggingface_hub import hf_hub_download

    with explain_hub(f"{name} of the data set {part.path}"):
        return Path(hf_hub_download(part.path, name, repo_type="dataset", revision=part.revision))


def _unpacked(part: HubSource) -> Path:
    """The folder in the Hub's cache for the contents of an archive."""
    from huggingface_hub import cached_assets_path

    subfolder = f"{part.revision}/{part.archive}"
    return cached_assets_path("adapterstilts", namespace=part.path, subfolder=subfolder)


def _unpack(archive: Path, targets: Mapping[str, Path], folder: Path, where: str) -> None:
    """Writes the wanted files, all or none; another process can do the same at the same time.

    Args:
        targets: Name of a file in the archive to where it belongs.
        folder: On the same disk as the targets.
        where: What the archive is called in errors.
    """
    with TemporaryDirectory(dir=folder) as scratch:
        try:
            found = _extract(archive, list(targets), Path(scratch), where)
        except _DAMAGED as error:
            raise DataError(
                f"{where} cannot be unpacked ({str(error) or type(error).__name__}).",
                remedy=f"Delete {archive.resolve()}, so that it is downloaded again.",
            ) from None
        for name, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            found[name].replace(target)


def _extract(archive: Path, names: list[str], scratch: Path, where: str) -> dict[str, Path]:
    """Name to the copy of the one member that has it."""
    found: dict[str, Path] = {}
    members = []
    for member, file in _members(archive):
        members.append(member)
        for name in names:
            if f"/{member}".endswith(f"/{name}"):
                if name in found:
                    raise DataError(
                        f"{where} has several files {name!r}.", remedy="Name its folder too in 'splits' of the recipe."
                    )
                found[name] = scratch / str(len(found))
                with found[name].open("wb") as copy:
                    shutil.copyfileobj(file, copy)
    if missing := [name for name in names if name not in found]:
        listed = ", ".join(members[:_LISTED]) + (" …" if len(members) > _LISTED else "")
        raise DataError(
            f"{where} has no file {missing[0]!r}; there are: {listed}.", remedy="Mend 'splits' in the recipe."
        )
    return found


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each regular file, in order; links, devices and folders are passed over."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if not info.is_dir() and kind in (0, stat.S_IFREG):
                    with opened.open(info) as file:
                        yield info.filename, file
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None:
                with content:
                    yield member.name, content
