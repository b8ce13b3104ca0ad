"""Where shared models are: the package itself, folders, the Hub, registries."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from adapterstilts.errors import SharingError
from adapterstilts.sharing.contents import OWN, chosen
from adapterstilts.sharing.package import Package, open_package
from adapterstilts.sharing.references import HUB, FolderReference, HubReference, PlaceReference, RegistryReference
from adapterstilts.sharing.registry import Entry, Registry

SHIPPED = "the package"


@dataclass(frozen=True)
class Places:
    """Fetches shared models.

    Attributes:
        cache: Folder for downloads, which can be made again at any time.
        registries: Those that are looked through, in their order.
        allow_pickle: Whether weights that are there as pickles alone are taken.
        note: Told what is waited for.
    """

    cache: Path
    registries: tuple[Registry, ...] = ()
    allow_pickle: bool = False
    note: Callable[[str], None] = lambda text: None

    def fetch(self, reference: PlaceReference) -> Package:
        """The model at a place, downloaded unless the same was before.

        Raises:
            SharingError: It is no model, or not safe to read.
            HubError: The Hub could not deliver it.
        """
        if isinstance(reference, FolderReference):
            return open_package(reference.path, place=str(reference), allow_pickle=self.allow_pickle)
        if isinstance(reference, RegistryReference):
            registry = Registry(reference.url, self.note)
            return self.fetch_entry(registry, registry.find(reference.name))
        return self._on_hub(reference)

    def _on_hub(self, reference: HubReference) -> Package:
        from adapterstilts.sharing.hub import download, listing, resolve

        repository = reference.repository
        commit = resolve(repository, reference.revision, note=self.note)
        place = f"{HUB}{repository}@{commit}"

        def load(folder: Path) -> None:
            wanted = chosen(listing(repository, commit, note=self.note), where=place, allow_pickle=self.allow_pickle)
            download(repository, commit, wanted, folder, note=self.note)

        return self._kept(f"hub {repository} {commit}", place, load)

    def fetch_entry(self, registry: Registry, entry: Entry) -> Package:
        """A model of a registry."""
        what, place = f"registry {registry.url} {entry.name} {entry.digest}", f"{registry.name}#{entry.name}"
        return self._kept(what, place, lambda folder: registry.download(entry, folder))

    def entries(self) -> Iterator[tuple[Registry, Entry]]:
        """What the registries have, in their order."""
        for registry in self.registries:
            for entry in registry.entries():
                yield registry, entry

    def _kept(self, what: str, place: str, load: Callable[[Path], None]) -> Package:
        """The model in a folder of the cache, to which it is downloaded unless it is there as it came.

        Args:
            what: All that decides its content.
            load: Puts it into a new folder.
        """
        folder = self.cache / hashlib.sha256(f"{what} {self.allow_pickle}".encode()).hexdigest()[:24]
        if folder.is_dir():
            with suppress(SharingError):
                return open_package(folder, place=place, allow_pickle=self.allow_pickle)
            shutil.rmtree(folder)  # it is only a copy
        scratch = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
        try:
            load(scratch)
            scratch.rename(folder)
        except OSError:
            if not folder.is_dir():  # which another process has made meanwhile
                raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return open_package(folder, place=place, allow_pickle=self.allow_pickle)


@lru_cache(maxsize=1)
def shipped() -> tuple[Package, ...]:
    """The adapters for the embedded backbone that the package has."""
    folders = sorted(Path(str(folder)) / "mini" for folder in files("task_adapters").iterdir() if folder.is_dir())
    return tuple(
        open_package(folder, place=f"{SHIPPED}, task_adapters/{folder.parent.name}/mini")
        for folder in folders
        if (folder / OWN).is_file()
    )
